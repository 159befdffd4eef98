// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "multigrid/cycle_rows.hpp"

#include <algorithm>

namespace nopal::detail {
namespace {

std::int64_t divide_up(std::int64_t a, std::int64_t b) {
  return a >= 0 ? (a + b - 1) / b : -(-a / b);
}

constexpr std::int64_t piece = 256;  // coarse points at a time, whose rows stay in the cache

// even(i) = row(2 i), odd(i) = row(2 i - 1); odd has an entry more.
template <class T>
void split(std::int64_t count, const T* row, T* __restrict__ even, T* __restrict__ odd) {
#pragma GCC ivdep
  for (std::int64_t i = 0; i < count; ++i) {
    odd[i] = row[2 * i - 1];
    even[i] = row[2 * i];
  }
  odd[count] = row[2 * count - 1];
}

// row(2 i) += even(i), row(2 i + 1) += odd(i)
template <class T>
void add_joined(std::int64_t count, const T* __restrict__ even, const T* __restrict__ odd, T* row) {
#pragma GCC ivdep
  for (std::int64_t i = 0; i < count; ++i) {
    row[2 * i] += even[i];
    row[2 * i + 1] += odd[i];
  }
}

template <class T>
void add_product(std::int64_t count, const T* x, const T* y, T* __restrict__ to) {
#pragma GCC ivdep
  for (std::int64_t i = 0; i < count; ++i)
    to[i] += x[i] * y[i];
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
  const auto weights = [&](int e0, int e1, int e2) -> const T* {
    return level_->weights[static_cast<std::size_t>(slot_of({e0, e1, e2}))].data();
  };
  std::array<T, piece> even{};
  std::array<T, piece + 1> odd{};
  const auto add_row = [&](std::int64_t count, std::ptrdiff_t c, std::ptrdiff_t f, T* to) {
    for (int e0 = -1; e0 <= 1; ++e0)
      for (int e1 = -1; e1 <= 1; ++e1) {
        const T* const middle = weights(e0, e1, 0);
        if (!middle) continue;
        const T* const row = level_->r.data() + f + fine.shift(slot_of({e0, e1, 0}));
        if (!level_->coarsened[2]) {
          add_product(count, middle + c, row, to);
          continue;
        }
        split(count, row, even.data(), odd.data());
        add_product(count, weights(e0, e1, -1) + c, odd.data(), to);
        add_product(count, middle + c, even.data(), to);
        add_product(count, weights(e0, e1, 1) + c, odd.data() + 1, to);
      }
  };
  rows_of(coarse_slab, layout.own, [&](std::int64_t i0, std::int64_t i1) {
    for (std::int64_t i2 = layout.own[2].begin; i2 < layout.own[2].end; i2 += piece) {
      const std::int64_t count = std::min(piece, layout.own[2].end - i2);
      const std::ptrdiff_t c = layout.at(i0, i1, i2);
      const std::ptrdiff_t f = fine.at(map_.fine(0, i0), map_.fine(1, i1), map_.fine(2, i2));
      T* const to = coarse_->b.data() + c;
      std::fill_n(to, count, T(0));
      add_row(count, c, f, to);
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
  // Coarse points along a row: those whose own fine point and the next are inside, which leaves a
  // fine point at the low and one at the high end.
  const std::int64_t stride = map_.stride[2], origin = map_.start[2];
  const std::int64_t begin =
      std::max<std::int64_t>(0, divide_up(fine.work[2].begin - origin, stride));
  const std::int64_t end =
      std::min(layout.extents[2], divide_up(fine.work[2].end - (stride - 1) - origin, stride));
  std::array<T, piece> even{}, odd{};
  const auto weights = [&](int e0, int e1, int e2) -> const T* {
    return level_->weights[static_cast<std::size_t>(slot_of({e0, e1, e2}))].data();
  };
  rows_of(slab, fine.work, [&](std::int64_t f0, std::int64_t f1) {
    struct Source {
      int e0, e1;
      std::ptrdiff_t row;  // of coarse points
    };
    std::array<Source, 4> sources{};
    std::size_t count = 0;
    for (int e0 = -1; e0 <= 1; ++e0)
      for (int e1 = -1; e1 <= 1; ++e1) {
        const std::int64_t c0 = coarse_index(0, f0, e0), c1 = coarse_index(1, f1, e1);
        if (c0 >= 0 && c1 >= 0) sources[count++] = {e0, e1, layout.at(c0, c1, 0)};
      }
    T* const x = level_->x.data() + fine.at(f0, f1, 0);
    const T* const coarse = coarse_->x.data();
    for (std::int64_t i2 = begin; i2 < end; i2 += piece) {
      const std::int64_t length = std::min(piece, end - i2);
      if (stride == 1) {
        for (std::size_t k = 0; k < count; ++k) {
          const std::ptrdiff_t c = sources[k].row + i2;
          add_product(length, weights(sources[k].e0, sources[k].e1, 0) + c, coarse + c,
                      x + origin + i2);
        }
        continue;
      }
      std::fill_n(even.data(), length, T(0));
      std::fill_n(odd.data(), length, T(0));
      for (std::size_t k = 0; k < count; ++k) {
        const auto [e0, e1, row] = sources[k];
        const std::ptrdiff_t c = row + i2;
        add_product(length, weights(e0, e1, 0) + c, coarse + c, even.data());
        add_product(length, weights(e0, e1, 1) + c, coarse + c, odd.data());
        add_product(length, weights(e0, e1, -1) + c + 1, coarse + c + 1, odd.data());
      }
      add_joined(length, even.data(), odd.data(), x + origin + 2 * i2);
    }
    if (stride == 1) return;
    // Single fine points at the ends, an odd one before and an even one behind.
    const auto add_point = [&](std::int64_t i2, int e2) {
      const std::int64_t f2 = origin + 2 * i2 + e2;
      if (i2 < 0 || i2 >= layout.extents[2] || f2 < fine.work[2].begin || f2 >= fine.work[2].end)
        return;
      for (std::size_t k = 0; k < count; ++k) {
        const std::ptrdiff_t c = sources[k].row + i2;
        x[f2] += weights(sources[k].e0, sources[k].e1, e2)[c] * coarse[c];
      }
    };
    add_point(begin - 1, 1);
    add_point(begin, -1);
    add_point(end, 0);
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
