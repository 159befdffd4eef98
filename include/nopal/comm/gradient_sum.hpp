// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/comm/communicator.hpp>

#include <exception>
#include <functional>
#include <span>
#include <vector>

namespace nopal {

/// Sum of a long vector over ranks, made for gradients: reduce, let each rank work on a part of the
/// sum, share the outcome.
///
/// Ranks of one node keep their contributions in a shared memory window: each adds up its own part
/// straight from the others' memory and, after sharing, copies straight from there, so that nothing
/// passes through messages. Nodes add up part by part with MPI. Where there is no shared memory
/// (tensors on a device, nodes with different numbers of ranks, no room) it is MPI_Allreduce, and
/// every rank has all parts.
///
///     sum.contribution().copy_from(gradient);
///     sum.sum();                                       // part() is now the sum over all ranks
///     update(parameters, sum.part(), sum.contribution());
///     sum.contribution() <- new values of part()
///     sum.share([&](Slab slab, const Tensor<T>& values) { parameters[slab] = values; });
///
/// Each entry is added up on one rank (a node), or by MPI the same way everywhere: all ranks see
/// the same bits.
template <class T>
class GradientSum {
 public:
  /// For vectors of `size` entries. `ranks_per_node` > 0 pretends that nodes are that small, for
  /// tests. Collective.
  GradientSum(const Communicator& comm, std::int64_t size, int ranks_per_node = 0);

  /// Collective; but an exception that ends it on one rank or more leaves the shared memory and two
  /// communicators behind, as the other ranks may not come here.
  ~GradientSum();
  GradientSum(const GradientSum&) = delete;
  GradientSum& operator=(const GradientSum&) = delete;

  /// This rank's vector (size). Waits until all ranks have read what the last share() gave. Local
  /// between sum() and share(), else collective.
  const Tensor<T>& contribution();

  /// Entries [first, first + count) that this rank owns; first is a multiple of 16. The same ranks
  /// of all nodes own the same part.
  Slab part() const noexcept { return parts_[static_cast<std::size_t>(owner_)]; }

  /// part() of contribution() := sum over the ranks, in a fixed order; so becomes each of
  /// `numbers`, on all ranks with the same bits. Collective.
  void sum(std::span<double> numbers = {});

  /// Calls take(slab, values) for each part that this rank does not own, with what its owner has in
  /// its contribution() now. Collective.
  void share(const std::function<void(Slab, const Tensor<T>&)>& take);

  /// Whether the ranks of a node share memory; false: plain MPI.
  bool shared() const noexcept { return shared_; }

  /// Number of parts, the index of this rank's, and how many ranks own the same one.
  int parts() const noexcept { return static_cast<int>(parts_.size()); }
  int owner() const noexcept { return owner_; }
  int copies() const noexcept { return comm_.size() / parts(); }

 private:
  void open_window(int ranks_per_node);
  void wait();

  int exceptions_ = std::uncaught_exceptions();  // that were unwinding when it was made
  Communicator comm_;
  Tensor<T> mine_;
  bool shared_ = false;
  int owner_ = 0;                   // my index among the parts: my rank in the node
  std::vector<Slab> parts_;         // by rank in the node
  std::vector<Tensor<T>> windows_;  // contributions of the node's ranks
  MPI_Comm node_ = MPI_COMM_NULL, across_ = MPI_COMM_NULL;
  MPI_Win window_ = MPI_WIN_NULL;
  MPI_Request readers_ = MPI_REQUEST_NULL;  // done when nobody reads my window any more
};

}  // namespace nopal
