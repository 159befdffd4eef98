// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/comm/communicator.hpp>
#include <nopal/data/dataset.hpp>
#include <nopal/operators/operator.hpp>

#include <memory>

namespace nopal {

/// How ranks share the work on samples: the ranks of a group divide the points of each field among
/// them (domain parallel), and the groups divide the samples (data parallel).
///
/// Groups are consecutive ranks. A value that holds communicators, see Communicator.
class RankGroups {
 public:
  /// Each rank is a group of its own.
  explicit RankGroups(const Communicator& all = {});

  /// Groups of `space_ranks` ranks. Error on all ranks if the ranks cannot be divided so.
  /// Collective.
  RankGroups(const Communicator& all, std::int64_t space_ranks);

  const Communicator& all() const noexcept { return all_; }      ///< every rank
  const Communicator& space() const noexcept { return space_; }  ///< this rank's group
  int group() const noexcept { return all_.rank() / space_.size(); }
  int groups() const noexcept { return all_.size() / space_.size(); }

  /// Whether points are divided.
  bool divided() const noexcept { return space_.size() > 1; }

  /// The grid of samples (X1, ..., Xd, C) for an operator, divided among the group. Error, on all
  /// its ranks, if the operator works on whole fields only, or if there are more ranks than points.
  /// Collective over space().
  template <class T>
  Grid grid(const Operator<T>& op, const Shape& sample) const;

 private:
  Communicator all_, space_;
};

}  // namespace nopal
