// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/data/function_data.hpp>
#include <nopal/solvers/euler/steady_flow.hpp>
#include <nopal/solvers/problems/problem.hpp>

#include <string>
#include <vector>

namespace nopal {

/// Options of the flow past semi-ellipses.
struct SemiEllipseOptions {
  std::int64_t cells = 128;  ///< of the fitted grid, along the body and away from it; 16 or more
  std::string points = "fitted";  ///< of samples: centres of those cells, or "uniform": of a box
  double mach = 10;
  double tolerance = 1e-3;     ///< see euler::SteadyFlowOptions
  std::int64_t steps = 12000;  ///< at most, on the finest grid
  euler::FiniteVolumeOptions solver = default_solver();

  static euler::FiniteVolumeOptions default_solver();
  /// Options `-<prefix>semi_ellipse_...`. Collective.
  static SemiEllipseOptions read(const Communicator& comm, const std::string& prefix = "");
  using Options = SemiEllipseOptions;
};

/// Hypersonic flow of an ideal gas (gamma = 1.4) past the front half of an ellipse, x^2 / a^2 + y^2
/// / b^2 = 1, x < 0, whose back at x = 0 it leaves supersonic: the bow shock follows the shape. 36
/// designs as those of the uniform and irregular grids of Peyvan, Kumar, Karniadakis, arXiv
/// 2501.01934, 28 to train and 8 to test: sample i has a = 0.5 + 0.15 (i mod 6), b = 0.5 + 0.1 (i /
/// 6); the seed does not matter. Free stream: rho = 1.4, p = 1, u = M, so that the speed of sound
/// is 1.
///
/// Finite volumes on a grid fitted to the body, n along it by n away from it, from coarse to fine.
/// Samples on "fitted" points: x (n, n, 4) is a, b and the coordinates, y (n, n, 4) is rho, u, v,
/// p. On "uniform" ones, n x n cells of the box -2.6 < x < 0, -2.6 < y < 2.6: x (n, n, 3) is a, b
/// and the mask, 1 in the flow and 0 in the body; y is interpolated, 0 in the body.
class SemiEllipse : public Problem {
 public:
  using Options = SemiEllipseOptions;
  static constexpr std::int64_t designs = 36;

  explicit SemiEllipse(const SemiEllipseOptions& options, const Communicator& comm = {});

  std::string name() const override { return "semi_ellipse"; }
  Shape x_shape() const override;
  Shape y_shape() const override;
  std::map<std::string, std::string> metadata() const override;

  /// a and b of a design.
  static std::array<double, 2> shape_of(std::uint64_t design);

  /// The flow on the fitted grid, the coordinate along the body fastest. Collective.
  euler::SteadyFlow solve(double a, double b,
                          const euler::FiniteVolumeSolver::Observer& observe = {}) const;

  /// `flow`, of the shape a, b, at other points (P, 2): bilinear between centres; 0 in the body,
  /// and the free stream beyond the grid.
  Tensor<double> at_points(const euler::SteadyFlow& flow, double a, double b,
                           const Tensor<double>& points) const;

  /// The points (n^2, 2) of "uniform" samples, x fastest.
  Tensor<double> uniform_points() const;

  /// Samples as parameters a, b (N, 2) and values at points: each sample's own, or shared ones
  /// with a mask.
  template <class T>
  FunctionData<T> as_functions(const Dataset<T>& samples) const;

 private:
  void make_sample(std::uint64_t seed, std::uint64_t index, const Tensor<double>& x,
                   const Tensor<double>& y) override;

  SemiEllipseOptions options_;
};

}  // namespace nopal
