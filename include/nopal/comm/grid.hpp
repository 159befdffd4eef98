// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/comm/box.hpp>
#include <nopal/comm/communicator.hpp>

namespace nopal {

/// What lies beyond a side of the domain: 0; the field mirrored at the boundary point, which is not
/// repeated, x(-i) = x(i); or the field from the other side, x(-i) = x(n - i).
enum class BoundaryRule { zero, reflect, periodic };

/// The rules at the two sides of an axis.
struct AxisRule {
  // NOLINTNEXTLINE(google-explicit-constructor): a shorthand, {periodic, zero} for two axes
  AxisRule(BoundaryRule both = BoundaryRule::zero) : low(both), high(both) {}
  AxisRule(BoundaryRule at_low, BoundaryRule at_high) : low(at_low), high(at_high) {}

  BoundaryRule low, high;
  friend bool operator==(const AxisRule&, const AxisRule&) = default;
};

/// A structured grid in 1 to 3 dimensions whose points are divided among ranks, a box each.
///
/// A field on it is a tensor (B, n1, ..., nd, C) of the rank's box. All ranks know all boxes:
/// making coarser grids or plans for messages needs no communication. A copyable value; copies
/// share the communicator, which is a duplicate of the one given.
///
/// Constructors are collective; arguments must be the same on all ranks. `rules` has an entry an
/// axis, or none: zero everywhere. Errors, the same on all ranks: periodic on one side of an axis
/// only, more ranks than points along an axis, arguments that differ.
class Grid {
 public:
  Grid() = default;

  /// The process grid that cuts the fewest connections between points; ties cut the slower axes.
  /// Boxes along an axis are those of slab().
  explicit Grid(const Shape& extents, const std::vector<AxisRule>& rules = {},
                const Communicator& comm = {});

  /// A given process grid: `processes` along each axis.
  Grid(const Shape& extents, const std::vector<AxisRule>& rules, const Communicator& comm,
       const Shape& processes);

  /// Given points: `counts[a][p]` of process p along axis a, in order; may be 0.
  Grid(const Shape& extents, const std::vector<AxisRule>& rules, const Communicator& comm,
       const std::vector<std::vector<std::int64_t>>& counts);

  int dimension() const noexcept { return extents_.rank(); }
  const Shape& extents() const noexcept { return extents_; }  ///< of the whole grid
  const AxisRule& rule(int axis) const { return rules_[static_cast<std::size_t>(axis)]; }
  const Communicator& comm() const noexcept { return comm_; }

  /// The points of each rank, and of this one.
  const Boxes& boxes() const noexcept { return boxes_; }
  Box box() const { return boxes_.box(comm_.rank()); }

  /// The grid of every other point: coarse point i lies at fine point 2 i + offset along each axis
  /// and belongs to the owner of that point, so boxes may be uneven or empty. Offset 0 has
  /// ceil(n / 2) points, as many as a convolution with stride 2, kernel 3 and padding 1 makes;
  /// offset 1 has floor((n - 1) / 2), kernel 3 without padding. Error if none is left.
  Grid coarsen(const Shape& offset) const;

  /// The same along the axes whose stride is 2; those with stride 1 keep their points.
  Grid coarsen(const Shape& offset, const Shape& stride) const;

  /// The same points on fewer ranks, evenly, if a rank with points has fewer than `least` along an
  /// axis: those that remain have at least as many where the grid has. The others have empty boxes.
  Grid agglomerate(std::int64_t least) const;

  /// The same points on the same ranks with other rules. Error, the same on all ranks, if the rules
  /// are not possible.
  Grid with_rules(const std::vector<AxisRule>& rules) const;

  /// The same points, all on one rank.
  Grid gather(int root = 0) const;

 private:
  void set_up(const Communicator& comm, const std::vector<std::vector<std::int64_t>>& counts);

  Shape extents_;
  std::vector<AxisRule> rules_;
  Communicator comm_;
  Boxes boxes_;
};

}  // namespace nopal
