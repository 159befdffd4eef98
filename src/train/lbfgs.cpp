// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/io/option_reader.hpp>

#include "train/line_search.hpp"
#include "train/optimizers.hpp"

#include <algorithm>
#include <cmath>
#include <deque>

namespace nopal::detail {
namespace {

template <class T>
double largest(const Tensor<T>& x) {
  const T* px = x.data();
  double result = 0;
  Kokkos::parallel_reduce(
      "nopal::largest", Kokkos::RangePolicy<ExecutionSpace>(0, x.size()),
      KOKKOS_LAMBDA(std::int64_t i, double& top) {
        const double magnitude = px[i] < 0 ? -double(px[i]) : double(px[i]);
        if (magnitude > top) top = magnitude;
      },
      Kokkos::Max<double>(result));
  return result;
}

template <class T>
double sum_of_magnitudes(const Tensor<T>& x) {
  const T* px = x.data();
  double result = 0;
  Kokkos::parallel_reduce(
      "nopal::magnitudes", Kokkos::RangePolicy<ExecutionSpace>(0, x.size()),
      KOKKOS_LAMBDA(std::int64_t i, double& sum) {
        sum += px[i] < 0 ? -double(px[i]) : double(px[i]);
      },
      result);
  return result;
}

template <class T>
class Lbfgs : public Optimizer<T> {
 public:
  explicit Lbfgs(const nlohmann::json& given) {
    std::int64_t evaluations = search_.maximum_evaluations;
    OptionReader read(given, "lbfgs");
    read("history", history_, 1);
    read("maximum_evaluations", evaluations, 1, 1000);
    read("sufficient_decrease", search_.sufficient_decrease, 0, 0.5);
    read("curvature", search_.curvature, search_.sufficient_decrease, 1);
    read("gradient_tolerance", tolerance_, 0);
    configuration_ = read.finish();
    search_.maximum_evaluations = static_cast<int>(evaluations);
  }

  std::string name() const override { return "lbfgs"; }
  nlohmann::json configuration() const override { return configuration_; }
  bool separable() const override { return false; }
  void set_momentum(double) override {}

  void step(const Parameters<T>& parameters, double learning_rate,
            const std::function<double()>& evaluate) override {
    NOPAL_CHECK(evaluate, "the optimizer lbfgs needs a function that evaluates the loss");
    const std::int64_t size = count(parameters);
    LinePoint start;
    start.value = evaluate();
    if (!std::isfinite(start.value)) return;  // the caller sees the loss; nothing to improve here
    Tensor<T> x({size}), gradient({size});
    pack(parameters, false, x);
    pack(parameters, true, gradient);
    if (largest(gradient) <= tolerance_) return;

    Tensor<T> direction = two_loop(gradient);
    start.slope = dot(gradient, direction);
    if (!(start.slope < 0) || !std::isfinite(start.slope)) {
      pairs_.clear();
      direction = two_loop(gradient);
      start.slope = dot(gradient, direction);
      if (!(start.slope < 0)) return;
    }
    // Without curvature information the length of the gradient says nothing about that of a step.
    const double first_step = pairs_.empty()
                                  ? learning_rate * std::min(1.0, 1 / sum_of_magnitudes(gradient))
                                  : learning_rate;

    Tensor<T> trial({size}), accepted({size}), trial_gradient({size});
    double accepted_step = 0;
    const auto at = [&](double length) {
      trial.copy_from(x);
      axpy(static_cast<T>(length), direction, trial);
      unpack(trial, parameters);
      LinePoint point{length, evaluate(), 0};
      pack(parameters, true, trial_gradient);
      point.slope = dot(trial_gradient, direction);
      // Keep the gradient of the lowest point: most often it is the one accepted.
      if (accepted_step == 0 || point.value <= accepted_value_) {
        accepted.copy_from(trial_gradient);
        accepted_step = length;
        accepted_value_ = point.value;
      }
      return point;
    };
    const LinePoint end = strong_wolfe(start, first_step, search_, at);
    if (end.step == 0) {  // no decrease along this direction: forget it and start afresh
      pairs_.clear();
      unpack(x, parameters);
      return;
    }
    if (accepted_step != end.step) {
      accepted_step = 0;
      at(end.step);
    }
    trial.copy_from(x);
    axpy(static_cast<T>(end.step), direction, trial);
    unpack(trial, parameters);
    axpy(T(-1), x, trial);            // s
    axpy(T(-1), gradient, accepted);  // y
    remember(std::move(trial), std::move(accepted));
  }

