// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/core/tensor.hpp>

#include <cstdint>

namespace nopal {

/// What a matrix product does with an operand. For reals, `conjugate_transpose` is `transpose` and
/// `conjugate` is `none`.
enum class Op { none, transpose, conjugate_transpose, conjugate };

/// C = alpha op(A) op(B) + beta C, row-major.
///
/// op(A) is m x k, op(B) is k x n, C is m x n; `lda`, `ldb`, `ldc` are the distances between rows
/// of the matrices as stored. With beta = 0, C need not be initialised. `T` is float, double,
/// Kokkos::complex<float> or Kokkos::complex<double>; pointers are in the default memory space.
/// 2 m n k flops (8 m n k complex). BLAS on the host, cuBLAS on CUDA, a plain Kokkos kernel on
/// other spaces.
template <class T>
void gemm(Op op_a, Op op_b, std::int64_t m, std::int64_t n, std::int64_t k, T alpha, const T* a,
          std::int64_t lda, const T* b, std::int64_t ldb, T beta, T* c, std::int64_t ldc);

/// `count` products as gemm(), operand i starting `i * stride` entries after the first. A stride of
/// 0 shares an operand (not C).
template <class T>
void gemm_batched(Op op_a, Op op_b, std::int64_t m, std::int64_t n, std::int64_t k, T alpha,
                  const T* a, std::int64_t lda, std::int64_t stride_a, const T* b, std::int64_t ldb,
                  std::int64_t stride_b, T beta, T* c, std::int64_t ldc, std::int64_t stride_c,
                  std::int64_t count);

namespace detail {

/// The Kokkos fallback of gemm_batched(), on any execution space; public for its test.
template <class T>
void gemm_batched_kokkos(Op op_a, Op op_b, std::int64_t m, std::int64_t n, std::int64_t k, T alpha,
                         const T* a, std::int64_t lda, std::int64_t stride_a, const T* b,
                         std::int64_t ldb, std::int64_t stride_b, T beta, T* c, std::int64_t ldc,
                         std::int64_t stride_c, std::int64_t count);

}  // namespace detail
}  // namespace nopal
