// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/multigrid/stencil_field.hpp>
#include <nopal/solvers/petsc.hpp>

namespace nopal {

/// The stencil of an assembled matrix on the points of a grid, for StencilMultigrid; with sums of
/// rows in double.
///
/// Each rank's rows are the points of its box in row-major order, as in the vectors of a DMDA with
/// one unknown a point. Values are the matrix's own; neighbours across a periodic side that meet in
/// one point (an axis of one or two points) are added up. AIJ matrices are read in place, others
/// converted first. Collective. Errors, the same on all ranks: a matrix of another size, one that
/// cannot be converted (a shell), a row that couples a point with others than its 3^d - 1
/// neighbours.
template <class T>
StencilField<T> stencil_of(Mat matrix, const Grid& grid);

}  // namespace nopal
