// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "multigrid/spectral_radius.hpp"

#include <cmath>
#include <utility>

namespace nopal::detail {
namespace {

constexpr int radius_steps = 6;

// A value in [-1, 1) that depends on a point's place in the grid only.
template <class T>
T noise(std::int64_t i0, std::int64_t i1, std::int64_t i2) {
  auto h = static_cast<std::uint64_t>(i0 * 0x9E3779B1 + i1 * 0x85EBCA77 + i2 * 0xC2B2AE3D + 1);
  h ^= h >> 31;
  h *= 0xBF58476D1CE4E5B9;
  h ^= h >> 29;
  h *= 0x94D049BB133111EB;
  return static_cast<T>(static_cast<double>(h >> 11) * 0x1p-52 - 1);
}

template <class T, class Action>
void own_points(const LevelLayout& layout, const Action& action) {
  LevelLayout::rows(layout.own, [&](std::int64_t i0, std::int64_t i1) {
    for (std::int64_t i2 = layout.own[2].begin; i2 < layout.own[2].end; ++i2)
      action(layout.at(i0, i1, i2), i0 + layout.first[0], i1 + layout.first[1],
             i2 + layout.first[2]);
  });
}

}  // namespace

template <class T>
double spectral_radius(const Level<T>& level, const CycleRows<T>& rows) {
  const LevelLayout& layout = level.layout;
  T *x = level.x.data(), *y = level.b.data(), *const r = level.r.data();
  own_points<T>(layout, [&](std::ptrdiff_t i, std::int64_t i0, std::int64_t i1, std::int64_t i2) {
    x[i] = noise<T>(i0, i1, i2) * level.scale.data()[i];
  });
  for (int step = 0; step < radius_steps; ++step) {
    if (step > 0) std::swap(x, y);
    level.exchange.refresh(layout, x);
    rows.multiply(x, r);
    rows.smooth(r, y);
  }
  double above = 0, below = 0;
  LevelLayout::rows(layout.own, [&](std::int64_t i0, std::int64_t i1) {
    const std::ptrdiff_t first = layout.at(i0, i1, layout.own[2].begin);
    for (std::ptrdiff_t i = first; i < first + layout.own[2].size(); ++i) {
      above += static_cast<double>(r[i]) * static_cast<double>(y[i]);
      below += static_cast<double>(r[i]) * static_cast<double>(x[i]);
    }
  });
  const Communicator& comm = level.grid.comm();
  above = comm.sum(above), below = comm.sum(below);
  for (const Tensor<T>* vector : {&level.b, &level.x, &level.r})
    vector->fill(0);
  return below != 0 ? std::abs(above / below) : 0;
}

template double spectral_radius<float>(const Level<float>&, const CycleRows<float>&);
template double spectral_radius<double>(const Level<double>&, const CycleRows<double>&);

}  // namespace nopal::detail
