// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/data/interpolation.hpp>

#include <algorithm>

namespace nopal {
namespace {

// One axis of (outer, n, inner) to (outer, m, inner).
template <class T>
std::vector<T> interpolate_axis(const std::vector<T>& x, std::int64_t outer, std::int64_t n,
                                std::int64_t m, std::int64_t inner) {
  std::vector<T> y(static_cast<std::size_t>(outer * m * inner));
  for (std::int64_t i = 0; i < m; ++i) {
    // Point i of the new axis lies at i n / m in units of the old one; integers keep it exact.
    const std::int64_t left =
        std::clamp<std::int64_t>(i * n / m, 0, std::max<std::int64_t>(n - 2, 0));
    const std::int64_t right = std::min(left + 1, n - 1);
    const T weight = static_cast<T>(i * n - left * m) / static_cast<T>(m);
    for (std::int64_t o = 0; o < outer; ++o) {
      const T* a = x.data() + (o * n + left) * inner;
      const T* b = x.data() + (o * n + right) * inner;
      T* target = y.data() + (o * m + i) * inner;
      for (std::int64_t k = 0; k < inner; ++k)
        target[k] = a[k] + weight * (b[k] - a[k]);
    }
  }
  return y;
}

}  // namespace

template <class T>
Tensor<T> interpolate(const Tensor<T>& x, const Shape& grid) {
  const int axes = x.rank() - 2;
  NOPAL_CHECK(axes >= 1 && grid.rank() == axes, "cannot interpolate a field of shape ", x.shape(),
              " to the grid ", grid);
  NOPAL_CHECK(x.size() > 0 && grid.size() > 0, "cannot interpolate ", x.shape(), " to the grid ",
              grid, ": empty");
  Shape shape = x.shape();
  std::vector<T> values = x.to_vector();
  for (int axis = 1; axis <= axes; ++axis) {
    const std::int64_t m = grid[axis - 1];
    if (m == shape[axis]) continue;
    values = interpolate_axis(values, shape.product(0, axis), shape[axis], m,
                              shape.product(axis + 1, shape.rank()));
    shape = shape.with(axis, m);
  }
  return Tensor<T>::from_host(shape, values);
}

template Tensor<float> interpolate<float>(const Tensor<float>&, const Shape&);
template Tensor<double> interpolate<double>(const Tensor<double>&, const Shape&);

}  // namespace nopal
