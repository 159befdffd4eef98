// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/nopal.h>
#include <nopal/core/runtime.hpp>
#include <nopal/core/tensor.hpp>

#include "c_api/status.hpp"

#include <atomic>
#include <set>

namespace nopal::c {
namespace {

std::atomic<bool> called = false;
// Touched within a OneCall only:
std::optional<Runtime> runtime;
int users = 0;
std::set<const void*> handles;

bool mpi_is_up() {
  int initialised = 0, finalised = 0;
  MPI_Initialized(&initialised);
  MPI_Finalized(&finalised);
  return initialised && !finalised;
}

// Older versions of Kokkos tie OpenMP to the thread that initialised it; inside parallel regions
// none starts kernels.
void require_kokkos_thread() {
#ifdef KOKKOS_ENABLE_OPENMP
  if constexpr (std::is_same_v<ExecutionSpace, Kokkos::OpenMP>)
    require(
        !Kokkos::OpenMP::in_parallel(), NOPAL_ERROR_STATE,
        "Kokkos with OpenMP works on the thread that initialised it, outside parallel regions; ",
        "call nopal there");
#endif
}

}  // namespace

std::string& last_error() {
  static thread_local std::string text;
  return text;
}

void require_running() {
  require(users > 0, NOPAL_ERROR_STATE, "call nopal_initialise() first");
  require(mpi_is_up(), NOPAL_ERROR_STATE,
          "MPI was finalised; destroy models and call nopal_finalise() before MPI_Finalize()");
  require_kokkos_thread();
}

OneCall::OneCall() {
  require(!called.exchange(true), NOPAL_ERROR_BUSY,
          "another thread, or the caller of this function, is inside nopal; one call at a time");
}

OneCall::~OneCall() {
  called = false;
}

void require_usable(MPI_Comm comm) {
  bool usable = comm != MPI_COMM_NULL;
#ifdef OPEN_MPI
  // Its communicators are addresses, which it reads without a look where they point to; those that
  // live have a number for Fortran each.
  constexpr MPI_Fint most = 1 << 16;
  MPI_Fint index = 0;
  while (usable && index < most && MPI_Comm_f2c(index) != comm)
    ++index;
  usable = usable && index < most;
#endif
  if (usable) {
    MPI_Errhandler before = MPI_ERRHANDLER_NULL;
    MPI_Comm_get_errhandler(MPI_COMM_WORLD, &before);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    int size = 0;
    usable = MPI_Comm_size(comm, &size) == MPI_SUCCESS;
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, before);
    if (before != MPI_ERRHANDLER_NULL) MPI_Errhandler_free(&before);
  }
  require(usable, NOPAL_ERROR_ARGUMENT,
          "expected a communicator, got MPI_COMM_NULL or one that was freed");
  int two_groups = 0;
  MPI_Comm_test_inter(comm, &two_groups);
  require(two_groups == 0, NOPAL_ERROR_ARGUMENT,
          "expected a communicator of one group of ranks, got an intercommunicator");
}

void require_agreement(const Communicator& comm, const std::string& arguments, const char* what) {
  // FNV-1a, of which 52 bits are exact in a double.
  std::uint64_t hash = 14695981039346656037U;
  for (const char c : arguments)
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  const auto digest = static_cast<double>(hash >> 12);
  require(comm.max(digest) == -comm.max(-digest), NOPAL_ERROR_ARGUMENT, what,
          " differ among the ranks; expected the same on all");
}

void enlist(const void* handle) {
  handles.insert(handle);
}

void strike_off(const void* handle) {
  handles.erase(handle);
}

bool enlisted(const void* handle) {
  return handles.contains(handle);
}

}  // namespace nopal::c

using namespace nopal::c;

extern "C" {

const char* nopal_error_text(void) {
  return last_error().c_str();
}

const char* nopal_version(void) {
  return nopal::version();
}

const char* nopal_commit(void) {
  return nopal::commit();
}

const char* nopal_configuration(void) {
  static const std::string text = nopal::build_configuration();
  return text.c_str();
}

nopal_status nopal_initialise(void) {
  return guarded(NOPAL_ERROR_OTHER, [] {
    require(mpi_is_up(), NOPAL_ERROR_STATE,
            "nopal_initialise() comes after MPI_Init() and before MPI_Finalize()");
    const OneCall call;
    if (users == 0) {
      int count = 0;
      char** arguments = nullptr;
      runtime.emplace(count, arguments);
    }
    ++users;
  });
}

nopal_status nopal_finalise(void) {
  return guarded(NOPAL_ERROR_OTHER, [] {
    const OneCall call;
    require(users > 0, NOPAL_ERROR_STATE,
            "nopal_finalise() was called more often than nopal_initialise()");
    require(users > 1 || handles.empty(), NOPAL_ERROR_STATE, "there are still ", handles.size(),
            " models or trainers; destroy them before nopal_finalise()");
    require_kokkos_thread();
    if (--users == 0) runtime.reset();
  });
}

nopal_status nopal_set_log(void (*sink)(const char* line, void* context), void* context) {
  return guarded(NOPAL_ERROR_OTHER, [&] {
    const OneCall call;
    nopal::set_log_sink(sink ? nopal::LogSink([sink, context](const std::string& line) {
      sink(line.c_str(), context);
    })
                             : nopal::LogSink());
  });
}

}  // extern "C"
