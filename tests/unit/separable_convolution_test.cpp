// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "test_tools.hpp"

#include <gtest/gtest.h>
#include <nopal/autograd/gradient_check.hpp>
#include <nopal/core/random.hpp>
#include <nopal/nn/separable_convolution.hpp>

namespace nopal {
namespace {

Tensor<double> random(const Shape& shape, std::uint64_t stream) {
  Tensor<double> x(shape);
  fill_normal(x, 0, 1, Random(41, stream));
  return x;
}

struct Layer {
  explicit Layer(const SeparableConvolutionOptions& options)
      : store(5), layer(options, store, "layer") {
    store.append_parameters(parameters);
  }
  ParameterStore<double> store;
  SeparableConvolution<double> layer;
  Parameters<double> parameters;
};

// R = 1, one channel: the kernel is an outer product.
TEST(SeparableConvolution, ByHand) {
  const Layer l({.in_channels = 1, .out_channels = 1, .kernel = {2, 2}});
  const std::vector<std::vector<double>> values{{2}, {1, 10}, {1, -1}, {5}};
  for (std::size_t i = 0; i < values.size(); ++i)
    l.parameters[i]->value().copy_from_host(values[i].data());
  EXPECT_EQ(l.layer.kernel().to_vector(), (std::vector<double>{2, -2, 20, -20}));
  const auto x = Tensor<double>::from_host({1, 2, 3, 1}, {1, 2, 3, 4, 5, 7});
  EXPECT_EQ(l.layer.forward(x).value().to_vector(), (std::vector<double>{-17, -37}));
}

struct Example {
  Shape x;
  SeparableConvolutionOptions layer;
  ConvolutionOptions options;
};

const Example examples[] = {
    {{2, 11, 3}, {.in_channels = 3, .out_channels = 5, .kernel = {4}}, {.stride = 2}},
    {{2, 7, 9, 4},
     {.in_channels = 4, .out_channels = 6, .kernel = {3, 2}, .rank = 3},
     {.offset = {-1, 0}, .extents = {7, 8}, .activation = Activation::gelu}},
    {{1, 6, 5, 4, 2},
     {.in_channels = 2, .out_channels = 19, .kernel = {3, 3, 2}, .rank = 2, .bias = false},
     {.stride = 2, .offset = {-1, -2, 0}, .sign = -1}},
    {{2, 3, 0, 4}, {.in_channels = 4, .out_channels = 2, .kernel = {3, 3}, .rank = 2}, {}},
};

TEST(SeparableConvolution, EqualsTheDenseConvolution) {
  for (const Example& e : examples) {
    const Layer l(e.layer);
    Tensor<double> bias;
    if (e.layer.bias) {
      bias = random({e.layer.out_channels}, 9);
      l.parameters.back()->value().copy_from(bias);
    }
    const auto x = random(e.x, 1);
    const auto y = l.layer.forward(x, e.options).value();
    const auto dense = convolution<double>(x, l.layer.kernel(), bias, e.options).value();
    ASSERT_EQ(y.shape(), dense.shape());
    const auto actual = y.to_vector(), expected = dense.to_vector();
    for (std::size_t i = 0; i < actual.size(); ++i)
      EXPECT_NEAR(actual[i], expected[i], 1e-13) << e.x << " " << i;
  }
}

TEST(SeparableConvolution, Gradients) {
  for (const Example& e : examples) {
    const Layer l(e.layer);
    const auto x = Variable<double>::leaf(random(e.x, 1));
    std::vector<Variable<double>> leaves{x};
    for (const auto* parameter : l.parameters)
      leaves.push_back(parameter->variable);
    const auto check = check_gradient([&] { return l.layer.forward(x, e.options); }, leaves);
    EXPECT_LT(check.error, 1e-6) << e.x << " " << check.where;
  }
}

// More points than one range of the sum holds.
TEST(SeparableConvolution, GradientOfManyPoints) {
  const Layer l({.in_channels = 2, .out_channels = 3, .kernel = {3}, .rank = 2});
  const auto x = Variable<double>::leaf(random({3, 700, 2}, 1));
  const auto check = check_gradient([&] { return l.layer.forward(x); },
                                    {x, l.parameters[0]->variable, l.parameters[1]->variable});
  EXPECT_LT(check.error, 1e-6) << check.where;
}

// Variance 2 / (Cin K1 K2) of the kernel's entries.
TEST(SeparableConvolution, InitialVariance) {
  for (const std::int64_t rank : {1, 4}) {
    const Layer l({.in_channels = 40, .out_channels = 400, .kernel = {3, 5}, .rank = rank});
    const auto w = l.layer.kernel();
    const double variance = dot(w, w) / static_cast<double>(w.size());
    EXPECT_NEAR(variance * (40 * 3 * 5) / 2, 1, 0.15) << rank;
  }
}

TEST(SeparableConvolution, ParametersAndCost) {
  const Layer l({.in_channels = 16, .out_channels = 16, .kernel = {3, 3}, .rank = 2});
  EXPECT_EQ(count(l.parameters), 16 * 2 * (16 + 3 + 3) + 16);
  EXPECT_EQ(l.parameters[0]->name, "layer.channel");
  EXPECT_EQ(l.parameters[2]->name, "layer.axis.1");
  const Cost cost = l.layer.cost({1, 6, 7, 16});
  EXPECT_EQ(cost.flops, 2.0 * 32 * (6 * 7 * 16 + 4 * 7 * 3 + 4 * 5 * 3));
  EXPECT_EQ(cost.bytes, 8.0 * (16 * 2 * 22 + 16 + 6 * 7 * 16 + 4 * 5 * 16));
}

TEST(SeparableConvolution, BadOptionsAreNamed) {
  ParameterStore<float> store(1);
  const auto make = [&](const SeparableConvolutionOptions& options) {
    return [&store, options] { SeparableConvolution<float>(options, store, "conv"); };
  };
  test::expect_error(make({.in_channels = 0, .out_channels = 2, .kernel = {3}}),
                     {"'conv'", "0 to 2"});
  test::expect_error(make({.in_channels = 1, .out_channels = 2, .kernel = {3, 0}}),
                     {"'conv'", "(3, 0)"});
  const SeparableConvolution<float> layer({.in_channels = 3, .out_channels = 2, .kernel = {3}},
                                          store, "conv");
  test::expect_error([&] { layer.forward(Tensor<float>({1, 8, 4})); }, {"(1, 8, 4)", "(3, 3, 2)"});
}

}  // namespace
}  // namespace nopal
