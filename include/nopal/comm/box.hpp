// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/core/shape.hpp>

#include <array>
#include <vector>

namespace nopal {

/// The indices begin, ..., end - 1 along an axis of a grid; may reach beyond the grid.
struct Range {
  std::int64_t begin = 0;
  std::int64_t end = 0;

  std::int64_t size() const noexcept { return end - begin; }
  friend bool operator==(const Range&, const Range&) = default;
};

/// A box of grid points, the product of a range an axis (1 to 3, X1 first).
struct Box {
  std::array<Range, 3> ranges{};
  int dimension = 0;

  const Range& operator[](int axis) const { return ranges[static_cast<std::size_t>(axis)]; }

  /// All points of a grid.
  static Box whole(const Shape& extents);

  /// Points along each axis, (n1, ..., nd).
  Shape extents() const;

  /// Shape of a field on the box, (B, n1, ..., nd, C).
  Shape field(std::int64_t batch, std::int64_t channels) const;

  /// Number of points.
  std::int64_t size() const { return extents().size(); }
  bool empty() const { return size() == 0; }
  friend bool operator==(const Box&, const Box&) = default;
};

/// A box for each rank: the product of ranges along the axes, one for each process of a process
/// grid. Ranks are numbered row-major in the process grid, X1 slowest, as in a DMDA and in
/// MPI_Cart_create; Communicator::split() renumbers others.
struct Boxes {
  Shape processes;                         ///< processes along each axis
  std::vector<std::vector<Range>> ranges;  ///< by axis, by process along it

  int dimension() const noexcept { return processes.rank(); }

  /// Where a rank is in the process grid, and the rank that is there.
  Shape coordinates(int rank) const;
  int rank(const Shape& coordinates) const;

  Box box(int rank) const;

  friend bool operator==(const Boxes&, const Boxes&) = default;
};

/// What ranks need to compute their `outputs`; a rank that computes nothing needs nothing. Widths,
/// kernels, strides and paddings have an entry an axis.
///
/// Margins of `low` and `high` points around each output.
Boxes padded(const Boxes& outputs, const Shape& low, const Shape& high);

/// Inputs of a convolution: output i reads points stride i - padding + t, 0 <= t < kernel.
Boxes convolution_inputs(const Boxes& outputs, const Shape& kernel, const Shape& stride,
                         const Shape& padding);

/// Inputs of a transposed convolution: point q is added to the outputs stride q - padding + t,
/// 0 <= t < kernel.
Boxes transposed_convolution_inputs(const Boxes& outputs, const Shape& kernel, const Shape& stride,
                                    const Shape& padding);

}  // namespace nopal
