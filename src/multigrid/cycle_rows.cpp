// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "multigrid/cycle_rows.hpp"

#include <algorithm>

namespace nopal::detail {
namespace {

std::int64_t divide_up(std::int64_t a, std::int64_t b) {
  return a >= 0 ? (a + b - 1) / b : -(-a / b);
}

template <int stride, class T>
void add_restricted(std::int64_t count, const T* __restrict__ weights, const T* fine,
                    T* __restrict__ to) {
#pragma GCC ivdep
  for (std::int64_t i = 0; i < count; ++i)
    to[i] += weights[i] * fine[stride * i];
}

template <int stride, class T>
void add_interpolated(std::int64_t count, const T* weights, const T* coarse, T* fine) {
#pragma GCC ivdep
  for (std::int64_t i = 0; i < count; ++i)
    fine[stride * i] += weights[i] * coarse[i];
}

}  // namespace

template <class T>
CycleRows<T>::CycleRows(const Level<T>& level, const Level<T>* coarse)
    : level_(&level),
      coarse_(coarse),
      outer_(level.layout.dimension == 3 ? 0 : 1),
      matrix_(level.matrix, level.layout),
      smoother_(level.smoother, level.layout) {
  if (coarse) map_ = CoarseMap(level.layout, coarse->layout, level.coarsened);
}

template <class T>
template <class Action>
void CycleRows<T>::rows_of(std::int64_t slab, const std::array<Range, 3>& box,
                           const Action& action) const {
  std::array<Range, 3> rows = box;
  rows[outer_] = {slab, slab + 1};
  LevelLayout::rows(rows, action);
}

template <class T>
void CycleRows<T>::smooth(std::int64_t slab) const {
  const LevelLayout& layout = level_->layout;
  rows_of(slab, layout.work, [&](std::int64_t i0, std::int64_t i1) {
    const std::ptrdiff_t first = layout.at(i0, i1, layout.work[2].begin);
    smoother_.template multiply<1>(first, layout.work[2].size(), level_->b.data(), nullptr,
                                   level_->x.data() + first);
  });
}

template <class T>
void CycleRows<T>::residual(std::int64_t slab) const {
  const LevelLayout& layout = level_->layout;
  rows_of(slab, layout.work, [&](std::int64_t i0, std::int64_t i1) {
    const std::ptrdiff_t first = layout.at(i0, i1, layout.work[2].begin);
    matrix_.template multiply<-1>(first, layout.work[2].size(), level_->x.data(),
                                  level_->b.data() + first, level_->r.data() + first);
  });
}

template <class T>
void CycleRows<T>::smooth_again(std::int64_t slab) const {
  const LevelLayout& layout = level_->layout;
  rows_of(slab, layout.work, [&](std::int64_t i0, std::int64_t i1) {
    const std::ptrdiff_t first = layout.at(i0, i1, layout.work[2].begin);
    T* const x = level_->x.data() + first;
    smoother_.template multiply<1>(first, layout.work[2].size(), level_->r.data(), x, x);
  });
}

template <class T>
std::int64_t CycleRows<T>::last_needed(std::int64_t coarse_slab) const {
  return map_.fine(static_cast<int>(outer_), coarse_slab) + (level_->coarsened[outer_] ? 1 : 0);
}

template <class T>
void CycleRows<T>::restrict_to(std::int64_t coarse_slab) const {
  const LevelLayout& fine = level_->layout;
  const LevelLayout& layout = coarse_->layout;
  const std::int64_t count = layout.own[2].size();
  rows_of(coarse_slab, layout.own, [&](std::int64_t i0, std::int64_t i1) {
    const std::int64_t i2 = layout.own[2].begin;
    const std::ptrdiff_t c = layout.at(i0, i1, i2);
    const std::ptrdiff_t f = fine.at(map_.fine(0, i0), map_.fine(1, i1), map_.fine(2, i2));
    T* const to = coarse_->b.data() + c;
    std::fill_n(to, count, T(0));
    for (int e = 0; e < slots; ++e) {
      const Tensor<T>& weights = level_->weights[static_cast<std::size_t>(e)];
      if (!weights.defined()) continue;
      const T* const from = level_->r.data() + f + fine.shift(e);
      if (level_->coarsened[2])
        add_restricted<2>(count, weights.data() + c, from, to);
      else
        add_restricted<1>(count, weights.data() + c, from, to);
    }
  });
}

template <class T>
void CycleRows<T>::interpolate(std::int64_t slab) const {
  const LevelLayout& fine = level_->layout;
  const LevelLayout& layout = coarse_->layout;
  // The coarse index from which the fine one is reached by offset e; negative if there is none.
  const auto coarse_index = [&](std::size_t axis, std::int64_t index, int e) -> std::int64_t {
    if (!level_->coarsened[axis] && e != 0) return -1;
    const std::int64_t from = index - e - map_.start[axis];
    if (from < 0 || from % map_.stride[axis] != 0) return -1;
    const std::int64_t result = from / map_.stride[axis];
    return result < layout.extents[axis] ? result : -1;
  };
  rows_of(slab, fine.work, [&](std::int64_t f0, std::int64_t f1) {
    for (int e = 0; e < slots; ++e) {
      const Tensor<T>& weights = level_->weights[static_cast<std::size_t>(e)];
      if (!weights.defined()) continue;
      const auto o = offset_of(e);
      const std::int64_t c0 = coarse_index(0, f0, o[0]), c1 = coarse_index(1, f1, o[1]);
      if (c0 < 0 || c1 < 0) continue;
      // Coarse points along the row whose fine one is inside.
      const std::int64_t stride = map_.stride[2], origin = map_.start[2] + o[2];
      const std::int64_t begin =
          std::max<std::int64_t>(0, divide_up(fine.work[2].begin - origin, stride));
      const std::int64_t end =
          std::min(layout.extents[2], divide_up(fine.work[2].end - origin, stride));
      if (begin >= end) continue;
      const std::ptrdiff_t c = layout.at(c0, c1, begin);
      T* const to = level_->x.data() + fine.at(f0, f1, origin + stride * begin);
      if (level_->coarsened[2])
        add_interpolated<2>(end - begin, weights.data() + c, coarse_->x.data() + c, to);
      else
        add_interpolated<1>(end - begin, weights.data() + c, coarse_->x.data() + c, to);
    }
  });
}

template <class T>
void CycleRows<T>::multiply(const T* x, T* y) const {
  const LevelLayout& layout = level_->layout;
  LevelLayout::rows(layout.work, [&](std::int64_t i0, std::int64_t i1) {
    const std::ptrdiff_t first = layout.at(i0, i1, layout.work[2].begin);
    matrix_.template multiply<1>(first, layout.work[2].size(), x, nullptr, y + first);
  });
}

template <class T>
void CycleRows<T>::smooth(const T* x, T* y) const {
  const LevelLayout& layout = level_->layout;
  LevelLayout::rows(layout.work, [&](std::int64_t i0, std::int64_t i1) {
    const std::ptrdiff_t first = layout.at(i0, i1, layout.work[2].begin);
    smoother_.template multiply<1>(first, layout.work[2].size(), x, nullptr, y + first);
  });
}

template class CycleRows<float>;
template class CycleRows<double>;

}  // namespace nopal::detail
