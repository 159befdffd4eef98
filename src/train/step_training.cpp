// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/profile.hpp>
#include <nopal/core/runtime.hpp>
#include <nopal/train/frozen_parameters.hpp>
#include <nopal/train/schedule.hpp>
#include <nopal/train/step_training.hpp>

#include "train/checkpoint.hpp"
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
  NOPAL_CHECK(options.checkpoint_seconds >= 0,
              "option -checkpoint_seconds: expected at least 0, got ", options.checkpoint_seconds);
  NOPAL_CHECK(!options.resume || !options.checkpoint.empty(),
              "option -resume: needs a checkpoint to go on from");
  NOPAL_CHECK(options.clip_norm >= 0, "option -clip_norm: expected at least 0, got ",
              options.clip_norm);
}

// The operator of somebody else as one that a Model can own, for the checkpoint's file.
template <class T>
class View : public Operator<T> {
 public:
  explicit View(Operator<T>& op) : op_(op) {}
  std::string name() const override { return op_.name(); }
  nlohmann::json configuration() const override { return op_.configuration(); }
  Variable<T> forward(std::span<const Variable<T>> inputs) const override {
    return op_.forward(inputs);
  }
  void check_inputs(std::span<const Shape> inputs) const override { op_.check_inputs(inputs); }
  Cost cost(std::span<const Shape> inputs) const override { return op_.cost(inputs); }
  const Parameters<T>& parameters() const override { return op_.parameters(); }
  std::vector<NamedTensor<T>> buffers() const override { return op_.buffers(); }

 private:
  Operator<T>& op_;
};

template <class T>
class StepTraining {
 public:
  StepTraining(Operator<T>& op, const StepLoss<T>& loss, const StepOptions& options,
               const Communicator& comm, const std::function<double()>& validate)
      : loss_(loss),
        options_(options),
        comm_(comm),
        validate_(validate),
        schedule_(make_schedule(options.schedule, options.learning_rate, options.schedule_options,
                                options.steps)),
        part_(op.parameters(), options.trainable),
        optimizer_(part_.trainable(),
                   make_optimizer<T>(options.optimizer, options.optimizer_options), comm),
        model_(std::make_unique<View<T>>(op)) {
    NOPAL_CHECK(optimizer_.local().separable(), "training by steps: the loss changes from step to ",
                "step, which the line search of ", options.optimizer, " cannot have; use adamw");
    for (const auto& [name, value] : state_tensors(op)) {
      comm.broadcast(value);
      tensors_.push_back(value);
    }
    // Of what a checkpoint goes on with, all that decides the steps to come.
    identity_ = {{"steps", options.steps},
                 {"optimizer", options.optimizer},
                 {"optimizer_options", options.optimizer_options},
                 {"learning_rate", options.learning_rate},
                 {"schedule", options.schedule},
                 {"schedule_options", options.schedule_options},
                 {"trainable", options.trainable},
                 {"clip_norm", options.clip_norm},
                 {"validation_interval", options.validation_interval},
                 {"validation", static_cast<bool>(validate)},
                 {"name", options.name}};
    state_.history.columns = {"step", "learning_rate", "loss", "validation", "seconds"};
    if (options.resume) resume();
    clock_ = detail::TrainingClock(options.steps, state_.epoch, state_.seconds);
  }

  StepResult run() {
    bool interrupted = false;
    while (state_.epoch < options_.steps && !interrupted)
      interrupted = step();
    if (!interrupted)
      for (std::size_t i = 0; i < state_.best.size(); ++i)
        tensors_[i].copy_from(state_.best[i]);
    return {state_.history, state_.best_epoch, state_.best_error, clock_.total(), interrupted};
  }

 private:
  // What the ranks agree on in the sum of the gradients.
  enum Number { loss_sum, shares, failures, save_asked, stop_asked, numbers_count };

