// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/blas.hpp>

#include <Kokkos_Complex.hpp>

#include "core/complex_panel_gemm.hpp"
#include "core/panel_gemm.hpp"
#include "core/parallel.hpp"

#if defined(KOKKOS_ENABLE_CUDA)
#include "core/blas_cuda.hpp"
#endif

#include <cblas.h>
#include <algorithm>

#include <type_traits>

namespace nopal {
namespace {

using detail::on_host;

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

// op(X) of a row-major matrix as strides.
template <class T>
detail::Strided<T> strided(Op op, const T* base, std::int64_t ld) {
  return is_transposed(op) ? detail::Strided<T>{base, 1, ld} : detail::Strided<T>{base, ld, 1};
}

template <class T>
using PanelGemm = void (*)(std::int64_t, std::int64_t, std::int64_t, detail::Strided<T>,
                           detail::Strided<T>, T*, std::int64_t, bool);

// A product on the host, over the threads of the execution space if it has several. `pair` is 2 if
// the kernel takes complex entries, 1 otherwise.
template <class T>
void host_gemm(PanelGemm<T> kernel, int pair, std::int64_t m, std::int64_t n, std::int64_t k,
               detail::Strided<T> a, detail::Strided<T> b, T* c, std::int64_t ldc, bool add) {
  const std::int64_t threads = ExecutionSpace().concurrency();
  const bool by_rows = m >= n;
  const std::int64_t extent = by_rows ? m : n;
  const std::int64_t chunk = std::max<std::int64_t>(64, (extent + threads - 1) / threads);
  if (threads == 1 || extent <= chunk || m * n * k < (1 << 16))
    return kernel(m, n, k, a, b, c, ldc, add);
  detail::parallel_for(
      "nopal::gemm", Kokkos::RangePolicy<ExecutionSpace>(0, (extent + chunk - 1) / chunk),
      [=](const int part) {
        const std::int64_t first = part * chunk, count = std::min(chunk, extent - first);
        if (by_rows)
          kernel(count, n, k, {a.base + pair * first * a.row, a.row, a.column}, b,
                 c + pair * first * ldc, ldc, add);
        else
          kernel(m, count, k, a, {b.base + pair * first * b.column, b.row, b.column},
                 c + pair * first, ldc, add);
      });
}

template <class T>
void host_gemm(Op op_a, Op op_b, std::int64_t m, std::int64_t n, std::int64_t k, const T* a,
               std::int64_t lda, const T* b, std::int64_t ldb, T* c, std::int64_t ldc, bool add) {
  host_gemm<T>(&detail::panel_gemm<T>, 1, m, n, k, strided(op_a, a, lda), strided(op_b, b, ldb), c,
               ldc, add);
}

template <class T>
void host_gemm(Op op_a, Op op_b, std::int64_t m, std::int64_t n, std::int64_t k,
               const Kokkos::complex<T>* a, std::int64_t lda, const Kokkos::complex<T>* b,
               std::int64_t ldb, Kokkos::complex<T>* c, std::int64_t ldc, bool add) {
  const PanelGemm<T> kernel =
      is_conjugated(op_a)   ? is_conjugated(op_b) ? &detail::complex_panel_gemm<true, true, T>
                                                  : &detail::complex_panel_gemm<true, false, T>
        : is_conjugated(op_b) ? &detail::complex_panel_gemm<false, true, T>
                            : &detail::complex_panel_gemm<false, false, T>;
  const auto numbers = [](const Kokkos::complex<T>* x) { return reinterpret_cast<const T*>(x); };
  host_gemm<T>(kernel, 2, m, n, k, strided(op_a, numbers(a), lda), strided(op_b, numbers(b), ldb),
               reinterpret_cast<T*>(c), ldc, add);
}

// Where nopal's kernel is used instead of BLAS: at least one extent is small, so that packing both
// operands does not pay. (All three large: BLAS.)
bool is_panel_shape(std::int64_t m, std::int64_t n, std::int64_t k) {
  return std::min({m, n, k}) <= 256;
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
  detail::parallel_for(
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
    if (alpha == T(1) && (beta == T(0) || beta == T(1)) && is_panel_shape(m, n, k))
      return host_gemm(op_a, op_b, m, n, k, a, lda, b, ldb, c, ldc, beta == T(1));
    const auto i = [](std::int64_t v) { return static_cast<int>(v); };
    blas_gemm(op_a, op_b, i(m), i(n), i(k), alpha, a, i(lda), b, i(ldb), beta, c, i(ldc));
  } else {
    gemm_batched(op_a, op_b, m, n, k, alpha, a, lda, 0, b, ldb, 0, beta, c, ldc, 0, 1);
  }
}

template <class T>
void gemm_batched(Op op_a, Op op_b, std::int64_t m, std::int64_t n, std::int64_t k, T alpha,
                  const T* a, std::int64_t lda, std::int64_t stride_a, const T* b, std::int64_t ldb,
                  std::int64_t stride_b, T beta, T* c, std::int64_t ldc, std::int64_t stride_c,
                  std::int64_t count) {
  if (m == 0 || n == 0 || count == 0) return;
#if defined(KOKKOS_ENABLE_CUDA)
  if (std::is_same_v<ExecutionSpace, Kokkos::Cuda> &&
      detail::cublas_gemm_batched(op_a, op_b, m, n, k, alpha, a, lda, stride_a, b, ldb, stride_b,
                                  beta, c, ldc, stride_c, count))
    return;
#endif
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
