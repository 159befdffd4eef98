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

// The weights of a slot, for pieces of rows of coarse points.
template <class T>
class RowWeights {
 public:
  RowWeights(int target, const Level<T>& fine, const StencilMatrix<T>& matrix)
      : stride_(fine.coarsened[2] ? 2 : 1) {
    const auto o = offset_of(target);
    for (std::size_t a = 3 - static_cast<std::size_t>(fine.layout.dimension); a < 3; ++a)
      if (o[a] == 0) across_.push_back(a);
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
        if (o[a] != 0) continue;
        if (along[a] != 0) entry.sides[a] = along[a] > 0 ? 1 : 0;
        along[a] = 0;
      }
      if (along != std::array<int, 3>{}) entry.direction = direction(slot_of(along));
      entries_.push_back(entry);
    }
    for (const int slot : directions_) {
      // The neighbours between this point and the coarse one.
      const auto step = offset_of(slot);
      std::array<int, 3> at{};
      bool nearer = true;
      for (std::size_t a = 0; a < 3; ++a) {
        nearer = nearer && (step[a] == 0 || step[a] == -o[a]);
        at[a] = o[a] + step[a];
      }
      known_.push_back(nearer ? fine.weights[static_cast<std::size_t>(slot_of(at))].data()
                              : nullptr);
    }
    pulls_.resize(directions_.size());
  }

  /// to := weights of `count` coarse points, of which the first is stored at `c` and has its fine
  /// point at `f`.
  void operator()(std::int64_t count, std::ptrdiff_t f, std::ptrdiff_t c, T* to) {
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
    Row<T> total, sum;
    for (std::size_t i = 0; i < n; ++i) {
      total[i] = std::max(T(0), sums_[f + stride_ * static_cast<std::int64_t>(i)]);
      sum[i] = 0;
    }
    // A neighbour of known value across: the error falls off to it as it does to the other side.
    for (const std::size_t a : across_) {
      const auto& [low, high] = sides_[a];
      for (std::size_t i = 0; i < n; ++i) {
        const T known = std::max(low[i], high[i]) - std::max(T(0), std::min(low[i], high[i]));
        total[i] -= std::min(total[i], std::max(T(0), known));
      }
    }
    for (std::size_t d = 0; d < directions_.size(); ++d) {
      const Row<T>& pull = pulls_[d];
      for (std::size_t i = 0; i < n; ++i)
        total[i] += std::max(T(0), pull[i]);
      if (!known_[d]) continue;
      const T* const known = known_[d] + c;
      for (std::size_t i = 0; i < n; ++i)
        sum[i] += std::max(T(0), pull[i]) * known[i];
    }
    for (std::size_t i = 0; i < n; ++i)
      to[i] = total[i] > 0 ? sum[i] / total[i] : T(0);
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
  std::vector<std::size_t> across_;  // axes of the grid along which the point is even
  const T* sums_ = nullptr;
  std::vector<Entry> entries_;
  std::vector<int> directions_;
  std::vector<const T*> known_;
  std::vector<Row<T>> pulls_;                     // -couplings, by direction
  std::array<std::array<Row<T>, 2>, 3> sides_{};  // -couplings across, by axis and side
};

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
  const CoarseMap map(fine.layout, layout, fine.coarsened);
  for (int odd = 0; odd <= 3; ++odd)
    for (const int slot : slots_with(odd, fine.coarsened)) {
      auto& weights = fine.weights[static_cast<std::size_t>(slot)];
      weights = stored_field<T>(layout);
      T* const to = weights.data();
      const std::ptrdiff_t shift = fine.layout.shift(slot);
      std::optional<RowWeights<T>> row;
      if (matrix && odd > 0) row.emplace(slot, fine, *matrix);
      const T linear = static_cast<T>(std::ldexp(1.0, -odd));
      LevelLayout::rows(layout.own, [&](std::int64_t i0, std::int64_t i1) {
        for (std::int64_t i2 = layout.own[2].begin; i2 < layout.own[2].end; i2 += piece) {
          const std::int64_t count = std::min(piece, layout.own[2].end - i2);
          const std::ptrdiff_t c = layout.at(i0, i1, i2);
          const std::ptrdiff_t f =
              fine.layout.at(map.fine(0, i0), map.fine(1, i1), map.fine(2, i2)) + shift;
          if (odd == 0)
            std::fill_n(to + c, count, T(1));
          else if (row)
            (*row)(count, f, c, to + c);
          else
            for (std::int64_t i = 0; i < count; ++i)
              to[c + i] = fine.scale.data()[f + map.stride[2] * i] != 0 ? linear : T(0);
        }
      });
      coarse.exchange.refresh(layout, to);
    }
}

template void interpolation_weights<float>(Level<float>&, const Level<float>&,
                                           const StencilMatrix<float>*);
template void interpolation_weights<double>(Level<double>&, const Level<double>&,
                                            const StencilMatrix<double>*);

}  // namespace nopal::detail
