// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <Kokkos_Core.hpp>

namespace nopal::detail {

/// Kokkos::parallel_for() with a name for Kokkos Tools. The std::string that Kokkos wants is made
/// only when a tool listens: inference must not allocate.
template <class Policy, class Functor>
void parallel_for(const char* name, const Policy& policy, const Functor& functor) {
  if (Kokkos::Profiling::profileLibraryLoaded())
    Kokkos::parallel_for(name, policy, functor);
  else
    Kokkos::parallel_for(policy, functor);
}

}  // namespace nopal::detail
