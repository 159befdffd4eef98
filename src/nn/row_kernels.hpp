// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

// Small kernels on row-major matrices (rows = points, columns = channels).

#include <nopal/core/tensor.hpp>

#include <cstdint>

namespace nopal::detail {

/// Points to work on at a time so that `entries` numbers of T for each stay in a part of the
/// second-level cache; many on a device, to fill it.
template <class T>
std::int64_t tile_rows(std::int64_t entries);

/// y[r, c] := b[c].
template <class T>
void fill_rows(const T* b, T* y, std::int64_t rows, std::int64_t columns);

/// y[r, c] += b[c].
template <class T>
void add_rows(const T* b, T* y, std::int64_t rows, std::int64_t columns);

/// s[c] := beta s[c] + sum_r x[r, c], in a fixed order (the same bits on every run).
template <class T>
void sum_rows(const T* x, T* s, std::int64_t rows, std::int64_t columns, T beta);

/// s[c] := beta s[c] + sum_r x[r, c] y[r, c], in a fixed order.
template <class T>
void dot_rows(const T* x, const T* y, T* s, std::int64_t rows, std::int64_t columns, T beta);

/// y[r, c] := beta y[r, c] + g[c] x[r, c], beta 0 or 1.
template <class T>
void scale_rows(const T* g, const T* x, T* y, std::int64_t rows, std::int64_t columns, T beta);

/// y[r, c] := (x[r, c] - mean[c]) inverse[c].
template <class T>
void standardise_rows(const T* x, const T* mean, const T* inverse, T* y, std::int64_t rows,
                      std::int64_t columns);

/// The adjoint of standardising and scaling, z the standardised x, m1 and m2 the means of scale dy
/// and of scale dy z: dx[r, c] := beta dx[r, c] + inverse[c] (scale[c] dy[r, c] - m1[c] -
/// z[r, c] m2[c]), beta 0 or 1.
template <class T>
void standardise_rows_adjoint(const T* dy, const T* z, const T* scale, const T* inverse,
                              const T* m1, const T* m2, T* dx, std::int64_t rows,
                              std::int64_t columns, T beta);

/// y[c, r] := x[r, c].
template <class T>
void transpose(const T* x, T* y, std::int64_t rows, std::int64_t columns);

/// y[i] *= x[i].
template <class T>
void multiply(const T* x, T* y, std::int64_t size);

}  // namespace nopal::detail
