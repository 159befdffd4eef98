// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/blas.hpp>

#include <Kokkos_Complex.hpp>

#include <cblas.h>

#include <type_traits>

namespace nopal {
namespace {

constexpr bool on_host = Kokkos::SpaceAccessibility<Kokkos::HostSpace, MemorySpace>::accessible &&
                         Kokkos::SpaceAccessibility<ExecutionSpace, Kokkos::HostSpace>::accessible;

template <class T>
CBLAS_TRANSPOSE to_cblas(Op op) {
  switch (op) {
    case Op::transpose:
      return CblasTrans;
    case Op::conjugate_transpose:
      return CblasConjTrans;
    case Op::conjugate:
      return std::is_floating_point_v<T> ? CblasNoTrans : CblasConjNoTrans;
    default:
      return CblasNoTrans;
  }
}

void blas_gemm(Op op_a, Op op_b, int m, int n, int k, float alpha, const float* a, int lda,
               const float* b, int ldb, float beta, float* c, int ldc) {
  cblas_sgemm(CblasRowMajor, to_cblas<float>(op_a), to_cblas<float>(op_b), m, n, k, alpha, a, lda,
              b, ldb, beta, c, ldc);
}

void blas_gemm(Op op_a, Op op_b, int m, int n, int k, double alpha, const double* a, int lda,
               const double* b, int ldb, double beta, double* c, int ldc) {
  cblas_dgemm(CblasRowMajor, to_cblas<double>(op_a), to_cblas<double>(op_b), m, n, k, alpha, a, lda,
              b, ldb, beta, c, ldc);
}

void blas_gemm(Op op_a, Op op_b, int m, int n, int k, Kokkos::complex<float> alpha,
               const Kokkos::complex<float>* a, int lda, const Kokkos::complex<float>* b, int ldb,
               Kokkos::complex<float> beta, Kokkos::complex<float>* c, int ldc) {
  cblas_cgemm(CblasRowMajor, to_cblas<Kokkos::complex<float>>(op_a),
              to_cblas<Kokkos::complex<float>>(op_b), m, n, k, &alpha, a, lda, b, ldb, &beta, c,
              ldc);
}

void blas_gemm(Op op_a, Op op_b, int m, int n, int k, Kokkos::complex<double> alpha,
               const Kokkos::complex<double>* a, int lda, const Kokkos::complex<double>* b, int ldb,
               Kokkos::complex<double> beta, Kokkos::complex<double>* c, int ldc) {
  cblas_zgemm(CblasRowMajor, to_cblas<Kokkos::complex<double>>(op_a),
              to_cblas<Kokkos::complex<double>>(op_b), m, n, k, &alpha, a, lda, b, ldb, &beta, c,
              ldc);
}

bool is_transposed(Op op) {
  return op == Op::transpose || op == Op::conjugate_transpose;
}
bool is_conjugated(Op op) {
  return op == Op::conjugate || op == Op::conjugate_transpose;
}

template <class T>
KOKKOS_INLINE_FUNCTION T conjugate(T x) {
  return x;
}
template <class T>
KOKKOS_INLINE_FUNCTION Kokkos::complex<T> conjugate(Kokkos::complex<T> x) {
  return Kokkos::complex<T>(x.real(), -x.imag());
}

}  // namespace

namespace detail {

template <class T>
void gemm_batched_kokkos(Op op_a, Op op_b, std::int64_t m, std::int64_t n, std::int64_t k, T alpha,
                         const T* a, std::int64_t lda, std::int64_t stride_a, const T* b,
                         std::int64_t ldb, std::int64_t stride_b, T beta, T* c, std::int64_t ldc,
                         std::int64_t stride_c, std::int64_t count) {
  const bool transposed_a = is_transposed(op_a), transposed_b = is_transposed(op_b);
  const bool conjugated_a = is_conjugated(op_a), conjugated_b = is_conjugated(op_b);
  using Policy =
      Kokkos::MDRangePolicy<ExecutionSpace, Kokkos::Rank<3>, Kokkos::IndexType<std::int64_t>>;
  Kokkos::parallel_for(
      "nopal::gemm", Policy({0, 0, 0}, {count, m, n}),
      KOKKOS_LAMBDA(std::int64_t batch, std::int64_t i, std::int64_t j) {
        const T* ab = a + batch * stride_a;
        const T* bb = b + batch * stride_b;
        T sum = T(0);
        for (std::int64_t l = 0; l < k; ++l) {
          T x = transposed_a ? ab[l * lda + i] : ab[i * lda + l];
          T y = transposed_b ? bb[j * ldb + l] : bb[l * ldb + j];
          if (conjugated_a) x = conjugate(x);
          if (conjugated_b) y = conjugate(y);
          sum += x * y;
        }
        T& entry = c[batch * stride_c + i * ldc + j];
        entry = beta == T(0) ? alpha * sum : alpha * sum + beta * entry;
      });
}

}  // namespace detail

template <class T>
void gemm(Op op_a, Op op_b, std::int64_t m, std::int64_t n, std::int64_t k, T alpha, const T* a,
          std::int64_t lda, const T* b, std::int64_t ldb, T beta, T* c, std::int64_t ldc) {
  if (m == 0 || n == 0) return;
  if constexpr (on_host) {
    const auto i = [](std::int64_t v) { return static_cast<int>(v); };
    blas_gemm(op_a, op_b, i(m), i(n), i(k), alpha, a, i(lda), b, i(ldb), beta, c, i(ldc));
  } else {
    detail::gemm_batched_kokkos(op_a, op_b, m, n, k, alpha, a, lda, 0, b, ldb, 0, beta, c, ldc, 0,
                                1);
  }
}

template <class T>
void gemm_batched(Op op_a, Op op_b, std::int64_t m, std::int64_t n, std::int64_t k, T alpha,
                  const T* a, std::int64_t lda, std::int64_t stride_a, const T* b, std::int64_t ldb,
                  std::int64_t stride_b, T beta, T* c, std::int64_t ldc, std::int64_t stride_c,
                  std::int64_t count) {
  if constexpr (on_host) {
    for (std::int64_t i = 0; i < count; ++i)
      gemm(op_a, op_b, m, n, k, alpha, a + i * stride_a, lda, b + i * stride_b, ldb, beta,
           c + i * stride_c, ldc);
  } else {
    detail::gemm_batched_kokkos(op_a, op_b, m, n, k, alpha, a, lda, stride_a, b, ldb, stride_b,
                                beta, c, ldc, stride_c, count);
  }
}

#define NOPAL_INSTANTIATE(T)                                                                      \
  template void gemm<T>(Op, Op, std::int64_t, std::int64_t, std::int64_t, T, const T*,            \
                        std::int64_t, const T*, std::int64_t, T, T*, std::int64_t);               \
  template void gemm_batched<T>(Op, Op, std::int64_t, std::int64_t, std::int64_t, T, const T*,    \
                                std::int64_t, std::int64_t, const T*, std::int64_t, std::int64_t, \
                                T, T*, std::int64_t, std::int64_t, std::int64_t);                 \
  template void detail::gemm_batched_kokkos<T>(                                                   \
      Op, Op, std::int64_t, std::int64_t, std::int64_t, T, const T*, std::int64_t, std::int64_t,  \
      const T*, std::int64_t, std::int64_t, T, T*, std::int64_t, std::int64_t, std::int64_t);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
NOPAL_INSTANTIATE(Kokkos::complex<float>)
NOPAL_INSTANTIATE(Kokkos::complex<double>)
#undef NOPAL_INSTANTIATE

}  // namespace nopal
