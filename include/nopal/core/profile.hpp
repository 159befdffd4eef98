// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <string>

namespace nopal {

/// Named region, visible to Kokkos Tools as `nopal::name`; nests. RAII, host only, no allocation.
class ScopedRegion {
 public:
  explicit ScopedRegion(const char* name);
  ~ScopedRegion();
  ScopedRegion(const ScopedRegion&) = delete;
  ScopedRegion& operator=(const ScopedRegion&) = delete;
};

/// Work of one call of a layer: what benchmarks divide by the machine's measured peak.
struct Cost {
  double flops = 0;  ///< floating-point operations, a multiply-add counted as two
  double bytes = 0;  ///< least traffic to memory: every operand once

  Cost& operator+=(const Cost& other) {
    flops += other.flops;
    bytes += other.bytes;
    return *this;
  }
};

}  // namespace nopal
