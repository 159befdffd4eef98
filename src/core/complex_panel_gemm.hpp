// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

// Complex matrix product for the same shapes as panel_gemm.hpp, with complex numbers as pairs.
//
// Re A and Im A are broadcast and multiply the interleaved pairs of B in two separate sums; a
// shuffle at the end makes C = sum(Re a * b) + i sum(Im a * b). So the inner loop is nothing but
// multiply-adds, B is read as it is, once for both sums, and conjugations only change signs in the
// end.

#include "core/panel_gemm.hpp"

#include <algorithm>

namespace nopal::detail {

#if defined(__AVX512F__)
inline constexpr int complex_accumulators = 24;  // of 32 registers
#else
inline constexpr int complex_accumulators = 12;  // of 16
#endif
/// Two vectors a row and sum.
inline constexpr int complex_block_rows = complex_accumulators / 4;

template <class T, int Bytes>
struct VectorOfBytes {
  using type [[gnu::vector_size(Bytes)]] = T;
};

/// Exchanges the numbers of each pair.
template <class V>
inline V swap_pairs(V v) {
  constexpr int n = sizeof(V) / sizeof(v[0]);
  if constexpr (n == 2) {
    return __builtin_shufflevector(v, v, 1, 0);
  } else if constexpr (n == 4) {
    return __builtin_shufflevector(v, v, 1, 0, 3, 2);
  } else if constexpr (n == 8) {
    return __builtin_shufflevector(v, v, 1, 0, 3, 2, 5, 4, 7, 6);
  } else {
    static_assert(n == 16);
    return __builtin_shufflevector(v, v, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14);
  }
}

/// C (+)= op(A) op(B) with op none or conjugation; transposes are strides. Pointers to numbers,
/// distances in complex entries; columns of B and C are contiguous.
template <class T>
struct ComplexPanel {
  std::int64_t n, k;
  Strided<T> a;
  const T* b;
  std::int64_t ldb;
  T* c;
  std::int64_t ldc;
  bool add;
};

/// Rows x (Vectors of `Bytes`) block of C from column j. A `Part` has the last `columns` columns,
/// fewer than a vector.
template <bool ConjugateA, bool ConjugateB, int Bytes, int Rows, int Vectors, bool Part, class T>
inline void complex_block(const ComplexPanel<T>& p, std::int64_t j, int columns = 0) {
  using V = typename VectorOfBytes<T, Bytes>::type;
  constexpr int length = Bytes / static_cast<int>(sizeof(T));
  const auto load = [&](const T* source) -> V {
    if constexpr (Part) {
      return load_part(source, 2 * columns);
    } else {
      V v;
      std::memcpy(&v, source, sizeof(V));
      return v;
    }
  };
  V real_sum[Rows][Vectors] = {}, imaginary_sum[Rows][Vectors] = {};
  const T* a = p.a.base;
  const T* b = p.b + 2 * j;
  for (std::int64_t l = 0; l < p.k; ++l) {
    V row[Vectors];
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v)
      row[v] = load(b + v * length);
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) {
      const T re = a[2 * r * p.a.row], im = a[2 * r * p.a.row + 1];
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; ++v) {
        real_sum[r][v] += re * row[v];
        imaginary_sum[r][v] += im * row[v];
      }
    }
    a += 2 * p.a.column;
    b += 2 * p.ldb;
  }

  V real_sign, imaginary_sign;
  for (int s = 0; s < length; s += 2) {
    real_sign[s] = 1;
    real_sign[s + 1] = ConjugateB ? -1 : 1;
    imaginary_sign[s] = ConjugateA == ConjugateB ? -1 : 1;
    imaginary_sign[s + 1] = ConjugateA ? -1 : 1;
  }
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) {
      T* target = p.c + 2 * (r * p.ldc + j) + v * length;
      V value = real_sum[r][v] * real_sign + swap_pairs(imaginary_sum[r][v]) * imaginary_sign;
      if (p.add) value += load(target);
      if constexpr (Part)
        store_part(target, value, 2 * columns);
      else
        std::memcpy(target, &value, sizeof(V));
    }
}

