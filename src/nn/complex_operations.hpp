// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

// Differentiable operations on complex tensors (last axis: real, imaginary part), from which the
// factorizations of a spectral weight are put together. Gradients are dL/dRe + i dL/dIm, so that
// the adjoint of y = a b is da = dy conj(b).

#include <nopal/autograd/variable.hpp>
#include <nopal/core/blas.hpp>

namespace nopal::detail {

/// op(A) op(B) of matrices (rows x columns complex entries, any shapes of that size); the result
/// gets `shape`. op is none or transpose.
template <class T>
Variable<T> complex_product(const Variable<T>& a, Op op_a, const Variable<T>& b, Op op_b,
                            std::int64_t m, std::int64_t n, std::int64_t k, const Shape& shape);

/// y(p, j, q) = sum_r u(j, r) x(p, r, q): the factor u (n, r) applied along one axis of x, which is
/// taken as (before, r, after).
template <class T>
Variable<T> apply_factor(const Variable<T>& x, const Variable<T>& u, std::int64_t before,
                         std::int64_t after, const Shape& shape);

/// The transpose of a matrix of m x n complex entries, under `shape`.
template <class T>
Variable<T> complex_transpose(const Variable<T>& x, std::int64_t m, std::int64_t n,
                              const Shape& shape);

/// Entries [first, first + count) of axis `axis` (the complex axis not counted as one to cut).
template <class T>
Variable<T> cut(const Variable<T>& x, int axis, std::int64_t first, std::int64_t count);

/// y(p, j, r) = x(p, r) u(j, r): grows the axis of u. x (P, R), u (J, R).
template <class T>
Variable<T> column_products(const Variable<T>& x, const Variable<T>& u, const Shape& shape);

/// y(b, k, c) = x(b, k, c) w(k, c), x (B, K, C), w (K, C) entries.
template <class T>
Variable<T> modewise_scale(const Variable<T>& x, const Variable<T>& w);

/// y(b, k, o) = sum_i x(b, k, i) w(p(k), i, o) for x (B, K..., I, 2), w of M I `out` entries, where
/// the active modes K of axis j start at `first[j]` among the stored ones.
template <class T>
Variable<T> modewise_product(const Variable<T>& x, const Variable<T>& w, const Shape& stored,
                             const Shape& active, const Shape& first, std::int64_t out);

}  // namespace nopal::detail
