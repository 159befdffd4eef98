// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

// Register blocks of convolutions on a CPU. With channels last, the taps of the last axis and the
// channels are contiguous in x and in W, so a row of outputs is a matrix product whose rows of A
// overlap. A block of its result stays in registers over all taps.

#include "core/panel_gemm.hpp"

#include <array>
#include <cstdint>
#include <utility>

namespace nopal::detail {

/// Largest numbers of rows for blocks of 1, 2 and 3 vectors, by the number of registers (32 with
/// AVX-512, else 16), and of dot products side by side.
#if defined(__AVX512F__)
inline constexpr int max_rows[] = {0, 14, 14, 9}, max_dots = 14;
#else
inline constexpr int max_rows[] = {0, 8, 6, 4}, max_dots = 8;
#endif

/// Keeps a vector in a register: GCC otherwise reads it from memory at each use where registers are
/// scarce, and loads are what limits the blocks.
template <class Register>
inline void keep(Register& v) {
#if defined(__x86_64__)
  asm("" : "+v"(v));
#else
  (void)v;
#endif
}

/// sum += a b, a number or a vector by a vector: what the entries of x and W are.
struct Numbers {
  template <class Vector, class A>
  static void add_product(Vector& sum, A a, Vector b) {
    sum += a * b;
  }
};

/// What a block reads: sums run over taps[0] x taps[1] taps of the outer axes and `depth`
/// contiguous numbers, (taps of the last axis) x channels, of x and rows of W.
template <class T>
struct BlockInput {
  const T *x, *w;
  std::int64_t point;                   ///< in x, from one point to the next
  std::int64_t x_outer[2], w_outer[2];  ///< from one outer tap to the next
  std::int64_t taps[2], depth;
};

/// What becomes of the sums: y = init + bias + sign * sum; init and bias may be null, init may be
/// y.
template <class T>
struct BlockOutput {
  T* y;
  const T *init, *bias;
  std::int64_t point;  ///< in y and init, from one point to the next
  T sign;
};

/// Rows points x Vectors vectors of channels; the last vector has `tail` channels, and is computed
/// as a half one if `Half`. W has rows of Vectors vectors.
template <class Product, class T, int Rows, int Vectors, bool Half>
void channel_block(const BlockInput<T>& in, const BlockOutput<T>& out, int tail) {
  using Memory = typename VectorOf<T>::type;
  using Register = typename VectorOf<T>::aligned_type;
  constexpr int width = vector_width<T>, full = Vectors - (Half ? 1 : 0);
  Register sum[Rows][Vectors] = {};
  typename HalfVectorOf<T>::aligned_type half[Rows] = {};
  for (std::int64_t t0 = 0; t0 < in.taps[0]; ++t0)
    for (std::int64_t t1 = 0; t1 < in.taps[1]; ++t1) {
      const T* x = in.x + t0 * in.x_outer[0] + t1 * in.x_outer[1];
      const T* w = in.w + t0 * in.w_outer[0] + t1 * in.w_outer[1];
      for (std::int64_t l = 0; l < in.depth; ++l) {
        Register wv[Vectors];
        typename HalfVectorOf<T>::aligned_type wh{};
#pragma GCC unroll 4
        for (int v = 0; v < full; ++v)
          keep(wv[v] = *reinterpret_cast<const Memory*>(w + (l * Vectors + v) * width));
        if constexpr (Half)
          keep(wh = *reinterpret_cast<const typename HalfVectorOf<T>::type*>(
                   w + (l * Vectors + full) * width));
#pragma GCC unroll 16
        for (int i = 0; i < Rows; ++i) {
          const T xi = x[l + i * in.point];
#pragma GCC unroll 4
          for (int v = 0; v < full; ++v)
            Product::add_product(sum[i][v], xi, wv[v]);
          if constexpr (Half) Product::add_product(half[i], xi, wh);
        }
      }
    }
  if constexpr (Half)
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i)
      sum[i][full] = widen<T>(half[i]);
  T* const y = out.y;
  const T *const init = out.init, *const bias = out.bias;
  const std::int64_t point = out.point;
  const T sign = out.sign;
#pragma GCC unroll 4
  for (int v = 0; v < Vectors; ++v) {
    const bool whole = v + 1 < Vectors || tail == width;
    const auto load = [whole, tail](const T* p) {
      return whole ? Register(*reinterpret_cast<const Memory*>(p)) : load_part(p, tail);
    };
    const Register b = bias ? load(bias + v * width) : Register{};
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i)
      sum[i][v] = b + sign * sum[i][v];
    if (init)
#pragma GCC unroll 16
      for (int i = 0; i < Rows; ++i)
        sum[i][v] += load(init + i * point + v * width);
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i)
      if (whole)
        *reinterpret_cast<Memory*>(y + i * point + v * width) = sum[i][v];
      else
        store_part(y + i * point + v * width, sum[i][v], tail);
  }
}

