// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/blas.hpp>
#include <nopal/core/profile.hpp>
#include <nopal/nn/linear.hpp>

#include "nn/row_kernels.hpp"

#include <algorithm>

namespace nopal {

template <class T>
Variable<T> linear(const Variable<T>& x, const Variable<T>& weight, const Variable<T>& bias,
                   Activation activation, Variable<T> add) {
  const ScopedRegion region("linear");
  NOPAL_CHECK(
      weight.shape().rank() == 2 && x.shape().rank() >= 1 && x.shape()[-1] == weight.shape()[0],
      "linear: the last axis of the input ", x.shape(), " does not match the weight ",
      weight.shape());
  const std::int64_t in = weight.value().extent(0), out = weight.value().extent(1);
  const std::int64_t rows = x.value().size() / in;
  const Shape shape = x.shape().with(-1, out);
  const bool biased = bias.value().defined(), added = add.value().defined();
  NOPAL_CHECK(!added || add.shape() == shape, "linear: the field to add to has shape ", add.shape(),
              ", the result has ", shape);
  const bool recorded = needs_record(x, weight, bias, add);
  const bool in_place = added && add.value().unique();
  const Tensor<T> y = in_place ? add.value() : Tensor<T>(shape);
  if (added && !in_place) y.copy_from(add.value());
  Tensor<T> slope;
  if (recorded && activation != Activation::identity) slope = Tensor<T>(shape);
  // In tiles, so that they are still in cache for what follows the product.
  const bool plain = !biased && activation == Activation::identity;
  const std::int64_t tile = plain ? std::max<std::int64_t>(rows, 1) : detail::tile_rows<T>(2 * out);
  // Wide rows get the bias in the pass of the activation; narrow ones do not fill vectors there.
  const bool late = biased && !added && activation != Activation::identity && out >= 64;
  const T* const late_bias = late ? bias.value().data() : nullptr;
  for (std::int64_t r = 0; r < rows; r += tile) {
    const std::int64_t n = std::min(tile, rows - r);
    T* const yr = y.data() + r * out;
    if (biased && added) detail::add_rows(bias.value().data(), yr, n, out);
    if (biased && !added && !late) detail::fill_rows(bias.value().data(), yr, n, out);
    gemm(Op::none, Op::none, n, out, in, T(1), x.value().data() + r * in, in, weight.value().data(),
         out, T((biased && !late) || added ? 1 : 0), yr, out);
    if (slope.defined())
      detail::activate_rows_with_slope<T>(yr, late_bias, yr, slope.data() + r * out, n, out,
                                          activation);
    else if (activation != Activation::identity)
      detail::activate_rows<T>(yr, late_bias, n, out, activation);
  }
  if (!recorded) return y;

  return record<T>(y, [=](const Tensor<T>& dy) {
    const ScopedRegion adjoint("linear_adjoint");
    typename Variable<T>::Slot dx{}, dw{}, db{};
    if (x.requires_gradient()) dx = x.gradient_slot();
    if (weight.requires_gradient()) dw = weight.gradient_slot();
    if (bias.requires_gradient()) db = bias.gradient_slot();
    // In tiles, so that dy is read from memory once for all.
    // Without points the gradients are zeros, which a tile of none makes.
    const std::int64_t tile = detail::tile_rows<T>(2 * in + out);
    // Transposed once: the product would pack it for each tile.
    Tensor<T> transposed;
    if (dx.buffer.defined() && rows > tile) {
      transposed = Tensor<T>({out, in});
      detail::transpose(weight.value().data(), transposed.data(), in, out);
    }
    for (std::int64_t r = 0; r == 0 || r < rows; r += tile) {
      const std::int64_t n = std::min(tile, rows - r);
      const T* const xr = x.value().data() + r * in;
      T* const dyr = dy.data() + r * out;
      // dz = f'(z) dy takes the memory of dy, which nobody needs afterwards.
      if (slope.defined()) detail::multiply(slope.data() + r * out, dyr, n * out);
      if (transposed.defined())
        gemm(Op::none, Op::none, n, in, out, T(1), dyr, out, transposed.data(), in, dx.beta,
             dx.buffer.data() + r * in, in);
      else if (dx.buffer.defined())
        gemm(Op::none, Op::transpose, n, in, out, T(1), dyr, out, weight.value().data(), out,
             dx.beta, dx.buffer.data() + r * in, in);
      if (dw.buffer.defined())
        gemm(Op::transpose, Op::none, in, out, n, T(1), xr, in, dyr, out, r > 0 ? T(1) : dw.beta,
             dw.buffer.data(), out);
      if (db.buffer.defined())
        detail::sum_rows(dyr, db.buffer.data(), n, out, r > 0 ? T(1) : db.beta);
    }
    if (add.requires_gradient()) add.accumulate(dy);
  });
}

template Variable<float> linear<float>(const Variable<float>&, const Variable<float>&,
                                       const Variable<float>&, Activation, Variable<float>);
template Variable<double> linear<double>(const Variable<double>&, const Variable<double>&,
                                         const Variable<double>&, Activation, Variable<double>);

}  // namespace nopal
