// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/profile.hpp>
#include <nopal/core/runtime.hpp>
#include <nopal/train/frozen_parameters.hpp>
#include <nopal/train/schedule.hpp>
#include <nopal/train/step_training.hpp>

#include "train/distributed_optimizer.hpp"
#include "train/progress.hpp"
#include "train/tensor_copies.hpp"

#include <cmath>
#include <cstdio>

namespace nopal {
namespace {

void check(const StepOptions& options) {
  NOPAL_CHECK(options.steps >= 0, "option -steps: expected at least 0, got ", options.steps);
  NOPAL_CHECK(options.validation_interval >= 1,
              "option -validation_interval: expected at least 1, got ",
              options.validation_interval);
  NOPAL_CHECK(options.clip_norm >= 0, "option -clip_norm: expected at least 0, got ",
              options.clip_norm);
}

}  // namespace

template <class T>
StepResult train_steps(Operator<T>& op, const StepLoss<T>& loss, const StepOptions& options,
                       const Communicator& comm, const std::function<double()>& validate) {
  check(options);
  const auto schedule = make_schedule(options.schedule, options.learning_rate,
                                      options.schedule_options, options.steps);
  const FrozenParameters<T> part(op.parameters(), options.trainable);
  detail::DistributedOptimizer<T> optimizer(
      part.trainable(), make_optimizer<T>(options.optimizer, options.optimizer_options), comm);
  NOPAL_CHECK(optimizer.local().separable(), "training by steps: the loss changes from step to ",
              "step, which the line search of ", options.optimizer, " cannot have; use adamw");
  std::vector<Tensor<T>> tensors, best;
  for (const auto& [name, value] : state_tensors(op)) {
    comm.broadcast(value);
    tensors.push_back(value);
  }
  StepResult result;
  result.history.columns = {"step", "learning_rate", "loss", "validation", "seconds"};
  result.best_error = std::numeric_limits<double>::infinity();
  const detail::TrainingClock clock(options.steps, 0, 0);
  double last_line = 0;
  for (std::int64_t step = 0; step < options.steps; ++step) {
    const ScopedRegion region("train_step");
    const double rate = schedule->learning_rate({step, options.steps, 0, 1});
    optimizer.prepare();
    for (const Parameter<T>* parameter : part.trainable())
      parameter->variable.clear_gradient();
    // What goes wrong on one rank must not leave the others waiting in the sum.
    double numbers[2] = {0, 0};
    std::string message;
    try {
      Tape<T> tape;
      const Variable<T> share = loss(step);
      tape.backward(share);
      numbers[0] = static_cast<double>(share.value().item());
    } catch (const std::exception& error) {
      message = error.what();
      numbers[1] = 1;
    }
    optimizer.sum_gradients(numbers);
    if (numbers[1] > 0) comm.together([&] { NOPAL_CHECK(message.empty(), message); });
    NOPAL_CHECK(std::isfinite(numbers[0]), "the loss is ", numbers[0], " in step ", step + 1,
                " (learning rate ", rate, "); try a smaller learning rate");
    optimizer.clip(0, options.clip_norm);
    optimizer.step(rate);
    const bool last = step + 1 == options.steps;
    const bool due = last || (step + 1) % options.validation_interval == 0;
    double error = std::numeric_limits<double>::quiet_NaN();
    if (due) {
      if (validate) error = validate();
      if (!validate || error < result.best_error) {
        result.best_step = step + 1;
        result.best_error = validate ? error : numbers[0];
        if (validate) detail::keep(tensors, best);
      }
      result.history.rows.push_back(
          {static_cast<double>(step + 1), rate, numbers[0], error, clock.run()});
    }
    if (comm.rank() == 0 && options.progress_seconds > 0 &&
        (last || clock.run() - last_line > options.progress_seconds)) {
      last_line = clock.run();
      char line[160];
      std::snprintf(line, sizeof line, "step %lld/%lld  loss %.3e  best validation %.3e  %s left",
                    static_cast<long long>(step + 1), static_cast<long long>(options.steps),
                    numbers[0], result.best_error,
                    detail::format_duration(clock.left(static_cast<double>(step + 1))).c_str());
      if (options.progress)
        options.progress(line);
      else
        log(line);
    }
  }
  for (std::size_t i = 0; i < best.size(); ++i)
    tensors[i].copy_from(best[i]);
  result.seconds = clock.run();
  return result;
}

#define NOPAL_INSTANTIATE(T)                                                               \
  template StepResult train_steps<T>(Operator<T>&, const StepLoss<T>&, const StepOptions&, \
                                     const Communicator&, const std::function<double()>&);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal
