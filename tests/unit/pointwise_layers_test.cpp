// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>
#include <nopal/autograd/gradient_check.hpp>
#include <nopal/core/random.hpp>
#include <nopal/nn/domain_padding.hpp>
#include <nopal/nn/elementwise.hpp>
#include <nopal/nn/grid_embedding.hpp>
#include <nopal/nn/initialisation.hpp>
#include <nopal/nn/soft_gating.hpp>

#include <cmath>

namespace nopal {
namespace {

Variable<double> random_leaf(const Shape& shape, std::uint64_t stream) {
  Tensor<double> x(shape);
  fill_normal(x, 0, 1, Random(21, stream));
  return Variable<double>::leaf(x);
}

TEST(SoftGating, ByHandAndGradients) {
  const auto x = Tensor<double>::from_host({2, 2}, {1, 2, 3, 4});
  const auto g = Tensor<double>::from_host({2}, {10, -1});
  EXPECT_EQ(soft_gating<double>(x, g).value().to_vector(), (std::vector<double>{10, -2, 30, -4}));

  auto vx = random_leaf({3, 4, 19}, 1), vg = random_leaf({19}, 2);
  const auto check = check_gradient([&] { return soft_gating(vx, vg); }, {vx, vg});
  EXPECT_LT(check.error, 1e-6) << check.where;
  EXPECT_THROW(soft_gating<double>(x, Tensor<double>({3})), Error);
}

TEST(GridEmbedding, CoordinatesInTwoDimensions) {
  const auto x = Tensor<double>::from_host({1, 2, 4, 1}, {0, 1, 2, 3, 4, 5, 6, 7});
  const auto y = grid_embedding<double>(x).value().to_vector();
  EXPECT_EQ(y, (std::vector<double>{0, 0,   0, 1, 0,   0.25, 2, 0,   0.5, 3, 0,   0.75,
                                    4, 0.5, 0, 5, 0.5, 0.25, 6, 0.5, 0.5, 7, 0.5, 0.75}));
  const auto z = grid_embedding<double>(x, true).value().to_vector();
  EXPECT_DOUBLE_EQ(z[3 * 7 + 1], 1);
  EXPECT_DOUBLE_EQ(z[3 * 7 + 2], 1);
}

TEST(GridEmbedding, GradientsInOneAndThreeDimensions) {
  for (const Shape& shape : {Shape{2, 5, 3}, Shape{2, 2, 3, 4, 2}}) {
    auto x = random_leaf(shape, 1);
    const auto check = check_gradient([&] { return grid_embedding(x); }, {x});
    EXPECT_LT(check.error, 1e-6) << check.where;
  }
}

TEST(DomainPadding, ByHand) {
  const auto x = Tensor<double>::from_host({1, 2, 1, 1}, {1, 2});
  const auto y = pad<double>(x, {1, 0}, {0, 2});
  EXPECT_EQ(y.shape(), (Shape{1, 3, 3, 1}));
  EXPECT_EQ(y.value().to_vector(), (std::vector<double>{0, 0, 0, 1, 0, 0, 2, 0, 0}));
  EXPECT_EQ(crop<double>(y, {1, 0}, {0, 2}).value().to_vector(), (std::vector<double>{1, 2}));
  EXPECT_THROW(crop<double>(y, {2, 0}, {1, 0}), Error);
}

TEST(DomainPadding, GradientsInOneTwoThreeDimensions) {
  for (const Shape& shape : {Shape{2, 5, 3}, Shape{2, 4, 5, 3}, Shape{2, 3, 4, 5, 2}}) {
    const int d = shape.rank() - 2;
    Shape low, high;
    for (int j = 0; j < d; ++j) {
      low.push_back(j);
      high.push_back(2 - j);
    }
    auto x = random_leaf(shape, 1);
    const auto padded = check_gradient([&] { return pad(x, low, high); }, {x});
    EXPECT_LT(padded.error, 1e-6) << shape;
    const auto cropped = check_gradient([&] { return crop(pad(x, low, high), high, low); }, {x});
    EXPECT_LT(cropped.error, 1e-6) << shape;
  }
}

TEST(Elementwise, Gradients) {
  auto x = random_leaf({3, 4, 5}, 1), y = random_leaf({3, 4, 5}, 2), b = random_leaf({5}, 3);
  // Every input used twice, so that gradients that share memory by mistake would be seen.
  const auto f = [&] {
    const auto s = add(copy(x), y);
    return add(add_bias(soft_gating(s, b), b), soft_gating(x, b));
  };
  const auto check = check_gradient(f, {x, y, b});
  EXPECT_LT(check.error, 1e-6) << check.where;
}

TEST(ParameterStore, DependsOnNameAndSeedOnly) {
  ParameterStore<float> first(3), second(3), third(4);
  const auto& a = first.uniform("a", {50, 40}, 25);
  second.uniform("b", {50, 40}, 25);
  const auto& again = second.uniform("a", {50, 40}, 25);
  const auto& other = third.uniform("a", {50, 40}, 25);
  EXPECT_EQ(a.value().to_vector(), again.value().to_vector());
  EXPECT_NE(a.value().to_vector(), other.value().to_vector());
  double largest = 0;
  for (float v : a.value().to_vector())
    largest = std::max(largest, std::abs(double(v)));
  EXPECT_LT(largest, 0.2);
  EXPECT_GT(largest, 0.199);
}

}  // namespace
}  // namespace nopal
