// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/multigrid/multigrid_gradient.hpp>

#include <gtest/gtest.h>

#include "multigrid_test_tools.hpp"

#include <nopal/core/random.hpp>

namespace {

using nopal::Grid;
using nopal::MultigridGradient;
using nopal::Shape;
using nopal::SmootherNetwork;
using nopal::Tensor;
using nopal::test::checkerboard;
using nopal::test::diffusion;
using nopal::test::Side;

// A network with a hidden layer near the Chebyshev one.
SmootherNetwork<double> network_with_hidden_layer(int dimension, std::int64_t hidden) {
  auto network = SmootherNetwork<double>::chebyshev(dimension);
  const std::int64_t outputs = network.bias.size();
  network.weight1 = Tensor<double>({outputs - 1, hidden});
  network.bias1 = Tensor<double>({hidden});
  network.weight2 = Tensor<double>({hidden, outputs});
  int stream = 1;
  for (const Tensor<double>* tensor : {&network.weight1, &network.bias1, &network.weight2})
    nopal::fill_normal(*tensor, 0, stream == 3 ? 0.02 : 1, nopal::Random(7, stream)), ++stream;
  return network;
}

std::vector<Tensor<double>> tensors(const SmootherNetwork<double>& network) {
  return {network.bias, network.linear, network.weight1, network.bias1, network.weight2};
}

void check_gradient(const Shape& n, Side side) {
  const auto matrix = diffusion<double>(Grid(n), side, checkerboard(3, 20));
  MultigridGradient cycles(matrix, {.visited_once = 1, .coarsest = 12});
  const SmootherNetwork<double> network = network_with_hidden_layer(n.rank(), 4);
  SmootherNetwork<double> gradient = network;
  for (Tensor<double>* tensor :
       {&gradient.bias, &gradient.linear, &gradient.weight1, &gradient.bias1, &gradient.weight2})
    *tensor = Tensor<double>::zeros(tensor->shape());
  std::vector<double> error = nopal::test::own_noise(matrix.grid, 4);
  if (side == Side::neumann) error = nopal::test::multiply(matrix, error);  // no constant in it
  const double loss = cycles.loss(network, error, 3, &gradient);
  EXPECT_LT(loss, -0.5);
  EXPECT_NEAR(cycles.loss(network, error, 3), loss, 1e-12);
  const auto weights = tensors(network), slopes = tensors(gradient);
  for (std::size_t t = 0; t < weights.size(); ++t) {
    double difference = 0, size = 0;
    for (std::int64_t i = 0; i < weights[t].size(); i += 1 + weights[t].size() / 40) {
      double& weight = weights[t].data()[i];
      const double step = 1e-5, before = weight;
      weight = before + step;
      const double above = cycles.loss(network, error, 3);
      weight = before - step;
      const double below = cycles.loss(network, error, 3);
      weight = before;
      const double slope = (above - below) / (2 * step);
      difference = std::max(difference, std::abs(slope - slopes[t].data()[i]));
      size = std::max(size, std::abs(slope));
    }
    EXPECT_GT(size, 0);
    EXPECT_LT(difference, 1e-6 * std::max(size, 1e-2)) << n << " tensor " << t;
  }
}

TEST(MultigridGradient, IsThatOfDifferences) {
  check_gradient({50}, Side::dirichlet);
  check_gradient({17, 14}, Side::dirichlet);
  check_gradient({16, 15}, Side::neumann);
  check_gradient({7, 8, 6}, Side::dirichlet);
}

TEST(MultigridGradient, LossIsTheRateOfCycles) {
  const auto matrix = diffusion<double>(Grid({31, 31}), Side::dirichlet, checkerboard(4, 10));
  MultigridGradient cycles(matrix);
  const auto network = SmootherNetwork<double>::chebyshev(2);
  const nopal::StencilMultigrid<double> multigrid(matrix, network);
  std::vector<double> e = nopal::test::own_noise(matrix.grid, 2), z(e.size());
  const double loss = cycles.loss(network, e, 4);
  const double before = nopal::test::dot(e, nopal::test::multiply(matrix, e));
  for (int k = 0; k < 4; ++k) {
    const std::vector<double> r = nopal::test::multiply(matrix, e);
    multigrid.apply(r.data(), z.data());
    for (std::size_t i = 0; i < e.size(); ++i)
      e[i] -= z[i];
  }
  const double after = nopal::test::dot(e, nopal::test::multiply(matrix, e));
  EXPECT_NEAR(loss, std::log(after / before) / 8, 1e-9);
}

}  // namespace
