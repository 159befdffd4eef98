// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/profile.hpp>
#include <nopal/train/direction_loss.hpp>

#include <cmath>

namespace nopal {

namespace {

// The exact line search along q for a sample: q . A q and (b . q) / (q . A q).
struct LineSearch {
  double energy, step;
};

template <class T>
LineSearch line_search(const Tensor<T>& q, const Tensor<T>& aq, const Tensor<T>& b,
                       std::int64_t sample) {
  const double energy = dot(q, aq);
  NOPAL_CHECK(energy > 0 && std::isfinite(energy), "direction_loss: q . A q is ", energy,
              " for sample ", sample,
              ", expected more than 0: the matrix is not positive definite, or q is 0");
  return {energy, dot(q, b) / energy};
}

template <class T>
void check_shapes(const Variable<T>& q, const Variable<T>& aq, const Tensor<T>& b) {
  NOPAL_CHECK(q.shape() == aq.shape() && q.shape() == b.shape() && q.shape().rank() >= 1,
              "direction_loss: shapes ", q.shape(), ", ", aq.shape(), " and ", b.shape(),
              " of q, A q and b differ");
}

// The gradient's buffer of x, ready to be added to; undefined if x needs none.
template <class T>
Tensor<T> buffer_of(const Variable<T>& x) {
  if (!x.requires_gradient()) return {};
  const auto [buffer, beta] = x.gradient_slot();
  if (beta == T(0)) buffer.fill(T(0));
  return buffer;
}

}  // namespace

template <class T>
Variable<T> direction_loss(const Variable<T>& q, const Variable<T>& aq, const Tensor<T>& b,
                           double weight) {
  const ScopedRegion region("direction_loss");
  check_shapes(q, aq, b);
  const std::int64_t samples = q.shape()[0];
  // Of each sample: the step s, q . A q, and r . A q of the residual r = b - s A q.
  std::vector<double> step, energy, along;
  const Tensor<T> residual = b.clone();
  double loss = 0;
  for (std::int64_t i = 0; i < samples; ++i) {
    const Tensor<T> w = aq.value().slice(i, 1), qi = q.value().slice(i, 1),
                    r = residual.slice(i, 1);
    const auto [qaq, s] = line_search(qi, w, b.slice(i, 1), i);
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
    const Tensor<T> dq = buffer_of(q), dw = buffer_of(aq);
    for (std::int64_t i = 0; i < samples; ++i) {
      const auto k = static_cast<std::size_t>(i);
      // dL = -2 r . A q ds - 2 s r . d(A q), ds = (r . dq - s q . d(A q)) / q . A q.
      const double c = -2 * along[k] / energy[k];
      const Tensor<T> r = residual.slice(i, 1);
      if (dq.defined()) axpy(static_cast<T>(seed * c), r, dq.slice(i, 1));
      if (dw.defined()) {
        axpy(static_cast<T>(-2 * seed * step[k]), r, dw.slice(i, 1));
        axpy(static_cast<T>(-seed * c * step[k]), q.value().slice(i, 1), dw.slice(i, 1));
      }
    }
  });
}

template <class T>
Variable<T> direction_energy_loss(const Variable<T>& q, const Variable<T>& aq, const Tensor<T>& b,
                                  const std::vector<double>& energy, double weight) {
  const ScopedRegion region("direction_loss");
  check_shapes(q, aq, b);
  const std::int64_t samples = q.shape()[0];
  NOPAL_CHECK(static_cast<std::int64_t>(energy.size()) == samples,
              "direction_energy_loss: ", samples, " samples need as many energies b . e, got ",
              energy.size());
  std::vector<double> step;
  double loss = 0;
  for (std::int64_t i = 0; i < samples; ++i) {
    const double e = energy[static_cast<std::size_t>(i)];
    NOPAL_CHECK(e > 0, "direction_energy_loss: the energy b . e of sample ", i, " is ", e,
                ", expected more than 0");
    const auto [qaq, s] =
        line_search(q.value().slice(i, 1), aq.value().slice(i, 1), b.slice(i, 1), i);
    loss += 1 - s * s * qaq / e;
    step.push_back(s);
  }
  const Tensor<T> value({1});
  value.fill(static_cast<T>(weight * loss));
  if (!needs_record(q, aq)) return value;
  return record<T>(value, [=](const Tensor<T>& dy) {
    const double seed = weight * static_cast<double>(dy.item());
    const Tensor<T> dq = buffer_of(q), dw = buffer_of(aq);
    for (std::int64_t i = 0; i < samples; ++i) {
      const auto k = static_cast<std::size_t>(i);
      // d(s^2 q . A q) = 2 s b . dq - s^2 (dq . A q + q . d(A q)).
      const double s = step[k], c = seed / energy[k];
      if (dq.defined()) {
        axpy(static_cast<T>(-2 * s * c), b.slice(i, 1), dq.slice(i, 1));
        axpy(static_cast<T>(s * s * c), aq.value().slice(i, 1), dq.slice(i, 1));
      }
      if (dw.defined()) axpy(static_cast<T>(s * s * c), q.value().slice(i, 1), dw.slice(i, 1));
    }
  });
}

#define NOPAL_INSTANTIATE(T)                                                                       \
  template Variable<T> direction_loss<T>(const Variable<T>&, const Variable<T>&, const Tensor<T>&, \
                                         double);                                                  \
  template Variable<T> direction_energy_loss<T>(const Variable<T>&, const Variable<T>&,            \
                                                const Tensor<T>&, const std::vector<double>&,      \
                                                double);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal
