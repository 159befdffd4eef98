// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

// Matrix product for the shapes of neural operators on a CPU: C (m x n) = A (m x k) B (k x n) where
// one or two of m, n, k are a few dozen (channels, modes) and the rest is large (grid points).
//
// A general BLAS packs both operands first, which costs as much as the product itself for such
// shapes. Here A is read by broadcasts and B by whole vectors where they lie, and a block of C
// (rows x 2 vectors) stays in registers over the whole of k: rows + 2 loads for 2 * rows
// multiply-adds.

#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace nopal::detail {

#if defined(__AVX512F__)
inline constexpr int vector_bytes = 64, block_rows = 14;
#elif defined(__AVX__)
inline constexpr int vector_bytes = 32, block_rows = 6;
#else
inline constexpr int vector_bytes = 16, block_rows = 6;
#endif

template <class T>
struct VectorOf;
template <>
struct VectorOf<float> {
  using type [[gnu::vector_size(vector_bytes), gnu::aligned(4), gnu::may_alias]] = float;
  using aligned_type [[gnu::vector_size(vector_bytes)]] = float;
};
template <>
struct VectorOf<double> {
  using type [[gnu::vector_size(vector_bytes), gnu::aligned(8), gnu::may_alias]] = double;
  using aligned_type [[gnu::vector_size(vector_bytes)]] = double;
};

template <class T>
inline constexpr int vector_width = vector_bytes / static_cast<int>(sizeof(T));

/// Whether a last vector that is at most half full is computed with half vectors: these cost half
/// where the processor splits a full one (AVX-512 on AMD Zen 4), and the same elsewhere.
#if defined(__AVX512F__)
inline constexpr bool has_half_vectors = true;
#else
inline constexpr bool has_half_vectors = false;
#endif

template <class T>
struct HalfVectorOf;
template <>
struct HalfVectorOf<float> {
  using type [[gnu::vector_size(vector_bytes / 2), gnu::aligned(4), gnu::may_alias]] = float;
  using aligned_type [[gnu::vector_size(vector_bytes / 2)]] = float;
};
template <>
struct HalfVectorOf<double> {
  using type [[gnu::vector_size(vector_bytes / 2), gnu::aligned(8), gnu::may_alias]] = double;
  using aligned_type [[gnu::vector_size(vector_bytes / 2)]] = double;
};

template <class T, std::size_t... I>
inline auto widen_by(typename HalfVectorOf<T>::aligned_type half, std::index_sequence<I...>) {
  return __builtin_shufflevector(half, typename HalfVectorOf<T>::aligned_type{},
                                 static_cast<int>(I)...);
}
template <class T, std::size_t... I>
inline auto lower_by(typename VectorOf<T>::aligned_type v, std::index_sequence<I...>) {
  return __builtin_shufflevector(v, v, static_cast<int>(I)...);
}

/// A half vector as a vector whose upper half is 0, and the lower half of one.
template <class T>
inline typename VectorOf<T>::aligned_type widen(typename HalfVectorOf<T>::aligned_type half) {
  return widen_by<T>(half, std::make_index_sequence<vector_width<T>>());
}
template <class T>
inline typename HalfVectorOf<T>::aligned_type lower_half(typename VectorOf<T>::aligned_type v) {
  return lower_by<T>(v, std::make_index_sequence<vector_width<T> / 2>());
}

/// A matrix operand addressed as base[i * row_stride + j * column_stride].
template <class T>
struct Strided {
  const T* base;
  std::int64_t row, column;
};

/// Rows x (Vectors * vector_width) block of C = A B (+ C if `add`).
template <class T, int Rows, int Vectors>
inline void panel_block(std::int64_t k, Strided<T> a, const T* b, std::int64_t ldb, T* c,
                        std::int64_t ldc, bool add) {
  using Memory = typename VectorOf<T>::type;
  using Register = typename VectorOf<T>::aligned_type;
  constexpr int width = vector_width<T>;
  Register sum[Rows][Vectors];
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v)
      sum[i][v] =
          add ? Register(*reinterpret_cast<const Memory*>(c + i * ldc + v * width)) : Register{};
  for (std::int64_t l = 0; l < k; ++l) {
    Register bv[Vectors];
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v)
      bv[v] = *reinterpret_cast<const Memory*>(b + l * ldb + v * width);
    const T* al = a.base + l * a.column;
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
      const T ai = al[i * a.row];
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; ++v)
        sum[i][v] += ai * bv[v];
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v)
      *reinterpret_cast<Memory*>(c + i * ldc + v * width) = sum[i][v];
}

