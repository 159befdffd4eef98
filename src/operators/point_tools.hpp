// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/data/function_data.hpp>
#include <nopal/nn/elementwise.hpp>
#include <nopal/nn/point_features.hpp>

#include <algorithm>
#include <numeric>
#include <span>
#include <string>
#include <vector>

namespace nopal::detail {

/// Points of a grid of the unit cube (P, d), the last axis fastest.
template <class T>
Tensor<T> grid_points(const Shape& extents) {
  std::vector<std::vector<double>> axes;
  for (const std::int64_t n : extents)
    axes.push_back(equally_spaced(0, 1, n));
  return product_points<T>(axes);
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

/// Shape of the output at `points` points for functions of shape `input`: that of a field on the
/// same grid (B, X1, ..., Xd, C) if the input is one with as many points, else (B, P, C).
inline Shape output_shape(const Shape& input, std::int64_t points, std::int64_t channels) {
  const Shape field = input.with(-1, channels);
  return input.rank() > 2 && field.size() == input[0] * points * channels
             ? field
             : Shape{input[0], points, channels};
}

/// What an operator on functions and points works on: its inputs, or what a single field on a grid
/// stands for, whose values are all sensors and whose points are those of the output.
template <class T>
struct FunctionsAndPoints {
  std::vector<Variable<T>> functions;
  Variable<T> points;
  Shape result;  ///< (B, P, C), or that of a field
};

/// Makes them; remembers the points of the grid that was used last.
template <class T>
class InputSplitter {
 public:
  FunctionsAndPoints<T> split(std::span<const Variable<T>> inputs, std::int64_t out_channels,
                              const PointFeatures<T>& features, const std::string& owner) const {
    FunctionsAndPoints<T> all{{inputs.begin(), inputs.end()}, inputs.back(), {}};
    const Shape& first = inputs[0].shape();
    if (inputs.size() > 1) {
      all.functions.pop_back();
      features.report_outside(all.points.value(), owner);
      all.result = {first[0], all.points.shape()[0], out_channels};
      return all;
    }
    const Shape extents(first.begin() + 1, first.end() - 1);
    if (!(grid_ == extents)) {
      points_ = features.in_box(grid_points<T>(extents));
      grid_ = extents;
    }
    all.points = points_;
    all.result = first.with(-1, out_channels);
    all.functions[0] = reshape(all.functions[0], {first[0], first.with(0, 1).size()});
    return all;
  }

 private:
  mutable Shape grid_;
  mutable Tensor<T> points_;
};

}  // namespace nopal::detail
