// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>
#include <nopal/core/random.hpp>
#include <nopal/nn/bfloat16.hpp>
#include <nopal/nn/pooling.hpp>
#include <nopal/operators/direction_net.hpp>

#include "test_tools.hpp"

#include <cmath>
#include <limits>

namespace nopal {
namespace {

using test::expect_error;

class Bfloat16 : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_bfloat16()) GTEST_SKIP() << "no bfloat16 on this machine";
  }
};

// Whole numbers from -3 to 3: bfloat16 holds them, and sums of products below 256.
Tensor<float> whole_numbers(const Shape& shape, std::uint64_t seed, int largest = 3) {
  const Random random(seed);
  std::vector<float> values(static_cast<std::size_t>(shape.size()));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(std::floor(random.uniform(i) * (2 * largest + 1)) - largest);
  return Tensor<float>::from_host(shape, values);
}

TEST(Bfloat16Everywhere, IsRefusedWhereItIsNot) {
  if (has_bfloat16()) {
    require_bfloat16("nothing");
    return;
  }
  DirectionNet<float> net(DirectionNetOptions{});
  expect_error([&] { net.store_in_bfloat16(); }, {"direction_net", "AVX-512 BF16", "use float"});
  EXPECT_FALSE(net.stores_in_bfloat16());
}

TEST_F(Bfloat16, RoundsToNearestEven) {
  const float inf = std::numeric_limits<float>::infinity(), ulp = std::ldexp(1.F, -7);
  const std::vector<float> x = {0,
                                -0.F,
                                1,
                                -3.5,
                                1 + ulp / 2,
                                1 + 3 * ulp / 2,
                                1 + ulp / 2 + ulp / 1024,
                                -1 - 0.49F * ulp,
                                inf,
                                -inf,
                                std::nanf(""),
                                std::ldexp(1.F, -130),
                                3.4e38F,
                                65504,
                                1e-30F,
                                255.5F};
  const float tiny = std::ldexp(1.F, -130);
  const std::vector<float> expected = {0,   -0.F, 1, -3.5, 1,   1 + 2 * ulp, 1 + ulp, -1,
                                       inf, -inf, 0, tiny, inf, 65536,       0,       256};
  // In vectors and alone.
  for (const std::int64_t copies : {1, 3})
    for (const std::int64_t dropped : {0, 2}) {
      const auto n = static_cast<std::int64_t>(x.size()) - dropped;
      const Tensor<float> t({copies, n});
      for (std::int64_t i = 0; i < t.size(); ++i)
        t.data()[i] = x[static_cast<std::size_t>(i % n)];
      const std::vector<float> y = Bfloat16Field::rounded(t).to_float().to_vector();
      for (std::size_t i = 0; i < y.size(); ++i) {
        const std::size_t k = i % static_cast<std::size_t>(n);
        if (std::isnan(x[k])) {
          EXPECT_TRUE(std::isnan(y[i]));
        } else if (x[k] == tiny) {
          EXPECT_TRUE(y[i] == tiny || y[i] == 0);  // the processor's instruction makes it 0
        } else if (x[k] == 1e-30F) {
          EXPECT_NEAR(y[i], x[k], x[k] / 512);
        } else {
          EXPECT_EQ(y[i], expected[k]) << x[k];
          EXPECT_EQ(std::signbit(y[i]), std::signbit(expected[k]));
        }
      }
    }
}

TEST_F(Bfloat16, ConvolutionIsExactForWholeNumbers) {
  for (const Shape& field : {Shape{2, 9, 2}, Shape{1, 200, 6}, Shape{2, 5, 7, 16},
                             Shape{1, 4, 6, 20}, Shape{1, 3, 4, 5, 4}, Shape{2, 2, 3, 17, 16}})
    for (const std::int64_t out : {2, 4, 16, 18, 34})
      for (const std::int64_t stride : {1, 2}) {
        ConvolutionOptions options;
        options.stride = stride;
        options.activation = Activation::relu;
        Shape kernel;
        for (int a = 1; a + 1 < field.rank(); ++a) {
          options.offset[static_cast<std::size_t>(a - 1)] = -1;
          kernel.push_back(3);
        }
        if (stride == 1) options.extents = Shape(field.begin() + 1, field.end() - 1);
        kernel.push_back(field[-1]);
        kernel.push_back(out);
        const auto x = whole_numbers(field, 1, 1), w = whole_numbers(kernel, 2, 1),
                   b = whole_numbers({out}, 3);
        const auto exact =
            convolution(Variable<float>(x), Variable<float>(w), Variable<float>(b), options)
                .value();
        const auto r = whole_numbers(exact.shape(), 4);
        const Bfloat16Field rounded = Bfloat16Field::rounded(r);
        const auto plain = convolution(Bfloat16Field::rounded(x), w, b, options).to_float(),
                   added =
                       convolution(Bfloat16Field::rounded(x), w, b, options, rounded).to_float(),
                   first = convolution_to_bfloat16(x, w, b, options).to_float();
        ASSERT_EQ(plain.shape(), exact.shape());
        for (std::int64_t i = 0; i < exact.size(); ++i) {
          ASSERT_LT(exact.data()[i], 250);
          ASSERT_EQ(plain.data()[i], exact.data()[i]) << field << out << " " << i;
          ASSERT_EQ(first.data()[i], exact.data()[i]) << field << out << " " << i;
          ASSERT_EQ(added.data()[i], exact.data()[i] + r.data()[i]) << field << out << " " << i;
        }
      }
}

