// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/comm/grid.hpp>

#include <memory>

namespace nopal {

/// Brings each rank a field's values in a box that it wants: its own points, points of other ranks
/// and, beyond the domain, what the grid's boundary rules say.
///
///     y(b, i, c) = x(b, s(i), c),   i in the wanted box,   y = 0 where s(i) does not exist,
///
/// with x (B, n1, ..., nd, C) the field on the rank's box, y (B, m1, ..., md, C) on the wanted one,
/// and s the grid's rules, axis by axis. The map x -> y is linear; the adjoint adds each dy(i) to
/// the dx(s(i)) of its owner, in an order that depends on the boxes only: same input, same bits.
///
///     const auto halo = halo_exchange<float>(grid, {1, 1}, {1, 1});
///     halo.start(x, y);
///     ...                        // work on the points whose neighbours are the rank's own
///     halo.finish(y);
///
/// One round of messages, at most one from each rank to another, between host buffers that are
/// reused: nothing is allocated after the first call with the largest B C. Ranks with empty boxes
/// take part and pay nothing. Starting and finishing is collective, with the same B and C, and in
/// the same order on all ranks if exchanges of one grid and its relatives overlap; one exchange
/// runs once at a time. Errors: a wrong shape, where it is passed; B or C that differ, where
/// messages arrive. A handle: copies share plan and buffers.
template <class T>
class Exchange {
 public:
  Exchange() = default;

  /// Collective, with the same arguments. Errors, the same on all ranks: boxes that differ or are
  /// not one a rank; more reflected points than the grid has beside the boundary (extent - 1).
  Exchange(const Grid& grid, const Boxes& wanted);

  const Grid& grid() const;

  /// The wanted box of this rank; may reach beyond the domain.
  const Box& box() const;

  /// y := x on the wanted box. After start(), x is free again, and what comes from this rank or
  /// from nowhere is in place: y holds all but the values of other ranks.
  void start(const Tensor<T>& x, const Tensor<T>& y) const;
  void finish(const Tensor<T>& y) const;

  /// dx := adjoint of dy, or dx += with `add`. Both calls need the same dy.
  void start_adjoint(const Tensor<T>& dy) const;
  void finish_adjoint(const Tensor<T>& dy, const Tensor<T>& dx, bool add = false) const;

  /// Whether the wanted boxes are the ranks' own: y = x, without messages.
  bool identity() const;

  /// Messages that this rank sends a call, and their bytes for `channels` values a point and
  /// `batch` samples. The adjoint's messages go the other way.
  int messages_sent() const;
  std::int64_t bytes_sent(std::int64_t batch, std::int64_t channels) const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// Bytes that this process has sent in exchanges so far, adjoints included.
std::int64_t bytes_exchanged() noexcept;

/// Margins of `low` and `high` points (an entry an axis) around each rank's box; may be wider than
/// boxes. A rank without points gets none. Collective.
template <class T>
Exchange<T> halo_exchange(const Grid& grid, const Shape& low, const Shape& high);

/// From the boxes of one grid to those of another of the same extents, with the same ranks: to a
/// coarse grid on fewer ranks, `to` = from.agglomerate(n), or to one rank for output,
/// from.gather(). The adjoint is the way back. Collective.
template <class T>
Exchange<T> redistribution(const Grid& from, const Grid& to);

}  // namespace nopal
