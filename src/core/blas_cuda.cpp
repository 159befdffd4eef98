// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "core/blas_cuda.hpp"

#include <Kokkos_Complex.hpp>

#include <cublas_v2.h>

#include <algorithm>
#include <type_traits>

namespace nopal::detail {
namespace {

void check(cublasStatus_t status, const char* what) {
  NOPAL_CHECK(status == CUBLAS_STATUS_SUCCESS, what, " failed: ", cublasGetStatusString(status));
}

// One handle for the process; Kokkos destroys it with its device.
cublasHandle_t handle() {
  static cublasHandle_t handle = nullptr;
  if (!handle) {
    check(cublasCreate(&handle), "cublasCreate");
    Kokkos::push_finalize_hook([] {
      cublasDestroy(handle);
      handle = nullptr;
    });
  }
  check(cublasSetStream(handle, Kokkos::Cuda().cuda_stream()), "cublasSetStream");
  return handle;
}

template <class T>
cublasOperation_t operation(Op op) {
  if (op == Op::none || (op == Op::conjugate && std::is_floating_point_v<T>)) return CUBLAS_OP_N;
  return op == Op::transpose ? CUBLAS_OP_T : CUBLAS_OP_C;
}

auto* numbers(float* x) {
  return x;
}
auto* numbers(double* x) {
  return x;
}
auto* numbers(Kokkos::complex<float>* x) {
  return reinterpret_cast<cuComplex*>(x);
}
auto* numbers(Kokkos::complex<double>* x) {
  return reinterpret_cast<cuDoubleComplex*>(x);
}
template <class T>
const auto* numbers(const T* x) {
  return static_cast<const std::remove_pointer_t<decltype(numbers(const_cast<T*>(x)))>*>(
      numbers(const_cast<T*>(x)));
}

template <class T>
constexpr auto gemm_function() {
  if constexpr (std::is_same_v<T, float>)
    return &cublasSgemmStridedBatched_64;
  else if constexpr (std::is_same_v<T, double>)
    return &cublasDgemmStridedBatched_64;
  else if constexpr (std::is_same_v<T, Kokkos::complex<float>>)
    return &cublasCgemmStridedBatched_64;
  else
    return &cublasZgemmStridedBatched_64;
}

}  // namespace

template <class T>
bool cublas_gemm_batched(Op op_a, Op op_b, std::int64_t m, std::int64_t n, std::int64_t k, T alpha,
                         const T* a, std::int64_t lda, std::int64_t stride_a, const T* b,
                         std::int64_t ldb, std::int64_t stride_b, T beta, T* c, std::int64_t ldc,
                         std::int64_t stride_c, std::int64_t count) {
  if (!std::is_floating_point_v<T> && (op_a == Op::conjugate || op_b == Op::conjugate))
    return false;
  // cuBLAS is column-major: C^T = op(B)^T op(A)^T, in which the matrices as stored are transposed
  // already. With few rows a leading dimension may be anything here, but not there.
  const bool plain_a = operation<T>(op_a) == CUBLAS_OP_N;
  const bool plain_b = operation<T>(op_b) == CUBLAS_OP_N;
  lda = std::max(lda, plain_a ? k : m);
  ldb = std::max(ldb, plain_b ? n : k);
  check(gemm_function<T>()(handle(), operation<T>(op_b), operation<T>(op_a), n, m, k,
                           numbers(&alpha), numbers(b), ldb, stride_b, numbers(a), lda, stride_a,
                           numbers(&beta), numbers(c), std::max(ldc, n), stride_c, count),
        "cublasGemmStridedBatched");
  return true;
}

#define NOPAL_INSTANTIATE(T)                                                                     \
  template bool cublas_gemm_batched<T>(                                                          \
      Op, Op, std::int64_t, std::int64_t, std::int64_t, T, const T*, std::int64_t, std::int64_t, \
      const T*, std::int64_t, std::int64_t, T, T*, std::int64_t, std::int64_t, std::int64_t);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
NOPAL_INSTANTIATE(Kokkos::complex<float>)
NOPAL_INSTANTIATE(Kokkos::complex<double>)
#undef NOPAL_INSTANTIATE

}  // namespace nopal::detail
