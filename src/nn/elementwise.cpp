// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/nn/elementwise.hpp>

#include "nn/row_kernels.hpp"

namespace nopal {

template <class T>
Variable<T> add(const Variable<T>& a, const Variable<T>& b) {
  NOPAL_CHECK(a.shape() == b.shape(), "add: shapes ", a.shape(), " and ", b.shape(), " differ");
  axpy(T(1), b.value(), a.value());
  if (!needs_record(a, b)) return a.value();
  return record<T>(a.value(), [a, b](const Tensor<T>& dy) {
    // A gradient may be changed by whoever gets it, so only one of the two can have dy itself.
    if (a.requires_gradient() && b.requires_gradient()) {
      a.accumulate(dy.clone());
      b.accumulate(dy);
    } else {
      (a.requires_gradient() ? a : b).accumulate(dy);
    }
  });
}

template <class T>
Variable<T> add_bias(const Variable<T>& x, const Variable<T>& bias) {
  const std::int64_t columns = bias.value().size();
  NOPAL_CHECK(x.shape().rank() > 0 && x.shape()[-1] == columns, "add_bias: field ", x.shape(),
              " and bias ", bias.shape(), " have different channels");
  const std::int64_t rows = x.value().size() / columns;
  detail::add_rows(bias.value().data(), x.value().data(), rows, columns);
  if (!needs_record(x, bias)) return x.value();
  return record<T>(x.value(), [x, bias, rows, columns](const Tensor<T>& dy) {
    if (bias.requires_gradient()) {
      const auto [db, beta] = bias.gradient_slot();
      detail::sum_rows(dy.data(), db.data(), rows, columns, beta);
    }
    if (x.requires_gradient()) x.accumulate(dy);
  });
}

template <class T>
Variable<T> copy(const Variable<T>& x) {
  const Tensor<T> y = x.value().clone();
  if (!needs_record(x)) return y;
  return record<T>(y, [x](const Tensor<T>& dy) { x.accumulate(dy); });
}

#define NOPAL_INSTANTIATE(T)                                                \
  template Variable<T> add<T>(const Variable<T>&, const Variable<T>&);      \
  template Variable<T> add_bias<T>(const Variable<T>&, const Variable<T>&); \
  template Variable<T> copy<T>(const Variable<T>&);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal
