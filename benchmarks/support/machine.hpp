// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include "benchmarks/support/timer.hpp"

#include <nopal/comm/communicator.hpp>
#include <nopal/core/profile.hpp>

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace benchmarks {

/// What the ranks of a communicator reach together, measured while all of them work.
struct Peaks {
  double sgemm = 0;  ///< flops/s of the fastest product in float
  double dgemm = 0;  ///< flops/s of the fastest product in double
  double copy = 0;   ///< bytes/s of y = x, reading and writing counted

  nlohmann::json to_json() const;

  /// Least time that the machine needs for this work in float: the larger of flops at the GEMM peak
  /// and bytes at copy bandwidth.
  double floor_seconds(const nopal::Cost& cost) const;
};

/// Flops per second of C = A B through nopal::gemm, op(A) m x k, summed over ranks, best call.
/// Collective.
template <class T>
double gemm_rate(std::int64_t m, std::int64_t n, std::int64_t k, const Effort& effort,
                 const nopal::Communicator& comm = {});

/// Bytes per second of a copy of an array of `bytes` bytes a rank, read and written bytes counted,
/// summed over ranks: the best call of a Kokkos loop and of Kokkos::deep_copy. To measure memory
/// rather than cache, `bytes` must be several times the last-level cache. Collective.
double copy_rate(std::size_t bytes, const Effort& effort, const nopal::Communicator& comm = {});

/// A shape of product, and where it occurs in the 2021 network at 64 x 64, width 32, 12 modes,
/// batch 20.
struct Product {
  std::int64_t m, n, k;
  const char* where;
};
extern const std::vector<Product> products;

/// The peaks that benchmarks divide by: the fastest of 1024 x 1024 matrices and of the shapes that
/// fit the cache (BLAS does not know every processor, and is then slower than nopal's own kernel),
/// and a copy of `bytes` bytes. Takes about eight times effort.seconds. Collective.
Peaks measure_peaks(const Effort& effort, std::size_t bytes = std::size_t(1) << 29,
                    const nopal::Communicator& comm = {});

/// The kernels that OpenBLAS has chosen for this processor, e.g. "SkylakeX"; empty for another
/// BLAS. "Prescott" on a processor with AVX means that it does not know it: three times slower or
/// worse.
std::string blas_core();

/// Resident memory of this process in bytes: now, and the largest so far (VmRSS and VmHWM).
struct ProcessMemory {
  double resident = 0;
  double high_water = 0;
};
ProcessMemory process_memory();

}  // namespace benchmarks
