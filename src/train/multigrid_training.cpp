// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/train/multigrid_training.hpp>

#include "train/progress.hpp"
#include "train/training_matrices.hpp"

#include <nopal/multigrid/multigrid_gradient.hpp>
#include <nopal/train/optimizer.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numbers>

namespace nopal {
namespace {

using Network = SmootherNetwork<double>;

// Streams of random numbers.
constexpr std::uint64_t matrix_stream = 1ULL << 32, validation_stream = 2ULL << 32,
                        error_stream = 3ULL << 32, choice_stream = 4ULL << 32;

std::vector<Tensor<double>*> tensors(Network& network) {
  std::vector<Tensor<double>*> all{&network.bias, &network.linear};
  if (network.hidden() > 0)
    all.insert(all.end(), {&network.weight1, &network.bias1, &network.weight2});
  return all;
}

// The weights of the operator in double while they are trained.
class Weights {
 public:
  explicit Weights(const SmootherNetwork<float>& from) {
    network_.dimension = from.dimension;
    network_.bias = cast<double>(from.bias);
    network_.linear = cast<double>(from.linear);
    if (from.hidden() > 0) {
      network_.weight1 = cast<double>(from.weight1);
      network_.bias1 = cast<double>(from.bias1);
      network_.weight2 = cast<double>(from.weight2);
    }
    for (Tensor<double>* tensor : tensors(network_)) {
      parameters_.push_back(
          {"weights" + std::to_string(parameters_.size()), Variable<double>::leaf(*tensor)});
      pointers_.push_back(nullptr);
    }
    for (std::size_t i = 0; i < parameters_.size(); ++i)
      pointers_[i] = &parameters_[i];
  }

  const Network& network() const { return network_; }
  const Parameters<double>& parameters() const { return pointers_; }

  Network zero_gradient() const {
    Network gradient = network_;
    for (Tensor<double>* tensor : tensors(gradient))
      *tensor = Tensor<double>::zeros(tensor->shape());
    return gradient;
  }

  void set_gradient(Network& gradient) {
    std::size_t i = 0;
    for (Tensor<double>* tensor : tensors(gradient)) {
      parameters_[i].variable.clear_gradient();
      parameters_[i++].variable.accumulate(*tensor);
    }
  }

  void store(const LearnedMultigrid<float>& op) {
    SmootherNetwork<float> to = op.network();
    std::vector<Tensor<float>> targets{to.bias, to.linear};
    if (to.hidden() > 0) targets.insert(targets.end(), {to.weight1, to.bias1, to.weight2});
    std::size_t i = 0;
    for (Tensor<double>* tensor : tensors(network_))
      targets[i++].copy_from(cast<float>(*tensor));
  }

 private:
  Network network_;
  std::vector<Parameter<double>> parameters_;
  Parameters<double> pointers_;
};

std::vector<double> random_error(const Grid& grid, const Random& random) {
  std::vector<double> error(static_cast<std::size_t>(grid.extents().size()));
  for (std::size_t i = 0; i < error.size(); ++i)
    error[i] = random.normal(i);
  return error;
}

// One training: matrices by number, those that this rank has.
class Training {
 public:
  Training(LearnedMultigrid<float>& op, const MultigridTrainOptions& options,
           const Communicator& comm)
      : op_(op), options_(options), comm_(comm), weights_(op.network()) {}

  void add_training(const StencilField<double>& matrix) { add(matrix, training_); }
  void add_validation(const StencilField<double>& matrix) { add(matrix, validation_); }

  MultigridTrainResult run() {
    const auto optimizer = make_optimizer<double>("adamw", {{"epsilon", 1e-8}});
    MultigridTrainResult result;
    result.rate_before = result.rate = validate();
    weights_.store(op_);
    report(0, result.rate);
    for (std::int64_t step = 1; step <= options_.steps; ++step) {
      Network gradient = weights_.zero_gradient();
      add_gradients(step, gradient);
      for (Tensor<double>* tensor : tensors(gradient))
        comm_.sum(*tensor);
      weights_.set_gradient(gradient);
      const double progress = static_cast<double>(step - 1) / static_cast<double>(options_.steps);
      clip_gradients_by_norm(weights_.parameters(), gradient_norm(weights_.parameters()), 1);
      optimizer->step(weights_.parameters(),
                      options_.learning_rate * (1 + std::cos(std::numbers::pi * progress)) / 2);
      if (step % options_.validation_interval != 0 && step != options_.steps) continue;
      const double rate = validate();
      report(step, rate);
      if (!(rate < result.rate)) continue;
      result.rate = rate;
      result.best_step = step;
      weights_.store(op_);
    }
    return result;
  }

