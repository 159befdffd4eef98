// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/nn/soft_gating.hpp>

#include "nn/row_kernels.hpp"

namespace nopal {

template <class T>
Variable<T> soft_gating(const Variable<T>& x, const Variable<T>& gate) {
  const std::int64_t channels = gate.value().size();
  NOPAL_CHECK(x.shape().rank() > 0 && x.shape()[-1] == channels, "soft gating: field ", x.shape(),
              " and gate ", gate.shape(), " have different channels");
  const std::int64_t rows = x.value().size() / channels;
  const Tensor<T> y(x.shape());
  detail::scale_rows(gate.value().data(), x.value().data(), y.data(), rows, channels, T(0));
  if (!needs_record(x, gate)) return y;
  return record<T>(y, [x, gate, rows, channels](const Tensor<T>& dy) {
    if (x.requires_gradient()) {
      const auto [dx, beta] = x.gradient_slot();
      detail::scale_rows(gate.value().data(), dy.data(), dx.data(), rows, channels, beta);
    }
    if (gate.requires_gradient()) {
      const auto [dg, beta] = gate.gradient_slot();
      detail::dot_rows(dy.data(), x.value().data(), dg.data(), rows, channels, beta);
    }
  });
}

template Variable<float> soft_gating<float>(const Variable<float>&, const Variable<float>&);
template Variable<double> soft_gating<double>(const Variable<double>&, const Variable<double>&);

}  // namespace nopal
