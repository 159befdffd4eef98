// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "multigrid/interpolation_weights.hpp"

#include <algorithm>
#include <cmath>

namespace nopal::detail {
namespace {

int odd_axes(const std::array<int, 3>& offset) {
  return static_cast<int>(
      std::count_if(offset.begin(), offset.end(), [](int o) { return o != 0; }));
}

// Offsets of fine points from a coarse point, by the number of odd coordinates.
std::vector<int> slots_with(int odd, const std::array<bool, 3>& coarsened) {
  std::vector<int> result;
  for (int s = 0; s < slots; ++s) {
    const auto o = offset_of(s);
    bool inside = true;
    for (std::size_t a = 0; a < 3; ++a)
      inside = inside && (o[a] == 0 || coarsened[a]);
    if (inside && odd_axes(o) == odd) result.push_back(s);
  }
  return result;
}

constexpr std::int64_t piece = 256;  // points at a time

template <class T>
using Row = std::array<T, piece>;

template <int stride, class T>
void subtract(std::int64_t count, const T* values, Row<T>& to) {
#pragma GCC ivdep
  for (std::int64_t i = 0; i < count; ++i)
    to[static_cast<std::size_t>(i)] -= values[stride * i];
}

// The weights of the fine points that are odd along some axes, for pieces of rows of them. Such a
// point lies between 2 to 8 coarse points, and its couplings are added up once for all of them.
template <class T>
class RowWeights {
 public:
  RowWeights(const std::array<int, 3>& odd, const Level<T>& fine, const StencilMatrix<T>& matrix)
      : stride_(fine.coarsened[2] ? 2 : 1) {
    for (std::size_t a = 3 - static_cast<std::size_t>(fine.layout.dimension); a < 3; ++a)
      if (odd[a] == 0) across_.push_back(a);
    for (int s = 0; s < slots; ++s) {
      const T* values = matrix.coefficient(s, fine.layout);
      if (!values) continue;
      if (s == centre) {
        sums_ = values;
        continue;
      }
      Entry entry{values, -1, {-1, -1, -1}};
      auto along = offset_of(s);
      for (std::size_t a = 0; a < 3; ++a) {
        if (odd[a] != 0) continue;
        if (along[a] != 0) entry.sides[a] = along[a] > 0 ? 1 : 0;
        along[a] = 0;
      }
      if (along != std::array<int, 3>{}) entry.direction = direction(slot_of(along));
      entries_.push_back(entry);
    }
    pulls_.resize(directions_.size());
    // The coarse points around, each with the neighbours between this point and it.
    for (int slot = 0; slot < slots; ++slot) {
      const auto to = offset_of(slot);
      bool corner = true;
      for (std::size_t a = 0; a < 3; ++a)
        corner = corner && (to[a] != 0) == (odd[a] != 0);
      if (!corner) continue;
      Corner around{{}, fine.weights[static_cast<std::size_t>(slots - 1 - slot)].data(), {}};
      for (std::size_t a = 0; a < 3; ++a)
        around.shift[a] = to[a] > 0 ? 1 : 0;
      for (std::size_t d = 0; d < directions_.size(); ++d) {
        const auto step = offset_of(directions_[d]);
        std::array<int, 3> at{};
        bool nearer = true;
        for (std::size_t a = 0; a < 3; ++a) {
          nearer = nearer && (step[a] == 0 || step[a] == to[a]);
          at[a] = step[a] - to[a];
        }
        if (nearer)
          around.nearer.push_back({d, fine.weights[static_cast<std::size_t>(slot_of(at))].data()});
      }
      corners_.push_back(std::move(around));
    }
  }

  /// A coarse point beside a fine one: where it lies from the coarse point before the fine one, its
  /// weights, and what is known of neighbours that are nearer to it.
  struct Nearer {
    std::size_t direction;
    const T* known;
  };
  struct Corner {
    std::array<int, 3> shift;
    T* weights;
    std::vector<Nearer> nearer;
  };
  const std::vector<Corner>& corners() const { return corners_; }

