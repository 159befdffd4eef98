// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/comm/grid.hpp>

#include <algorithm>
#include <limits>
#include <numeric>
#include <sstream>

namespace nopal {
namespace {

using Counts = std::vector<std::vector<std::int64_t>>;

std::vector<AxisRule> checked_rules(const Shape& extents, std::vector<AxisRule> rules) {
  const int d = extents.rank();
  NOPAL_CHECK(d >= 1 && d <= 3, "a grid has 1 to 3 axes, got extents ", extents);
  NOPAL_CHECK(extents.size() > 0, "a grid has at least one point along each axis, got ", extents);
  if (rules.empty()) rules.resize(d);
  NOPAL_CHECK(static_cast<int>(rules.size()) == d, "the grid ", extents, " needs ", d,
              " boundary rules, one an axis, got ", rules.size());
  for (int a = 0; a < d; ++a)
    NOPAL_CHECK(
        (rules[a].low == BoundaryRule::periodic) == (rules[a].high == BoundaryRule::periodic),
        "axis X", a + 1, " of the grid ", extents,
        " is periodic on one side only; make it periodic on both or on none");
  return rules;
}

// Connections between neighbouring points that the process grid cuts.
std::int64_t cut(const Shape& extents, const std::vector<AxisRule>& rules, const Shape& processes) {
  std::int64_t result = 0;
  for (int a = 0; a < extents.rank(); ++a) {
    const bool wraps = processes[a] > 1 && rules[a].low == BoundaryRule::periodic;
    result += (processes[a] - 1 + (wraps ? 1 : 0)) * (extents.size() / extents[a]);
  }
  return result;
}

// Of all process grids with `begin` along the first axes and `left` processes to place along the
// others, the one with the least cut; rank 0 if none fits.
Shape best_processes(const Shape& extents, const std::vector<AxisRule>& rules, const Shape& begin,
                     std::int64_t left) {
  const int a = begin.rank();
  if (a == extents.rank()) return left == 1 ? begin : Shape();
  Shape best;
  auto least = std::numeric_limits<std::int64_t>::max();
  for (std::int64_t p = std::min(left, extents[a]); p >= 1; --p) {
    if (left % p != 0) continue;
    Shape longer = begin;
    longer.push_back(p);
    const Shape candidate = best_processes(extents, rules, longer, left / p);
    if (candidate.rank() == 0 || cut(extents, rules, candidate) >= least) continue;
    best = candidate;
    least = cut(extents, rules, candidate);
  }
  return best;
}

Counts even_counts(const Shape& extents, const Shape& processes) {
  NOPAL_CHECK(processes.rank() == extents.rank(), "the grid ", extents, " needs a process grid in ",
              extents.rank(), " dimensions, got ", processes);
  Counts counts(extents.rank());
  for (int a = 0; a < extents.rank(); ++a) {
    NOPAL_CHECK(processes[a] >= 1 && processes[a] <= extents[a], "the grid ", extents, " has ",
                extents[a], " points along axis X", a + 1, ": they cannot be divided among ",
                processes[a], " processes");
    for (int p = 0; p < processes[a]; ++p)
      counts[a].push_back(slab(extents[a], p, static_cast<int>(processes[a])).count);
  }
  return counts;
}

std::vector<Range> consecutive(const std::vector<std::int64_t>& counts) {
  std::vector<Range> ranges;
  std::int64_t end = 0;
  for (const std::int64_t count : counts) {
    ranges.push_back({end, end + count});
    end += count;
  }
  return ranges;
}

// Points by process along an axis such that those with points have at least `least`, if n allows.
std::vector<std::int64_t> agglomerated(std::int64_t n, const std::vector<Range>& ranges,
                                       std::int64_t least) {
  std::vector<std::int64_t> counts(ranges.size());
  std::vector<std::size_t> owners;
  bool enough = true;
  for (std::size_t p = 0; p < ranges.size(); ++p) {
    counts[p] = ranges[p].size();
    if (counts[p] > 0) owners.push_back(p);
    if (counts[p] > 0 && counts[p] < least) enough = false;
  }
  if (enough) return counts;
  const auto before = static_cast<int>(owners.size());
  const auto after = static_cast<int>(std::clamp<std::int64_t>(n / least, 1, before));
  std::fill(counts.begin(), counts.end(), 0);
  for (int i = 0; i < after; ++i)
    // The first of the owners that it replaces: most of its points are there.
    counts[owners[slab(before, i, after).first]] = slab(n, i, after).count;
  return counts;
}

}  // namespace

Grid::Grid(const Shape& extents, const std::vector<AxisRule>& rules, const Communicator& comm)
    : extents_(extents) {
  Counts counts;
  comm.together([&] {
    rules_ = checked_rules(extents, rules);
    const Shape processes = best_processes(extents, rules_, {}, comm.size());
    NOPAL_CHECK(processes.rank() > 0, "the points of the grid ", extents,
                " cannot be divided among ", comm.size(),
                " ranks: no process grid has at most as many ranks along each axis as points");
    counts = even_counts(extents, processes);
  });
  set_up(comm, counts);
}

Grid::Grid(const Shape& extents, const std::vector<AxisRule>& rules, const Communicator& comm,
           const Shape& processes)
    : extents_(extents) {
  Counts counts;
  comm.together([&] {
    rules_ = checked_rules(extents, rules);
    counts = even_counts(extents, processes);
  });
  set_up(comm, counts);
}

Grid::Grid(const Shape& extents, const std::vector<AxisRule>& rules, const Communicator& comm,
           const std::vector<std::vector<std::int64_t>>& counts)
    : extents_(extents) {
  comm.together([&] {
    rules_ = checked_rules(extents, rules);
    NOPAL_CHECK(static_cast<int>(counts.size()) == extents.rank(), "the grid ", extents,
                " needs counts of points for ", extents.rank(), " axes, got ", counts.size());
    for (int a = 0; a < extents.rank(); ++a) {
      const auto total = std::accumulate(counts[a].begin(), counts[a].end(), std::int64_t(0));
      const auto smallest = std::min_element(counts[a].begin(), counts[a].end());
      NOPAL_CHECK(total == extents[a] && *smallest >= 0, "the grid ", extents, " has ", extents[a],
                  " points along axis X", a + 1, ", but the processes along it have ", total,
                  " in total and ", smallest == counts[a].end() ? 0 : *smallest, " at least");
    }
  });
  set_up(comm, counts);
}

void Grid::set_up(const Communicator& comm, const Counts& counts) {
  std::ostringstream description;
  description << extents_;
  for (int a = 0; a < dimension(); ++a) {
    boxes_.processes.push_back(static_cast<std::int64_t>(counts[a].size()));
    boxes_.ranges.push_back(consecutive(counts[a]));
    description << ';' << static_cast<int>(rules_[a].low) << static_cast<int>(rules_[a].high);
    for (const std::int64_t count : counts[a])
      description << ' ' << count;
  }
  NOPAL_CHECK(comm.same(description.str()),
              "a grid needs the same extents, rules and boxes on all ranks; they differ");
  NOPAL_CHECK(boxes_.processes.size() == comm.size(), "the process grid ", boxes_.processes,
              " has ", boxes_.processes.size(), " processes, the communicator ", comm.size(),
              " ranks");
  if (comm.size() > 1) comm_ = comm.duplicate();
}

Grid Grid::coarsen(const Shape& offset) const {
  Shape stride;
  for (int a = 0; a < dimension(); ++a)
    stride.push_back(2);
  return coarsen(offset, stride);
}

Grid Grid::coarsen(const Shape& offset, const Shape& stride) const {
  NOPAL_CHECK(offset.rank() == dimension() && stride.rank() == dimension(), "the grid ", extents_,
              " needs ", dimension(), " offsets and strides of coarse points, got ", offset,
              " and ", stride);
  Grid coarse = *this;
  for (int a = 0; a < dimension(); ++a) {
    NOPAL_CHECK(stride[a] == 1 || stride[a] == 2, "coarse points have stride 1 or 2, got ",
                stride[a]);
    if (stride[a] == 1) continue;
    const std::int64_t n = extents_[a], first = offset[a];
    NOPAL_CHECK(first <= 1, "coarse points start at fine point 0 or 1, got ", first);
    const std::int64_t points = first == 0 ? (n + 1) / 2 : (n - 1) / 2;
    NOPAL_CHECK(points > 0, "axis X", a + 1, " of the grid ", extents_,
                " has too few points for a coarse one at offset ", first, ": it needs ",
                1 + 2 * first);
    coarse.extents_ = coarse.extents_.with(a, points);
    for (Range& r : coarse.boxes_.ranges[a]) {
      r.begin = std::min(points, (r.begin - first + 1) / 2);
      r.end = std::min(points, (r.end - first + 1) / 2);
    }
  }
  return coarse;
}

Grid Grid::agglomerate(std::int64_t least) const {
  NOPAL_CHECK(least >= 1, "ranks keep at least 1 point along an axis, got ", least);
  Grid result = *this;
  for (int a = 0; a < dimension(); ++a)
    result.boxes_.ranges[a] = consecutive(agglomerated(extents_[a], boxes_.ranges[a], least));
  return result;
}

Grid Grid::with_rules(const std::vector<AxisRule>& rules) const {
  Grid result = *this;
  result.rules_ = checked_rules(extents_, rules);
  return result;
}

Grid Grid::gather(int root) const {
  NOPAL_CHECK(root >= 0 && root < comm_.size(), "rank ", root, " is not one of ", comm_.size());
  Grid result = *this;
  const Shape at = boxes_.coordinates(root);
  for (int a = 0; a < dimension(); ++a) {
    std::vector<std::int64_t> counts(boxes_.ranges[a].size());
    counts[at[a]] = extents_[a];
    result.boxes_.ranges[a] = consecutive(counts);
  }
  return result;
}

}  // namespace nopal
