// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/blas.hpp>
#include <nopal/core/profile.hpp>
#include <nopal/nn/linear.hpp>

#include "nn/row_kernels.hpp"

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

template Variable<float> linear<float>(const Variable<float>&, const Variable<float>&,
                                       const Variable<float>&);
template Variable<double> linear<double>(const Variable<double>&, const Variable<double>&,
                                         const Variable<double>&);

}  // namespace nopal