  /// Adds up the couplings of `count` fine points, of which the first is stored at `f`.
  void add_up(std::int64_t count, std::ptrdiff_t f) {
    const auto n = static_cast<std::size_t>(count);
    for (Row<T>& pull : pulls_)
      std::fill_n(pull.data(), n, T(0));
    for (const std::size_t a : across_)
      for (Row<T>& side : sides_[a])
        std::fill_n(side.data(), n, T(0));
    for (const Entry& entry : entries_) {
      if (entry.direction >= 0)
        add(count, entry.values + f, pulls_[static_cast<std::size_t>(entry.direction)]);
      for (const std::size_t a : across_)
        if (entry.sides[a] >= 0)
          add(count, entry.values + f, sides_[a][static_cast<std::size_t>(entry.sides[a])]);
    }
    Row<T>& total = inverse_total_;
    for (std::size_t i = 0; i < n; ++i)
      total[i] = std::max(T(0), sums_[f + stride_ * static_cast<std::int64_t>(i)]);
    // A neighbour of known value across: the error falls off to it as it does to the other side.
    for (const std::size_t a : across_) {
      const auto& [low, high] = sides_[a];
      for (std::size_t i = 0; i < n; ++i) {
        const T known = std::max(low[i], high[i]) - std::max(T(0), std::min(low[i], high[i]));
        total[i] -= std::min(total[i], std::max(T(0), known));
      }
    }
    for (Row<T>& pull : pulls_)
      for (std::size_t i = 0; i < n; ++i) {
        pull[i] = std::max(T(0), pull[i]);
        total[i] += pull[i];
      }
    for (std::size_t i = 0; i < n; ++i)
      total[i] = total[i] > 0 ? 1 / total[i] : T(0);
  }

  /// The weights of points begin to end of these for a corner, whose first coarse point is at `c`.
  void set(const Corner& corner, std::int64_t begin, std::int64_t end, std::ptrdiff_t c) const {
    T* __restrict__ const to = corner.weights + c;
    std::fill(to + begin, to + end, T(0));
    for (const Nearer& nearer : corner.nearer) {
      const T* const pull = pulls_[nearer.direction].data();
      const T* const known = nearer.known + c;
#pragma GCC ivdep
      for (std::int64_t i = begin; i < end; ++i)
        to[i] += pull[i] * known[i];
    }
#pragma GCC ivdep
    for (std::int64_t i = begin; i < end; ++i)
      to[i] *= inverse_total_[static_cast<std::size_t>(i)];
  }

 private:
  struct Entry {
    const T* values;
    int direction;             // among the odd axes; -1: the neighbour is in the point's own plane
    std::array<int, 3> sides;  // by axis across, 0 below and 1 above; -1: neither
  };

  int direction(int slot) {
    const auto found = std::find(directions_.begin(), directions_.end(), slot);
    if (found != directions_.end()) return static_cast<int>(found - directions_.begin());
    directions_.push_back(slot);
    return static_cast<int>(directions_.size()) - 1;
  }

  void add(std::int64_t count, const T* values, Row<T>& to) const {
    if (stride_ == 2)
      subtract<2>(count, values, to);
    else
      subtract<1>(count, values, to);
  }

