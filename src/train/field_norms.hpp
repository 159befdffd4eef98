// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/core/tensor.hpp>
#include <nopal/train/losses.hpp>

namespace nopal::detail {

/// How fields of shape (B, X1, ..., Xd, C) lie in memory, and which norm is meant.
///
/// A sample is `rows` rows of `line` entries (the last grid axis and the channels, contiguous).
struct FieldNorm {
  std::int64_t samples = 0, rows = 1, line = 1, channels = 1;
  int axes = 0;                                   ///< grid axes to differentiate along; 0: L2 norm
  std::int64_t extent[Shape::max_rank]{};         ///< n_k
  std::int64_t rows_per_step[Shape::max_rank]{};  ///< rows between neighbours along axis k
  bool periodic = true;

  FieldNorm() = default;
  FieldNorm(const Shape& shape, bool derivatives, Boundary boundary);

  KOKKOS_INLINE_FUNCTION std::int64_t sample_size() const { return rows * line; }
};

/// Squared norms of p - y and y for each sample and channel: a tensor (B, C, 2) of doubles. Stores
/// p - y in `difference` if it is defined. Summed in a fixed order.
template <class T>
Tensor<double> squared_norms(const FieldNorm& norm, const Tensor<T>& prediction,
                             const Tensor<T>& target, const Tensor<T>& difference);

/// result = beta result + seed coefficient_bc (d + sum_k D_k' D_k d), half the gradient of the
/// squared norm of d times a number for each sample and channel, (B, C); `seed` has one entry. With
/// axes = 0, `result` may be d itself.
template <class T>
void half_gradient(const FieldNorm& norm, const Tensor<T>& difference,
                   const Tensor<double>& coefficient, const Tensor<T>& seed, T beta,
                   const Tensor<T>& result);

}  // namespace nopal::detail
