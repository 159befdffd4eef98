// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "train/fourier_norm.hpp"

#include <nopal/core/blas.hpp>

#include <cmath>

namespace nopal::detail {
namespace {

constexpr double pi = 3.14159265358979323846;

// A field as matrices of the axis and what lies after it, one after the other.
struct Split {
  std::int64_t before, points, after;
  Split(const Shape& shape, int axis)
      : before(shape.product(0, axis + 1)),
        points(shape[axis + 1]),
        after(shape.product(axis + 2, shape.rank())) {}
};

// The ranks that differ in their place along the axis only.
Communicator line_of(const Grid& grid, int axis) {
  if (grid.boxes().processes[axis] == 1) return {};
  const Shape at = grid.boxes().coordinates(grid.comm().rank());
  return grid.comm().split(grid.boxes().rank(at.with(axis, 0)), static_cast<int>(at[axis]));
}

}  // namespace

template <class T>
WaveNumbers<T>::WaveNumbers(int axis, std::int64_t n, std::int64_t cutoff) : axis_(axis) {
  fill(n, {0, n}, cutoff);
}

template <class T>
WaveNumbers<T>::WaveNumbers(int axis, const Grid& grid, std::int64_t cutoff)
    : axis_(axis), line_(line_of(grid, axis)) {
  fill(grid.extents()[axis], grid.box()[axis], cutoff);
}

template <class T>
void WaveNumbers<T>::fill(std::int64_t n, Range points, std::int64_t cutoff) {
  std::vector<T> rows;
  std::int64_t count = 0;
  const auto add = [&](std::int64_t q, double factor, double (*wave)(double)) {
    for (std::int64_t i = points.begin; i < points.end; ++i)
      rows.push_back(static_cast<T>(
          factor * wave(2 * pi * static_cast<double>(q * i % n) / static_cast<double>(n))));
    ++count;
  };
  for (std::int64_t q = 1; q < cutoff && 2 * q <= n; ++q) {
    const double factor =
        static_cast<double>(q) * std::sqrt((2 * q == n ? 1.0 : 2.0) / static_cast<double>(n));
    add(q, factor, std::cos);
    if (2 * q < n) add(q, factor, std::sin);
  }
  matrix_ = Tensor<T>::from_host({count, points.size()}, rows);
}

template <class T>
Tensor<T> WaveNumbers<T>::apply(const Tensor<T>& v) const {
  const Split s(v.shape(), axis_);
  const std::int64_t rows = matrix_.extent(0);
  Tensor<T> z(v.shape().with(axis_ + 1, rows));
  if (rows == 0) return z;
  if (s.after == 1)
    gemm(Op::none, Op::transpose, s.before, rows, s.points, T(1), v.data(), s.points,
         matrix_.data(), s.points, T(0), z.data(), rows);
  else
    gemm_batched(Op::none, Op::none, rows, s.after, s.points, T(1), matrix_.data(), s.points, 0,
                 v.data(), s.after, s.points * s.after, T(0), z.data(), s.after, rows * s.after,
                 s.before);
  if (line_.size() > 1) line_.sum(z);
  return z;
}

template <class T>
void WaveNumbers<T>::add_adjoint(const Tensor<T>& z, const Tensor<T>& v) const {
  const Split s(v.shape(), axis_);
  const std::int64_t rows = matrix_.extent(0);
  if (rows == 0) return;
  if (s.after == 1)
    gemm(Op::none, Op::none, s.before, s.points, rows, T(1), z.data(), rows, matrix_.data(),
         s.points, T(1), v.data(), s.points);
  else
    gemm_batched(Op::transpose, Op::none, s.points, s.after, rows, T(1), matrix_.data(), s.points,
                 0, z.data(), s.after, rows * s.after, T(1), v.data(), s.after, s.points * s.after,
                 s.before);
}

template class WaveNumbers<float>;
template class WaveNumbers<double>;

}  // namespace nopal::detail
