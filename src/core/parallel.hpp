// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/core/tensor.hpp>

#include <Kokkos_Core.hpp>

#include <cstdint>

namespace nopal::detail {

/// Whether kernels and tensors are on the host: a work item is then a loop long enough to
/// vectorise, and blocks are sized for caches. On a device a work item is an entry.
inline constexpr bool on_host =
    Kokkos::SpaceAccessibility<Kokkos::HostSpace, MemorySpace>::accessible &&
    Kokkos::SpaceAccessibility<ExecutionSpace, Kokkos::HostSpace>::accessible;

/// Items 0, ..., n-1 of the default execution space.
using ItemRange = Kokkos::RangePolicy<ExecutionSpace, Kokkos::IndexType<std::int64_t>>;

/// Kokkos::parallel_for() with a name for Kokkos Tools. The std::string that Kokkos wants is made
/// only when a tool listens: inference must not allocate.
template <class Policy, class Functor>
void parallel_for(const char* name, const Policy& policy, const Functor& functor) {
  if (Kokkos::Profiling::profileLibraryLoaded())
    Kokkos::parallel_for(name, policy, functor);
  else
    Kokkos::parallel_for(policy, functor);
}

template <class Body>
struct RowItem {
  std::int64_t columns;
  Body body;
  KOKKOS_INLINE_FUNCTION void operator()(std::int64_t r) const {
#pragma GCC ivdep
    for (std::int64_t c = 0; c < columns; ++c)
      body(r, c);
  }
};

template <class Body>
struct EntryItem {
  std::int64_t columns;
  bool narrow;  // all indices fit 32 bits, of which a device divides several times faster
  Body body;
  KOKKOS_INLINE_FUNCTION void operator()(std::int64_t i) const {
    if (narrow) {
      const auto entry = static_cast<std::uint32_t>(i), width = static_cast<std::uint32_t>(columns);
      body(static_cast<std::int64_t>(entry / width), static_cast<std::int64_t>(entry % width));
    } else {
      body(i / columns, i % columns);
    }
  }
};

/// body(r, c) for all entries of a row-major matrix, in any order: an item is a row, of which the
/// loop over columns vectorises, or on a device an entry.
template <class Body>
void parallel_entries(const char* name, std::int64_t rows, std::int64_t columns, const Body& body) {
  if (on_host)
    parallel_for(name, ItemRange(0, rows), RowItem<Body>{columns, body});
  else
    parallel_for(name, ItemRange(0, rows * columns),
                 EntryItem<Body>{columns, rows * columns < (std::int64_t(1) << 31), body});
}

template <class Body>
struct PieceItem {
  static constexpr std::int64_t length = on_host ? 1024 : 1;
  std::int64_t size;
  Body body;
  KOKKOS_INLINE_FUNCTION void operator()(std::int64_t piece) const {
    const std::int64_t end = (piece + 1) * length < size ? (piece + 1) * length : size;
#pragma GCC ivdep
    for (std::int64_t i = piece * length; i < end; ++i)
      body(i);
  }
};

/// body(i) for i = 0, ..., size-1, in any order: in pieces on the host, where the loop over one
/// vectorises.
template <class Body>
void parallel_flat(const char* name, std::int64_t size, const Body& body) {
  constexpr std::int64_t length = PieceItem<Body>::length;
  parallel_for(name, ItemRange(0, (size + length - 1) / length), PieceItem<Body>{size, body});
}

}  // namespace nopal::detail
