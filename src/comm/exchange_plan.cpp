// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "comm/exchange_plan.hpp"

#include <algorithm>
#include <array>

namespace nopal::detail {
namespace {

constexpr std::int64_t none = -1;

// Successive indices of a wanted range whose sources follow each other on one process, forwards or
// backwards; or that have no source.
struct Segment {
  std::int64_t target = 0;  // first index, counted from the begin of the wanted range
  std::int64_t source = 0;  // first index in the grid
  std::int64_t count = 0;
  std::int64_t step = 1;      // 1 or -1
  std::int64_t owner = none;  // process along the axis
};

using Coordinates = std::array<std::int64_t, 3>;
using Cell = std::array<Segment, 3>;

// One axis of the plan. Missing leading axes have one point and one process.
struct Axis {
  Range owned{0, 1}, wanted{0, 1};                                // by this rank
  std::int64_t owners = 1, wanters = 1;                           // processes along the axis
  std::int64_t owner = 0, wanter = 0;                             // this rank among them
  std::vector<std::vector<Segment>> segments{{{0, 0, 1, 1, 0}}};  // by process that wants them
};
using Axes = std::array<Axis, 3>;

std::int64_t source_of(std::int64_t i, std::int64_t n, const AxisRule& rule) {
  if (i >= 0 && i < n) return i;
  switch (i < 0 ? rule.low : rule.high) {
    case BoundaryRule::reflect:
      return i < 0 ? -i : 2 * (n - 1) - i;
    case BoundaryRule::periodic:
      return (i % n + n) % n;
    default:
      return none;
  }
}

std::int64_t owner_of(std::int64_t source, const std::vector<Range>& owned) {
  if (source == none) return none;
  const auto owner = std::partition_point(owned.begin(), owned.end(),
                                          [&](const Range& range) { return range.end <= source; });
  return owner - owned.begin();
}

std::vector<Segment> make_segments(const Range& wanted, std::int64_t n, const AxisRule& rule,
                                   const std::vector<Range>& owned) {
  std::vector<Segment> segments;
  for (std::int64_t i = wanted.begin; i < wanted.end; ++i) {
    const std::int64_t source = source_of(i, n, rule), owner = owner_of(source, owned);
    if (!segments.empty() && segments.back().owner == owner) {
      Segment& last = segments.back();
      const std::int64_t step = source - (last.source + last.step * (last.count - 1));
      const bool follows = (last.count == 1 && step == -1) || step == last.step;
      // Not across the boundary, so that the points inside stay together.
      if (owner == none || (follows && i % n != 0)) {
        if (owner != none) last.step = step;
        ++last.count;
        continue;
      }
    }
    segments.push_back({i - wanted.begin, source, 1, 1, owner});
  }
  return segments;
}

Axes make_axes(const Grid& grid, const Boxes& wanted, int rank) {
  Axes axes;
  const int d = grid.dimension();
  for (int a = 0; a < d; ++a) {
    Axis& axis = axes[3 - d + a];
    const std::vector<Range>& owned = grid.boxes().ranges[a];
    axis.owners = grid.boxes().processes[a];
    axis.wanters = wanted.processes[a];
    axis.owner = grid.boxes().coordinates(rank)[a];
    axis.wanter = wanted.coordinates(rank)[a];
    axis.owned = owned[axis.owner];
    axis.wanted = wanted.ranges[a][axis.wanter];
    axis.segments.clear();
    for (const Range& range : wanted.ranges[a])
      axis.segments.push_back(make_segments(range, grid.extents()[a], grid.rule(a), owned));
  }
  return axes;
}

template <class Value, class Action>
void for_each_product(const std::array<std::vector<Value>, 3>& lists, const Action& action) {
  for (const Value& i : lists[0])
    for (const Value& j : lists[1])
      for (const Value& k : lists[2])
        action(std::array<Value, 3>{i, j, k});
}

// What the rank at `wanter` wants of the one at `owner`; both see the same cells in the same order.
std::vector<Cell> cells_between(const Axes& axes, const Coordinates& owner,
                                const Coordinates& wanter) {
  std::array<std::vector<Segment>, 3> parts;
  for (int a = 0; a < 3; ++a)
    for (const Segment& segment : axes[a].segments[wanter[a]])
      if (segment.owner == owner[a]) parts[a].push_back(segment);
  std::vector<Cell> cells;
  for_each_product(parts, [&](const Cell& cell) { cells.push_back(cell); });
  return cells;
}

// The points of the wanted range of an axis that have no source, and the others between them.
std::vector<Segment> with_and_without_source(const Axis& axis) {
  std::vector<Segment> parts;
  for (Segment segment : axis.segments[axis.wanter]) {
    segment.owner = segment.owner == none ? none : 0;
    if (!parts.empty() && parts.back().owner == segment.owner)
      parts.back().count += segment.count;
    else
      parts.push_back(segment);
  }
  return parts;
}

// A row-major array of these extents.
Placement array(const Coordinates& n) {
  return {0, 0, n[0] * n[1] * n[2], {n[1] * n[2], n[2], 1}};
}

Placement in_source(const Axes& axes, const Cell& cell) {
  Placement place = array({axes[0].owned.size(), axes[1].owned.size(), axes[2].owned.size()});
  for (int a = 0; a < 3; ++a) {
    place.first += (cell[a].source - axes[a].owned.begin) * place.stride[a];
    place.stride[a] *= cell[a].step;
  }
  return place;
}

Placement in_target(const Axes& axes, const Cell& cell) {
  Placement place = array({axes[0].wanted.size(), axes[1].wanted.size(), axes[2].wanted.size()});
  for (int a = 0; a < 3; ++a)
    place.first += cell[a].target * place.stride[a];
  return place;
}

void append(std::vector<Block>& blocks, const Cell& cell, const Placement& source,
            const Placement& target) {
  Block block{{cell[0].count, cell[1].count, cell[2].count}, source, target};
  block.run = source.stride[2] == 1 && target.stride[2] == 1 ? block.count[2] : 1;
  blocks.push_back(block);
}

void number_chunks(std::vector<Block>& blocks) {
  std::int64_t chunks = 0;
  for (Block& block : blocks) {
    block.first_chunk = chunks;
    chunks += block.chunks();
  }
}

// Appends a message of `cells`, one after the other; add(cell, place) takes their places in it.
template <class Action>
void append_message(std::vector<Message>& messages, std::int64_t rank,
                    const std::vector<Cell>& cells, const Action& add) {
  Message message{static_cast<int>(rank)};
  if (!messages.empty()) message.first = messages.back().first + messages.back().points;
  for (const Cell& cell : cells)
    message.points += cell[0].count * cell[1].count * cell[2].count;
  std::int64_t first = 0;
  for (const Cell& cell : cells) {
    Placement place = array({cell[0].count, cell[1].count, cell[2].count});
    place.message = message.first;
    place.first = first;
    first += place.sample;
    place.sample = message.points;
    add(cell, place);
  }
  messages.push_back(message);
}

}  // namespace

ExchangePlan make_plan(const Grid& grid, const Boxes& wanted, int rank) {
  const Axes axes = make_axes(grid, wanted, rank);
  Coordinates owner, wanter;                                 // this rank
  std::array<std::vector<std::int64_t>, 3> owners, wanters;  // of what it wants, of what it owns
  std::array<std::vector<Segment>, 3> parts;
  for (int a = 0; a < 3; ++a) {
    owner[a] = axes[a].owner;
    wanter[a] = axes[a].wanter;
    const auto has = [&](std::int64_t p, std::int64_t q) {  // whether p wants points of q
      return std::any_of(axes[a].segments[p].begin(), axes[a].segments[p].end(),
                         [&](const Segment& segment) { return segment.owner == q; });
    };
    for (std::int64_t q = 0; q < axes[a].owners; ++q)
      if (has(wanter[a], q)) owners[a].push_back(q);
    for (std::int64_t p = 0; p < axes[a].wanters; ++p)
      if (has(p, owner[a])) wanters[a].push_back(p);
    parts[a] = with_and_without_source(axes[a]);
  }

  ExchangePlan plan;
  for_each_product(owners, [&](const Coordinates& q) {
    const std::vector<Cell> cells = cells_between(axes, q, wanter);
    if (q == owner) {
      for (const Cell& cell : cells)
        append(plan.local, cell, in_source(axes, cell), in_target(axes, cell));
    } else {
      const auto from = (q[0] * axes[1].owners + q[1]) * axes[2].owners + q[2];
      append_message(plan.received, from, cells, [&](const Cell& cell, const Placement& place) {
        append(plan.unpacked, cell, place, in_target(axes, cell));
      });
    }
  });
  for_each_product(wanters, [&](const Coordinates& p) {
    if (p == wanter) return;
    const auto to = (p[0] * axes[1].wanters + p[1]) * axes[2].wanters + p[2];
    append_message(plan.sent, to, cells_between(axes, owner, p),
                   [&](const Cell& cell, const Placement& place) {
                     append(plan.packed, cell, in_source(axes, cell), place);
                   });
  });
  for_each_product(parts, [&](const Cell& cell) {
    const Placement place = in_target(axes, cell);
    if (cell[0].owner == none || cell[1].owner == none || cell[2].owner == none)
      append(plan.zero, cell, place, place);
  });

  const std::int64_t points = grid.boxes().box(rank).size();
  const auto whole = std::find_if(plan.local.begin(), plan.local.end(),
                                  [&](const Block& block) { return block.points() == points; });
  plan.covered = whole != plan.local.end();
  if (plan.covered) std::swap(*whole, plan.local.front());
  for (auto* blocks : {&plan.local, &plan.zero, &plan.packed, &plan.unpacked})
    number_chunks(*blocks);
  return plan;
}

}  // namespace nopal::detail
