// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/nn/recompute.hpp>

#include <algorithm>

namespace nopal {

template <class T>
Variable<T> recomputed(const std::function<Variable<T>(const Variable<T>&)>& f,
                       const Variable<T>& x, std::int64_t samples) {
  NOPAL_CHECK(x.shape().rank() >= 1 && samples >= 0,
              "recomputed: expected samples along the first ",
              "axis of the input and pieces of at least 0, got ", x.shape(), " and ", samples);
  const std::int64_t all = x.shape()[0], piece = samples > 0 ? std::min(samples, all) : all;
  const bool recording = Tape<T>::active() != nullptr;
  Tensor<T> y;
  {
    const TapePause<T> pause;
    if (piece == all) {
      y = f(Variable<T>(x.value())).value();
    } else {
      for (std::int64_t first = 0; first < all; first += piece) {
        const std::int64_t count = std::min(piece, all - first);
        const Tensor<T> part = f(Variable<T>(x.value().slice(first, count))).value();
        NOPAL_CHECK(part.rank() >= 1 && part.extent(0) == count, "recomputed: expected ", count,
                    " samples in the result, got ", part.shape());
        if (first == 0) y = Tensor<T>(part.shape().with(0, all));
        y.slice(first, count).copy_from(part);
      }
    }
  }
  if (!recording) return y;
  return record<T>(y, [f, x, all, piece](const Tensor<T>& dy) {
    typename Variable<T>::Slot dx{};
    if (x.requires_gradient()) dx = x.gradient_slot();
    for (std::int64_t first = 0; first < all || first == 0;
         first += std::max<std::int64_t>(piece, 1)) {
      const std::int64_t count = std::min(piece, all - first);
      const auto leaf = Variable<T>::leaf(x.value().slice(first, count));
      Tape<T> tape;
      const Variable<T> part = f(leaf);
      if (!part.requires_gradient()) continue;
      tape.backward(part, dy.slice(first, count));
      if (!dx.buffer.defined() || count == 0) continue;
      const Tensor<T> target = dx.buffer.slice(first, count);
      if (!leaf.gradient().defined()) {
        if (dx.beta == T(0)) target.fill(T(0));
      } else if (dx.beta == T(0)) {
        target.copy_from(leaf.gradient());
      } else {
        axpy(T(1), leaf.gradient(), target);
      }
    }
  });
}

template Variable<float> recomputed(const std::function<Variable<float>(const Variable<float>&)>&,
                                    const Variable<float>&, std::int64_t);
template Variable<double> recomputed(
    const std::function<Variable<double>(const Variable<double>&)>&, const Variable<double>&,
    std::int64_t);

}  // namespace nopal
