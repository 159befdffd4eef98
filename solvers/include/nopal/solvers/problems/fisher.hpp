// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/data/function_data.hpp>
#include <nopal/data/gaussian_process.hpp>
#include <nopal/solvers/problems/problem.hpp>
#include <nopal/solvers/problems/reaction_diffusion.hpp>

#include <array>
#include <string>

namespace nopal {

/// The reaction of a Fisher equation: a u (1 - u); a u (1 - u^2); a u (1 - u) exp(-b (1 - u)), its
/// exponential cut after the third term of its series in u.
enum class FisherForm { quadratic, cubic, exponential };

/// Options of Fisher's equation.
struct FisherOptions {
  std::int64_t points = 64;  ///< m, in space, ends included
  std::int64_t times = 20;   ///< frames of the output, the end included and the start not
  std::int64_t solve_refine = 4;
  double diffusion = 0.01;
  double time = 1;
  double length = 0.2;  ///< of the random initial state, see GaussianProcess

  /// Options `-<prefix>fisher_...`. Collective.
  static FisherOptions read(const Communicator& comm, const std::string& prefix = "");
  using Options = FisherOptions;
};

/// Fisher's equation u_t = D u_xx + f(u) on [0, 1] without flux at the ends, with three forms of
/// f, all polynomials: the task that a multi-task operator learns is given by the coefficients of
/// u, u^2, u^3, u^4. Kumar et al., Neural Networks 184, 107113, 2025 (which leaves D and the
/// initial states open).
///
/// On the grid of m points and the times, x (m, times, 5) has u at time 0, 1 / (1 + exp(-2 g)) of a
/// Gaussian process g, and the four coefficients, all the same at all times; y (m, times, 1). Every
/// sample has a form of its own: a quarter each of the first two, half of the third; a in 0.1, 0.2,
/// ..., 1 and b in 0.5, 0.5 + 1/6, ..., 2.
class Fisher : public Problem {
 public:
  using Options = FisherOptions;

  explicit Fisher(const FisherOptions& options, const Communicator& comm = {});

  std::string name() const override { return "fisher"; }
  Shape x_shape() const override { return {options_.points, options_.times, 5}; }
  Shape y_shape() const override { return {options_.points, options_.times, 1}; }
  std::map<std::string, std::string> metadata() const override;

  /// The samples as coefficients (N, 4), initial states (N, m) and solutions at the points (x, t)
  /// of the grid.
  template <class T>
  FunctionData<T> as_functions(const Dataset<T>& samples) const;

  static FisherForm form_of(std::uint64_t seed, std::uint64_t index);
  /// Coefficients of u, ..., u^4.
  static std::array<double, 4> coefficients(FisherForm form, double a, double b);
  static Reaction reaction(const std::array<double, 4>& coefficients);

 private:
  void make_sample(std::uint64_t seed, std::uint64_t index, const Tensor<double>& x,
                   const Tensor<double>& y) override;

  FisherOptions options_;
  GaussianProcess process_;
};

}  // namespace nopal
