// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/core/tensor.hpp>

#include <vector>

namespace nopal::detail {

/// Low frequencies of real data along one axis of N points: products with the 2 h + 1 rows
///
///     row k:      cos(2 pi k n / N), k = 0, ..., h
///     row h + k:  sin(2 pi k n / N), k = 1, ..., h,        h <= N / 2
///
/// and their transpose. Cosines are even and sines odd about 0, and even and odd frequencies have
/// period and antiperiod N / 2, so that x is first folded onto N / 4 points, by sums and
/// differences, for each of four classes of rows: a quarter of the multiplications (half for odd
/// N) for 2 N additions.
///
/// A part of the axis, of `count` points from `first` on, has the columns n of its points; x is
/// then (before, count, after), and nothing is folded.
template <class T>
class AxisTransform {
 public:
  AxisTransform(std::int64_t points, std::int64_t highest)
      : AxisTransform(points, highest, 0, points) {}
  AxisTransform(std::int64_t points, std::int64_t highest, std::int64_t first, std::int64_t count);

  std::int64_t points() const noexcept { return count_; }  ///< of the part
  std::int64_t rows() const noexcept { return 2 * highest_ + 1; }

  /// y(a, r, b) = sum_n row_r(n) x(a, n, b); x is (before, N, after), y (before, rows, after).
  void analyse(const T* x, T* y, std::int64_t before, std::int64_t after) const;

  /// x(a, n, b) = beta x(a, n, b) + sum_r row_r(n) y(a, r, b), beta 0 or 1.
  void synthesise(const T* y, T* x, std::int64_t before, std::int64_t after, T beta) const;

  /// Flops of either for one column.
  double flops() const noexcept;

 private:
  // Rows of one kind (cosine or sine) and parity of k: every `stride`-th from `first` on, and
  // where their folded data lies in the folded panel.
  struct Part {
    std::int64_t first, stride, count, offset, length;
    Tensor<T> matrix;  // (count, length)
  };

  bool folds(std::int64_t after) const noexcept;
  void fold(const T* x, std::int64_t ld, T* panel, std::int64_t columns) const;
  template <bool Add>
  void unfold(const T* panel, T* x, std::int64_t ld, std::int64_t columns) const;

  std::int64_t points_, highest_, count_;
  std::int64_t half_;        // N / 2 for even N: period of the even frequencies; N for odd N
  std::vector<Part> parts_;  // cosines and sines of even k, then of odd k; the former two of all k
  Tensor<T> matrix_;         // all rows, unfolded: for other spaces, narrow data and parts
};

}  // namespace nopal::detail
