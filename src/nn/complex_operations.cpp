// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "nn/complex_operations.hpp"

#include "core/parallel.hpp"

#include <Kokkos_Complex.hpp>

namespace nopal::detail {
namespace {

using Range = Kokkos::RangePolicy<ExecutionSpace, Kokkos::IndexType<std::int64_t>>;

template <class T>
Kokkos::complex<T>* entries(const Tensor<T>& x) {
  return reinterpret_cast<Kokkos::complex<T>*>(x.data());
}

template <class T>
KOKKOS_INLINE_FUNCTION Kokkos::complex<T> conjugate(Kokkos::complex<T> x) {
  return {x.real(), -x.imag()};
}

Op conjugated(Op op) {
  return op == Op::none ? Op::conjugate : Op::conjugate_transpose;
}

}  // namespace

template <class T>
Variable<T> complex_product(const Variable<T>& a, Op op_a, const Variable<T>& b, Op op_b,
                            std::int64_t m, std::int64_t n, std::int64_t k, const Shape& shape) {
  using C = Kokkos::complex<T>;
  const std::int64_t lda = op_a == Op::none ? k : m, ldb = op_b == Op::none ? n : k;
  const Tensor<T> y(shape);
  gemm<C>(op_a, op_b, m, n, k, C(1), entries(a.value()), lda, entries(b.value()), ldb, C(0),
          entries(y), n);
  if (!needs_record(a, b)) return y;
  return record<T>(y, [=](const Tensor<T>& dy) {
    if (a.requires_gradient()) {
      const auto [da, beta] = a.gradient_slot();
      if (op_a == Op::none) {  // dA = dY op(B)^H
        if (op_b == Op::none)
          gemm<C>(Op::none, Op::conjugate_transpose, m, k, n, C(1), entries(dy), n,
                  entries(b.value()), ldb, C(beta), entries(da), lda);
        else
          gemm<C>(Op::none, Op::conjugate, m, k, n, C(1), entries(dy), n, entries(b.value()), ldb,
                  C(beta), entries(da), lda);
      } else {  // A is k x m: dA = conj(op(B)) dY^T
        gemm<C>(conjugated(op_b), Op::transpose, k, m, n, C(1), entries(b.value()), ldb,
                entries(dy), n, C(beta), entries(da), lda);
      }
    }
    if (b.requires_gradient()) {
      const auto [db, beta] = b.gradient_slot();
      if (op_b == Op::none) {  // dB = op(A)^H dY
        gemm<C>(op_a == Op::none ? Op::conjugate_transpose : Op::conjugate, Op::none, k, n, m, C(1),
                entries(a.value()), lda, entries(dy), n, C(beta), entries(db), ldb);
      } else {  // B is n x k: dB = dY^T conj(op(A))
        gemm<C>(Op::transpose, conjugated(op_a), n, k, m, C(1), entries(dy), n, entries(a.value()),
                lda, C(beta), entries(db), ldb);
      }
    }
  });
}

template <class T>
Variable<T> apply_factor(const Variable<T>& x, const Variable<T>& u, std::int64_t before,
                         std::int64_t after, const Shape& shape) {
  using C = Kokkos::complex<T>;
  const std::int64_t n = u.shape()[0], r = u.shape()[1];
  if (after == 1) return complex_product(x, Op::none, u, Op::transpose, before, n, r, shape);
  const Tensor<T> y(shape);
  gemm_batched<C>(Op::none, Op::none, n, after, r, C(1), entries(u.value()), r, 0,
                  entries(x.value()), after, r * after, C(0), entries(y), after, n * after, before);
  if (!needs_record(x, u)) return y;
  return record<T>(y, [=](const Tensor<T>& dy) {
    if (x.requires_gradient()) {
      const auto [dx, beta] = x.gradient_slot();
      gemm_batched<C>(Op::conjugate_transpose, Op::none, r, after, n, C(1), entries(u.value()), r,
                      0, entries(dy), after, n * after, C(beta), entries(dx), after, r * after,
                      before);
    }
    if (u.requires_gradient()) {
      const auto [du, beta] = u.gradient_slot();
      for (std::int64_t p = 0; p < before; ++p)
        gemm<C>(Op::none, Op::conjugate_transpose, n, r, after, C(1), entries(dy) + p * n * after,
                after, entries(x.value()) + p * r * after, after, C(p > 0 ? T(1) : beta),
                entries(du), r);
    }
  });
}

namespace {

template <class C>
void transpose(std::int64_t rows, std::int64_t columns, const C* source, C* target) {
  parallel_for(
      "nopal::complex_transpose", Range(0, rows * columns),
      KOKKOS_LAMBDA(std::int64_t i) { target[i % columns * rows + i / columns] = source[i]; });
}

}  // namespace

template <class T>
Variable<T> complex_transpose(const Variable<T>& x, std::int64_t m, std::int64_t n,
                              const Shape& shape) {
  const Tensor<T> y(shape);
  transpose(m, n, entries(x.value()), entries(y));
  if (!needs_record(x)) return y;
  return record<T>(y, [=](const Tensor<T>& dy) {
    const Tensor<T> dx(x.shape());
    transpose(n, m, entries(dy), entries(dx));
    x.accumulate(dx);
  });
}

template <class T>
Variable<T> cut(const Variable<T>& x, int axis, std::int64_t first, std::int64_t count) {
  const std::int64_t n = x.shape()[axis];
  if (count == n) return x;
  const std::int64_t before = x.shape().product(0, axis);
  const std::int64_t after = x.shape().product(axis + 1, x.shape().rank());
  const Tensor<T> y(x.shape().with(axis, count));
  const T* source = x.value().data();
  T* target = y.data();
  parallel_for(
      "nopal::cut", Range(0, y.size()), KOKKOS_LAMBDA(std::int64_t i) {
        const std::int64_t q = i % after, j = i / after % count, p = i / (after * count);
        target[i] = source[(p * n + first + j) * after + q];
      });
  if (!needs_record(x)) return y;
  return record<T>(y, [=](const Tensor<T>& dy) {
    const Tensor<T> dx = Tensor<T>::zeros(x.shape());
    const T* from = dy.data();
    T* to = dx.data();
    parallel_for(
        "nopal::cut_adjoint", Range(0, before * count * after), KOKKOS_LAMBDA(std::int64_t i) {
          const std::int64_t q = i % after, j = i / after % count, p = i / (after * count);
          to[(p * n + first + j) * after + q] = from[i];
        });
    x.accumulate(dx);
  });
}

template <class T>
Variable<T> column_products(const Variable<T>& x, const Variable<T>& u, const Shape& shape) {
  using C = Kokkos::complex<T>;
  const std::int64_t rank = u.shape()[-2], n = u.value().size() / (2 * rank);
  const std::int64_t rows = x.value().size() / (2 * rank);
  const Tensor<T> y(shape);
  {
    const C *px = entries(x.value()), *pu = entries(u.value());
    C* py = entries(y);
    parallel_for(
        "nopal::column_products", Range(0, rows * n), KOKKOS_LAMBDA(std::int64_t i) {
          const C *xr = px + i / n * rank, *ur = pu + i % n * rank;
          for (std::int64_t r = 0; r < rank; ++r)
            py[i * rank + r] = xr[r] * ur[r];
        });
  }
  if (!needs_record(x, u)) return y;
  return record<T>(y, [=](const Tensor<T>& dy) {
    const C *px = entries(x.value()), *pu = entries(u.value()), *pd = entries(dy);
    // Each entry of dx and du is one sum in a fixed order.
    if (x.requires_gradient()) {
      const auto [dx, beta] = x.gradient_slot();
      C* out = entries(dx);
      const bool add = beta != T(0);
      parallel_for(
          "nopal::column_products_dx", Range(0, rows * rank), KOKKOS_LAMBDA(std::int64_t i) {
            const std::int64_t p = i / rank, r = i % rank;
            C sum = add ? out[i] : C(0);
            for (std::int64_t j = 0; j < n; ++j)
              sum += pd[(p * n + j) * rank + r] * conjugate(pu[j * rank + r]);
            out[i] = sum;
          });
    }
    if (u.requires_gradient()) {
      const auto [du, beta] = u.gradient_slot();
      C* out = entries(du);
      const bool add = beta != T(0);
      parallel_for(
          "nopal::column_products_du", Range(0, n * rank), KOKKOS_LAMBDA(std::int64_t i) {
            const std::int64_t j = i / rank, r = i % rank;
            C sum = add ? out[i] : C(0);
            for (std::int64_t p = 0; p < rows; ++p)
              sum += pd[(p * n + j) * rank + r] * conjugate(px[p * rank + r]);
            out[i] = sum;
          });
    }
  });
}

template <class T>
Variable<T> modewise_scale(const Variable<T>& x, const Variable<T>& w) {
  using C = Kokkos::complex<T>;
  const std::int64_t sample = w.value().size() / 2, batch = x.value().size() / 2 / sample;
  const Tensor<T> y(x.shape());
  {
    const C *px = entries(x.value()), *pw = entries(w.value());
    C* py = entries(y);
    parallel_for(
        "nopal::modewise_scale", Range(0, batch * sample),
        KOKKOS_LAMBDA(std::int64_t i) { py[i] = px[i] * pw[i % sample]; });
  }
  if (!needs_record(x, w)) return y;
  return record<T>(y, [=](const Tensor<T>& dy) {
    const C *px = entries(x.value()), *pw = entries(w.value()), *pd = entries(dy);
    if (x.requires_gradient()) {
      const auto [dx, beta] = x.gradient_slot();
      C* out = entries(dx);
      const bool add = beta != T(0);
      parallel_for(
          "nopal::modewise_scale_dx", Range(0, batch * sample), KOKKOS_LAMBDA(std::int64_t i) {
            const C value = pd[i] * conjugate(pw[i % sample]);
            out[i] = add ? out[i] + value : value;
          });
    }
    if (w.requires_gradient()) {
      const auto [dw, beta] = w.gradient_slot();
      C* out = entries(dw);
      const bool add = beta != T(0);
      parallel_for(
          "nopal::modewise_scale_dw", Range(0, sample), KOKKOS_LAMBDA(std::int64_t i) {
            C sum = add ? out[i] : C(0);
            for (std::int64_t b = 0; b < batch; ++b)
              sum += pd[b * sample + i] * conjugate(px[b * sample + i]);
            out[i] = sum;
          });
    }
  });
}

namespace {

// A run of active modes whose weights lie one after the other: run(k, count, position) for the
// first of them among the active modes, their number, and the first among the stored ones.
template <class Run>
void for_each_run(const Shape& stored, const Shape& active, const Shape& first, const Run& run) {
  // Modes of the last axis do; all modes do if none are left out.
  const std::int64_t length = active.size() == stored.size() ? active.size() : active[-1];
  for (std::int64_t k = 0; k < active.size(); k += length) {
    std::int64_t position = 0, stride = 1, rest = k;
    for (int j = stored.rank() - 1; j >= 0; --j) {
      position += (rest % active[j] + first[j]) * stride;
      rest /= active[j];
      stride *= stored[j];
    }
    run(k, length, position);
  }
}

}  // namespace

template <class T>
Variable<T> modewise_product(const Variable<T>& x, const Variable<T>& w, const Shape& stored,
                             const Shape& active, const Shape& first, std::int64_t out) {
  using C = Kokkos::complex<T>;
  const std::int64_t batch = x.shape()[0], in = x.shape()[-2];
  const std::int64_t modes = active.size();
  const Tensor<T> y(x.shape().with(-2, out));
  for_each_run(stored, active, first, [&](std::int64_t k, std::int64_t count, std::int64_t place) {
    gemm_batched<C>(Op::none, Op::none, batch, out, in, C(1), entries(x.value()) + k * in,
                    modes * in, in, entries(w.value()) + place * in * out, out, in * out, C(0),
                    entries(y) + k * out, modes * out, out, count);
  });
  if (!needs_record(x, w)) return y;
  return record<T>(y, [=](const Tensor<T>& dy) {
    if (x.requires_gradient()) {
      const auto [dx, beta] = x.gradient_slot();
      for_each_run(
          stored, active, first,
          [&, dx = dx, beta = beta](std::int64_t k, std::int64_t count, std::int64_t place) {
            gemm_batched<C>(Op::none, Op::conjugate_transpose, batch, in, out, C(1),
                            entries(dy) + k * out, modes * out, out,
                            entries(w.value()) + place * in * out, out, in * out, C(beta),
                            entries(dx) + k * in, modes * in, in, count);
          });
    }
    if (w.requires_gradient()) {
      const auto slot = w.gradient_slot();
      const bool all = modes == stored.size();
      if (!all && slot.beta == T(0)) slot.buffer.fill(T(0));  // of modes that are not active
      const C beta(all ? slot.beta : T(1));
      for_each_run(stored, active, first,
                   [&](std::int64_t k, std::int64_t count, std::int64_t place) {
                     gemm_batched<C>(Op::conjugate_transpose, Op::none, in, out, batch, C(1),
                                     entries(x.value()) + k * in, modes * in, in,
                                     entries(dy) + k * out, modes * out, out, beta,
                                     entries(slot.buffer) + place * in * out, out, in * out, count);
                   });
    }
  });
}

#define NOPAL_INSTANTIATE(T)                                                                       \
  template Variable<T> complex_product<T>(const Variable<T>&, Op, const Variable<T>&, Op,          \
                                          std::int64_t, std::int64_t, std::int64_t, const Shape&); \
  template Variable<T> apply_factor<T>(const Variable<T>&, const Variable<T>&, std::int64_t,       \
                                       std::int64_t, const Shape&);                                \
  template Variable<T> complex_transpose<T>(const Variable<T>&, std::int64_t, std::int64_t,        \
                                            const Shape&);                                         \
  template Variable<T> cut<T>(const Variable<T>&, int, std::int64_t, std::int64_t);                \
  template Variable<T> column_products<T>(const Variable<T>&, const Variable<T>&, const Shape&);   \
  template Variable<T> modewise_scale<T>(const Variable<T>&, const Variable<T>&);                  \
  template Variable<T> modewise_product<T>(const Variable<T>&, const Variable<T>&, const Shape&,   \
                                           const Shape&, const Shape&, std::int64_t);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal::detail
