// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/blas.hpp>
#include <nopal/core/profile.hpp>
#include <nopal/nn/linear.hpp>

#include "nn/row_kernels.hpp"

#include <algorithm>

namespace nopal {
namespace {

void check_linear(const char* layer, const Shape& x, const Shape& weight) {
  NOPAL_CHECK(weight.rank() == 2 && x.rank() >= 1 && x[-1] == weight[0], layer,
              ": the input of shape ", x, " needs ", weight.rank() == 2 ? weight[0] : 0,
              " channels on its last axis (weight ", weight, ")");
}

}  // namespace

template <class T>
Variable<T> linear(const Variable<T>& x, const Variable<T>& weight, const Variable<T>& bias) {
  const ScopedRegion region("linear");
  check_linear("linear", x.shape(), weight.shape());
  const std::int64_t in = weight.value().extent(0), out = weight.value().extent(1);
  const std::int64_t rows = x.value().size() / in;
  Tensor<T> y(x.shape().with(-1, out));
  const bool biased = bias.value().defined();
  if (biased) detail::fill_rows(bias.value().data(), y.data(), rows, out);
  gemm(Op::none, Op::none, rows, out, in, T(1), x.value().data(), in, weight.value().data(), out,
       T(biased ? 1 : 0), y.data(), out);
  if (!needs_record(x, weight, bias)) return y;

  return record<T>(y, [x, weight, bias, in, out, rows](const Tensor<T>& dy) {
    const ScopedRegion adjoint("linear_adjoint");
    if (x.requires_gradient()) {
      const auto [dx, beta] = x.gradient_slot();
      gemm(Op::none, Op::transpose, rows, in, out, T(1), dy.data(), out, weight.value().data(), out,
           beta, dx.data(), in);
    }
    if (weight.requires_gradient()) {
      const auto [dw, beta] = weight.gradient_slot();
      gemm(Op::transpose, Op::none, in, out, rows, T(1), x.value().data(), in, dy.data(), out, beta,
           dw.data(), out);
    }
    if (bias.requires_gradient()) {
      const auto [db, beta] = bias.gradient_slot();
      detail::sum_rows(dy.data(), db.data(), rows, out, beta);
    }
  });
}

namespace {

// Points in a tile of the MLP: both hidden buffers together stay within half of a common
// second-level cache (2 MiB); on a device, many points to fill it.
std::int64_t tile_rows(std::int64_t hidden, std::size_t scalar) {
  constexpr bool on_host = Kokkos::SpaceAccessibility<Kokkos::HostSpace, MemorySpace>::accessible;
  const std::int64_t bytes = on_host ? std::int64_t(512) << 10 : std::int64_t(256) << 20;
  return std::max<std::int64_t>(64, bytes / (2 * hidden * static_cast<std::int64_t>(scalar)));
}

}  // namespace

template <class T>
Variable<T> mlp(const Variable<T>& x, const Variable<T>& weight1, const Variable<T>& bias1,
                const Variable<T>& weight2, const Variable<T>& bias2, Activation activation,
                const Variable<T>& add) {
  const ScopedRegion region("mlp");
  check_linear("mlp", x.shape(), weight1.shape());
  NOPAL_CHECK(weight2.shape().rank() == 2 && weight2.shape()[0] == weight1.shape()[1],
              "mlp: the second weight ", weight2.shape(), " does not follow the first ",
              weight1.shape());
  const std::int64_t in = weight1.value().extent(0), hidden = weight1.value().extent(1);
  const std::int64_t out = weight2.value().extent(1), rows = x.value().size() / in;
  const bool added = add.value().defined();
  const Tensor<T> y = added ? add.value() : Tensor<T>(x.shape().with(-1, out));
  NOPAL_CHECK(y.size() == rows * out, "mlp: the field to add to has shape ", y.shape(),
              ", the result has ", x.shape().with(-1, out));

  const std::int64_t tile = std::min(rows, tile_rows(hidden, sizeof(T)));
  {
    const Tensor<T> buffer({std::max<std::int64_t>(tile, 1), hidden});
    for (std::int64_t r = 0; r < rows; r += tile) {
      const std::int64_t n = std::min(tile, rows - r);
      T* h = buffer.data();
      T* yr = y.data() + r * out;
      gemm(Op::none, Op::none, n, hidden, in, T(1), x.value().data() + r * in, in,
           weight1.value().data(), hidden, T(0), h, hidden);
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
    const Tensor<T> value({std::max<std::int64_t>(tile, 1), hidden});
    const Tensor<T> slope(value.shape());
    typename Variable<T>::Slot dx{}, dw1{}, db1{}, dw2{}, db2{};
    if (x.requires_gradient()) dx = x.gradient_slot();
    if (weight1.requires_gradient()) dw1 = weight1.gradient_slot();
    if (bias1.requires_gradient()) db1 = bias1.gradient_slot();
    if (weight2.requires_gradient()) dw2 = weight2.gradient_slot();
    if (bias2.requires_gradient()) db2 = bias2.gradient_slot();
    for (std::int64_t r = 0; r < rows; r += tile) {
      const std::int64_t n = std::min(tile, rows - r);
      const T* xr = x.value().data() + r * in;
      const T* dyr = dy.data() + r * out;
      T *h = value.data(), *s = slope.data();
      // z = x W1 + b1, h = f(z), s = f'(z)
      gemm(Op::none, Op::none, n, hidden, in, T(1), xr, in, weight1.value().data(), hidden, T(0), h,
           hidden);
      detail::activate_rows_with_slope(h, bias1.value().data(), h, s, n, hidden, activation);
      if (dw2.buffer.defined())  // dW2 += h^T dy
        gemm(Op::transpose, Op::none, hidden, out, n, T(1), h, hidden, dyr, out,
             r > 0 ? T(1) : dw2.beta, dw2.buffer.data(), out);
      if (db2.buffer.defined())
        detail::sum_rows(dyr, db2.buffer.data(), n, out, r > 0 ? T(1) : db2.beta);
      // dz = (dy W2^T) * f'(z), in the buffer of h
      gemm(Op::none, Op::transpose, n, hidden, out, T(1), dyr, out, weight2.value().data(), out,
           T(0), h, hidden);
      detail::multiply(s, h, n * hidden);
      if (dw1.buffer.defined())  // dW1 += x^T dz
        gemm(Op::transpose, Op::none, in, hidden, n, T(1), xr, in, h, hidden,
             r > 0 ? T(1) : dw1.beta, dw1.buffer.data(), hidden);
      if (db1.buffer.defined())
        detail::sum_rows(h, db1.buffer.data(), n, hidden, r > 0 ? T(1) : db1.beta);
      if (dx.buffer.defined())  // dx += dz W1^T
        gemm(Op::none, Op::transpose, n, in, hidden, T(1), h, hidden, weight1.value().data(),
             hidden, dx.beta, dx.buffer.data() + r * in, in);
    }
    if (add.requires_gradient()) add.accumulate(dy);
  });
}

#define NOPAL_INSTANTIATE(T)                                                                  \
  template Variable<T> linear<T>(const Variable<T>&, const Variable<T>&, const Variable<T>&); \
  template Variable<T> mlp<T>(const Variable<T>&, const Variable<T>&, const Variable<T>&,     \
                              const Variable<T>&, const Variable<T>&, Activation,             \
                              const Variable<T>&);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal
