// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "multigrid/coarsening.hpp"

#include "multigrid/galerkin.hpp"
#include "multigrid/interpolation_weights.hpp"

#include <algorithm>
#include <cmath>

namespace nopal::detail {
namespace {

bool can_coarsen(const Grid& grid, int axis) {
  const std::int64_t n = grid.extents()[axis];
  const bool periodic = grid.rule(axis).low == BoundaryRule::periodic;
  return periodic ? n % 2 == 0 && n >= 8 : n >= 3;
}

// Mean coupling along each axis relative to the diagonal, over all ranks.
template <class T>
std::array<double, 3> couplings(const Level<T>& level, const StencilMatrix<T>& matrix) {
  std::array<double, 3> sums{};
  const LevelLayout& layout = level.layout;
  const T* const scale = level.scale.data();
  LevelLayout::rows(layout.own, [&](std::int64_t i0, std::int64_t i1) {
    const std::ptrdiff_t first = layout.at(i0, i1, layout.own[2].begin);
    const std::int64_t count = layout.own[2].size();
    for (int s = centre + 1; s < slots; ++s) {
      const T* const values = matrix.coefficient(s, layout);
      if (!values) continue;
      T sum = 0;
#pragma GCC ivdep
      for (std::int64_t i = first; i < first + count; ++i)
        sum -= values[i] * scale[i] * scale[i];
      for (std::size_t a = 0; a < 3; ++a)
        if (offset_of(s)[a] != 0) sums[a] += static_cast<double>(sum);
    }
  });
  for (double& sum : sums)
    sum = level.grid.comm().sum(sum);
  return sums;
}

}  // namespace

template <class T>
std::array<bool, 3> axes_to_coarsen(const Level<T>& level, const StencilMatrix<T>& matrix,
                                    double share) {
  const std::array<double, 3> strength = couplings(level, matrix);
  const int d = level.layout.dimension;
  double strongest = 0;
  for (int a = 0; a < d; ++a)
    if (can_coarsen(level.grid, a))
      strongest = std::max(strongest, strength[static_cast<std::size_t>(a + 3 - d)]);
  std::array<bool, 3> axes{};
  for (int a = 0; a < d; ++a) {
    const auto axis = static_cast<std::size_t>(a + 3 - d);
    axes[axis] = can_coarsen(level.grid, a) && strength[axis] >= share * strongest;
  }
  return axes;
}

template <class T>
void allocate_vectors(Level<T>& level) {
  for (Tensor<T>* vector : {&level.b, &level.x, &level.r, &level.first_x})
    *vector = stored_field<T>(level.layout);
}

template <class T>
Level<T> coarse_level(Level<T>& fine, const StencilMatrix<T>& symmetric,
                      const MultigridOptions& options) {
  const int d = fine.layout.dimension;
  Shape offset, stride;
  for (int a = 0; a < d; ++a) {
    offset.push_back(0);
    stride.push_back(fine.coarsened[static_cast<std::size_t>(a + 3 - d)] ? 2 : 1);
  }
  Level<T> coarse;
  coarse.grid = fine.grid.coarsen(offset, stride);
  coarse.layout = LevelLayout(coarse.grid);
  coarse.exchange = LevelExchange<T>(coarse.grid, coarse.layout);
  interpolation_weights(fine, coarse, options.transfer == "linear" ? nullptr : &symmetric);
  allocate_vectors(coarse);
  coarse.matrix = galerkin_product(fine, coarse);
  coarse.scale = stored_field<T>(coarse.layout);
  const CoarseMap map(fine.layout, coarse.layout, fine.coarsened);
  const Tensor<T> diagonals = diagonal_of(coarse.matrix, coarse.layout);
  const T* const diagonal = diagonals.data();
  LevelLayout::rows(coarse.layout.own, [&](std::int64_t i0, std::int64_t i1) {
    for (std::int64_t i2 = coarse.layout.own[2].begin; i2 < coarse.layout.own[2].end; ++i2) {
      const std::ptrdiff_t c = coarse.layout.at(i0, i1, i2);
      const std::ptrdiff_t f = fine.layout.at(map.fine(0, i0), map.fine(1, i1), map.fine(2, i2));
      const bool free = fine.scale.data()[f] != 0 && diagonal[c] != 0;
      coarse.scale.data()[c] = free ? 1 / std::sqrt(std::abs(diagonal[c])) : T(0);
    }
  });
  coarse.exchange.refresh(coarse.layout, coarse.scale.data());
  return coarse;
}

#define NOPAL_INSTANTIATE(T)                                                                \
  template std::array<bool, 3> axes_to_coarsen<T>(const Level<T>&, const StencilMatrix<T>&, \
                                                  double);                                  \
  template void allocate_vectors<T>(Level<T>&);                                             \
  template Level<T> coarse_level<T>(Level<T>&, const StencilMatrix<T>&, const MultigridOptions&);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal::detail
