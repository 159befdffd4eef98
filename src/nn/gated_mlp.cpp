// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/blas.hpp>
#include <nopal/core/profile.hpp>
#include <nopal/nn/gated_mlp.hpp>

#include "nn/activation_functions.hpp"
#include "nn/row_kernels.hpp"

#include <algorithm>

namespace nopal {
namespace {

// Parameters, sizes and the steps that forward and adjoint share; rows are points.
template <class T>
struct GatedMlp {
  const T *gate, *weight1, *bias1, *weight2, *bias2;
  std::int64_t channels, hidden;

  // h := a W1, before bias and activation
  void hidden_layer(const T* a, T* h, std::int64_t rows) const {
    gemm(Op::none, Op::none, rows, hidden, channels, T(1), a, channels, weight1, hidden, T(0), h,
         hidden);
  }
  // y := gate x + b2 + h W2
  void output_layer(const T* x, const T* h, T* y, std::int64_t rows) const {
    detail::scale_rows(gate, x, y, rows, channels, T(0));
    detail::add_rows(bias2, y, rows, channels);
    gemm(Op::none, Op::none, rows, channels, hidden, T(1), h, hidden, weight2, channels, T(1), y,
         channels);
  }
};

}  // namespace

template <class T>
Variable<T> gated_mlp(const Variable<T>& z, const Variable<T>& x, const Variable<T>& gate,
                      const Variable<T>& weight1, const Variable<T>& bias1,
                      const Variable<T>& weight2, const Variable<T>& bias2, Activation activation,
                      bool inner, bool outer) {
  const ScopedRegion region("gated_mlp");
  const std::int64_t c = weight1.value().extent(0), hidden = weight1.value().extent(1);
  NOPAL_CHECK(z.shape() == x.shape() && z.shape()[-1] == c &&
                  weight2.shape() == Shape({hidden, c}) && bias1.value().size() == hidden &&
                  bias2.value().size() == c,
              "gated_mlp: fields ", z.shape(), " and ", x.shape(), " do not match weights ",
              weight1.shape(), " and ", weight2.shape());
  const bool gated = gate.value().defined();
  NOPAL_CHECK(!gated || gate.value().size() == c, "gated_mlp: a gate of shape ", gate.shape(),
              " for fields ", x.shape());
  Tensor<T> factors = gate.value();
  if (!gated) {
    factors = Tensor<T>({c});
    factors.fill(T(1));
  }
  const std::int64_t rows = z.value().size() / c;
  const std::int64_t tile =
      std::clamp<std::int64_t>(rows, 1, detail::tile_rows<T>(3 * c + 2 * hidden));
  const GatedMlp<T> net{factors.data(),
                        weight1.value().data(),
                        bias1.value().data(),
                        weight2.value().data(),
                        bias2.value().data(),
                        c,
                        hidden};
  const Activation a = inner ? activation : Activation::identity;
  const Activation g = outer ? activation : Activation::identity;

  const bool recorded = needs_record(z, x, gate, weight1, bias1, weight2, bias2);
  const Tensor<T> y = !recorded && z.value().unique() ? z.value() : Tensor<T>(z.shape());
  {
    const Tensor<T> input({tile, c}), layer({tile, hidden});
    for (std::int64_t r = 0; r < rows; r += tile) {
      const std::int64_t n = std::min(tile, rows - r);
      T* const yr = y.data() + r * c;
      detail::activate_to(z.value().data() + r * c, input.data(), n * c, a);
      net.hidden_layer(input.data(), layer.data(), n);
      detail::activate_rows(layer.data(), net.bias1, n, hidden, activation);
      net.output_layer(x.value().data() + r * c, layer.data(), yr, n);
      if (outer) detail::activate_to(yr, yr, n * c, g);
    }
  }
  if (!recorded) return y;

  return record<T>(y, [=](const Tensor<T>& dy) {
    const ScopedRegion adjoint("gated_mlp_adjoint");
    const GatedMlp<T> again{factors.data(),
                            weight1.value().data(),
                            bias1.value().data(),
                            weight2.value().data(),
                            bias2.value().data(),
                            c,
                            hidden};
    const Tensor<T> input({tile, c}), slope({tile, c}), output({tile, c}), layer({tile, hidden}),
        layer_slope({tile, hidden});
    const auto slot = [](const Variable<T>& variable) {
      return variable.requires_gradient() ? variable.gradient_slot() : typename Variable<T>::Slot{};
    };
    const auto dx = slot(x), dgate = slot(gate), dw1 = slot(weight1), db1 = slot(bias1),
               dw2 = slot(weight2), db2 = slot(bias2);
    const auto beta = [](const auto& of, std::int64_t r) { return r > 0 ? T(1) : of.beta; };
    // Once for no rows, too: that sets the gradients of the weights to zero.
    for (std::int64_t r = 0; r == 0 || r < rows; r += tile) {
      const std::int64_t n = std::min(tile, rows - r);
      const T* const xr = x.value().data() + r * c;
      T* const d = dy.data() + r * c;
      T *const v = input.data(), *const s = slope.data(), *const h = layer.data();
      // v = a(z), s = a'(z); h = f(v W1 + b1) and its slope
      detail::activate_rows_with_slope<T>(z.value().data() + r * c, nullptr, v, s, n, c, a);
      again.hidden_layer(v, h, n);
      detail::activate_rows_with_slope(h, again.bias1, h, layer_slope.data(), n, hidden,
                                       activation);
      if (outer) {  // d *= g'(...)
        again.output_layer(xr, h, output.data(), n);
        detail::activate_adjoint(output.data(), d, n * c, g);
      }
      if (db2.buffer.defined()) detail::sum_rows(d, db2.buffer.data(), n, c, beta(db2, r));
      if (dgate.buffer.defined())
        detail::dot_rows(d, xr, dgate.buffer.data(), n, c, beta(dgate, r));
      if (dx.buffer.defined())
        detail::scale_rows(again.gate, d, dx.buffer.data() + r * c, n, c, dx.beta);
      if (dw2.buffer.defined())
        gemm(Op::transpose, Op::none, hidden, c, n, T(1), h, hidden, d, c, beta(dw2, r),
             dw2.buffer.data(), c);
      // The gradient of the hidden layer, in its place.
      gemm(Op::none, Op::transpose, n, hidden, c, T(1), d, c, again.weight2, c, T(0), h, hidden);
      detail::multiply(layer_slope.data(), h, n * hidden);
      if (db1.buffer.defined()) detail::sum_rows(h, db1.buffer.data(), n, hidden, beta(db1, r));
      if (dw1.buffer.defined())
        gemm(Op::transpose, Op::none, c, hidden, n, T(1), v, c, h, hidden, beta(dw1, r),
             dw1.buffer.data(), hidden);
      if (!z.requires_gradient()) continue;
      gemm(Op::none, Op::transpose, n, c, hidden, T(1), h, hidden, again.weight1, hidden, T(0), d,
           c);
      if (inner) detail::multiply(s, d, n * c);
    }
    if (z.requires_gradient()) z.accumulate(dy);
  });
}

#define NOPAL_INSTANTIATE(T)                                                                    \
  template Variable<T> gated_mlp<T>(const Variable<T>&, const Variable<T>&, const Variable<T>&, \
                                    const Variable<T>&, const Variable<T>&, const Variable<T>&, \
                                    const Variable<T>&, Activation, bool, bool);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal
