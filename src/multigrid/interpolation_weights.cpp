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

// One row of weights of the slot `target`.
template <class T>
class RowWeights {
 public:
  RowWeights(int target, const Level<T>& fine, const StencilMatrix<T>& matrix)
      : target_(offset_of(target)) {
    for (int s = 0; s < slots; ++s)
      values_[static_cast<std::size_t>(s)] = matrix.coefficient(s, fine.layout);
    for (std::size_t a = 0; a < 3; ++a)
      if (target_[a] != 0)
        odd_.push_back(a);
      else
        across_.push_back(a);
  }

  // Weight of the coarse point for the fine point at `i`, the stored fine index; `known(slot)` are
  // weights of points with fewer odd coordinates.
  template <class Known>
  T operator()(std::ptrdiff_t i, const Known& known) const {
    std::array<double, slots> toward{};  // by direction along odd axes, summed over the others
    std::array<std::array<double, 2>, 3> sides{};
    double row_sum = 0;
    for (int s = 0; s < slots; ++s) {
      const T* values = values_[static_cast<std::size_t>(s)];
      if (!values) continue;
      const double value = values[i];
      if (s == centre) {
        row_sum = value;
        continue;
      }
      auto o = offset_of(s);
      for (const std::size_t a : across_) {
        if (o[a] != 0) sides[a][o[a] > 0 ? 1 : 0] -= value;
        o[a] = 0;
      }
      toward[static_cast<std::size_t>(slot_of(o))] -= value;
    }
    double rest = std::max(0.0, row_sum);
    for (const std::size_t a : across_) {
      // A neighbour of known value across: the error falls off to it as it does to the other side.
      const double weak = std::min(sides[a][0], sides[a][1]);
      const double strong = std::max(sides[a][0], sides[a][1]);
      rest -= std::min(rest, std::max(0.0, strong - std::max(0.0, weak)));
    }
    double total = rest, sum = 0;
    for (int s = 0; s < slots; ++s) {
      const double pull = std::max(0.0, toward[static_cast<std::size_t>(s)]);
      if (s == centre || pull == 0) continue;
      total += pull;
      const auto o = offset_of(s);
      bool nearer = true;  // the neighbour is one of those between this point and the coarse one
      std::array<int, 3> at{};
      for (std::size_t a = 0; a < 3; ++a) {
        nearer = nearer && (o[a] == 0 || o[a] == -target_[a]);
        at[a] = target_[a] + o[a];
      }
      if (nearer) sum += pull * known(slot_of(at));
    }
    return total > 0 ? static_cast<T>(sum / total) : T(0);
  }

 private:
  std::array<int, 3> target_;
  std::array<const T*, slots> values_{};
  std::vector<std::size_t> odd_, across_;
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
      const auto known = [&](int s) {
        return static_cast<const T*>(fine.weights[static_cast<std::size_t>(s)].data());
      };
      const std::ptrdiff_t shift = fine.layout.shift(slot);
      std::optional<RowWeights<T>> row;
      if (matrix) row.emplace(slot, fine, *matrix);
      LevelLayout::rows(layout.own, [&](std::int64_t i0, std::int64_t i1) {
        for (std::int64_t i2 = layout.own[2].begin; i2 < layout.own[2].end; ++i2) {
          const std::ptrdiff_t c = layout.at(i0, i1, i2);
          const std::ptrdiff_t f =
              fine.layout.at(map.fine(0, i0), map.fine(1, i1), map.fine(2, i2)) + shift;
          if (odd == 0)
            to[c] = 1;
          else if (row)
            to[c] = (*row)(f, [&](int s) { return static_cast<double>(known(s)[c]); });
          else
            to[c] = fine.scale.data()[f] != 0 ? T(std::ldexp(1.0, -odd)) : T(0);
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
