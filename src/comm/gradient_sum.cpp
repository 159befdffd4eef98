// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/comm/gradient_sum.hpp>

#include "comm/mpi_tools.hpp"
#include "core/parallel.hpp"

#include <algorithm>

namespace nopal {

using detail::check_mpi;

namespace {

// Parts begin at multiples of a cache line, which also keeps complex pairs together.
constexpr std::int64_t granule = 16;

bool all(bool mine, MPI_Comm comm) {
  int value = mine ? 1 : 0;
  check_mpi(MPI_Allreduce(MPI_IN_PLACE, &value, 1, MPI_INT, MPI_MIN, comm), "MPI_Allreduce");
  return value == 1;
}

}  // namespace

template <class T>
GradientSum<T>::GradientSum(const Communicator& comm, std::int64_t size, int ranks_per_node)
    : comm_(comm), parts_{{0, size}} {
  if (comm.size() > 1 && size > 0) open_window(ranks_per_node);
  if (shared_)
    mine_ = windows_[static_cast<std::size_t>(owner_)].slice(0, size);
  else
    mine_ = Tensor<T>({size});
  mine_.fill(T(0));  // touches the pages now rather than in the first step
}

// On return shared_ is the same on all ranks.
template <class T>
void GradientSum<T>::open_window(int ranks_per_node) {
  if (!detail::on_host) return;
  const MPI_Comm comm = comm_.mpi();
  check_mpi(MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, comm_.rank(), MPI_INFO_NULL, &node_),
            "MPI_Comm_split_type");
  if (ranks_per_node > 0) {
    MPI_Comm smaller;
    int rank = 0;
    check_mpi(MPI_Comm_rank(node_, &rank), "MPI_Comm_rank");
    check_mpi(MPI_Comm_split(node_, rank / ranks_per_node, rank, &smaller), "MPI_Comm_split");
    MPI_Comm_free(&node_);
    node_ = smaller;
  }
  const Communicator node(node_);
  int extremes[2] = {node.size(), -node.size()};
  check_mpi(MPI_Allreduce(MPI_IN_PLACE, extremes, 2, MPI_INT, MPI_MAX, comm), "MPI_Allreduce");
  if (node.size() == 1 || extremes[0] != -extremes[1]) return;

  const std::int64_t size = parts_[0].count;
  const std::int64_t granules = (size + granule - 1) / granule;
  const auto bytes = static_cast<MPI_Aint>(granules * granule) * static_cast<MPI_Aint>(sizeof(T));
  MPI_Info info;
  MPI_Info_create(&info);
  MPI_Info_set(info, "alloc_shared_noncontig", "true");
  MPI_Comm_set_errhandler(node_, MPI_ERRORS_RETURN);  // no room for it is not fatal
  void* base = nullptr;
  const int code = MPI_Win_allocate_shared(bytes, sizeof(T), info, node_, &base, &window_);
  MPI_Info_free(&info);
  if (code != MPI_SUCCESS) window_ = MPI_WIN_NULL;
  if (!all(code == MPI_SUCCESS, comm)) return;

  for (int r = 0; r < node.size(); ++r) {
    MPI_Aint length = 0;
    int unit = 0;
    void* theirs = nullptr;
    check_mpi(MPI_Win_shared_query(window_, r, &length, &unit, &theirs), "MPI_Win_shared_query");
    windows_.push_back(Tensor<T>::wrap(static_cast<T*>(theirs), {granules * granule}));
  }
  parts_.clear();
  for (int r = 0; r < node.size(); ++r) {
    const Slab blocks = slab(granules, r, node.size());
    const std::int64_t first = std::min(size, blocks.first * granule);
    parts_.push_back({first, std::min(size, (blocks.first + blocks.count) * granule) - first});
  }
  owner_ = node.rank();
  check_mpi(MPI_Comm_split(comm, owner_, comm_.rank(), &across_), "MPI_Comm_split");
  check_mpi(MPI_Win_lock_all(MPI_MODE_NOCHECK, window_), "MPI_Win_lock_all");
  shared_ = true;
}

template <class T>
GradientSum<T>::~GradientSum() {
  int finalized = 0;
  MPI_Finalized(&finalized);
  if (finalized || std::uncaught_exceptions() > exceptions_) return;
  if (readers_ != MPI_REQUEST_NULL) MPI_Wait(&readers_, MPI_STATUS_IGNORE);
  if (shared_) MPI_Win_unlock_all(window_);
  mine_ = Tensor<T>();
  windows_.clear();
  if (window_ != MPI_WIN_NULL) MPI_Win_free(&window_);
  if (across_ != MPI_COMM_NULL) MPI_Comm_free(&across_);
  if (node_ != MPI_COMM_NULL) MPI_Comm_free(&node_);
}

template <class T>
void GradientSum<T>::wait() {
  if (readers_ != MPI_REQUEST_NULL) check_mpi(MPI_Wait(&readers_, MPI_STATUS_IGNORE), "MPI_Wait");
}

template <class T>
const Tensor<T>& GradientSum<T>::contribution() {
  wait();
  return mine_;
}

template <class T>
void GradientSum<T>::sum(std::span<double> numbers) {
  wait();
  Kokkos::fence();
  if (shared_) check_mpi(MPI_Win_sync(window_), "MPI_Win_sync");
  if (comm_.size() > 1 && !numbers.empty()) {
    // Everyone adds up everything in rank order. This also is the barrier between writing the
    // contributions and reading them: nobody has all numbers before all have come.
    const std::size_t n = numbers.size();
    std::vector<double> everyone(n * static_cast<std::size_t>(comm_.size()));
    check_mpi(MPI_Allgather(numbers.data(), static_cast<int>(n), MPI_DOUBLE, everyone.data(),
                            static_cast<int>(n), MPI_DOUBLE, comm_.mpi()),
              "MPI_Allgather");
    std::copy_n(everyone.begin(), n, numbers.begin());
    for (std::size_t i = n; i < everyone.size(); ++i)
      numbers[i % n] += everyone[i];
  } else if (shared_) {
    check_mpi(MPI_Barrier(node_), "MPI_Barrier");
  }
  if (!shared_) {
    comm_.sum(mine_);
    return;
  }
  check_mpi(MPI_Win_sync(window_), "MPI_Win_sync");
  const Slab my = part();
  const Tensor<T> target = mine_.slice(my.first, my.count);
  const int ranks = static_cast<int>(windows_.size());
  for (int i = 1; i < ranks; ++i) {
    const auto other = static_cast<std::size_t>((owner_ + i) % ranks);
    axpy(T(1), windows_[other].slice(my.first, my.count), target);
  }
  Communicator(across_).sum(target);
}

template <class T>
void GradientSum<T>::share(const std::function<void(Slab, const Tensor<T>&)>& take) {
  if (!shared_) return;
  Kokkos::fence();
  check_mpi(MPI_Win_sync(window_), "MPI_Win_sync");
  check_mpi(MPI_Barrier(node_), "MPI_Barrier");
  check_mpi(MPI_Win_sync(window_), "MPI_Win_sync");
  const int ranks = static_cast<int>(windows_.size());
  for (int i = 1; i < ranks; ++i) {
    // Everyone starts with its neighbour: not all read the same memory at once.
    const auto other = static_cast<std::size_t>((owner_ + i) % ranks);
    const Slab slab = parts_[other];
    if (slab.count > 0) take(slab, windows_[other].slice(slab.first, slab.count));
  }
  Kokkos::fence();
  check_mpi(MPI_Ibarrier(node_, &readers_), "MPI_Ibarrier");
}

template class GradientSum<float>;
template class GradientSum<double>;

}  // namespace nopal
