// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/multigrid/smoother_network.hpp>

#include <nopal/core/error.hpp>

namespace nopal {
namespace {

std::int64_t stencil_points(int dimension) {
  NOPAL_CHECK(dimension >= 1 && dimension <= 3, "a smoother is for 1 to 3 dimensions, got ",
              dimension);
  return dimension == 1 ? 3 : dimension == 2 ? 9 : 27;
}

// The least eigenvalue of D^-1 A for the error that coarse grids cannot see, A being the Laplacian
// with couplings along the axes only; the largest is 2.
double lowest_rough(int dimension) {
  return 1.0 / dimension;
}

template <class T>
SmootherNetwork<T> without_hidden_layer(int dimension, double centre, double neighbours) {
  const std::int64_t outputs = stencil_points(dimension), inputs = outputs - 1;
  std::vector<T> bias(static_cast<std::size_t>(outputs)), linear(bias.size() * (bias.size() - 1));
  bias[bias.size() / 2] = static_cast<T>(centre);
  for (std::int64_t k = 0; k < inputs; ++k) {
    const std::int64_t output = k < inputs / 2 ? k : k + 1;
    linear[static_cast<std::size_t>(k * outputs + output)] = static_cast<T>(neighbours);
  }
  SmootherNetwork<T> network;
  network.dimension = dimension;
  network.bias = Tensor<T>::from_host({outputs}, bias);
  network.linear = Tensor<T>::from_host({inputs, outputs}, linear);
  return network;
}

}  // namespace

template <class T>
SmootherNetwork<T> SmootherNetwork<T>::damped_jacobi(int dimension) {
  return without_hidden_layer<T>(dimension, 2 / (lowest_rough(dimension) + 2), 0);
}

template <class T>
SmootherNetwork<T> SmootherNetwork<T>::chebyshev(int dimension) {
  // 1 - t (c0 + c1 (1 - t)) has the roots middle +- half / sqrt(2).
  const double low = lowest_rough(dimension), middle = (low + 2) / 2, half = (2 - low) / 2;
  const double c1 = 1 / (middle * middle - half * half / 2), c0 = (2 * middle - 1) * c1;
  return without_hidden_layer<T>(dimension, c0, -c1);
}

template <class T>
void SmootherNetwork<T>::check() const {
  const std::int64_t outputs = stencil_points(dimension), inputs = outputs - 1, h = hidden();
  const auto expect = [&](const char* name, const Tensor<T>& tensor, const Shape& shape) {
    NOPAL_CHECK(tensor.defined() && tensor.shape() == shape, "smoother network in ", dimension,
                " dimensions: ", name, " has shape ", tensor.shape(), ", expected ", shape);
  };
  expect("bias", bias, {outputs});
  expect("linear", linear, {inputs, outputs});
  if (h == 0) return;
  expect("weight1", weight1, {inputs, h});
  expect("bias1", bias1, {h});
  expect("weight2", weight2, {h, outputs});
}

template struct SmootherNetwork<float>;
template struct SmootherNetwork<double>;

}  // namespace nopal
