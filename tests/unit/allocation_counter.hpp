// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

// Counts every allocation of the process, so that "allocates nothing" is meant literally. Replaces
// operator new: to be included by one source file of a program.

#include <Kokkos_Core.hpp>

#include <atomic>
#include <cstdlib>
#include <new>

namespace nopal {
inline std::atomic<long> allocations{0};

// On a device Kokkos itself allocates host memory to start a kernel.
inline constexpr bool launches_allocate =
    !Kokkos::SpaceAccessibility<Kokkos::DefaultExecutionSpace, Kokkos::HostSpace>::accessible;

// The operators below only hand on: nvcc takes them for device code, which cannot throw.
inline void* counted_block(std::size_t size) {
  ++allocations;
  if (void* block = std::malloc(size)) return block;
  throw std::bad_alloc();
}
}  // namespace nopal

[[gnu::noinline]] void* operator new(std::size_t size) {
  return nopal::counted_block(size);
}
[[gnu::noinline]] void operator delete(void* block) noexcept {
  std::free(block);
}
[[gnu::noinline]] void operator delete(void* block, std::size_t) noexcept {
  std::free(block);
}
