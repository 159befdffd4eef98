// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/comm/communicator.hpp>

#include "comm/mpi_tools.hpp"
#include "core/parallel.hpp"

#include <algorithm>
#include <atomic>

namespace nopal {

using detail::check_mpi;
using detail::mpi_piece;
using detail::mpi_type;

Communicator::Communicator(MPI_Comm comm) : comm_(comm) {
  if (comm == MPI_COMM_NULL) return;
  check_mpi(MPI_Comm_rank(comm, &rank_), "MPI_Comm_rank");
  check_mpi(MPI_Comm_size(comm, &size_), "MPI_Comm_size");
}

Communicator Communicator::world() {
  int initialized = 0, finalized = 0;
  MPI_Initialized(&initialized);
  MPI_Finalized(&finalized);
  return initialized && !finalized ? Communicator(MPI_COMM_WORLD) : Communicator();
}

// Owns `comm`: the last handle frees it, unless MPI has been finalised before.
Communicator Communicator::owner_of(MPI_Comm comm) {
  const auto release = [](MPI_Comm* held) {
    int finalized = 0;
    MPI_Finalized(&finalized);
    if (!finalized) MPI_Comm_free(held);
    delete held;
  };
  MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN);  // errors become nopal::Error
  Communicator result(comm);
  result.owned_ = std::shared_ptr<MPI_Comm>(new MPI_Comm(comm), release);
  return result;
}

Communicator Communicator::duplicate() const {
  if (comm_ == MPI_COMM_NULL) return *this;
  MPI_Comm copy = MPI_COMM_NULL;
  check_mpi(MPI_Comm_dup(comm_, &copy), "MPI_Comm_dup");
  return owner_of(copy);
}

Communicator Communicator::split(int colour, int key) const {
  together([&] { NOPAL_CHECK(colour >= 0, "split: a colour is not negative, got ", colour); });
  if (comm_ == MPI_COMM_NULL) return *this;
  MPI_Comm part = MPI_COMM_NULL;
  check_mpi(MPI_Comm_split(comm_, colour, key, &part), "MPI_Comm_split");
  return owner_of(part);
}

namespace {

// body(entries, count) for pieces of x that MPI can count, in the memory of the host: MPI libraries
// need not know about devices.
template <class T, class Body>
void on_host_pieces(const Tensor<T>& x, const Body& body) {
  Kokkos::fence();
  std::vector<T> copy;
  T* entries = x.data();
  if (!detail::on_host) {
    copy = x.to_vector();
    entries = copy.data();
  }
  for (std::int64_t i = 0; i < x.size(); i += mpi_piece)
    body(entries + i, static_cast<int>(std::min(mpi_piece, x.size() - i)));
  if (!detail::on_host) x.copy_from_host(entries);
}

}  // namespace

namespace {

std::atomic<std::int64_t> summed_bytes = 0;

}  // namespace

std::int64_t Communicator::bytes_summed() noexcept {
  return summed_bytes;
}

template <class T>
void Communicator::sum(const Tensor<T>& x) const {
  if (size_ == 1) return;
  summed_bytes += x.size() * static_cast<std::int64_t>(sizeof(T));
  on_host_pieces(x, [&](T* entries, int count) {
    check_mpi(MPI_Allreduce(MPI_IN_PLACE, entries, count, mpi_type<T>(), MPI_SUM, comm_),
              "MPI_Allreduce");
  });
}

double Communicator::sum(double x) const {
  if (size_ > 1)
    check_mpi(MPI_Allreduce(MPI_IN_PLACE, &x, 1, MPI_DOUBLE, MPI_SUM, comm_), "MPI_Allreduce");
  return x;
}

double Communicator::max(double x) const {
  if (size_ > 1)
    check_mpi(MPI_Allreduce(MPI_IN_PLACE, &x, 1, MPI_DOUBLE, MPI_MAX, comm_), "MPI_Allreduce");
  return x;
}

bool Communicator::any(bool x) const {
  return max(x ? 1.0 : 0.0) > 0;
}

template <class T>
void Communicator::broadcast(const Tensor<T>& x, int root) const {
  if (size_ == 1) return;
  on_host_pieces(x, [&](T* entries, int count) {
    check_mpi(MPI_Bcast(entries, count, mpi_type<T>(), root, comm_), "MPI_Bcast");
  });
}

std::string Communicator::broadcast(std::string text, int root) const {
  if (size_ == 1) return text;
  auto length = static_cast<std::int64_t>(text.size());
  check_mpi(MPI_Bcast(&length, 1, MPI_INT64_T, root, comm_), "MPI_Bcast");
  text.resize(static_cast<std::size_t>(length));
  check_mpi(MPI_Bcast(text.data(), static_cast<int>(length), MPI_CHAR, root, comm_), "MPI_Bcast");
  return text;
}

bool Communicator::same(const std::string& text) const {
  return !any(text != broadcast(text));
}

void Communicator::barrier() const {
  if (size_ > 1) check_mpi(MPI_Barrier(comm_), "MPI_Barrier");
}

void Communicator::rethrow_first(bool failed, const std::string& message) const {
  const int mine = failed ? rank_ : size_;
  int first = mine;
  if (size_ > 1)
    check_mpi(MPI_Allreduce(&mine, &first, 1, MPI_INT, MPI_MIN, comm_), "MPI_Allreduce");
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
