// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/core/tensor.hpp>

#include <mpi.h>

#include <cstdint>
#include <memory>
#include <string>

namespace nopal {
namespace detail {

/// An error that was thrown on all ranks of a communicator.
struct CommonError : Error {
  CommonError(const std::string& message, MPI_Comm where)
      : Error(message, __FILE__, __LINE__), comm(where) {}
  MPI_Comm comm;
};

}  // namespace detail

/// A group of MPI ranks. A copyable handle; does not own the MPI_Comm it is given, but does own
/// those that duplicate() and split() make.
///
/// The default one stands for this process alone and needs no MPI, so that a serial program may
/// use the library without MPI_Init.
class Communicator {
 public:
  /// This process alone.
  Communicator() = default;

  /// The ranks of `comm`, which must outlive this object.
  explicit Communicator(MPI_Comm comm);

  /// MPI_COMM_WORLD if MPI is initialised, this process alone otherwise.
  static Communicator world();

  /// The same ranks with messages of their own, that meet nobody else's. Lives as long as a handle
  /// to it; MPI errors in it become nopal::Error. Collective.
  Communicator duplicate() const;

  /// The ranks that gave the same `colour` (>= 0), numbered by `key`, then by rank; otherwise like
  /// duplicate(). Collective.
  Communicator split(int colour, int key = 0) const;

  int rank() const noexcept { return rank_; }
  int size() const noexcept { return size_; }
  MPI_Comm mpi() const noexcept { return comm_; }

  /// x := sum of x over the ranks. Collective; all ranks get the same bits.
  template <class T>
  void sum(const Tensor<T>& x) const;

  /// Bytes that this process has handed over to sum() so far, on communicators of several ranks:
  /// what a reduction by recursive halving and doubling sends about twice.
  static std::int64_t bytes_summed() noexcept;

  /// Sum, maximum and logical "or" of a number over the ranks. Collective.
  double sum(double x) const;
  double max(double x) const;
  bool any(bool x) const;

  /// x := x of rank `root`. Collective.
  template <class T>
  void broadcast(const Tensor<T>& x, int root = 0) const;
  std::string broadcast(std::string text, int root = 0) const;

  /// Whether all ranks gave the same text. Collective.
  bool same(const std::string& text) const;

  void barrier() const;

  /// Calls `action` on every rank and, if it threw a nopal::Error on any of them, throws an Error
  /// with the message of the lowest such rank on all: no rank is left waiting. Collective. An
  /// action that communicates calls together() in turn before it does: there the others learn of a
  /// rank that has failed on its way.
  template <class Action>
  void together(Action&& action) const {
    std::string message;
    bool failed = false;
    try {
      action();
    } catch (const detail::CommonError& error) {
      if (error.comm == comm_) throw;  // on all ranks already
      failed = true;
      message = error.what();
    } catch (const std::exception& error) {
      failed = true;
      message = error.what();
    }
    rethrow_first(failed, message);
  }

 private:
  static Communicator owner_of(MPI_Comm comm);
  void rethrow_first(bool failed, const std::string& message) const;

  MPI_Comm comm_ = MPI_COMM_NULL;
  std::shared_ptr<MPI_Comm> owned_;  // null: the communicator is somebody else's
  int rank_ = 0;
  int size_ = 1;
};

/// The contiguous part of 0, ..., n-1 that rank `rank` of `size` has: sizes differ by at most one,
/// larger parts first; may be empty.
struct Slab {
  std::int64_t first = 0;
  std::int64_t count = 0;
};
Slab slab(std::int64_t n, int rank, int size);

}  // namespace nopal
