// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/train/rank_groups.hpp>

namespace nopal {

RankGroups::RankGroups(const Communicator& all) : all_(all) {}

RankGroups::RankGroups(const Communicator& all, std::int64_t space_ranks) : all_(all) {
  NOPAL_CHECK(space_ranks >= 1 && all.size() % space_ranks == 0,
              "option -space_ranks: ", all.size(), " ranks cannot form groups of ", space_ranks,
              " ranks, which divide fields among them; take a divisor of the number of ranks");
  if (space_ranks > 1) space_ = all.split(all.rank() / static_cast<int>(space_ranks));
}

template <class T>
Grid RankGroups::grid(const Operator<T>& op, const Shape& sample) const {
  const std::vector<AxisRule> rules = op.grid_rules();
  NOPAL_CHECK(!divided() || !rules.empty(), "option -space_ranks: ", op.name(),
              " works on whole fields only: they cannot be divided among ", space_.size(),
              " ranks");
  const Shape extents(sample.begin(), sample.end() - 1);
  const Shape processes = op.process_grid(space_.size());
  return processes.rank() > 0 ? Grid(extents, rules, space_, processes)
                              : Grid(extents, rules, space_);
}

template Grid RankGroups::grid<float>(const Operator<float>&, const Shape&) const;
template Grid RankGroups::grid<double>(const Operator<double>&, const Shape&) const;

}  // namespace nopal
