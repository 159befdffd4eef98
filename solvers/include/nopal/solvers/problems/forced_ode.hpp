// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/data/function_data.hpp>
#include <nopal/data/gaussian_process.hpp>
#include <nopal/solvers/problems/problem.hpp>

#include <functional>
#include <span>
#include <string>
#include <vector>

namespace nopal {

enum class ForcedOdeKind { antiderivative, nonlinear_ode, pendulum };

/// Options of an ordinary differential equation driven by a random function.
struct ForcedOdeOptions {
  ForcedOdeKind kind = ForcedOdeKind::antiderivative;
  std::int64_t sensors = 100;  ///< m, equally spaced, ends included
  double time = 1;             ///< T
  double length = 0.2;         ///< of the Gaussian process u, see GaussianProcess
  double k = 1;                ///< pendulum: g / l

  /// Options `-<prefix><kind>_...`. Collective.
  static ForcedOdeOptions read(ForcedOdeKind kind, const Communicator& comm,
                               const std::string& prefix);
};

/// s' = f(s, u(t)) on [0, T] with s(0) = 0 and a Gaussian process u: the first problems of Lu et
/// al., Nat. Mach. Intell. 3, 218-229, 2021.
///
/// | name           | equation                                | variables |
/// | -------------- | --------------------------------------- | --------- |
/// | antiderivative | s' = u                                  | s         |
/// | nonlinear_ode  | s' = -s^2 + u                           | s         |
/// | pendulum       | s1' = s2, s2' = -k sin(s1) + u          | s1, s2    |
///
/// Solved by the classical Runge-Kutta method with at least 5 steps between sensors (fourth order,
/// errors below 1e-10 for T = 1). x (m, 1) is u and y (m, C) the solution at the sensors;
/// point_data() has the solution at random times.
class ForcedOde : public Problem {
 public:
  explicit ForcedOde(const ForcedOdeOptions& options, const Communicator& comm = {});

  std::string name() const override;
  Shape x_shape() const override { return {options_.sensors, 1}; }
  Shape y_shape() const override { return {options_.sensors, variables()}; }
  std::map<std::string, std::string> metadata() const override;

  std::int64_t variables() const { return options_.kind == ForcedOdeKind::pendulum ? 2 : 1; }

  /// Samples [first, first + samples) of experiment `seed`, each at `points` random times, uniform
  /// in (0, T): functions (N, m), points (N `points`, 1) with offsets. Collective over
  /// communicator(), whose ranks divide the work; each has all of the result.
  template <class T>
  FunctionData<T> point_data(std::uint64_t seed, std::int64_t first, std::int64_t samples,
                             std::int64_t points) const;

  /// Solution (steps + 1, C) on [0, time] for u at 2 steps + 1 equally spaced times.
  std::vector<double> solve(std::span<const double> u, double time) const;

  /// Solution (C) at any t in [0, T] by cubic Hermite interpolation, of fourth order, between the
  /// values that solve(u, T) gave.
  void interpolate(const std::vector<double>& solution, std::span<const double> u, double t,
                   double* s) const;

 private:
  void make_sample(std::uint64_t seed, std::uint64_t index, const Tensor<double>& x,
                   const Tensor<double>& y) override;
  void right_hand_side(const double* s, double u, double* ds) const;

  ForcedOdeOptions options_;
  std::int64_t stride_;  // intervals of the process between sensors
  GaussianProcess process_;
};

}  // namespace nopal
