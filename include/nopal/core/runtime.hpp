// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <functional>
#include <string>

namespace nopal {

/// Brings up MPI and Kokkos for a program, and takes down what it brought up.
///
/// Either may already be initialised by the host application (PETSc, a simulation code): then it is
/// used as it is and left alone. On the host, BLAS is told to use one thread a rank unless the
/// environment says otherwise (`OPENBLAS_NUM_THREADS`, `OMP_NUM_THREADS`): the tall, thin products
/// of neural operators scale over ranks, not over BLAS threads. Error if Kokkos cannot be brought
/// up, as with a KOKKOS_NUM_THREADS that is no number. Collective over MPI_COMM_WORLD.
class Runtime {
 public:
  Runtime(int& argc, char**& argv);
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

 private:
  bool owns_mpi_ = false;
  bool owns_kokkos_ = false;
};

/// Takes one line of progress or log text, without the newline.
using LogSink = std::function<void(const std::string&)>;

/// Replaces where log lines go (default: standard output) and returns the previous sink. The
/// library itself never prints; rank 0 of the acting communicator speaks.
LogSink set_log_sink(LogSink sink);

/// Sends a line to the sink.
void log(const std::string& line);

/// Version of the library, `major.minor.patch`.
const char* version();

/// Commit that the library was built from, or "unknown".
const char* commit();

/// Compiler, flags' kind and Kokkos configuration, one line, for provenance in result files.
std::string build_configuration();

}  // namespace nopal
