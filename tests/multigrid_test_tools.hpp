// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/multigrid/stencil_field.hpp>

#include <cmath>
#include <functional>
#include <vector>

namespace nopal::test {

using Point = std::array<std::int64_t, 3>;

/// What lies beyond the sides of a diffusion problem.
enum class Side { dirichlet, neumann, periodic };

/// The whole index of a point of a grid, row-major.
inline std::int64_t whole_index(const Shape& n, const Point& p) {
  std::int64_t index = 0;
  for (int a = 0; a < n.rank(); ++a)
    index = index * n[a] + p[static_cast<std::size_t>(a)];
  return index;
}

/// f(point, number) for this rank's points.
template <class Action>
void each_own_point(const Grid& grid, const Action& action) {
  const Box box = grid.box();
  const Shape n = box.extents();
  for (std::int64_t i = 0; i < box.size(); ++i) {
    Point p{};
    std::int64_t rest = i;
    for (int a = grid.dimension() - 1; a >= 0; --a) {
      p[static_cast<std::size_t>(a)] = box[a].begin + rest % n[a];
      rest /= n[a];
    }
    action(p, i);
  }
}

/// -div(k grad u) by finite volumes with harmonic means, k a function of the grid point.
template <class T>
StencilField<T> diffusion(const Grid& grid, Side side,
                          const std::function<double(const Point&)>& k) {
  const int d = grid.dimension();
  StencilField<T> field{grid, {{}}, {}, {}};
  for (int a = 0; a < d; ++a)
    for (const int step : {-1, 1}) {
      StencilOffset offset{};
      offset[static_cast<std::size_t>(a)] = step;
      field.offsets.push_back(offset);
    }
  const std::int64_t points = grid.box().size();
  const auto count = static_cast<std::int64_t>(field.offsets.size());
  std::vector<T> values(static_cast<std::size_t>(count * points)), sums;
  each_own_point(grid, [&](const Point& p, std::int64_t i) {
    double diagonal = 0, sum = 0;
    for (int a = 0; a < d; ++a)
      for (int s = 0; s < 2; ++s) {
        Point q = p;
        const std::int64_t n = grid.extents()[a];
        std::int64_t& moved = q[static_cast<std::size_t>(a)];
        moved += 2 * s - 1;
        bool inside = moved >= 0 && moved < n;
        if (side == Side::periodic) moved = (moved + n) % n, inside = true;
        if (!inside && side == Side::neumann) continue;
        const double here = k(p), there = inside ? k(q) : here;
        const double coupling = 2 * here * there / (here + there);
        diagonal += coupling;
        if (inside)
          values[static_cast<std::size_t>((1 + 2 * a + s) * points + i)] = T(-coupling);
        else
          sum += coupling;
      }
    values[static_cast<std::size_t>(i)] = static_cast<T>(diagonal);
    sums.push_back(static_cast<T>(sum));
  });
  field.values = Tensor<T>::from_host({count, points}, values);
  field.row_sums = Tensor<T>::from_host({points}, sums);
  return field;
}

/// A x on one rank.
template <class T>
std::vector<double> multiply(const StencilField<T>& field, const std::vector<double>& x) {
  const Shape& n = field.grid.extents();
  const std::vector<T> values = field.values.to_vector();
  std::vector<double> y(x.size());
  each_own_point(field.grid, [&](const Point& p, std::int64_t i) {
    for (std::size_t k = 0; k < field.offsets.size(); ++k) {
      const double value = values[k * x.size() + static_cast<std::size_t>(i)];
      if (value == 0) continue;
      Point q = p;
      for (std::size_t a = 0; a < static_cast<std::size_t>(n.rank()); ++a)
        q[a] = (q[a] + field.offsets[k][a] + n[static_cast<int>(a)]) % n[static_cast<int>(a)];
      y[static_cast<std::size_t>(i)] += value * x[static_cast<std::size_t>(whole_index(n, q))];
    }
  });
  return y;
}

/// Numbers that look random and belong to the points of the whole grid.
inline std::vector<double> own_noise(const Grid& grid, int seed) {
  std::vector<double> values;
  each_own_point(grid, [&](const Point& p, std::int64_t) {
    values.push_back(std::sin(1e3 * double(whole_index(grid.extents(), p) + 1) * (seed + 1.7)));
  });
  return values;
}

inline double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    sum += a[i] * b[i];
  return sum;
}

/// A checkerboard of squares of `width` points.
inline std::function<double(const Point&)> checkerboard(std::int64_t width, double contrast) {
  return [=](const Point& p) {
    return (p[0] / width + p[1] / width + p[2] / width) % 2 ? contrast : 1.0;
  };
}

}  // namespace nopal::test