TEST_F(Bfloat16, LevelsAndLinearAreExactForWholeNumbers) {
  for (const Shape& field : {Shape{2, 6, 4}, Shape{1, 4, 6, 16}, Shape{2, 2, 4, 6, 6}}) {
    Tensor<float> x = whole_numbers(field, 1, 2);
    scale(8.F, x);
    const auto h = Bfloat16Field::rounded(x);
    const auto mean = halve(h).to_float(), expected = average_pool(Variable<float>(x), 2).value();
    EXPECT_EQ(mean.to_vector(), expected.to_vector());
    const auto up = upsample_nearest(Variable<float>(expected), 2).value();
    const auto sum = add_doubled(halve(h), h).to_float();
    for (std::int64_t i = 0; i < x.size(); ++i)
      EXPECT_EQ(sum.data()[i], up.data()[i] + x.data()[i]);
    const auto w = whole_numbers({field[-1], 3}, 5), b = whole_numbers({3}, 6);
    const auto y = linear(h, w, b);
    for (std::int64_t p = 0; p < x.size() / field[-1]; ++p)
      for (std::int64_t o = 0; o < 3; ++o) {
        float product = b.data()[o];
        for (std::int64_t c = 0; c < field[-1]; ++c)
          product += x.data()[p * field[-1] + c] * w.data()[c * 3 + o];
        EXPECT_EQ(y.data()[p * 3 + o], product);
      }
  }
  const auto h = Bfloat16Field::rounded(whole_numbers({1, 3, 4, 2}, 1));
  expect_error([&] { halve(h); }, {"even", "(1, 3, 4, 2)"});
  expect_error([&] { add_doubled(h, h); }, {"is not half"});
  expect_error([&] { Bfloat16Field(Shape{1, 4, 3}); }, {"even number of channels", "(1, 4, 3)"});
  expect_error([&] { linear(h, Tensor<float>({3, 1}), Tensor<float>({1})); }, {"(3, 1)"});
  expect_error(
      [&] {
        convolution(h, whole_numbers({3, 3, 4, 2}, 2), {}, ConvolutionOptions{});
      },
      {"convolution in bfloat16"});
}

// The output, and only that, is a little less exact; on a tape everything is as before.
TEST_F(Bfloat16, DirectionNetIsNearTheFloats) {
  for (const std::int64_t d : {2, 3}) {
    DirectionNetOptions options;
    options.dimension = d;
    options.levels = 2;
    options.mask = true;
    DirectionNet<float> net(options, 3);
    const Tensor<float> x(d == 2 ? Shape{2, 12, 16, 2} : Shape{1, 8, 12, 4, 2});
    fill_normal(x, 0, 1, Random(5));
    for (std::int64_t i = 1; i < x.size(); i += 2)
      x.data()[i] = i % 10 == 1 ? 0 : 1;
    const Variable<float> input(x);
    const auto exact = net.forward(std::span(&input, 1)).value();
    net.store_in_bfloat16();
    const auto rounded = net.forward(std::span(&input, 1)).value();
    double difference = 0, size = 0;
    for (std::int64_t i = 0; i < exact.size(); ++i) {
      difference += std::pow(rounded.data()[i] - exact.data()[i], 2);
      size += std::pow(exact.data()[i], 2);
      if (x.data()[2 * i + 1] == 0) {
        EXPECT_EQ(rounded.data()[i], 0);
      }
    }
    EXPECT_LT(difference, 2e-4 * size);
    EXPECT_GT(difference, 1e-8 * size);
    Tape<float> tape;
    const auto leaf = Variable<float>::leaf(x);
    EXPECT_EQ(net.forward(std::span(&leaf, 1)).value().to_vector(), exact.to_vector());
  }
  DirectionNetOptions odd;
  odd.filters = 3;
  DirectionNet<float> net(odd);
  expect_error([&] { net.store_in_bfloat16(); }, {"even number of filters, got 3"});
}

}  // namespace
}  // namespace nopal