#if defined(__AVX2__) && !defined(__AVX512F__)
/// All ones in the first `count` integers of a vector.
inline __m256i part_mask(int count, float) {
  static constexpr std::int32_t mask[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(mask + 8 - count));
}
inline __m256i part_mask(int count, double) {
  static constexpr std::int64_t mask[8] = {-1, -1, -1, -1};
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(mask + 4 - count));
}
#endif

/// Loads and stores of the first `count` entries of a vector; the rest is zero or left alone.
template <class T>
inline typename VectorOf<T>::aligned_type load_part(const T* p, int count) {
#if defined(__AVX512F__)
  if constexpr (std::is_same_v<T, float>)
    return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1), p);
  else
    return _mm512_maskz_loadu_pd(static_cast<__mmask8>((1u << count) - 1), p);
#elif defined(__AVX2__)
  if constexpr (std::is_same_v<T, float>)
    return _mm256_maskload_ps(p, part_mask(count, T()));
  else
    return _mm256_maskload_pd(p, part_mask(count, T()));
#else
  typename VectorOf<T>::aligned_type v{};
  std::memcpy(&v, p, sizeof(T) * static_cast<std::size_t>(count));
  return v;
#endif
}

template <class T>
inline void store_part(T* p, typename VectorOf<T>::aligned_type v, int count) {
#if defined(__AVX512F__)
  if constexpr (std::is_same_v<T, float>)
    _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << count) - 1), v);
  else
    _mm512_mask_storeu_pd(p, static_cast<__mmask8>((1u << count) - 1), v);
#elif defined(__AVX2__)
  if constexpr (std::is_same_v<T, float>)
    _mm256_maskstore_ps(p, part_mask(count, T()), v);
  else
    _mm256_maskstore_pd(p, part_mask(count, T()), v);
#else
  std::memcpy(p, &v, sizeof(T) * static_cast<std::size_t>(count));
#endif
}

/// The last columns, fewer than a vector; computed as half a vector if `Half`.
template <class T, int Rows, bool Half>
inline void panel_tail(std::int64_t k, Strided<T> a, const T* b, std::int64_t ldb, T* c,
                       std::int64_t ldc, bool add, int columns) {
  using Full = typename VectorOf<T>::aligned_type;
  using Register = std::conditional_t<Half, typename HalfVectorOf<T>::aligned_type, Full>;
  const auto load = [columns](const T* p) -> Register {
    if constexpr (Half)
      return lower_half<T>(load_part(p, columns));
    else
      return load_part(p, columns);
  };
  Register sum[Rows];
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i)
    sum[i] = add ? load(c + i * ldc) : Register{};
  for (std::int64_t l = 0; l < k; ++l) {
    const Register bv = load(b + l * ldb);
    const T* al = a.base + l * a.column;
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i)
      sum[i] += al[i * a.row] * bv;
  }
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i) {
    if constexpr (Half)
      store_part(c + i * ldc, widen<T>(sum[i]), columns);
    else
      store_part(c + i * ldc, sum[i], columns);
  }
}

/// c_i = sum_l a(i, l) b_l, or += : one column and contiguous rows of A.
template <class T>
inline void panel_dot(std::int64_t m, std::int64_t k, const T* a, std::int64_t lda, const T* b,
                      std::int64_t ldb, T* c, std::int64_t ldc, bool add) {
  using Memory = typename VectorOf<T>::type;
  using Register = typename VectorOf<T>::aligned_type;
  constexpr int width = vector_width<T>;
  for (std::int64_t i = 0; i < m; ++i) {
    T sum = 0;
    std::int64_t l = 0;
    if (ldb == 1 && k >= width) {
      Register part{};
      for (; l + width <= k; l += width)
        part += *reinterpret_cast<const Memory*>(a + i * lda + l) *
                *reinterpret_cast<const Memory*>(b + l);
      for (int w = 0; w < width; ++w)
        sum += part[w];
    }
    for (; l < k; ++l)
      sum += a[i * lda + l] * b[l * ldb];
    c[i * ldc] = add ? c[i * ldc] + sum : sum;
  }
}

/// All columns of Rows rows.
template <class T, int Rows>
void panel_rows(std::int64_t n, std::int64_t k, Strided<T> a, const T* b, std::int64_t ldb, T* c,
                std::int64_t ldc, bool add) {
  constexpr int width = vector_width<T>;
  std::int64_t j = 0;
  for (; j + 2 * width <= n; j += 2 * width)
    panel_block<T, Rows, 2>(k, a, b + j, ldb, c + j, ldc, add);
  for (; j + width <= n; j += width)
    panel_block<T, Rows, 1>(k, a, b + j, ldb, c + j, ldc, add);
  const auto left = static_cast<int>(n - j);
  if (has_half_vectors && left > 0 && left <= width / 2)
    panel_tail<T, Rows, has_half_vectors>(k, a, b + j, ldb, c + j, ldc, add, left);
  else if (left > 0)
    panel_tail<T, Rows, false>(k, a, b + j, ldb, c + j, ldc, add, left);
}

