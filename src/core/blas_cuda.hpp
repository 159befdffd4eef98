// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/core/blas.hpp>

namespace nopal::detail {

/// gemm_batched() by cuBLAS, in the arithmetic of T itself (no TF32), on the stream of the default
/// execution space. False, and nothing done, if cuBLAS has no such product: an operand conjugated
/// but not transposed. Built only with Kokkos's CUDA back end.
template <class T>
bool cublas_gemm_batched(Op op_a, Op op_b, std::int64_t m, std::int64_t n, std::int64_t k, T alpha,
                         const T* a, std::int64_t lda, std::int64_t stride_a, const T* b,
                         std::int64_t ldb, std::int64_t stride_b, T beta, T* c, std::int64_t ldc,
                         std::int64_t stride_c, std::int64_t count);

}  // namespace nopal::detail
