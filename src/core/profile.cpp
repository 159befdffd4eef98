// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/profile.hpp>

#include <Kokkos_Core.hpp>

namespace nopal {

// Building the std::string that Kokkos wants would cost an allocation for each region, so it is
// made only when a tool listens.
ScopedRegion::ScopedRegion(const char* name) {
  if (Kokkos::Profiling::profileLibraryLoaded())
    Kokkos::Profiling::pushRegion(std::string("nopal::") + name);
}

ScopedRegion::~ScopedRegion() {
  if (Kokkos::Profiling::profileLibraryLoaded()) Kokkos::Profiling::popRegion();
}

}  // namespace nopal
