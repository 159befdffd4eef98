// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/comm/grid.hpp>
#include <nopal/solvers/petsc.hpp>

namespace nopal {

/// The grid of a DMDA: its extents with X1 the last axis (see owned_shape()), its ranks and their
/// boxes, and for its boundary types none and ghosted the rule zero, for mirror reflect, for
/// periodic periodic; stencil and degrees of freedom are the fields' matter. Error for the type
/// twist. Collective on the DMDA.
Grid grid_of(DM dmda);

/// Coordinates (P, d) of the points of a DMDA that this rank owns, in the order of its vectors: x,
/// y, z of the DMDA's coordinates, or of the unit cube if it has none (i / (n - 1), periodic axes i
/// / n). For operators on points. Error if `dmda` is no DMDA. Collective on the DMDA.
Tensor<double> grid_points(DM dmda);

}  // namespace nopal
