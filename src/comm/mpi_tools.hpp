// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/core/error.hpp>

#include <mpi.h>

#include <cstdint>
#include <type_traits>

namespace nopal::detail {

/// Throws nopal::Error unless `code`, what the MPI function `call` returned, is success.
inline void check_mpi(int code, const char* call) {
  NOPAL_CHECK(code == MPI_SUCCESS, call, " failed with MPI error code ", code);
}

template <class T>
MPI_Datatype mpi_type() {
  return std::is_same_v<T, float> ? MPI_FLOAT : MPI_DOUBLE;
}

/// MPI counts are int: longer messages go in pieces of this many entries.
constexpr std::int64_t mpi_piece = std::int64_t(1) << 28;

}  // namespace nopal::detail
