// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/profile.hpp>
#include <nopal/train/direction_loss.hpp>

#include <cmath>

namespace nopal {

template <class T>
Variable<T> direction_loss(const Variable<T>& q, const Variable<T>& aq, const Tensor<T>& b,
                           double weight) {
  const ScopedRegion region("direction_loss");
  NOPAL_CHECK(q.shape() == aq.shape() && q.shape() == b.shape() && q.shape().rank() >= 1,
              "direction_loss: shapes ", q.shape(), ", ", aq.shape(), " and ", b.shape(),
              " of q, A q and b differ");
  const std::int64_t samples = q.shape()[0];
  // Of each sample: the step s, q . A q, and r . A q of the residual r = b - s A q.
  std::vector<double> step, energy, along;
  const Tensor<T> residual = b.clone();
  double loss = 0;
  for (std::int64_t i = 0; i < samples; ++i) {
    const Tensor<T> w = aq.value().slice(i, 1), qi = q.value().slice(i, 1),
                    r = residual.slice(i, 1);
    const double qaq = static_cast<double>(dot(qi, w));
    NOPAL_CHECK(qaq > 0 && std::isfinite(qaq), "direction_loss: q . A q is ", qaq, " for sample ",
                i, ", expected more than 0: the matrix is not positive definite, or q is 0");
    const double s = static_cast<double>(dot(qi, b.slice(i, 1))) / qaq;
    axpy(static_cast<T>(-s), w, r);
    loss += static_cast<double>(dot(r, r));
    step.push_back(s);
    energy.push_back(qaq);
    along.push_back(static_cast<double>(dot(r, w)));
  }
  const Tensor<T> value({1});
  value.fill(static_cast<T>(weight * loss));
  if (!needs_record(q, aq)) return value;
  return record<T>(value, [=](const Tensor<T>& dy) {
    const double seed = weight * static_cast<double>(dy.item());
    typename Variable<T>::Slot dq{}, dw{};
    if (q.requires_gradient()) dq = q.gradient_slot();
    if (aq.requires_gradient()) dw = aq.gradient_slot();
    for (auto* slot : {&dq, &dw})
      if (slot->buffer.defined() && slot->beta == T(0)) slot->buffer.fill(T(0));
    for (std::int64_t i = 0; i < samples; ++i) {
      const auto k = static_cast<std::size_t>(i);
      // dL = -2 r . A q ds - 2 s r . d(A q), ds = (r . dq - s q . d(A q)) / q . A q.
      const double c = -2 * along[k] / energy[k];
      const Tensor<T> r = residual.slice(i, 1);
      if (dq.buffer.defined()) axpy(static_cast<T>(seed * c), r, dq.buffer.slice(i, 1));
      if (dw.buffer.defined()) {
        axpy(static_cast<T>(-2 * seed * step[k]), r, dw.buffer.slice(i, 1));
        axpy(static_cast<T>(-seed * c * step[k]), q.value().slice(i, 1), dw.buffer.slice(i, 1));
      }
    }
  });
}

template Variable<float> direction_loss<float>(const Variable<float>&, const Variable<float>&,
                                               const Tensor<float>&, double);
template Variable<double> direction_loss<double>(const Variable<double>&, const Variable<double>&,
                                                 const Tensor<double>&, double);

}  // namespace nopal
