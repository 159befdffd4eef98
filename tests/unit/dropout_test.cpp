// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>
#include <nopal/autograd/gradient_check.hpp>
#include <nopal/core/random.hpp>
#include <nopal/nn/dropout.hpp>
#include <nopal/nn/elementwise.hpp>
#include <nopal/nn/training_mode.hpp>

#include "test_tools.hpp"

#include <cmath>

namespace nopal {
namespace {

using test::expect_error;

template <class T>
std::vector<T> dropped_ones(const Shape& shape, double p, const TrainingStep& step,
                            std::uint64_t stream = 1) {
  const TrainingMode mode(step);
  Tensor<T> x(shape);
  x.fill(T(1));
  return dropout<T>(x, p, stream).value().to_vector();
}

// Each entry by the definition, from the public generator: 150 entries are two groups of 64 and a
// part of one.
TEST(Dropout, MaskByHand) {
  const std::uint64_t seed = 0x0123456789abcdef, stream = 77;
  const std::int64_t entries = 150, groups = 3, first = 5;
  const std::uint64_t of_step = Random(seed, stream).bits(9);
  const auto values = dropped_ones<double>(
      {2, 15, 10}, 0.25, {.seed = seed, .index = 9, .batch = 7, .first_sample = first}, stream);
  for (std::int64_t b = 0; b < 2; ++b)
    for (std::int64_t e = 0; e < entries; ++e) {
      const auto counter =
          static_cast<std::uint32_t>(((first + b) * groups + e / 64) * 16 + e % 16);
      const auto words = philox4x32({counter, 0, static_cast<std::uint32_t>(of_step),
                                     static_cast<std::uint32_t>(of_step >> 32)},
                                    {0x89abcdef, 0x01234567});
      const bool kept = words[static_cast<std::size_t>(e % 64 / 16)] >= 1u << 30;
      EXPECT_EQ(values[static_cast<std::size_t>(b * entries + e)], kept ? 1 / 0.75 : 0) << b << e;
    }
}

TEST(Dropout, FractionAndMean) {
  for (const double p : {0.05, 0.5, 0.9}) {
    const auto values = dropped_ones<float>({10, 100, 100}, p, {.seed = 3, .batch = 10});
    const auto n = static_cast<double>(values.size());
    double zeros = 0, sum = 0;
    for (const float v : values) {
      EXPECT_TRUE(v == 0 || v == static_cast<float>(1 / (1 - p)));
      zeros += v == 0;
      sum += v;
    }
    EXPECT_NEAR(zeros / n, p, 4 * std::sqrt(p * (1 - p) / n));
    EXPECT_NEAR(sum / n, 1, 4 * std::sqrt(p / (1 - p) / n));
  }
}

TEST(Dropout, PartsOfABatchSeeTheMaskOfTheWhole) {
  const auto whole = dropped_ones<float>({5, 9, 4}, 0.4, {.seed = 1, .index = 2, .batch = 5});
  std::vector<float> parts;
  for (const auto& [first, count] : {std::pair{0, 2}, {2, 0}, {2, 3}}) {
    const auto part = dropped_ones<float>(
        {count, 9, 4}, 0.4, {.seed = 1, .index = 2, .batch = 5, .first_sample = first});
    parts.insert(parts.end(), part.begin(), part.end());
  }
  EXPECT_EQ(parts, whole);
}

TEST(Dropout, SeedStepAndStreamChangeTheMask) {
  const TrainingStep step{.seed = 1, .index = 2, .batch = 3};
  const auto values = [](const TrainingStep& s, std::uint64_t stream) {
    return dropped_ones<float>({3, 40}, 0.5, s, stream);
  };
  const auto mask = values(step, 1);
  EXPECT_EQ(values(step, 1), mask);
  EXPECT_NE(values({.seed = 2, .index = 2, .batch = 3}, 1), mask);
  EXPECT_NE(values({.seed = 1, .index = 3, .batch = 3}, 1), mask);
  EXPECT_NE(values(step, 2), mask);
}

TEST(Dropout, InferenceIsTheInputItself) {
  const Tensor<float> x({2, 5, 3});
  x.fill(1);
  EXPECT_EQ(dropout<float>(x, 0.5, 1).value().data(), x.data());
  EXPECT_EQ(x.to_vector(), std::vector<float>(30, 1.0f));
}

TEST(Dropout, Gradients) {
  const TrainingMode mode({.seed = 4, .batch = 3});
  Tensor<double> x({3, 6, 5});
  fill_normal(x, 0, 1, Random(1));
  const auto leaf = Variable<double>::leaf(x);
  const auto check = check_gradient([&] { return dropout(copy(leaf), 0.3, 8); }, {leaf});
  EXPECT_LT(check.error, 1e-9) << check.where;
}

TEST(Dropout, BadUse) {
  expect_error([] { dropout<float>(Tensor<float>({1, 2}), 1, 0); }, {"[0, 1)", "1"});
}

}  // namespace
}  // namespace nopal