  std::int64_t stride_;
  std::vector<std::size_t> across_;  // axes of the grid along which the points are even
  const T* sums_ = nullptr;
  std::vector<Entry> entries_;
  std::vector<int> directions_;
  std::vector<Corner> corners_;
  std::vector<Row<T>> pulls_;  // -couplings, by direction, where they attract
  Row<T> inverse_total_{};
  std::array<std::array<Row<T>, 2>, 3> sides_{};  // -couplings across, by axis and side
};

// Weights of the fine points of a slot by distance alone; of known points 0.
template <class T>
void linear_weights(int slot, int odd, const Level<T>& fine, const Level<T>& coarse) {
  const LevelLayout& layout = coarse.layout;
  const CoarseMap map(fine.layout, layout, fine.coarsened);
  T* const to = fine.weights[static_cast<std::size_t>(slot)].data();
  const T linear = static_cast<T>(std::ldexp(1.0, -odd));
  LevelLayout::rows(layout.own, [&](std::int64_t i0, std::int64_t i1) {
    const std::int64_t i2 = layout.own[2].begin, count = layout.own[2].size();
    const std::ptrdiff_t c = layout.at(i0, i1, i2);
    const std::ptrdiff_t f =
        fine.layout.at(map.fine(0, i0), map.fine(1, i1), map.fine(2, i2)) + fine.layout.shift(slot);
    if (odd == 0)
      std::fill_n(to + c, count, T(1));
    else
      for (std::int64_t i = 0; i < count; ++i)
        to[c + i] = fine.scale.data()[f + map.stride[2] * i] != 0 ? linear : T(0);
  });
}

// Weights of the fine points that are odd along `count` axes, for the coarse points around them.
template <class T>
void operator_weights(int count, const Level<T>& fine, const Level<T>& coarse,
                      const StencilMatrix<T>& matrix) {
  const LevelLayout& layout = coarse.layout;
  if (layout.empty()) return;
  const CoarseMap map(fine.layout, layout, fine.coarsened);
  struct Parity {
    std::array<int, 3> odd;
    RowWeights<T> row;
  };
  std::vector<Parity> parities;
  for (const int slot : slots_with(count, fine.coarsened))
    if (const auto odd = offset_of(slot);
        std::none_of(odd.begin(), odd.end(), [](int step) { return step < 0; }))
      parities.push_back({odd, RowWeights<T>(odd, fine, matrix)});
  const auto inside = [&](std::size_t a, std::int64_t i) {
    return i >= layout.own[a].begin && i < layout.own[a].end;
  };
  // From the coarse points before a fine point that has one of this rank's behind it.
  const auto set_row = [&](Parity& parity, std::int64_t i0, std::int64_t i1) {
    const auto& [odd, row] = parity;
    const std::ptrdiff_t shift = fine.layout.shift(slot_of(odd));
    const std::int64_t end = layout.own[2].end;
    for (std::int64_t i2 = layout.own[2].begin - odd[2]; i2 < end; i2 += piece) {
      const std::int64_t points = std::min(piece, end - i2);
      parity.row.add_up(points,
                        fine.layout.at(map.fine(0, i0), map.fine(1, i1), map.fine(2, i2)) + shift);
      for (const auto& corner : row.corners()) {
        const auto& s = corner.shift;
        if (!inside(0, i0 + s[0]) || !inside(1, i1 + s[1])) continue;
        const std::int64_t first = i2 + s[2];
        row.set(corner, std::max<std::int64_t>(0, layout.own[2].begin - first),
                std::min(points, end - first), layout.at(i0 + s[0], i1 + s[1], first));
      }
    }
  };
  // All of a row together: what they read stays in the cache.
  for (std::int64_t i0 = layout.own[0].begin - 1; i0 < layout.own[0].end; ++i0)
    for (std::int64_t i1 = layout.own[1].begin - 1; i1 < layout.own[1].end; ++i1)
      for (Parity& parity : parities)
        if (i0 + parity.odd[0] >= layout.own[0].begin && i1 + parity.odd[1] >= layout.own[1].begin)
          set_row(parity, i0, i1);
}

}  // namespace

CoarseMap::CoarseMap(const LevelLayout& fine, const LevelLayout& coarse,
                     const std::array<bool, 3>& axes) {
  for (std::size_t a = 0; a < 3; ++a) {
    stride[a] = axes[a] ? 2 : 1;
    start[a] = stride[a] * coarse.first[a] - fine.first[a];
  }
}

template <class T>
void interpolation_weights(Level<T>& fine, const Level<T>& coarse, const StencilMatrix<T>* matrix) {
  const LevelLayout& layout = coarse.layout;
  for (int odd = 0; odd <= 3; ++odd) {
    const std::vector<int> targets = slots_with(odd, fine.coarsened);
    for (const int slot : targets)
      fine.weights[static_cast<std::size_t>(slot)] = stored_field<T>(layout);
    if (matrix && odd > 0)
      operator_weights(odd, fine, coarse, *matrix);
    else
      for (const int slot : targets)
        linear_weights(slot, odd, fine, coarse);
    for (const int slot : targets)
      coarse.exchange.refresh(layout, fine.weights[static_cast<std::size_t>(slot)].data());
  }
}

template void interpolation_weights<float>(Level<float>&, const Level<float>&,
                                           const StencilMatrix<float>*);
template void interpolation_weights<double>(Level<double>&, const Level<double>&,
                                            const StencilMatrix<double>*);

}  // namespace nopal::detail
