// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>
#include <nopal/autograd/gradient_check.hpp>
#include <nopal/core/random.hpp>
#include <nopal/nn/norm.hpp>

#include <cmath>

namespace nopal {
namespace {

// Two channels as one group: 0, 2, 4, 6 have mean 3 and variance 5.
TEST(GroupNorm, ByHand) {
  const auto x = Tensor<double>::from_host({1, 2, 2}, {0, 2, 4, 6});
  const auto scale = Tensor<double>::from_host({2}, {10, 1});
  const auto shift = Tensor<double>::from_host({2}, {0, 100});
  const double s = 1 / std::sqrt(5 + 1e-5);
  const auto y = group_norm<double>(x, 1, scale, shift).value().to_vector();
  const double expected[] = {-30 * s, -1 * s + 100, 10 * s, 3 * s + 100};
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_NEAR(y[i], expected[i], 1e-13);
}

TEST(InstanceNorm, MeanZeroVarianceOneForLargeOffsets) {
  Tensor<float> x({3, 8, 9, 5});
  fill_normal(x, 1000, 2, Random(1));
  const auto y = instance_norm<float>(x).value().to_vector();
  for (std::int64_t b = 0; b < 3; ++b)
    for (std::int64_t c = 0; c < 5; ++c) {
      double mean = 0, squares = 0;
      for (std::int64_t p = 0; p < 72; ++p) {
        const double v = y[static_cast<std::size_t>((b * 72 + p) * 5 + c)];
        mean += v / 72;
        squares += v * v / 72;
      }
      EXPECT_NEAR(mean, 0, 1e-3);
      EXPECT_NEAR(squares, 1, 1e-3);
    }
}

TEST(GroupNorm, Gradients) {
  for (const Shape& shape : {Shape{2, 7, 6}, Shape{2, 3, 4, 6}, Shape{2, 3, 2, 4, 6}}) {
    Tensor<double> x(shape), scale({6}), shift({6});
    fill_normal(x, 1, 2, Random(1));
    fill_normal(scale, 1, 1, Random(2));
    fill_normal(shift, 0, 1, Random(3));
    const auto vx = Variable<double>::leaf(x), vg = Variable<double>::leaf(scale),
               vs = Variable<double>::leaf(shift);
    for (const std::int64_t groups : {1, 2, 3, 6}) {
      const auto check =
          check_gradient([&] { return group_norm(vx, groups, vg, vs); }, {vx, vg, vs});
      EXPECT_LT(check.error, 1e-6) << shape << groups << " " << check.where;
    }
    const auto plain = check_gradient([&] { return instance_norm(vx); }, {vx});
    EXPECT_LT(plain.error, 1e-6) << shape << " " << plain.where;
  }
}

// Scale and shift of each sample: as sample by sample with its own.
TEST(GroupNorm, ScaleOfEachSample) {
  Tensor<double> x({3, 5, 4}), scale({3, 4}), shift({3, 4});
  fill_normal(x, 1, 2, Random(1));
  fill_normal(scale, 1, 1, Random(2));
  fill_normal(shift, 0, 1, Random(3));
  const auto y = group_norm<double>(x, 2, scale, shift).value();
  for (std::int64_t b = 0; b < 3; ++b)
    EXPECT_EQ(y.slice(b, 1).to_vector(),
              group_norm<double>(x.slice(b, 1), 2, scale.slice(b, 1), shift.slice(b, 1))
                  .value()
                  .to_vector());
  const auto vx = Variable<double>::leaf(x), vg = Variable<double>::leaf(scale),
             vs = Variable<double>::leaf(shift);
  const auto check = check_gradient([&] { return group_norm(vx, 2, vg, vs); }, {vx, vg, vs});
  EXPECT_LT(check.error, 1e-6) << check.where;
  EXPECT_THROW(group_norm<double>(x, 2, scale.slice(0, 2), shift.slice(0, 2)), Error);
}

TEST(GroupNorm, WrongGroupsAreRefused) {
  EXPECT_THROW(group_norm<float>(Tensor<float>({1, 4, 6}), 4), Error);
  EXPECT_THROW(group_norm<float>(Tensor<float>({1, 4, 6}), 2, Tensor<float>({6})), Error);
}

}  // namespace
}  // namespace nopal