  std::map<std::string, Tensor<T>> state() const override {
    std::map<std::string, Tensor<T>> state;
    if (pairs_.empty()) return state;
    const auto rows = static_cast<std::int64_t>(2 * pairs_.size());
    Tensor<T> table({rows, pairs_.front().s.size()});
    std::int64_t row = 0;
    for (const Pair& pair : pairs_) {
      table.slice(row++, 1).copy_from(pair.s);
      table.slice(row++, 1).copy_from(pair.y);
    }
    state["pairs"] = table;
    return state;
  }

  void restore(const std::map<std::string, Tensor<T>>& state) override {
    pairs_.clear();
    for (const auto& [name, table] : state) {
      NOPAL_CHECK(name == "pairs" && table.rank() == 2 && table.extent(0) % 2 == 0,
                  "the state of optimizer lbfgs has no entry \"", name, "\" of shape ",
                  table.shape(), "; it belongs to another optimizer");
      for (std::int64_t row = 0; row < table.extent(0); row += 2)
        remember(table.slice(row, 1).clone().reshape({table.extent(1)}),
                 table.slice(row + 1, 1).clone().reshape({table.extent(1)}));
    }
  }

 private:
  struct Pair {
    Tensor<T> s, y;  // steps and changes of the gradient
    double ys, yy;
  };

  void remember(Tensor<T> s, Tensor<T> y) {
    const double ys = dot(y, s), yy = dot(y, y);
    // Only positive curvature keeps the approximation positive definite.
    if (!(ys > 1e-10 * std::sqrt(yy) * std::sqrt(dot(s, s)))) return;
    if (static_cast<std::int64_t>(pairs_.size()) == history_) pairs_.pop_front();
    pairs_.push_back({std::move(s), std::move(y), ys, yy});
  }

  // -H g by the two-loop recursion (Nocedal, Wright, algorithm 7.4).
  Tensor<T> two_loop(const Tensor<T>& gradient) const {
    Tensor<T> q = gradient.clone();
    scale(T(-1), q);
    std::vector<double> alpha;
    for (auto pair = pairs_.rbegin(); pair != pairs_.rend(); ++pair) {
      alpha.push_back(dot(pair->s, q) / pair->ys);
      axpy(static_cast<T>(-alpha.back()), pair->y, q);
    }
    if (!pairs_.empty()) scale(static_cast<T>(pairs_.back().ys / pairs_.back().yy), q);
    for (const Pair& pair : pairs_) {
      axpy(static_cast<T>(alpha.back() - dot(pair.y, q) / pair.ys), pair.s, q);
      alpha.pop_back();
    }
    return q;
  }

  static void pack(const Parameters<T>& parameters, bool gradients, const Tensor<T>& flat) {
    std::int64_t first = 0;
    for (const Parameter<T>* parameter : parameters) {
      const std::int64_t size = parameter->value().size();
      const Tensor<T> target = flat.slice(first, size);
      target.copy_from(gradients ? gradient_or_zeros(*parameter) : parameter->value());
      first += size;
    }
  }

  static void unpack(const Tensor<T>& flat, const Parameters<T>& parameters) {
    std::int64_t first = 0;
    for (const Parameter<T>* parameter : parameters) {
      parameter->value().copy_from(flat.slice(first, parameter->value().size()));
      first += parameter->value().size();
    }
  }

  std::int64_t history_ = 10;
  WolfeOptions search_;
  double tolerance_ = 0;
  nlohmann::json configuration_;
  std::deque<Pair> pairs_;  // oldest first
  double accepted_value_ = 0;
};

}  // namespace

template <class T>
std::unique_ptr<Optimizer<T>> make_lbfgs(const nlohmann::json& options) {
  return std::make_unique<Lbfgs<T>>(options);
}

template std::unique_ptr<Optimizer<float>> make_lbfgs<float>(const nlohmann::json&);
template std::unique_ptr<Optimizer<double>> make_lbfgs<double>(const nlohmann::json&);

}  // namespace nopal::detail
