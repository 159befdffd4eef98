// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/data/function_data.hpp>
#include <nopal/solvers/euler/steady_flow.hpp>
#include <nopal/solvers/problems/problem.hpp>

#include <array>

namespace nopal {

/// Options of the flow through nozzles.
struct NozzleOptions {
  std::int64_t cells = 128;  ///< along the nozzle; a quarter of it across; a multiple of 4, 32 or
                             ///< more
  double length = 5;         ///< L, in half heights of the throat
  double back_pressure = 0;  ///< at the exit, of the reservoir's; 0: supersonic exit
  double tolerance = 1e-3;   ///< see euler::SteadyFlowOptions
  std::int64_t steps = 6000;
  euler::FiniteVolumeOptions solver = {};

  /// Options `-<prefix>nozzle_...`. Collective.
  static NozzleOptions read(const Communicator& comm, const std::string& prefix = "");
  using Options = NozzleOptions;
};

/// Flow of an ideal gas (gamma = 1.4) from a reservoir through a plane converging-diverging nozzle,
/// sonic near its throat and supersonic behind it, with oblique waves that the bend of the wall
/// makes. Half height h(x) = 1 + (h_in - 1) (1 + cos(pi x / x_t)) / 2 before the throat at x_t, 1 +
/// (h_out - 1) (1 - cos(pi (x - x_t) / (L - x_t))) / 2 behind it; the axis y = 0 is a line of
/// symmetry. 60 designs, as many as those of Peyvan, Kumar, Karniadakis, arXiv 2501.01934 (42 to
/// train, 18 to test): a Halton sequence in h_in in [1.3, 2.5], h_out in [1.3, 2.5] and x_t in
/// [1.5, 2.5]; the seed does not matter. The gas at rest has rho = 1.4, p = 1, T = 1, so that its
/// speed of sound is 1.
///
/// Finite volumes on n by n / 4 cells fitted to the wall. x (n / 4, n, 5) is h_in, h_out, x_t and
/// the coordinates, y (n / 4, n, 5) is rho, u, v, p and T.
class Nozzle : public Problem {
 public:
  using Options = NozzleOptions;
  static constexpr std::int64_t designs = 60;
  using Shape3 = std::array<double, 3>;  ///< h_in, h_out, x_t

  explicit Nozzle(const NozzleOptions& options, const Communicator& comm = {});

  std::string name() const override { return "nozzle"; }
  Shape x_shape() const override;
  Shape y_shape() const override;
  std::map<std::string, std::string> metadata() const override;

  static Shape3 shape_of(std::uint64_t design);
  double half_height(const Shape3& shape, double x) const;

  /// The state of the isentropic quasi-one-dimensional flow at x, supersonic behind the throat.
  euler::Primitive one_dimensional(const Shape3& shape, double x) const;

  /// The flow on the fitted grid, x fastest. Collective.
  euler::SteadyFlow solve(const Shape3& shape,
                          const euler::FiniteVolumeSolver::Observer& observe = {}) const;

  /// Values (n^2 / 4, C) on the fitted grid at other points (P, 2); 0 beyond the wall.
  Tensor<double> at_points(const Tensor<double>& values, const Shape3& shape,
                           const Tensor<double>& points) const;

  /// Samples as parameters (N, 3) and values at each sample's own points.
  template <class T>
  FunctionData<T> as_functions(const Dataset<T>& samples) const;

 private:
  void make_sample(std::uint64_t seed, std::uint64_t index, const Tensor<double>& x,
                   const Tensor<double>& y) override;

  NozzleOptions options_;
};

}  // namespace nopal