/// All columns of Rows rows: wide blocks first, narrower ones for the rest.
template <bool ConjugateA, bool ConjugateB, int Rows, class T>
void complex_rows(const ComplexPanel<T>& p) {
  constexpr int pair = 2 * sizeof(T), bytes = vector_bytes;
  constexpr int widest = std::clamp(complex_accumulators / (2 * Rows), 1, 4);
  constexpr std::int64_t width = bytes / pair;
  std::int64_t j = 0;
  for (; j + widest * width <= p.n; j += widest * width)
    complex_block<ConjugateA, ConjugateB, bytes, Rows, widest, false>(p, j);
  if constexpr (widest > 2)
    for (; j + 2 * width <= p.n; j += 2 * width)
      complex_block<ConjugateA, ConjugateB, bytes, Rows, 2, false>(p, j);
  for (; j + width <= p.n; j += width)
    complex_block<ConjugateA, ConjugateB, bytes, Rows, 1, false>(p, j);
#if defined(__AVX512F__)
  if (j < p.n)
    complex_block<ConjugateA, ConjugateB, bytes, Rows, 1, true>(p, j, static_cast<int>(p.n - j));
#else
  // Without masks, parts of vectors are slow to load: narrower vectors.
  if constexpr (bytes / 2 > pair)
    for (; j + width / 2 <= p.n; j += width / 2)
      complex_block<ConjugateA, ConjugateB, bytes / 2, Rows, 1, false>(p, j);
  for (; j < p.n; ++j)
    complex_block<ConjugateA, ConjugateB, pair, Rows, 1, false>(p, j);
#endif
}

template <bool ConjugateA, bool ConjugateB, class T, std::size_t... I>
void complex_row_blocks(std::int64_t m, const ComplexPanel<T>& p, std::index_sequence<I...>) {
  static constexpr void (*table[])(const ComplexPanel<T>&) = {
      &complex_rows<ConjugateA, ConjugateB, static_cast<int>(I) + 1, T>...};
  constexpr std::int64_t most = sizeof...(I);
  const std::int64_t blocks = (m + most - 1) / most;
  ComplexPanel<T> part = p;
  for (std::int64_t block = 0; block < blocks; ++block) {
    // Equal blocks rather than full ones and a small rest.
    const std::int64_t i = m * block / blocks, rows = m * (block + 1) / blocks - i;
    part.a.base = p.a.base + 2 * i * p.a.row;
    part.c = p.c + 2 * i * p.ldc;
    table[rows - 1](part);
  }
}

/// C = op(A) op(B), or C += if `add`: A (m x k), B (k x n) with strides, columns of C contiguous.
///
/// B is taken in blocks that stay in cache while all rows of A pass by. A transposed one, or rows
/// on different pages, which would exceed the reach of the translation buffer, are packed.
template <bool ConjugateA, bool ConjugateB, class T>
void complex_panel_gemm(std::int64_t m, std::int64_t n, std::int64_t k, Strided<T> a, Strided<T> b,
                        T* c, std::int64_t ldc, bool add) {
  constexpr auto rows = std::make_index_sequence<complex_block_rows>();
  constexpr std::int64_t packed_width = vector_bytes / sizeof(T);  // two vectors of pairs
  constexpr std::int64_t depth = 256, block_entries = 8192;
  if (k == 0 && !add)
    for (std::int64_t i = 0; i < m; ++i)
      std::memset(c + 2 * i * ldc, 0, 2 * sizeof(T) * static_cast<std::size_t>(n));
  const bool spread = 2 * b.row * static_cast<std::int64_t>(sizeof(T)) >= 4096;
  const bool pack = b.column != 1 || (spread && m >= 4 * complex_block_rows && k >= 64);
  alignas(64) T packed[static_cast<std::size_t>(2 * depth * packed_width)];
  for (std::int64_t l = 0; l < k; l += depth) {
    const std::int64_t kl = std::min(depth, k - l);
    const std::int64_t width = pack ? packed_width : std::max<std::int64_t>(block_entries / kl, 32);
    for (std::int64_t j = 0; j < n; j += width) {
      const std::int64_t columns = std::min(width, n - j);
      const T* bl = b.base + 2 * (l * b.row + j * b.column);
      ComplexPanel<T> p{columns, kl,          {a.base + 2 * l * a.column, a.row, a.column},
                        bl,      b.row,       c + 2 * j,
                        ldc,     add || l > 0};
      if (pack) {
        // Pairs one by one: the transposed side is the one with the large stride.
        if (b.column == 1) {
          for (std::int64_t r = 0; r < kl; ++r)
            std::memcpy(packed + 2 * r * packed_width, bl + 2 * r * b.row,
                        2 * sizeof(T) * static_cast<std::size_t>(columns));
        } else {
          for (std::int64_t s = 0; s < columns; ++s)
            for (std::int64_t r = 0; r < kl; ++r)
              std::memcpy(packed + 2 * (r * packed_width + s), bl + 2 * (r * b.row + s * b.column),
                          2 * sizeof(T));
        }
        p.b = packed;
        p.ldb = packed_width;
      }
      complex_row_blocks<ConjugateA, ConjugateB>(m, p, rows);
    }
  }
}

}  // namespace nopal::detail
