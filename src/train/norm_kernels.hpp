// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/comm/grid.hpp>
#include <nopal/core/tensor.hpp>
#include <nopal/train/field_norm.hpp>

namespace nopal::detail {

/// How fields of shape (B, X1, ..., Xd, C) lie in memory, and whether differences are taken.
///
/// A sample is `rows` rows of `line` entries (the last grid axis and the channels, contiguous). On
/// a grid that is divided among ranks these are the rank's own points, and fields that differences
/// are taken of have margins beside them.
struct FieldLayout {
  std::int64_t samples = 0, rows = 1, line = 1, channels = 1;
  int axes = 0;                                   ///< grid axes to differentiate along; 0: L2 norm
  std::int64_t extent[Shape::max_rank]{};         ///< n_k of the whole grid
  std::int64_t first[Shape::max_rank]{};          ///< own points begin here,
  std::int64_t count[Shape::max_rank]{};          ///< so many
  std::int64_t rows_per_step[Shape::max_rank]{};  ///< rows between neighbours along axis k
  bool wraps[Shape::max_rank]{};  ///< periodic, and the neighbour is at the other end of the field
  bool periodic = true;

  /// The same of fields with margins; `margin` is the place of the first own entry.
  std::int64_t padded_rows_per_step[Shape::max_rank]{};
  std::int64_t padded_line = 1, padded_sample = 1, margin = 0;

  FieldLayout() = default;

  /// Of fields of this shape, without differences: all points alike.
  explicit FieldLayout(const Shape& shape);

  /// Of whole fields.
  FieldLayout(const Shape& shape, Boundary boundary);

  /// Of fields on this rank's box, beside margins of `width` points along the axes that are
  /// divided.
  FieldLayout(const Shape& shape, Boundary boundary, const Grid& grid, std::int64_t width);

  /// Place of a row's first own entry in fields without and with margins.
  KOKKOS_INLINE_FUNCTION std::int64_t own(std::int64_t sample, std::int64_t row) const {
    return (sample * rows + row) * line;
  }
  KOKKOS_INLINE_FUNCTION std::int64_t padded(std::int64_t sample, std::int64_t row) const {
    std::int64_t place = sample * padded_sample + margin;
    if (axes == 0) return place + row * padded_line;
    for (int k = 0; k + 1 < axes; ++k)
      place += row / rows_per_step[k] % count[k] * padded_rows_per_step[k] * padded_line;
    return place;
  }

 private:
  void set_axes(const Shape& shape, Boundary boundary);
};

/// Differences and their adjoints reach so far.
constexpr std::int64_t difference_reach = 3;

/// Squared norms of d and y for each sample and channel: a tensor (B, C, 2) of doubles; d is p - y,
/// or p itself with `given_difference`. p and y have margins where the layout has. Stores d,
/// without margins, in `difference` if it is defined. Summed in a fixed order. Local.
template <class T>
Tensor<double> squared_norms(const FieldLayout& layout, const Tensor<T>& p, const Tensor<T>& y,
                             const Tensor<T>& difference, bool given_difference = false);

/// result = beta result + seed coefficient_bc (d + sum_k D_k' D_k d), half the gradient of the
/// squared norm of d times a number for each sample and channel, (B, C); `seed` has one entry. d
/// has margins where the layout has; with axes = 0, `result` may be d itself.
template <class T>
void half_gradient(const FieldLayout& layout, const Tensor<T>& difference,
                   const Tensor<double>& coefficient, const Tensor<T>& seed, T beta,
                   const Tensor<T>& result);

}  // namespace nopal::detail
