// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "multigrid/spectral_radius.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace nopal::detail {
namespace {

// Steps after which an estimate is looked at, and what it is multiplied by then: the quotient over
// all points, and the largest growth around a point, which sees an eigenvector of few points long
// before.
constexpr int first_steps = 2, all_steps = 10;
constexpr double first_safety = 1.3, safety = 1.1, growth_safety = 1.05;

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

// |x|^2 of a scaled vector over a rank's own points.
template <class T>
double own_square(const LevelLayout& layout, const std::vector<T>& inverse, const T* x) {
  double sum = 0;
  LevelLayout::rows(layout.own, [&](std::int64_t i0, std::int64_t i1) {
    const std::ptrdiff_t first = layout.at(i0, i1, layout.own[2].begin);
    for (std::ptrdiff_t i = first; i < first + layout.own[2].size(); ++i) {
      const double value = static_cast<double>(x[i]) * inverse[static_cast<std::size_t>(i)];
      sum += value * value;
    }
  });
  return sum;
}

// The largest growth |y| / |x| of the scaled vectors among the 3^d points around each of a rank's
// own points, whatever the division into ranks, and where |x| is at least what it is in the mean:
// elsewhere a quotient is chance. `inverse` is 1 / scale.
template <class T>
double largest_growth(const LevelLayout& layout, const std::vector<T>& inverse, const T* x,
                      const T* y, T least) {
  const std::int64_t count = layout.own[2].size();
  if (layout.empty()) return 0;
  const int r0 = layout.dimension == 3 ? 1 : 0, r1 = layout.dimension >= 2 ? 1 : 0;
  const auto width = static_cast<std::size_t>(count + 2);
  std::vector<T> before(width), after(width);
  T largest = 0;
  LevelLayout::rows(layout.own, [&](std::int64_t i0, std::int64_t i1) {
    std::fill(before.begin(), before.end(), T(0));
    std::fill(after.begin(), after.end(), T(0));
    for (int o0 = -r0; o0 <= r0; ++o0)
      for (int o1 = -r1; o1 <= r1; ++o1) {
        const std::ptrdiff_t first = layout.at(i0 + o0, i1 + o1, layout.own[2].begin) - 1;
        const T *const u = x + first, *const v = y + first, *const d = inverse.data() + first;
#pragma GCC ivdep
        for (std::size_t i = 0; i < width; ++i) {
          before[i] += u[i] * d[i] * u[i] * d[i];
          after[i] += v[i] * d[i] * v[i] * d[i];
        }
      }
    for (std::size_t i = 0; i + 2 < width; ++i) {
      const T b = before[i] + before[i + 1] + before[i + 2];
      const T a = after[i] + after[i + 1] + after[i + 2];
      largest = b >= least && a > largest * b ? a / b : largest;
    }
  });
  return std::sqrt(static_cast<double>(largest));
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
  const std::vector<T> inverse = inverse_of(level.scale);
  double radius = 0;
  for (int step = 1; step <= all_steps; ++step) {
    level.exchange.refresh(layout, x);
    rows.multiply(x, r);
    rows.smooth(r, y);
    if (step == first_steps || step == all_steps) {
      const double above = comm.sum(own_dot(layout, r, y)), below = comm.sum(own_dot(layout, r, x));
      const double quotient =
          (step == all_steps ? safety : first_safety) * (below != 0 ? std::abs(above / below) : 0);
      const double mean = comm.sum(own_square(layout, inverse, x)) /
                          static_cast<double>(level.grid.extents().size());
      const auto least = static_cast<T>(mean * std::pow(3.0, layout.dimension));
      const double growth = comm.max(largest_growth(layout, inverse, x, y, least));
      radius = std::max(quotient, growth_safety * growth);
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
