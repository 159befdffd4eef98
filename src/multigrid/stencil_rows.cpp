// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "multigrid/stencil_rows.hpp"

#include <algorithm>

namespace nopal::detail {
namespace {

// Patterns of a pass with kernels of their own: all nine; a cross; the centre; else any.
enum Kind { full, cross, single, any };

constexpr int pattern_of(Kind kind) {
  return kind == full ? 0b111111111 : kind == cross ? 0b010111010 : 0b000010000;
}

// What a coefficient is multiplied by: a neighbour's value, or how much it differs from the
// point's.
template <bool differences, class T>
T operand(T neighbour, T own) {
  return differences ? neighbour - own : neighbour;
}

// A pass over a piece of a row: coefficients, three rows of x, and x in the row's own points.
template <class T>
struct Piece {
  std::int64_t count;
  std::array<const T*, 9> values;
  std::array<const T*, 3> x;
  const T* own;
  const T* init;  // what the sum is added to; null: 0
};

// What is known when compiling: the sign, whether coefficients multiply differences, and whether
// the middle one of the three rows is the point's own, so that the fifth coefficient is its own,
// too.
template <int sign, bool differences, bool own_row>
struct Mode {};

// y(i) := init(i) + sign * sum of values[k][i] x[k / 3][i + k % 3 - 1] over the entries of the
// pattern.
template <int pattern, bool from_zero, int sign, bool differences, bool own_row, class T>
void sum_pattern(Mode<sign, differences, own_row>, const Piece<T>& piece, T* __restrict__ y) {
  const T *const v0 = piece.values[0], *const v1 = piece.values[1], *const v2 = piece.values[2];
  const T *const v3 = piece.values[3], *const v4 = piece.values[4], *const v5 = piece.values[5];
  const T *const v6 = piece.values[6], *const v7 = piece.values[7], *const v8 = piece.values[8];
  const T *const low = piece.x[0], *const mid = piece.x[1], *const high = piece.x[2];
  const T* const own = own_row ? mid : piece.own;
  const T* const init = piece.init;
  const std::int64_t count = piece.count;
#pragma GCC ivdep
  for (std::int64_t i = 0; i < count; ++i) {
    const T c = differences ? own[i] : T(0);
    T sum = 0;
    if constexpr (pattern & 1) sum += v0[i] * operand<differences>(low[i - 1], c);
    if constexpr (pattern & 2) sum += v1[i] * operand<differences>(low[i], c);
    if constexpr (pattern & 4) sum += v2[i] * operand<differences>(low[i + 1], c);
    if constexpr (pattern & 8) sum += v3[i] * operand<differences>(mid[i - 1], c);
    if constexpr (pattern & 16) sum += v4[i] * operand < differences && !own_row > (mid[i], c);
    if constexpr (pattern & 32) sum += v5[i] * operand<differences>(mid[i + 1], c);
    if constexpr (pattern & 64) sum += v6[i] * operand<differences>(high[i - 1], c);
    if constexpr (pattern & 128) sum += v7[i] * operand<differences>(high[i], c);
    if constexpr (pattern & 256) sum += v8[i] * operand<differences>(high[i + 1], c);
    y[i] = from_zero ? T(sign) * sum : init[i] + T(sign) * sum;
  }
}

template <int sign, bool differences, bool own_row, class T>
void sum_any(Mode<sign, differences, own_row>, const Piece<T>& piece, T* __restrict__ y) {
  const std::int64_t count = piece.count;
  if (!piece.init)
    std::fill_n(y, count, T(0));
  else if (piece.init != y)
    std::copy_n(piece.init, count, y);
  for (std::size_t k = 0; k < 9; ++k) {
    if (!piece.values[k]) continue;
    const T* const v = piece.values[k];
    const T* const from = piece.x[k / 3] + static_cast<std::ptrdiff_t>(k % 3) - 1;
    const T* const own = piece.own;
    const T taken = differences && !(own_row && k == 4) ? T(1) : T(0);
#pragma GCC ivdep
    for (std::int64_t i = 0; i < count; ++i)
      y[i] += T(sign) * v[i] * (from[i] - taken * own[i]);
  }
}

template <class T, class M>
void sum_kind(int kind, const M& mode, const Piece<T>& piece, T* y) {
  const bool zero = !piece.init;
  switch (kind) {
    case full:
      return zero ? sum_pattern<pattern_of(full), true>(mode, piece, y)
                  : sum_pattern<pattern_of(full), false>(mode, piece, y);
    case cross:
      return zero ? sum_pattern<pattern_of(cross), true>(mode, piece, y)
                  : sum_pattern<pattern_of(cross), false>(mode, piece, y);
    case single:
      return zero ? sum_pattern<pattern_of(single), true>(mode, piece, y)
                  : sum_pattern<pattern_of(single), false>(mode, piece, y);
    default:
      return sum_any(mode, piece, y);
  }
}

// A piece of a row that stays in the cache while all passes add to it.
constexpr std::int64_t piece_length = 512;

}  // namespace

template <class T>
RowStencil<T>::RowStencil(const StencilMatrix<T>& matrix, const LevelLayout& layout)
    : differences_(matrix.differences) {
  for (int o0 = -1; o0 <= 1; ++o0) {
    Pass pass{};
    int pattern = 0;
    for (int k = 0; k < 9; ++k) {
      const int slot = slot_of({o0, k / 3 - 1, k % 3 - 1});
      const T* values = matrix.coefficient(slot, layout);
      pass.values[static_cast<std::size_t>(k)] = values;
      if (!values) continue;
      pattern |= 1 << k;
      ++entries_;
      if (slot == centre) diagonal_ = values;
    }
    if (pattern == 0) continue;
    pass.kind = any;
    for (const Kind kind : {full, cross, single})
      if (pattern == pattern_of(kind)) pass.kind = kind;
    for (int o1 = -1; o1 <= 1; ++o1)
      pass.shifts[static_cast<std::size_t>(o1 + 1)] = layout.shift(slot_of({o0, o1, 0}));
    passes_.push_back(pass);
  }
}

template <class T>
template <int sign>
void RowStencil<T>::multiply(std::ptrdiff_t first, std::int64_t count, const T* x, const T* init,
                             T* y) const {
  for (std::int64_t done = 0; done < count; done += piece_length) {
    const std::int64_t length = std::min(piece_length, count - done);
    const std::ptrdiff_t at = first + done;
    T* const out = y + done;
    const T* from = init ? init + done : nullptr;
    for (const Pass& pass : passes_) {
      Piece<T> piece{length, pass.values, {}, x + at, from};
      for (const T*& pointer : piece.values)
        if (pointer) pointer += at;
      for (std::size_t row = 0; row < 3; ++row)
        piece.x[row] = x + at + pass.shifts[row];
      const bool own_row = pass.shifts[1] == 0;
      if (!differences_)
        sum_kind(pass.kind, Mode<sign, false, true>{}, piece, out);
      else if (own_row)
        sum_kind(pass.kind, Mode<sign, true, true>{}, piece, out);
      else
        sum_kind(pass.kind, Mode<sign, true, false>{}, piece, out);
      from = out;
    }
  }
}

#define NOPAL_INSTANTIATE(T)                                                                      \
  template class RowStencil<T>;                                                                   \
  template void RowStencil<T>::multiply<1>(std::ptrdiff_t, std::int64_t, const T*, const T*, T*)  \
      const;                                                                                      \
  template void RowStencil<T>::multiply<-1>(std::ptrdiff_t, std::int64_t, const T*, const T*, T*) \
      const;
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal::detail
