// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/comm/grid.hpp>
#include <nopal/core/tensor.hpp>

namespace nopal::detail {

/// z(.., r, ..) = sum_i G_ri v(.., i, ..) along one axis of fields, where G'G is the quadratic form
/// sum_q q^2 |v^(q)|^2 / n of the discrete Fourier transform over wave numbers 0 < |q| < cutoff:
///
///     rows q sqrt(2 / n) cos(2 pi q i / n), q sqrt(2 / n) sin(2 pi q i / n),   0 < q < n / 2,
///     row  q sqrt(1 / n) cos(2 pi q i / n),                                    q = n / 2.
///
/// If the axis is divided, each rank has the columns of its points, and z is the sum over them.
template <class T>
class WaveNumbers {
 public:
  /// Of a whole axis of n points.
  WaveNumbers(int axis, std::int64_t n, std::int64_t cutoff);

  /// Of the points that this rank has along an axis. Collective.
  WaveNumbers(int axis, const Grid& grid, std::int64_t cutoff);

  std::int64_t points() const noexcept { return matrix_.extent(1); }  ///< of this rank

  /// z (B, ..., rows, ..., C) of v (B, X1, ..., Xd, C). Collective over the ranks along the axis.
  Tensor<T> apply(const Tensor<T>& v) const;

  /// v += G' z. Local.
  void add_adjoint(const Tensor<T>& z, const Tensor<T>& v) const;

  /// Whether this rank counts z in sums over ranks: one of those along the axis does.
  bool counts() const noexcept { return line_.rank() == 0; }

 private:
  void fill(std::int64_t n, Range points, std::int64_t cutoff);

  int axis_;
  Tensor<T> matrix_;   // (rows, points)
  Communicator line_;  // ranks that have the other points of the same lines
};

}  // namespace nopal::detail
