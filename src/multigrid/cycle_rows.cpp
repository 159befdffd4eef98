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

// to(i) += sum over three weights and the fine points beside coarse point i.
template <class T>
void add_restricted(std::int64_t count, const std::array<const T*, 3>& weights, const T* row,
                    T* __restrict__ to) {
  const T *const low = weights[0], *const mid = weights[1], *const high = weights[2];
#pragma GCC ivdep
  for (std::int64_t i = 0; i < count; ++i)
    to[i] += low[i] * row[2 * i - 1] + mid[i] * row[2 * i] + high[i] * row[2 * i + 1];
}

// A row of coarse points and its weights for fine points before, at and behind each of them.
template <class T>
struct Source {
  const T *low, *mid, *high, *x;
};

// row(2 i), row(2 i + 1) += what `count` sources give.
template <int sources, class T>
void add_interpolated(std::int64_t count, const std::array<Source<T>, 4>& all, T* row) {
#pragma GCC ivdep
  for (std::int64_t i = 0; i < count; ++i) {
    T even = 0, odd = 0;
    for (std::size_t k = 0; k < sources; ++k) {
      even += all[k].mid[i] * all[k].x[i];
      odd += all[k].high[i] * all[k].x[i] + all[k].low[i + 1] * all[k].x[i + 1];
    }
    row[2 * i] += even;
    row[2 * i + 1] += odd;
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
void CycleRows<T>::pre_smooth() const {
  const auto [begin, end] = slabs();
  const Range coarse = coarse_ ? coarse_slabs() : Range{};
  std::int64_t next = coarse.begin;
  for (std::int64_t s = begin; s <= end; ++s) {
    if (s < end) smooth(s);
    if (s == begin) continue;
    residual(s - 1);
    for (; next < coarse.end && (last_needed(next) < s || s == end); ++next)
      restrict_to(next);
  }
}

template <class T>
void CycleRows<T>::post_smooth(bool correct) const {
  const auto [begin, end] = slabs();
  for (std::int64_t s = begin; s < end + 2; ++s) {
    if (correct && s < end) interpolate(s);
    if (correct && s > begin && s <= end) residual(s - 1);
    if (s > begin + 1) smooth_again(s - 2);
  }
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
        add_restricted<T>(count, {weights(e0, e1, -1) + c, middle + c, weights(e0, e1, 1) + c}, row,
                          to);
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
  const auto weights = [&](int e0, int e1, int e2) -> const T* {
    return level_->weights[static_cast<std::size_t>(slot_of({e0, e1, e2}))].data();
  };
  rows_of(slab, fine.work, [&](std::int64_t f0, std::int64_t f1) {
    struct CoarseRow {
      int e0, e1;
      std::ptrdiff_t first;
    };
    std::array<CoarseRow, 4> sources{};
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
          const std::ptrdiff_t c = sources[k].first + i2;
          add_product(length, weights(sources[k].e0, sources[k].e1, 0) + c, coarse + c,
                      x + origin + i2);
        }
        continue;
      }
      std::array<Source<T>, 4> rows{};
      for (std::size_t k = 0; k < count; ++k) {
        const auto [e0, e1, row] = sources[k];
        const std::ptrdiff_t c = row + i2;
        rows[k] = {weights(e0, e1, -1) + c, weights(e0, e1, 0) + c, weights(e0, e1, 1) + c,
                   coarse + c};
      }
      T* const to = x + origin + 2 * i2;
      if (count == 1)
        add_interpolated<1>(length, rows, to);
      else if (count == 2)
        add_interpolated<2>(length, rows, to);
      else if (count == 4)
        add_interpolated<4>(length, rows, to);
    }
    if (stride == 1) return;
    // Single fine points at the ends, an odd one before and an even one behind.
    const auto add_point = [&](std::int64_t i2, int e2) {
      const std::int64_t f2 = origin + 2 * i2 + e2;
      if (i2 < 0 || i2 >= layout.extents[2] || f2 < fine.work[2].begin || f2 >= fine.work[2].end)
        return;
      for (std::size_t k = 0; k < count; ++k) {
        const std::ptrdiff_t c = sources[k].first + i2;
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
