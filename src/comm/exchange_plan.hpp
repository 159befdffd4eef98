// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/comm/grid.hpp>

namespace nopal::detail {

/// Where the points of a block lie in a field or a buffer, in points: point (i1, i2, i3) of sample
/// b is at B message + first + b sample + sum_k i_k stride_k, where B is the number of samples.
struct Placement {
  std::int64_t message = 0;  ///< in a buffer: points of all messages before this one
  std::int64_t first = 0;
  std::int64_t sample = 0;
  std::int64_t stride[3] = {};
};

/// A box of points that are copied together. Fewer axes than three are the last ones.
struct Block {
  std::int64_t count[3] = {};
  Placement source, target;
  std::int64_t run = 0;          ///< points that follow each other on both sides: count[2] or 1
  std::int64_t first_chunk = 0;  ///< chunks of the list's blocks before this one

  KOKKOS_INLINE_FUNCTION std::int64_t points() const { return count[0] * count[1] * count[2]; }

  /// Kernels take the rows of a block, one run each, in chunks.
  static constexpr std::int64_t chunk = 16;
  KOKKOS_INLINE_FUNCTION std::int64_t rows() const { return points() / run; }
  std::int64_t chunks() const { return (rows() + chunk - 1) / chunk; }
};

/// What one rank sends to another, or gets from it.
struct Message {
  int rank = 0;
  std::int64_t first = 0;   ///< points of the messages before it
  std::int64_t points = 0;  ///< for one sample
};

/// What one rank does in an Exchange: copies from its own box to the wanted one, fills points that
/// have no source with 0, packs messages from its own box and unpacks others to the wanted one.
struct ExchangePlan {
  std::vector<Block> local, zero, packed, unpacked;
  std::vector<Message> sent, received;
  bool covered = false;  ///< local[0] has every point of the rank's own box once
};

/// The plan of rank `rank`. Not collective: sender and receiver find the same messages.
ExchangePlan make_plan(const Grid& grid, const Boxes& wanted, int rank);

}  // namespace nopal::detail
