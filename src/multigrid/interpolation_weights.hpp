// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include "multigrid/level.hpp"

namespace nopal::detail {

/// Where the coarse point of index I lies in the fine level: fine index stride * I along each axis.
struct CoarseMap {
  std::array<std::int64_t, 3> stride{1, 1, 1};
  std::array<std::ptrdiff_t, 3> start{};  ///< stored fine index of the stored coarse point 0

  CoarseMap() = default;
  CoarseMap(const LevelLayout& fine, const LevelLayout& coarse, const std::array<bool, 3>& axes);

  std::int64_t fine(int axis, std::int64_t coarse) const {
    const auto a = static_cast<std::size_t>(axis);
    return start[a] + stride[a] * coarse;
  }
};

/// Fills fine.weights on the points that the coarse layout stores, from the symmetric `matrix` on
/// the fine level ("operator"), or for null from the grid alone ("linear"). Collective.
///
/// A fine point whose odd coordinates are along the axes O is interpolated from its neighbours in
/// these directions, which have fewer odd ones: with the couplings c(k) summed over the other axes,
/// e(i) = sum over k of max(0, -c(k)) e(i + k) / (sum of them + s). Here s is what the row sum of
/// the matrix has beyond the couplings to known values (Dirichlet) across the other axes.
template <class T>
void interpolation_weights(Level<T>& fine, const Level<T>& coarse, const StencilMatrix<T>* matrix);

}  // namespace nopal::detail
