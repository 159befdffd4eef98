// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/blas.hpp>
#include <nopal/core/profile.hpp>
#include <nopal/nn/mlp.hpp>

#include "core/parallel.hpp"
#include "nn/activation_functions.hpp"
#include "nn/row_kernels.hpp"

#include <algorithm>

namespace nopal {
namespace {

// One output channel, the usual case of a scalar field, needs no product with W2: on the host these
// two kernels do everything between the two products with W1 in one pass. On a device, where an
// item for each row would be too few and read across the rows, it is like any other number of
// channels.

// y[r] = y0[r] + b2 + sum_c f(z[r, c] + b1[c]) w2[c]; y0 = y if `add`, else 0.
template <class F, class T>
void scalar_output(const T* z, const T* b1, const T* w2, const T* b2, T* y, std::int64_t rows,
                   std::int64_t hidden, bool add) {
  detail::parallel_for(
      "nopal::mlp_output", detail::ItemRange(0, rows), KOKKOS_LAMBDA(std::int64_t r) {
        constexpr int lanes = 16;
        const T* zr = z + r * hidden;
        T part[lanes] = {};
        std::int64_t c = 0;
        for (; c + lanes <= hidden; c += lanes)
#pragma GCC ivdep
          for (int l = 0; l < lanes; ++l) {
            T value, slope;
            F::apply(zr[c + l] + b1[c + l], value, slope);
            part[l] += value * w2[c + l];
          }
        T sum = b2[0];
        for (; c < hidden; ++c) {
          T value, slope;
          F::apply(zr[c] + b1[c], value, slope);
          sum += value * w2[c];
        }
        for (const T lane : part)
          sum += lane;
        y[r] = add ? y[r] + sum : sum;
      });
}

// With h = f(z + b1): z := dz = dy w2 f'(z + b1), and sums over the rows of each of `parts` ranges:
// dw2[part, c] = sum h dy, db1[part, c] = sum dz.
template <class F, class T>
void scalar_output_adjoint(T* z, const T* b1, const T* w2, const T* dy, T* dw2, T* db1,
                           std::int64_t rows, std::int64_t hidden, std::int64_t parts) {
  detail::parallel_for(
      "nopal::mlp_output_adjoint", detail::ItemRange(0, parts), KOKKOS_LAMBDA(std::int64_t part) {
        T* dw = dw2 + part * hidden;
        T* db = db1 + part * hidden;
        for (std::int64_t c = 0; c < hidden; ++c)
          dw[c] = db[c] = T(0);
        for (std::int64_t r = rows * part / parts; r < rows * (part + 1) / parts; ++r) {
          T* zr = z + r * hidden;
          const T g = dy[r];
#pragma GCC ivdep
          for (std::int64_t c = 0; c < hidden; ++c) {
            T value, slope;
            F::apply(zr[c] + b1[c], value, slope);
            const T dz = slope * (g * w2[c]);
            dw[c] += value * g;
            db[c] += dz;
            zr[c] = dz;
          }
        }
      });
}

}  // namespace

template <class T>
Variable<T> mlp(const Variable<T>& x, const Variable<T>& weight1, const Variable<T>& bias1,
                const Variable<T>& weight2, const Variable<T>& bias2, Activation activation,
                const Variable<T>& add) {
  const ScopedRegion region("mlp");
  NOPAL_CHECK(
      weight1.shape().rank() == 2 && x.shape().rank() >= 1 && x.shape()[-1] == weight1.shape()[0],
      "mlp: the last axis of the input ", x.shape(), " does not match the first weight ",
      weight1.shape());
  NOPAL_CHECK(weight2.shape().rank() == 2 && weight2.shape()[0] == weight1.shape()[1],
              "mlp: the second weight ", weight2.shape(), " does not follow the first ",
              weight1.shape());
  const std::int64_t in = weight1.value().extent(0), hidden = weight1.value().extent(1);
  const std::int64_t out = weight2.value().extent(1), rows = x.value().size() / in;
  const bool scalar = detail::on_host && out == 1;
  const bool added = add.value().defined();
  const Tensor<T> y = added ? add.value() : Tensor<T>(x.shape().with(-1, out));
  NOPAL_CHECK(y.size() == rows * out, "mlp: the field to add to has shape ", y.shape(),
              ", the result has ", x.shape().with(-1, out));

  const std::int64_t tile = std::clamp<std::int64_t>(rows, 1, detail::tile_rows<T>(2 * hidden));
  {
    const Tensor<T> buffer({tile, hidden});
    for (std::int64_t r = 0; r < rows; r += tile) {
      const std::int64_t n = std::min(tile, rows - r);
      T* h = buffer.data();
      T* yr = y.data() + r * out;
      gemm(Op::none, Op::none, n, hidden, in, T(1), x.value().data() + r * in, in,
           weight1.value().data(), hidden, T(0), h, hidden);
      if (scalar) {
        detail::with_activation(activation, [&](auto function) {
          scalar_output<decltype(function)>(h, bias1.value().data(), weight2.value().data(),
                                            bias2.value().data(), yr, n, hidden, added);
        });
        continue;
      }
      detail::activate_rows(h, bias1.value().data(), n, hidden, activation);
      if (added)
        detail::add_rows(bias2.value().data(), yr, n, out);
      else
        detail::fill_rows(bias2.value().data(), yr, n, out);
      gemm(Op::none, Op::none, n, out, hidden, T(1), h, hidden, weight2.value().data(), out, T(1),
           yr, out);
    }
  }
  if (!needs_record(x, weight1, bias1, weight2, bias2, add)) return y;

  return record<T>(y, [=](const Tensor<T>& dy) {
    const ScopedRegion adjoint("mlp_adjoint");
    const Tensor<T> value({tile, hidden});
    const Tensor<T> slope({std::max<std::int64_t>(tile, 2), hidden});  // of one part: dw2, db1
    typename Variable<T>::Slot dx{}, dw1{}, db1{}, dw2{}, db2{};
    if (x.requires_gradient()) dx = x.gradient_slot();
    if (weight1.requires_gradient()) dw1 = weight1.gradient_slot();
    if (bias1.requires_gradient()) db1 = bias1.gradient_slot();
    if (weight2.requires_gradient()) dw2 = weight2.gradient_slot();
    if (bias2.requires_gradient()) db2 = bias2.gradient_slot();
    // Once for no rows, too: that sets the gradients of the weights to zero.
    for (std::int64_t r = 0; r == 0 || r < rows; r += tile) {
      const std::int64_t n = std::min(tile, rows - r);
      const T* xr = x.value().data() + r * in;
      const T* dyr = dy.data() + r * out;
      T *h = value.data(), *s = slope.data();
      // z = x W1 + b1, h = f(z), s = f'(z)
      gemm(Op::none, Op::none, n, hidden, in, T(1), xr, in, weight1.value().data(), hidden, T(0), h,
           hidden);
      if (db2.buffer.defined())
        detail::sum_rows(dyr, db2.buffer.data(), n, out, r > 0 ? T(1) : db2.beta);
      if (scalar) {
        // One part for each few hundred rows: independent sums in a fixed order.
        const std::int64_t parts = std::max<std::int64_t>(1, std::min(n / 256, tile / 2));
        T *dw = s, *db = s + parts * hidden;
        detail::with_activation(activation, [&](auto function) {
          scalar_output_adjoint<decltype(function)>(h, bias1.value().data(), weight2.value().data(),
                                                    dyr, dw, db, n, hidden, parts);
        });
        if (dw2.buffer.defined())
          detail::sum_rows(dw, dw2.buffer.data(), parts, hidden, r > 0 ? T(1) : dw2.beta);
        if (db1.buffer.defined())
          detail::sum_rows(db, db1.buffer.data(), parts, hidden, r > 0 ? T(1) : db1.beta);
      } else {
        detail::activate_rows_with_slope(h, bias1.value().data(), h, s, n, hidden, activation);
        if (dw2.buffer.defined())  // dW2 += h^T dy
          gemm(Op::transpose, Op::none, hidden, out, n, T(1), h, hidden, dyr, out,
               r > 0 ? T(1) : dw2.beta, dw2.buffer.data(), out);
        // dz = (dy W2^T) * f'(z), in the buffer of h
        gemm(Op::none, Op::transpose, n, hidden, out, T(1), dyr, out, weight2.value().data(), out,
             T(0), h, hidden);
        detail::multiply(s, h, n * hidden);
        if (db1.buffer.defined())
          detail::sum_rows(h, db1.buffer.data(), n, hidden, r > 0 ? T(1) : db1.beta);
      }
      if (dw1.buffer.defined())  // dW1 += x^T dz
        gemm(Op::transpose, Op::none, in, hidden, n, T(1), xr, in, h, hidden,
             r > 0 ? T(1) : dw1.beta, dw1.buffer.data(), hidden);
      if (dx.buffer.defined())  // dx += dz W1^T
        gemm(Op::none, Op::transpose, n, in, hidden, T(1), h, hidden, weight1.value().data(),
             hidden, dx.beta, dx.buffer.data() + r * in, in);
    }
    if (add.requires_gradient()) add.accumulate(dy);
  });
}

#define NOPAL_INSTANTIATE(T)                                                              \
  template Variable<T> mlp<T>(const Variable<T>&, const Variable<T>&, const Variable<T>&, \
                              const Variable<T>&, const Variable<T>&, Activation,         \
                              const Variable<T>&);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal
