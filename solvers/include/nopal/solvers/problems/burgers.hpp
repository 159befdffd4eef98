// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/core/fft.hpp>
#include <nopal/data/random_field.hpp>
#include <nopal/solvers/problems/problem.hpp>

#include <optional>
#include <span>
#include <vector>

namespace nopal {

/// Options of Burgers' equation.
struct BurgersOptions {
  std::int64_t resolution = 128;  ///< n points of the circle
  std::int64_t solve_refine = 8;  ///< solved on so many times more
  double viscosity = 0.1;
  double time = 1;  ///< of the output
  /// 0: y is u at `time`. K > 0: fields over space and time, (n, K + 1) points (i / n, k time / K):
  /// y is u there, x is u at 0, the same at all times.
  std::int64_t frames = 0;
  double cfl = 0.5;  ///< step in time over (width of a cell / largest speed at first)
  RandomFieldOptions field = default_field();

  static RandomFieldOptions default_field();  ///< N(0, 625 (-Lap + 25)^-2)
  /// Options `-<prefix>burgers_...`. Collective.
  static BurgersOptions read(const Communicator& comm, const std::string& prefix = "");
  using Options = BurgersOptions;
};

/// u_t + u u_x = nu u_xx on the circle [0, 1) with random initial values: the data of Li et al.,
/// ICLR 2021, section 5.1. x (n, 1) is u at 0, y (n, 1) at the end, at x_i = i / n. With `frames`
/// and a viscosity of 0.01 those over space and time of Kossaifi et al., TMLR 2024.
///
/// Fourier in space, the nonlinear term with the upper third of frequencies left out; in time the
/// fourth-order exponential Runge-Kutta method ETDRK4 (Cox, Matthews, J. Comput. Phys. 176, 2002;
/// coefficients by contour integrals, Kassam, Trefethen, SIAM J. Sci. Comput. 26, 2005).
class Burgers : public Problem {
 public:
  using Options = BurgersOptions;

  explicit Burgers(const BurgersOptions& options, const Communicator& comm = {});

  std::string name() const override { return "burgers"; }
  Shape x_shape() const override;
  Shape y_shape() const override { return x_shape(); }
  std::map<std::string, std::string> metadata() const override;

  /// u at `time` for u at 0 on any number of points, by `steps` equal steps. Error if it becomes
  /// infinite: the step was too large.
  std::vector<double> solve(std::span<const double> u, double time, std::int64_t steps) const;
  /// The same at each of `frames` equally spaced times up to `time`, a multiple of which is
  /// `steps`.
  std::vector<std::vector<double>> solve(std::span<const double> u, double time, std::int64_t steps,
                                         std::int64_t frames) const;

 private:
  void make_sample(std::uint64_t seed, std::uint64_t index, const Tensor<double>& x,
                   const Tensor<double>& y) override;

  BurgersOptions options_;
  RandomField field_;
};

}  // namespace nopal
