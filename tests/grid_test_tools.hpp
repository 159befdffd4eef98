// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/comm/grid.hpp>
#include <nopal/core/random.hpp>
#include <nopal/operators/operator.hpp>

#include <cmath>
#include <vector>

namespace nopal::test {

template <class T>
Tensor<T> random_field(const Shape& shape, std::uint64_t seed) {
  Tensor<T> x(shape);
  fill_normal(x, 0, 1, Random(seed));
  return x;
}

/// The part in `box` of a whole field (B, N1, ..., Nd, C).
template <class T>
Tensor<T> part(const Tensor<T>& whole, const Box& box) {
  const Shape& n = whole.shape();
  const int d = box.dimension;
  const Shape shape = box.field(n[0], n[-1]);
  const std::vector<T> from = whole.to_vector();
  std::vector<T> to;
  for (std::int64_t i = 0; i < shape.size(); ++i) {
    std::int64_t rest = i / n[-1], at = 0, stride = 1;
    for (int a = d - 1; a >= 0; --a) {
      at += (box[a].begin + rest % shape[a + 1]) * stride;
      rest /= shape[a + 1];
      stride *= n[a + 1];
    }
    to.push_back(from[static_cast<std::size_t>((rest * stride + at) * n[-1] + i % n[-1])]);
  }
  return Tensor<T>::from_host(shape, to);
}

/// Norm of a - b relative to that of b, over all ranks. Collective.
template <class T>
double relative_difference(const Tensor<T>& a, const Tensor<T>& b, const Communicator& comm) {
  const std::vector<T> x = a.to_vector(), y = b.to_vector();
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    difference += std::pow(double(x[i]) - double(y[i]), 2);
    size += std::pow(double(y[i]), 2);
  }
  difference = comm.sum(difference);
  size = comm.sum(size);
  return difference == 0 ? 0 : std::sqrt(difference / size);
}

/// The output on `grid`, and the gradients of its product with dy: in the input, then in the
/// parameters (this rank's part).
template <class T>
std::vector<Tensor<T>> output_and_gradients(const Operator<T>& op, const Tensor<T>& x,
                                            const Tensor<T>& dy, const Grid& grid) {
  for (const Parameter<T>* p : op.parameters())
    p->variable.clear_gradient();
  const auto leaf = Variable<T>::leaf(x);
  Tape<T> tape;
  const Variable<T> y = op.forward(std::span(&leaf, 1), grid);
  std::vector<Tensor<T>> result{y.value().clone()};
  tape.backward(y, dy.clone());
  result.push_back(leaf.gradient().clone());
  for (const Parameter<T>* p : op.parameters())
    result.push_back(p->gradient().defined() ? p->gradient().clone()
                                             : Tensor<T>::zeros(p->value().shape()));
  return result;
}

}  // namespace nopal::test
