// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/blas.hpp>
#include <nopal/core/profile.hpp>
#include <nopal/nn/linear.hpp>

#include "nn/row_kernels.hpp"

#include <algorithm>

namespace nopal {

template <class T>
Variable<T> linear(const Variable<T>& x, const Variable<T>& weight, const Variable<T>& bias) {
  const ScopedRegion region("linear");
  NOPAL_CHECK(
      weight.shape().rank() == 2 && x.shape().rank() >= 1 && x.shape()[-1] == weight.shape()[0],
      "linear: the last axis of the input ", x.shape(), " does not match the weight ",
      weight.shape());
  const std::int64_t in = weight.value().extent(0), out = weight.value().extent(1);
  const std::int64_t rows = x.value().size() / in;
  Tensor<T> y(x.shape().with(-1, out));
  const bool biased = bias.value().defined();
  // In tiles, so that the bias is still in cache when the product is added to it.
  const std::int64_t tile = biased ? detail::tile_rows<T>(out) : std::max<std::int64_t>(rows, 1);
  for (std::int64_t r = 0; r < rows; r += tile) {
    const std::int64_t n = std::min(tile, rows - r);
    if (biased) detail::fill_rows(bias.value().data(), y.data() + r * out, n, out);
    gemm(Op::none, Op::none, n, out, in, T(1), x.value().data() + r * in, in, weight.value().data(),
         out, T(biased ? 1 : 0), y.data() + r * out, out);
  }
  if (!needs_record(x, weight, bias)) return y;

  return record<T>(y, [x, weight, bias, in, out, rows](const Tensor<T>& dy) {
    const ScopedRegion adjoint("linear_adjoint");
    typename Variable<T>::Slot dx{}, dw{}, db{};
    if (x.requires_gradient()) dx = x.gradient_slot();
    if (weight.requires_gradient()) dw = weight.gradient_slot();
    if (bias.requires_gradient()) db = bias.gradient_slot();
    // In tiles, so that dy is read from memory once for all three.
    // Without points the gradients are zeros, which a tile of none makes.
    const std::int64_t tile = detail::tile_rows<T>(2 * in + out);
    for (std::int64_t r = 0; r == 0 || r < rows; r += tile) {
      const std::int64_t n = std::min(tile, rows - r);
      const T *xr = x.value().data() + r * in, *dyr = dy.data() + r * out;
      if (dx.buffer.defined())
        gemm(Op::none, Op::transpose, n, in, out, T(1), dyr, out, weight.value().data(), out,
             dx.beta, dx.buffer.data() + r * in, in);
      if (dw.buffer.defined())
        gemm(Op::transpose, Op::none, in, out, n, T(1), xr, in, dyr, out, r > 0 ? T(1) : dw.beta,
             dw.buffer.data(), out);
      if (db.buffer.defined())
        detail::sum_rows(dyr, db.buffer.data(), n, out, r > 0 ? T(1) : db.beta);
    }
  });
}

template Variable<float> linear<float>(const Variable<float>&, const Variable<float>&,
                                       const Variable<float>&);
template Variable<double> linear<double>(const Variable<double>&, const Variable<double>&,
                                         const Variable<double>&);

}  // namespace nopal