template <class T>
using PanelRows = void (*)(std::int64_t, std::int64_t, Strided<T>, const T*, std::int64_t, T*,
                           std::int64_t, bool);

template <class T, std::size_t... I>
constexpr auto panel_table(std::index_sequence<I...>) {
  struct Table {
    PanelRows<T> rows[sizeof...(I)];
  };
  return Table{{&panel_rows<T, static_cast<int>(I) + 1>...}};
}

/// Entries of a packed panel of B: 256 rows of two vectors.
template <class T>
inline constexpr int pack_capacity = 256 * 2 * vector_width<T>;

/// Equal blocks rather than full ones and a small rest: 25 rows are 13 + 12, not 14 + 11.
template <class T>
void panel_row_blocks(std::int64_t m, std::int64_t n, std::int64_t k, Strided<T> a, const T* b,
                      std::int64_t ldb, T* c, std::int64_t ldc, bool add) {
  static constexpr auto table = panel_table<T>(std::make_index_sequence<block_rows>());
  const std::int64_t blocks = (m + block_rows - 1) / block_rows;
  for (std::int64_t i = 0, block = 0; block < blocks; ++block) {
    const std::int64_t left = blocks - block;
    const std::int64_t rows = (m - i + left - 1) / left;
    const Strided<T> rows_of_a{a.base + i * a.row, a.row, a.column};
    table.rows[rows - 1](n, k, rows_of_a, b, ldb, c + i * ldc, ldc, add);
    i += rows;
  }
}

/// C = A B, or C += A B if `add`; the columns of C are contiguous.
///
/// k is cut so that the part of B in use stays in the first-level cache (narrow B) or within the
/// reach of the translation buffer (rows of B on different pages). Many rows of A over a wide or
/// transposed B: a panel of B is packed once and used for all of them.
template <class T>
void panel_gemm(std::int64_t m, std::int64_t n, std::int64_t k, Strided<T> a, Strided<T> b, T* c,
                std::int64_t ldc, bool add) {
  constexpr std::int64_t panel = 2 * vector_width<T>, packed_depth = 256, spread_depth = 64;
  if (n == 1 && ldc == 1 && a.row == 1) {  // a row times the contiguous columns of A^T
    std::swap(m, n);
    std::swap(a, b);
    std::swap(a.row, a.column);
    std::swap(b.row, b.column);
    ldc = n;
  } else if (n == 1 && a.column == 1) {
    return panel_dot(m, k, a.base, a.row, b.base, b.row, c, ldc, add);
  }
  if (k == 0 && !add)
    for (std::int64_t i = 0; i < m; ++i)
      std::memset(c + i * ldc, 0, sizeof(T) * static_cast<std::size_t>(n));
  const bool spread = b.row * static_cast<std::int64_t>(sizeof(T)) >= 4096;
  const bool pack = b.column != 1 || (spread && m >= 4 * block_rows && k >= 2 * spread_depth);
  const std::int64_t depth = spread && !pack ? spread_depth : packed_depth;
  alignas(64) T packed[pack_capacity<T>];
  for (std::int64_t l = 0; l < k; l += depth) {
    const std::int64_t kl = k - l < depth ? k - l : depth;
    const Strided<T> al{a.base + l * a.column, a.row, a.column};
    const T* bl = b.base + l * b.row;
    const bool add_l = add || l > 0;
    if (!pack) {
      panel_row_blocks(m, n, kl, al, bl, b.row, c, ldc, add_l);
      continue;
    }
    for (std::int64_t j = 0; j < n; j += panel) {
      const std::int64_t columns = n - j < panel ? n - j : panel;
      if (b.column == 1) {
        for (std::int64_t r = 0; r < kl; ++r)
          std::memcpy(packed + r * panel, bl + r * b.row + j,
                      sizeof(T) * static_cast<std::size_t>(columns));
      } else {
        for (std::int64_t s = 0; s < columns; ++s)
          for (std::int64_t r = 0; r < kl; ++r)
            packed[r * panel + s] = bl[r * b.row + (j + s) * b.column];
      }
      panel_row_blocks(m, columns, kl, al, packed, panel, c + j, ldc, add_l);
    }
  }
}

}  // namespace nopal::detail
