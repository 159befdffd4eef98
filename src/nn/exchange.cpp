// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/nn/exchange.hpp>

namespace nopal {

template <class T>
Variable<T> exchange(const Variable<T>& x, const Exchange<T>& exchange) {
  if (exchange.identity()) return x;
  const Tensor<T> y(exchange.box().field(x.shape()[0], x.shape()[-1]));
  exchange.start(x.value(), y);
  exchange.finish(y);
  if (!needs_record(x)) return y;
  return record<T>(y, [x, exchange](const Tensor<T>& dy) {
    exchange.start_adjoint(dy);
    const auto [dx, beta] = x.gradient_slot();
    exchange.finish_adjoint(dy, dx, beta != T(0));
  });
}

#define NOPAL_INSTANTIATE(T) \
  template Variable<T> exchange<T>(const Variable<T>&, const Exchange<T>&);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal
