// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <Kokkos_Macros.hpp>

#include <cstdint>
#include <cstring>

#if defined(__AVX512BF16__)
#include <immintrin.h>
#endif

namespace nopal::detail {

KOKKOS_INLINE_FUNCTION float widen_bfloat16(std::uint16_t number) {
  const std::uint32_t bits = static_cast<std::uint32_t>(number) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

/// To nearest, ties to even; NaN stays one.
KOKKOS_INLINE_FUNCTION std::uint16_t round_to_bfloat16(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  if ((bits & 0x7fffffffU) > 0x7f800000U) return static_cast<std::uint16_t>(bits >> 16 | 0x40U);
  return static_cast<std::uint16_t>((bits + 0x7fffU + (bits >> 16 & 1U)) >> 16);
}

/// y := x + add, rounded; add may be null.
inline void store_bfloat16(const float* x, const std::uint16_t* add, std::uint16_t* y,
                           std::int64_t size) {
  std::int64_t i = 0;
#if defined(__AVX512BF16__)
  for (; i + 16 <= size; i += 16) {
    __m512 v = _mm512_loadu_ps(x + i);
    if (add) {
      using Narrow [[gnu::vector_size(32)]] = std::uint16_t;
      using Wide [[gnu::vector_size(64)]] = std::uint32_t;
      Narrow a;
      std::memcpy(&a, add + i, sizeof a);
      v += (__m512)(__builtin_convertvector(a, Wide) << 16);
    }
    const __m256bh rounded = _mm512_cvtneps_pbh(v);
    std::memcpy(y + i, &rounded, sizeof rounded);
  }
#endif
  for (; i < size; ++i)
    y[i] = round_to_bfloat16(add ? x[i] + widen_bfloat16(add[i]) : x[i]);
}

/// Products for convolution_blocks.hpp of "floats" that are pairs of bfloat16 numbers.
struct Bfloat16Pairs {
#if defined(__AVX512BF16__)
  template <class Vector, class A>
  static void add_product(Vector& sum, A a, Vector b) {
    if constexpr (sizeof(A) == sizeof(float)) {
      std::int32_t bits;
      std::memcpy(&bits, &a, sizeof bits);
      if constexpr (sizeof(Vector) == 64)
        sum = (Vector)_mm512_dpbf16_ps((__m512)sum, (__m512bh)b, (__m512bh)_mm512_set1_epi32(bits));
      else
        sum = (Vector)_mm256_dpbf16_ps((__m256)sum, (__m256bh)b, (__m256bh)_mm256_set1_epi32(bits));
    } else {
      sum = (Vector)_mm512_dpbf16_ps((__m512)sum, (__m512bh)a, (__m512bh)b);
    }
  }
#else
  // Not called: require_bfloat16() comes first.
  template <class Vector, class A>
  static void add_product(Vector&, A, Vector) {}
#endif
};

}  // namespace nopal::detail