/// Rows points x one channel, by dot products; W has rows of one number. For few output channels,
/// where vectors of them would be mostly empty.
template <class Product, class T, int Rows>
void dot_block(const BlockInput<T>& in, const BlockOutput<T>& out, int) {
  using Memory = typename VectorOf<T>::type;
  using Register = typename VectorOf<T>::aligned_type;
  constexpr int width = vector_width<T>;
  Register part[Rows] = {};
  for (std::int64_t t0 = 0; t0 < in.taps[0]; ++t0)
    for (std::int64_t t1 = 0; t1 < in.taps[1]; ++t1) {
      const T* x = in.x + t0 * in.x_outer[0] + t1 * in.x_outer[1];
      const T* w = in.w + t0 * in.w_outer[0] + t1 * in.w_outer[1];
      std::int64_t l = 0;
      for (; l + width <= in.depth; l += width) {
        const Register wv = *reinterpret_cast<const Memory*>(w + l);
#pragma GCC unroll 16
        for (int i = 0; i < Rows; ++i)
          Product::add_product(
              part[i], Register(*reinterpret_cast<const Memory*>(x + l + i * in.point)), wv);
      }
      if (l < in.depth) {
        const int rest = static_cast<int>(in.depth - l);
        const Register wv = load_part(w + l, rest);
#pragma GCC unroll 16
        for (int i = 0; i < Rows; ++i)
          Product::add_product(part[i], load_part(x + l + i * in.point, rest), wv);
      }
    }
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i) {
    T sum = 0;
#pragma GCC unroll 16
    for (int v = 0; v < width; ++v)
      sum += part[i][v];
    T y = out.sign * sum;
    if (out.bias) y += out.bias[0];
    if (out.init) y += out.init[i * out.point];
    out.y[i * out.point] = y;
  }
}

template <class T>
using Block = void (*)(const BlockInput<T>&, const BlockOutput<T>&, int);

template <class Product, class T, int Vectors, bool Half, std::size_t... I>
constexpr std::array<Block<T>, sizeof...(I)> make_block_table(std::index_sequence<I...>) {
  if constexpr (Vectors == 0)
    return {&dot_block<Product, T, static_cast<int>(I) + 1>...};
  else
    return {&channel_block<Product, T, static_cast<int>(I) + 1, Vectors, Half>...};
}
/// block_table<Product, T, Vectors, Half>[points - 1]; Vectors = 0: dot products.
template <class Product, class T, int Vectors, bool Half>
inline constexpr auto block_table = make_block_table<Product, T, Vectors, Half && has_half_vectors>(
    std::make_index_sequence<Vectors == 0 ? max_dots : max_rows[Vectors]>());

/// An operand of a sum over points: entry + row * r + point * p of points p in rows r.
template <class T>
struct PointOperand {
  const T* entry;
  std::int64_t row, point;
};

/// C(i, j) += sum over rows and points of a(i) b(j): Rows contiguous channels of a by Vectors
/// vectors of channels of b, the last with `tail` channels, computed as a half one if `Half`. Small
/// blocks sum several points side by side, so that enough multiply-adds are under way.
template <class T, int Rows, int Vectors, bool Half>
void point_block(std::int64_t rows, std::int64_t points, PointOperand<T> a, PointOperand<T> b, T* c,
                 std::int64_t ldc, int tail) {
  using Memory = typename VectorOf<T>::type;
  using Register = typename VectorOf<T>::aligned_type;
  constexpr int width = vector_width<T>, full = Vectors - (Half ? 1 : 0);
  constexpr int sets = Rows * Vectors >= 8 ? 1 : 8 / (Rows * Vectors);
  using HalfRegister = typename HalfVectorOf<T>::aligned_type;
  Register sum[sets][Rows][Vectors] = {};
  HalfRegister half[sets][Rows] = {};
  const auto load = [tail](const T* p, int v) {
    return v + 1 < Vectors || tail == width ? Register(*reinterpret_cast<const Memory*>(p))
                                            : load_part(p, tail);
  };
  const auto add_point = [&](Register(&s)[Rows][Vectors], HalfRegister(&h)[Rows], const T* pa,
                             const T* pb) {
    Register bv[Vectors];
    HalfRegister bh{};
#pragma GCC unroll 4
    for (int v = 0; v < full; ++v)
      keep(bv[v] = load(pb + v * width, v));
    if constexpr (Half) keep(bh = lower_half<T>(load_part(pb + full * width, tail)));
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
#pragma GCC unroll 4
      for (int v = 0; v < full; ++v)
        s[i][v] += pa[i] * bv[v];
      if constexpr (Half) h[i] += pa[i] * bh;
    }
  };
  for (std::int64_t r = 0; r < rows; ++r) {
    const T* pa = a.entry + r * a.row;
    const T* pb = b.entry + r * b.row;
    std::int64_t p = 0;
    for (; p + sets <= points; p += sets)
#pragma GCC unroll 8
      for (int s = 0; s < sets; ++s)
        add_point(sum[s], half[s], pa + (p + s) * a.point, pb + (p + s) * b.point);
    for (; p < points; ++p)
      add_point(sum[0], half[0], pa + p * a.point, pb + p * b.point);
  }
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) {
      T* entry = c + i * ldc + v * width;
      Register total = load(entry, v);
#pragma GCC unroll 8
      for (int s = 0; s < sets; ++s)
        total += v < full ? sum[s][i][v] : widen<T>(half[s][i]);
      if (v + 1 < Vectors || tail == width)
        *reinterpret_cast<Memory*>(entry) = total;
      else
        store_part(entry, total, tail);
    }
}

template <class T>
using PointBlock = void (*)(std::int64_t, std::int64_t, PointOperand<T>, PointOperand<T>, T*,
                            std::int64_t, int);

template <class T, int Vectors, bool Half, std::size_t... I>
constexpr std::array<PointBlock<T>, sizeof...(I)> make_point_table(std::index_sequence<I...>) {
  return {&point_block<T, static_cast<int>(I) + 1, Vectors, Half>...};
}
/// point_table<T, Vectors, Half>[rows - 1].
template <class T, int Vectors, bool Half>
inline constexpr auto point_table = make_point_table<T, Vectors, Half && has_half_vectors>(
    std::make_index_sequence<max_rows[Vectors]>());

}  // namespace nopal::detail
