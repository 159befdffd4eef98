// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/core/tensor.hpp>

#include <algorithm>
#include <numeric>
#include <vector>

namespace nopal::detail {

/// Points of a grid of the unit cube (P, d), the last axis fastest.
template <class T>
Tensor<T> grid_points(const Shape& extents) {
  const int d = extents.rank();
  std::vector<T> points;
  points.reserve(static_cast<std::size_t>(extents.size() * d));
  for (std::int64_t p = 0; p < extents.size(); ++p) {
    std::int64_t stride = extents.size();
    for (int a = 0; a < d; ++a) {
      stride /= extents[a];
      const std::int64_t i = p / stride % extents[a];
      points.push_back(extents[a] > 1 ? static_cast<T>(i) / static_cast<T>(extents[a] - 1) : T(0));
    }
  }
  return Tensor<T>::from_host({extents.size(), d}, points);
}

/// The smallest box that holds all points (P, d).
struct PointBox {
  std::vector<double> low, high;
};

template <class T>
PointBox bounding_box(const Tensor<T>& points) {
  const std::vector<T> x = points.to_vector();
  const auto d = static_cast<std::size_t>(points.extent(1));
  PointBox box;
  for (std::size_t a = 0; a < d && !x.empty(); ++a) {
    box.low.push_back(static_cast<double>(x[a]));
    box.high.push_back(static_cast<double>(x[a]));
  }
  for (std::size_t i = 0; i < x.size(); ++i) {
    box.low[i % d] = std::min(box.low[i % d], static_cast<double>(x[i]));
    box.high[i % d] = std::max(box.high[i % d], static_cast<double>(x[i]));
  }
  return box;
}

/// Error that names two equal points (P, d), if there are some.
template <class T>
void check_distinct(const Tensor<T>& points) {
  const std::vector<T> x = points.to_vector();
  const std::int64_t d = points.extent(1);
  std::vector<std::int64_t> order(static_cast<std::size_t>(points.extent(0)));
  std::iota(order.begin(), order.end(), 0);
  const auto begin = [&](std::int64_t p) { return x.begin() + p * d; };
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
    return std::lexicographical_compare(begin(a), begin(a) + d, begin(b), begin(b) + d);
  });
  for (std::size_t i = 0; i + 1 < order.size(); ++i)
    NOPAL_CHECK(!std::equal(begin(order[i]), begin(order[i]) + d, begin(order[i + 1])), "points ",
                std::min(order[i], order[i + 1]), " and ", std::max(order[i], order[i + 1]),
                " are the same, (", *begin(order[i]), d > 1 ? ", ...)" : ")",
                ": expected distinct points");
}

/// Shape of the output at `points` points for functions of shape `input`: that of a field on the
/// same grid (B, X1, ..., Xd, C) if the input is one with as many points, else (B, P, C).
inline Shape output_shape(const Shape& input, std::int64_t points, std::int64_t channels) {
  const Shape field = input.with(-1, channels);
  return input.rank() > 2 && field.size() == input[0] * points * channels
             ? field
             : Shape{input[0], points, channels};
}

}  // namespace nopal::detail
