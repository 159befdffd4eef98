// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/comm/grid.hpp>
#include <nopal/core/tensor.hpp>

#include <array>
#include <vector>

namespace nopal {

/// Where a neighbour lies, -1, 0 or 1 along X1, ..., Xd; 0 along axes that the grid lacks.
using StencilOffset = std::array<int, 3>;

/// A matrix on the points of a grid that couples each point with some of its 3^d - 1 neighbours:
/// (A u)(i) = sum over k of values(k, i) u(i + offsets[k]).
///
/// Rows are divided among ranks as the grid's points are. A value for a neighbour beyond a side of
/// the domain that is not periodic must be 0. One of the offsets must be 0, the diagonal; none may
/// come twice.
template <class T>
struct StencilField {
  Grid grid;
  std::vector<StencilOffset> offsets;
  Tensor<T> values;  ///< (K, n1, ..., nd) on this rank's box

  /// The sum of each row (n1, ..., nd), which may be a small difference of large numbers and is
  /// then to be computed in double before these are rounded to T. If undefined, that of `values`.
  Tensor<T> row_sums;
};

}  // namespace nopal
