// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>
#include <nopal/autograd/gradient_check.hpp>
#include <nopal/core/random.hpp>
#include <nopal/nn/batch_norm.hpp>
#include <nopal/nn/training_mode.hpp>

#include "test_tools.hpp"

#include <cmath>
#include <optional>

namespace nopal {
namespace {

using test::expect_error;

template <class T>
Tensor<T> vector_of(std::vector<T> values) {
  return Tensor<T>::from_host({static_cast<std::int64_t>(values.size())}, values);
}

// Two samples of two points. Channel 0: 0, 2, 4, 6 has mean 3 and variance 5, unbiased 20 / 3;
// channel 1 is constant.
TEST(BatchNorm, ByHand) {
  const auto x = Tensor<double>::from_host({2, 2, 2}, {0, 7, 2, 7, 4, 7, 6, 7});
  const auto scale = vector_of<double>({10, 3}), shift = vector_of<double>({1, 100});
  const auto mean = vector_of<double>({20, 7}), variance = vector_of<double>({2, 1});
  const double s = 10 / std::sqrt(5 + 1e-5);
  std::vector<double> y;
  {
    const TrainingMode mode({.batch = 2});
    y = batch_norm<double>(x, scale, shift, mean, variance).value().to_vector();
  }
  const double expected[] = {-3 * s + 1, 100, -s + 1, 100, s + 1, 100, 3 * s + 1, 100};
  for (std::size_t i = 0; i < 8; ++i)
    EXPECT_NEAR(y[i], expected[i], 1e-12);
  EXPECT_NEAR(mean.to_vector()[0], 0.9 * 20 + 0.1 * 3, 1e-14);
  EXPECT_NEAR(mean.to_vector()[1], 7, 1e-14);
  EXPECT_NEAR(variance.to_vector()[0], 0.9 * 2 + 0.1 * 20 / 3, 1e-14);
  EXPECT_NEAR(variance.to_vector()[1], 0.9, 1e-14);

  const auto before = mean.to_vector();
  y = batch_norm<double>(x, scale, shift, mean, variance).value().to_vector();
  for (std::size_t i = 0; i < 8; i += 2)
    EXPECT_NEAR(y[i],
                (x.to_vector()[i] - before[0]) / std::sqrt(variance.to_vector()[0] + 1e-5) * 10 + 1,
                1e-12);
  EXPECT_EQ(mean.to_vector(), before);
}

TEST(BatchNorm, RepeatedStepLeavesTheRunningStatistics) {
  Tensor<float> x({3, 4, 2}), one({2});
  fill_normal(x, 2, 1, Random(1));
  one.fill(1);
  const auto mean = vector_of<float>({0, 0}), variance = vector_of<float>({1, 1});
  const TrainingMode mode({.batch = 3, .repeated = true});
  batch_norm<float>(x, one, one, mean, variance);
  EXPECT_EQ(mean.to_vector(), (std::vector<float>{0, 0}));
  EXPECT_EQ(variance.to_vector(), (std::vector<float>{1, 1}));
}

TEST(BatchNorm, LargeOffsets) {
  Tensor<float> x({8, 32, 32, 3}), scale({3}), shift({3}), mean({3}), variance({3});
  fill_normal(x, 1000, 2, Random(1));
  scale.fill(1);
  shift.fill(0);
  mean.fill(0);
  variance.fill(0);
  const TrainingMode mode({.batch = 8});
  const auto y = batch_norm<float>(x, scale, shift, mean, variance).value();
  EXPECT_NEAR(std::sqrt(dot(y, y) / static_cast<double>(y.size())), 1, 1e-3);
  for (const float v : variance.to_vector())
    EXPECT_NEAR(v, 0.4, 0.01);
}

TEST(BatchNorm, Gradients) {
  for (const Shape& shape : {Shape{6, 4}, Shape{3, 5, 4}, Shape{2, 3, 4, 4}, Shape{2, 3, 2, 2, 4}})
    for (const bool training : {true, false}) {
      Tensor<double> x(shape), scale({4}), shift({4}), mean({4}), variance({4});
      fill_normal(x, 1, 2, Random(1));
      fill_normal(scale, 1, 1, Random(2));
      fill_normal(shift, 0, 1, Random(3));
      fill_normal(mean, 0, 1, Random(4));
      fill_uniform(variance, 0.5, 2, Random(5));
      const auto vx = Variable<double>::leaf(x), vg = Variable<double>::leaf(scale),
                 vs = Variable<double>::leaf(shift);
      std::optional<TrainingMode> mode;
      if (training) mode.emplace(TrainingStep{.batch = shape[0]});
      const auto check =
          check_gradient([&] { return batch_norm(vx, vg, vs, mean, variance); }, {vx, vg, vs});
      EXPECT_LT(check.error, 1e-6) << shape << training << " " << check.where;
    }
}

TEST(BatchNorm, BadInput) {
  const Tensor<float> x({1, 1, 2}), one({2}), three({3});
  expect_error([&] { batch_norm<float>(x, one, one, one, three); }, {"(3)", "(1, 1, 2)"});
  const auto train = [&](std::int64_t batch) {
    const TrainingMode mode({.batch = batch});
    batch_norm<float>(x, one, one, one, one);
  };
  expect_error([&] { train(1); }, {"more than one value", "(1, 1, 2)"});
  expect_error([&] { train(0); }, {"(1, 1, 2)", "batch of 0"});
}

}  // namespace
}  // namespace nopal
