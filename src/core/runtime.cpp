// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/runtime.hpp>
#include <nopal/core/tensor.hpp>

#include "core/build_info.hpp"

#include <mpi.h>

#include <cblas.h>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace nopal {
namespace {

LogSink& sink() {
  static LogSink current = [](const std::string& line) {
    std::fprintf(stdout, "%s\n", line.c_str());
    std::fflush(stdout);
  };
  return current;
}

}  // namespace

Runtime::Runtime(int& argc, char**& argv) {
  int initialized = 0;
  MPI_Initialized(&initialized);
  if (!initialized) {
    MPI_Init(&argc, &argv);
    owns_mpi_ = true;
  }
  if (!Kokkos::is_initialized()) {
    try {
      Kokkos::initialize(argc, argv);
    } catch (const std::exception& error) {
      if (owns_mpi_) MPI_Finalize();
      const std::string text = error.what();  // a trace of the stack may follow the first line
      NOPAL_CHECK(false, "Kokkos cannot be initialised: ", text.substr(0, text.find('\n')));
    }
    owns_kokkos_ = true;
  }
#ifdef OPENBLAS_VERSION
  if (!std::getenv("OPENBLAS_NUM_THREADS") && !std::getenv("OMP_NUM_THREADS"))
    openblas_set_num_threads(1);
#endif
}

Runtime::~Runtime() {
  if (owns_kokkos_ && Kokkos::is_initialized()) Kokkos::finalize();
  int finalized = 0;
  MPI_Finalized(&finalized);
  if (owns_mpi_ && !finalized) MPI_Finalize();
}

LogSink set_log_sink(LogSink next) {
  return std::exchange(sink(), std::move(next));
}

void log(const std::string& line) {
  if (sink()) sink()(line);
}

const char* version() {
  return NOPAL_VERSION_STRING;
}
const char* commit() {
  return NOPAL_COMMIT;
}

std::string build_configuration() {
  return std::string(NOPAL_COMPILER) + ", " + NOPAL_BUILD_TYPE + ", Kokkos " +
         std::to_string(KOKKOS_VERSION / 10000) + "." + std::to_string(KOKKOS_VERSION / 100 % 100) +
         "." + std::to_string(KOKKOS_VERSION % 100) + " " + ExecutionSpace::name();
}

}  // namespace nopal