  // One step; whether the training has to stop.
  bool step() {
    const ScopedRegion region("train_step");
    const std::int64_t index = state_.epoch;
    const double rate = schedule_->learning_rate({index, options_.steps, 0, 1});
    optimizer_.prepare();
    for (const Parameter<T>* parameter : part_.trainable())
      parameter->variable.clear_gradient();
    // What goes wrong on one rank must not leave the others waiting in the sum.
    double numbers[numbers_count] = {};
    std::string message;
    try {
      Tape<T> tape;
      const Variable<T> share = loss_(index);
      if (share.requires_gradient()) {
        tape.backward(share);
        numbers[shares] = 1;
      }
      numbers[loss_sum] = static_cast<double>(share.value().item());
      numbers[stop_asked] = options_.stop && options_.stop() ? 1 : 0;
    } catch (const std::exception& error) {
      message = error.what();
      numbers[failures] = 1;
    }
    if (comm_.rank() == 0 && !options_.checkpoint.empty() &&
        clock_.run() - last_checkpoint_ > options_.checkpoint_seconds)
      numbers[save_asked] = 1;
    optimizer_.sum_gradients(numbers);
    if (numbers[failures] > 0) comm_.together([&] { NOPAL_CHECK(message.empty(), message); });
    NOPAL_CHECK(numbers[shares] > 0, "the loss of step ", index + 1,
                " depends on no parameter on any rank");
    NOPAL_CHECK(std::isfinite(numbers[loss_sum]), "the loss is ", numbers[loss_sum], " in step ",
                index + 1, " (learning rate ", rate, "); try a smaller learning rate");
    optimizer_.clip(0, options_.clip_norm);
    optimizer_.step(rate);
    ++state_.epoch;
    const bool last = state_.epoch == options_.steps, stop = numbers[stop_asked] > 0;
    if (last || state_.epoch % options_.validation_interval == 0) judge(rate, numbers[loss_sum]);
    report(last, numbers[loss_sum]);
    if (!options_.checkpoint.empty() && (last || stop || numbers[save_asked] > 0)) save();
    return stop && !last;
  }

  void judge(double rate, double loss) {
    const double error = validate_ ? validate_() : std::numeric_limits<double>::quiet_NaN();
    if (!validate_ || error < state_.best_error) {
      state_.best_epoch = state_.epoch;
      state_.best_error = validate_ ? error : loss;
      if (validate_) detail::keep(tensors_, state_.best);
    }
    state_.history.rows.push_back(
        {static_cast<double>(state_.epoch), rate, loss, error, clock_.total()});
  }

  void report(bool last, double loss) {
    if (comm_.rank() > 0 || options_.progress_seconds <= 0) return;
    if (!last && clock_.run() - last_line_ <= options_.progress_seconds) return;
    last_line_ = clock_.run();
    char line[160];
    std::snprintf(line, sizeof line, "step %lld/%lld  loss %.3e  best validation %.3e  %s left",
                  static_cast<long long>(state_.epoch), static_cast<long long>(options_.steps),
                  loss, state_.best_error,
                  detail::format_duration(clock_.left(static_cast<double>(state_.epoch))).c_str());
    if (options_.progress)
      options_.progress(line);
    else
      log(line);
  }

  void save() {
    const ScopedRegion region("checkpoint");
    state_.seconds = clock_.total();
    state_.optimizer = optimizer_.state();
    state_.schedule = schedule_->state();
    detail::save_checkpoint(options_.checkpoint, model_, state_, identity_, comm_);
    state_.optimizer.clear();
    last_checkpoint_ = clock_.run();
  }

  void resume() {
    auto state = detail::load_checkpoint(options_.checkpoint, model_, identity_, comm_);
    if (!state) return;
    state_ = std::move(*state);
    optimizer_.restore(state_.optimizer);
    state_.optimizer.clear();
    schedule_->restore(state_.schedule);
  }

  const StepLoss<T>& loss_;
  const StepOptions& options_;
  Communicator comm_;
  const std::function<double()>& validate_;
  std::unique_ptr<Schedule> schedule_;
  FrozenParameters<T> part_;
  detail::DistributedOptimizer<T> optimizer_;
  Model<T> model_;
  nlohmann::json identity_;
  std::vector<Tensor<T>> tensors_;
  detail::TrainingState<T> state_;  // its epochs are steps
  detail::TrainingClock clock_;
  double last_checkpoint_ = 0, last_line_ = 0;  // on the clock of this run
};

}  // namespace

template <class T>
StepResult train_steps(Operator<T>& op, const StepLoss<T>& loss, const StepOptions& options,
                       const Communicator& comm, const std::function<double()>& validate) {
  check(options);
  return StepTraining<T>(op, loss, options, comm, validate).run();
}

#define NOPAL_INSTANTIATE(T)                                                               \
  template StepResult train_steps<T>(Operator<T>&, const StepLoss<T>&, const StepOptions&, \
                                     const Communicator&, const std::function<double()>&);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal
