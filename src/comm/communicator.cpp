// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/comm/communicator.hpp>

#include <algorithm>

namespace nopal {
namespace {

void check(int code, const char* call) {
  NOPAL_CHECK(code == MPI_SUCCESS, call, " failed with MPI error code ", code);
}

template <class T>
MPI_Datatype mpi_type() {
  return std::is_same_v<T, float> ? MPI_FLOAT : MPI_DOUBLE;
}

// MPI counts are int: long messages go in pieces.
constexpr std::int64_t piece = std::int64_t(1) << 28;

}  // namespace

Communicator::Communicator(MPI_Comm comm) : comm_(comm) {
  if (comm == MPI_COMM_NULL) return;
  check(MPI_Comm_rank(comm, &rank_), "MPI_Comm_rank");
  check(MPI_Comm_size(comm, &size_), "MPI_Comm_size");
}

Communicator Communicator::world() {
  int initialized = 0, finalized = 0;
  MPI_Initialized(&initialized);
  MPI_Finalized(&finalized);
  return initialized && !finalized ? Communicator(MPI_COMM_WORLD) : Communicator();
}

template <class T>
void Communicator::sum(const Tensor<T>& x) const {
  if (size_ == 1) return;
  Kokkos::fence();
  for (std::int64_t i = 0; i < x.size(); i += piece)
    check(MPI_Allreduce(MPI_IN_PLACE, x.data() + i, static_cast<int>(std::min(piece, x.size() - i)),
                        mpi_type<T>(), MPI_SUM, comm_),
          "MPI_Allreduce");
}

double Communicator::sum(double x) const {
  if (size_ > 1)
    check(MPI_Allreduce(MPI_IN_PLACE, &x, 1, MPI_DOUBLE, MPI_SUM, comm_), "MPI_Allreduce");
  return x;
}

double Communicator::max(double x) const {
  if (size_ > 1)
    check(MPI_Allreduce(MPI_IN_PLACE, &x, 1, MPI_DOUBLE, MPI_MAX, comm_), "MPI_Allreduce");
  return x;
}

bool Communicator::any(bool x) const {
  return max(x ? 1.0 : 0.0) > 0;
}

template <class T>
void Communicator::broadcast(const Tensor<T>& x, int root) const {
  if (size_ == 1) return;
  Kokkos::fence();
  for (std::int64_t i = 0; i < x.size(); i += piece)
    check(MPI_Bcast(x.data() + i, static_cast<int>(std::min(piece, x.size() - i)), mpi_type<T>(),
                    root, comm_),
          "MPI_Bcast");
}

std::string Communicator::broadcast(std::string text, int root) const {
  if (size_ == 1) return text;
  auto length = static_cast<std::int64_t>(text.size());
  check(MPI_Bcast(&length, 1, MPI_INT64_T, root, comm_), "MPI_Bcast");
  text.resize(static_cast<std::size_t>(length));
  check(MPI_Bcast(text.data(), static_cast<int>(length), MPI_CHAR, root, comm_), "MPI_Bcast");
  return text;
}

void Communicator::barrier() const {
  if (size_ > 1) check(MPI_Barrier(comm_), "MPI_Barrier");
}

void Communicator::rethrow_first(bool failed, const std::string& message) const {
  const int mine = failed ? rank_ : size_;
  int first = mine;
  if (size_ > 1) check(MPI_Allreduce(&mine, &first, 1, MPI_INT, MPI_MIN, comm_), "MPI_Allreduce");
  if (first == size_) return;
  throw detail::CommonError(broadcast(message, first), comm_);
}

Slab slab(std::int64_t n, int rank, int size) {
  const std::int64_t each = n / size, extra = n % size;
  return {rank * each + std::min<std::int64_t>(rank, extra), each + (rank < extra ? 1 : 0)};
}

#define NOPAL_INSTANTIATE(T)                                  \
  template void Communicator::sum<T>(const Tensor<T>&) const; \
  template void Communicator::broadcast<T>(const Tensor<T>&, int) const;
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal
