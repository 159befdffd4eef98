// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <Kokkos_Core.hpp>

#include <cstdint>

namespace nopal::detail {

/// Philox4x32-10, see nopal::philox4x32(), of `Lanes` counters in place: word j of counter l is
/// c[j][l]. Several lanes make a loop that vectorises.
template <int Lanes>
KOKKOS_INLINE_FUNCTION void philox(std::uint32_t (&c)[4][Lanes], std::uint32_t key0,
                                   std::uint32_t key1) {
  constexpr std::uint64_t multiplier0 = 0xD2511F53, multiplier1 = 0xCD9E8D57;
  constexpr std::uint32_t weyl0 = 0x9E3779B9, weyl1 = 0xBB67AE85;
  for (int round = 0; round < 10; ++round) {
#pragma GCC ivdep
    for (int l = 0; l < Lanes; ++l) {
      const std::uint64_t p0 = multiplier0 * c[0][l], p1 = multiplier1 * c[2][l];
      c[0][l] = static_cast<std::uint32_t>(p1 >> 32) ^ c[1][l] ^ key0;
      c[2][l] = static_cast<std::uint32_t>(p0 >> 32) ^ c[3][l] ^ key1;
      c[1][l] = static_cast<std::uint32_t>(p1);
      c[3][l] = static_cast<std::uint32_t>(p0);
    }
    key0 += weyl0;
    key1 += weyl1;
  }
}

}  // namespace nopal::detail
