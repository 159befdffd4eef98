// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "multigrid/spectral_radius.hpp"

#include <cmath>
#include <utility>

namespace nopal::detail {
namespace {

// Steps after which an estimate is looked at, and what it is multiplied by then.
constexpr int first_steps = 2, all_steps = 8;
constexpr double first_safety = 1.3, safety = 1.1;

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

// Of two stored fields, over a rank's own points.
template <class T>
double own_dot(const LevelLayout& layout, const T* x, const T* y) {
  double sum = 0;
  LevelLayout::rows(layout.own, [&](std::int64_t i0, std::int64_t i1) {
    const std::ptrdiff_t first = layout.at(i0, i1, layout.own[2].begin);
    for (std::ptrdiff_t i = first; i < first + layout.own[2].size(); ++i)
      sum += static_cast<double>(x[i]) * static_cast<double>(y[i]);
  });
  return sum;
}

}  // namespace

template <class T>
double spectral_radius(const Level<T>& level, const CycleRows<T>& rows, double enough) {
  const LevelLayout& layout = level.layout;
  const Communicator& comm = level.grid.comm();
  T *x = level.x.data(), *y = level.b.data(), *const r = level.r.data();
  own_points<T>(layout, [&](std::ptrdiff_t i, std::int64_t i0, std::int64_t i1, std::int64_t i2) {
    x[i] = noise<T>(i0, i1, i2) * level.scale.data()[i];
  });
  double radius = 0;
  for (int step = 1; step <= all_steps; ++step) {
    level.exchange.refresh(layout, x);
    rows.multiply(x, r);
    rows.smooth(r, y);
    if (step == first_steps || step == all_steps) {
      const double above = comm.sum(own_dot(layout, r, y)), below = comm.sum(own_dot(layout, r, x));
      radius =
          (step == all_steps ? safety : first_safety) * (below != 0 ? std::abs(above / below) : 0);
      if (radius <= enough) break;
    }
    std::swap(x, y);
  }
  for (const Tensor<T>* vector : {&level.b, &level.x, &level.r})
    vector->fill(0);
  return radius;
}

template double spectral_radius<float>(const Level<float>&, const CycleRows<float>&, double);
template double spectral_radius<double>(const Level<double>&, const CycleRows<double>&, double);

}  // namespace nopal::detail