 private:
  void add(const StencilField<double>& matrix, std::vector<MultigridGradient>& list) const {
    list.emplace_back(matrix, op_.options().multigrid_options());
  }

  void add_gradients(std::int64_t step, Network& gradient) {
    const Slab mine = slab(options_.batch, comm_.rank(), comm_.size());
    const Random choice(options_.seed, choice_stream + static_cast<std::uint64_t>(step));
    comm_.together([&] {
      for (std::int64_t i = mine.first; i < mine.first + mine.count; ++i) {
        const auto index = static_cast<std::uint64_t>(i);
        MultigridGradient& matrix = training_[choice.bits(index) % training_.size()];
        const Random noise(options_.seed,
                           error_stream + (static_cast<std::uint64_t>(step) << 10) + index);
        matrix.loss(weights_.network(), random_error(matrix.grid(), noise), options_.cycles,
                    &gradient, 1 / static_cast<double>(options_.batch));
      }
    });
  }

  // Mean rate of the validation matrices, a part of them on each rank.
  double validate() {
    double sum = 0;
    const auto count = static_cast<std::int64_t>(validation_.size());
    const Slab mine = slab(count, comm_.rank(), comm_.size());
    comm_.together([&] {
      for (std::int64_t i = mine.first; i < mine.first + mine.count; ++i) {
        MultigridGradient& matrix = validation_[static_cast<std::size_t>(i)];
        const Random noise(options_.seed, error_stream + static_cast<std::uint64_t>(i));
        sum += std::exp(
            matrix.loss(weights_.network(), random_error(matrix.grid(), noise), options_.cycles));
      }
    });
    return comm_.sum(sum) / static_cast<double>(count);
  }

  void report(std::int64_t step, double rate) const {
    if (!options_.progress || comm_.rank() > 0) return;
    char line[120];
    std::snprintf(line, sizeof line, "step %5lld/%lld  rate of a cycle %.4f  %s left",
                  static_cast<long long>(step), static_cast<long long>(options_.steps), rate,
                  detail::format_duration(clock_.run() / std::max<double>(1, double(step)) *
                                          double(options_.steps - step))
                      .c_str());
    options_.progress(line);
  }

  LearnedMultigrid<float>& op_;
  const MultigridTrainOptions& options_;
  Communicator comm_;
  Weights weights_;
  std::vector<MultigridGradient> training_, validation_;
  detail::TrainingClock clock_;
};

void check(const MultigridTrainOptions& options) {
  const auto at_least_one = [](const char* name, std::int64_t value) {
    NOPAL_CHECK(value >= 1, "option -", name, ": expected at least 1, got ", value);
  };
  NOPAL_CHECK(options.steps >= 0, "option -steps: expected at least 0, got ", options.steps);
  at_least_one("batch", options.batch);
  at_least_one("matrices", options.matrices);
  at_least_one("validation", options.validation);
  at_least_one("cycles", options.cycles);
  at_least_one("validation_interval", options.validation_interval);
  NOPAL_CHECK(options.points >= 16, "option -points: expected at least 16, got ", options.points);
  NOPAL_CHECK(options.contrast >= 1, "option -contrast: expected at least 1, got ",
              options.contrast);
  NOPAL_CHECK(options.learning_rate > 0, "option -learning_rate: expected more than 0, got ",
              options.learning_rate);
  NOPAL_CHECK(!options.kinds.empty(), "option -kinds: expected at least one kind of matrices");
}

}  // namespace

MultigridTrainResult train_multigrid(LearnedMultigrid<float>& op,
                                     const MultigridTrainOptions& options,
                                     const Communicator& comm) {
  comm.together([&] { check(options); });
  Training training(op, options, comm);
  const auto matrix = [&](std::uint64_t stream, std::int64_t i) {
    const std::string& kind = options.kinds[static_cast<std::size_t>(i) % options.kinds.size()];
    return detail::training_matrix(kind, static_cast<int>(op.options().dimension), options.points,
                                   options.contrast,
                                   Random(options.seed, stream + static_cast<std::uint64_t>(i)));
  };
  comm.together([&] {
    for (std::int64_t i = 0; i < options.matrices; ++i)
      training.add_training(matrix(matrix_stream, i));
    for (std::int64_t i = 0; i < options.validation; ++i)
      training.add_validation(matrix(validation_stream, i));
  });
  return training.run();
}

MultigridTrainResult tune_multigrid(LearnedMultigrid<float>& op, const StencilField<double>& matrix,
                                    const MultigridTrainOptions& options) {
  check(options);
  MultigridTrainOptions one = options;
  one.batch = 1;
  Training training(op, one, {});
  training.add_training(matrix);
  training.add_validation(matrix);
  return training.run();
}

}  // namespace nopal
