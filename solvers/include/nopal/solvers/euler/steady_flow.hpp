// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/solvers/euler/finite_volume.hpp>

namespace nopal::euler {

/// A steady flow on a grid fitted to a shape.
struct SteadyFlow {
  Tensor<double> points;  ///< centres of cells (ny nx, 2), i fastest
  Tensor<double> values;  ///< rho, u, v, p there (ny nx, 4)
  FlowProgress progress;  ///< on the finest grid
};

/// How a steady flow is found.
struct SteadyFlowOptions {
  double tolerance = 1e-3;     ///< of the residual relative to that of the initial state
  std::int64_t steps = 12000;  ///< at most, on the finest grid; a quarter of it on coarser ones
  FiniteVolumeOptions solver = {};
};

/// The steady flow on nx x ny cells: finite volumes with local steps, each grid beginning with the
/// flow on one of half as many cells along both directions, as long as these are at least 32 along
/// one and 16 along the other. Every rank gets the whole flow. `observe` sees the finest grid. With
/// limiters the residual may stay above the tolerance while the flow no longer changes to the eye:
/// then `steps` end it, see progress.residual. Errors as those of FiniteVolumeSolver. Collective.
SteadyFlow steady_flow(std::int64_t nx, std::int64_t ny, const CurvilinearGrid::Mapping& mapping,
                       const Boundaries& boundaries,
                       const std::function<Primitive(const Point&)>& initial,
                       const SteadyFlowOptions& options, const Communicator& comm = {},
                       const FiniteVolumeSolver::Observer& observe = {});

/// Values (ny nx, C) at centres of nx x ny cells of the unit square, i fastest, at (xi, eta):
/// bilinear, constant beyond the outermost centres. Writes C numbers.
void interpolate_cells(const double* values, std::int64_t channels, std::int64_t nx,
                       std::int64_t ny, double xi, double eta, double* result);

}  // namespace nopal::euler
