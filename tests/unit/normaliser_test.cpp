// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>
#include <nopal/core/random.hpp>
#include <nopal/data/normaliser.hpp>

#include "test_tools.hpp"

#include <cmath>
#include <limits>

namespace nopal {
namespace {

using test::expect_error;

template <class T>
class NormaliserTest : public testing::Test {
 protected:
  using Fit = NormaliserFit<T>;
  static constexpr double unit = std::numeric_limits<T>::epsilon();

  static Tensor<T> tensor(const Shape& shape, const std::vector<T>& values) {
    return Tensor<T>::from_host(shape, values);
  }
};
using Scalars = testing::Types<float, double>;
TYPED_TEST_SUITE(NormaliserTest, Scalars);

// Two samples of two points and two channels; channel 0 is 1, 3, 5, 7, channel 1 is 10, 10, 10, 10.
TYPED_TEST(NormaliserTest, ChannelStatisticsByHand) {
  typename TestFixture::Fit fit;
  fit.add(this->tensor({2, 2, 2}, {1, 10, 3, 10, 5, 10, 7, 10}));
  const auto normaliser = fit.finish();
  EXPECT_EQ(normaliser.mean().shape(), (Shape{2}));
  EXPECT_EQ(normaliser.mean().to_vector(), (std::vector<TypeParam>{4, 10}));
  const auto deviation = normaliser.deviation().to_vector();
  EXPECT_NEAR(deviation[0], std::sqrt(5.0), 4 * this->unit);  // (9 + 1 + 1 + 9) / 4 = 5
  EXPECT_EQ(deviation[1], TypeParam(0));
}

TYPED_TEST(NormaliserTest, PointStatisticsByHand) {
  typename TestFixture::Fit fit(TestFixture::Fit::Kind::point);
  fit.add(this->tensor({2, 2, 2}, {1, 10, 3, 10, 5, 10, 7, 14}));
  const auto normaliser = fit.finish();
  EXPECT_EQ(normaliser.mean().shape(), (Shape{2, 2}));
  EXPECT_EQ(normaliser.mean().to_vector(), (std::vector<TypeParam>{3, 10, 5, 12}));
  EXPECT_EQ(normaliser.deviation().to_vector(), (std::vector<TypeParam>{2, TypeParam(2e-7), 2, 2}))
      << "the least deviation of a point is 1e-7 of the largest in its channel";
}

// What is 1e-15 in one unit of length is 1 in another: the encoded data are the same.
TYPED_TEST(NormaliserTest, UnitsDoNotMatter) {
  for (const auto kind : {TestFixture::Fit::Kind::channel, TestFixture::Fit::Kind::point}) {
    std::vector<TypeParam> encoded[2];
    for (const int small : {0, 1}) {
      const auto unit = static_cast<TypeParam>(small ? 1e-15 : 1);
      typename TestFixture::Fit fit(kind);
      const auto x = this->tensor({2, 2, 1}, {1 * unit, 0, 3 * unit, 2 * unit});
      fit.add(x);
      encoded[small] = fit.finish().encode(x).to_vector();
    }
    for (std::size_t i = 0; i < 4; ++i)
      EXPECT_NEAR(encoded[0][i], encoded[1][i], 8 * this->unit);
  }
}

TYPED_TEST(NormaliserTest, ConstantsAreOnlyShifted) {
  const Normaliser<TypeParam> normaliser(this->tensor({1}, {3}), this->tensor({1}, {0}));
  const auto x = this->tensor({1, 2, 1}, {3, 4});
  EXPECT_EQ(normaliser.encode(x).to_vector(), (std::vector<TypeParam>{0, 1}));
  EXPECT_EQ(normaliser.decode(normaliser.encode(x)).to_vector(), x.to_vector());
}

TYPED_TEST(NormaliserTest, EncodeAndDecodeAreTheFormula) {
  const Normaliser<TypeParam> normaliser(this->tensor({2}, {1, -2}), this->tensor({2}, {2, 0.5}));
  const auto x = this->tensor({1, 2, 2}, {3, -2, 1, 0});
  const auto z = normaliser.encode(x).to_vector();
  const double expected[] = {1, 0, 0, 4};
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_NEAR(z[i], expected[i], 8 * this->unit);
  EXPECT_EQ(x.to_vector()[0], TypeParam(3)) << "encode() is out of place";
  const auto back = normaliser.decode(normaliser.encode(x)).to_vector();
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_NEAR(back[i], x.to_vector()[i], 8 * this->unit);
}

// Small and large numbers of statistics take different kernels.
TYPED_TEST(NormaliserTest, EveryKindMakesZeroMeanAndUnitVariance) {
  for (const auto kind : {TestFixture::Fit::Kind::channel, TestFixture::Fit::Kind::point}) {
    for (const Shape& shape : {Shape{50, 4, 3, 2}, Shape{50, 20, 10, 3}}) {
      Tensor<TypeParam> x(shape);
      fill_normal(x, 3, 5, Random(1));
      typename TestFixture::Fit fit(kind);
      fit.add(x);
      const auto normaliser = fit.finish();
      const auto z = normaliser.encode(x);
      typename TestFixture::Fit again(kind);
      again.add(z);
      const auto after = again.finish();
      for (const TypeParam mean : after.mean().to_vector())
        EXPECT_NEAR(mean, 0, 8 * this->unit);
      for (const TypeParam deviation : after.deviation().to_vector())
        EXPECT_NEAR(deviation, 1, 1e-6);  // epsilon / deviation = 2e-8, and rounding
      const auto back = normaliser.decode(z).to_vector(), original = x.to_vector();
      for (std::size_t i = 0; i < back.size(); ++i)
        ASSERT_NEAR(back[i], original[i], 40 * this->unit);
    }
  }
}

TYPED_TEST(NormaliserTest, BatchesDoNotMatter) {
  Tensor<TypeParam> x({37, 8, 8, 2});
  fill_normal(x, 1000, 1, Random(2));
  typename TestFixture::Fit whole;
  whole.add(x);
  const auto expected = whole.finish();
  for (const std::int64_t batch : {1, 5, 36}) {  // a rounding of the mean for each
    typename TestFixture::Fit fit;
    for (std::int64_t i = 0; i < 37; i += batch)
      fit.add(x.slice(i, std::min<std::int64_t>(batch, 37 - i)));
    const auto found = fit.finish();
    for (std::size_t c = 0; c < 2; ++c) {
      EXPECT_NEAR(found.mean().to_vector()[c], expected.mean().to_vector()[c],
                  static_cast<double>(1 + 37 / batch) * 1000 * this->unit);
      EXPECT_NEAR(found.deviation().to_vector()[c], expected.deviation().to_vector()[c],
                  1e-12 + 2 * this->unit);
    }
  }
}

// The sum of squares minus the squared sum would lose all digits here.
TYPED_TEST(NormaliserTest, LargeMeanSmallDeviation) {
  const TypeParam step = std::ldexp(TypeParam(1), std::is_same_v<TypeParam, float> ? -3 : -20);
  const TypeParam base = std::ldexp(TypeParam(1), 20);
  std::vector<TypeParam> values(10000);
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = base + (i % 2 ? step : -step);
  typename TestFixture::Fit fit;
  fit.add(this->tensor({100, 100, 1}, values));
  const auto normaliser = fit.finish();
  EXPECT_EQ(normaliser.mean().item(), base);
  EXPECT_EQ(normaliser.deviation().item(), step);
}

TYPED_TEST(NormaliserTest, ConstantChannelEncodesToZero) {
  typename TestFixture::Fit fit;
  for (int i = 0; i < 7; ++i) {
    Tensor<TypeParam> x({3, 11, 1});
    x.fill(TypeParam(0.1));
    fit.add(x);
  }
  const auto normaliser = fit.finish();
  Tensor<TypeParam> x({1, 5, 1});
  x.fill(TypeParam(0.1));
  for (const TypeParam z : normaliser.encode(x).to_vector())
    EXPECT_NEAR(z, 0, 1e-8);
}

TYPED_TEST(NormaliserTest, IdentityChangesNothing) {
  const Normaliser<TypeParam> normaliser;
  EXPECT_TRUE(normaliser.identity());
  const auto x = this->tensor({1, 2, 1}, {1, 2});
  const auto z = normaliser.encode(x);
  EXPECT_EQ(z.to_vector(), x.to_vector());
  EXPECT_NE(z.data(), x.data()) << "encode() is out of place";
}

TYPED_TEST(NormaliserTest, InPlaceAllocatesNothing) {
  for (const Shape& statistics : {Shape{2}, Shape{16, 16, 2}}) {
    Tensor<TypeParam> one(statistics), x({2, 16, 16, 2});
    one.fill(1);
    x.fill(3);
    const Normaliser<TypeParam> normaliser(one, one);
    const auto before = memory_statistics();
    reset_peak_memory();
    normaliser.encode_in_place(x);
    normaliser.decode_in_place(x);
    EXPECT_EQ(memory_statistics().peak_in_use, before.in_use);
    EXPECT_EQ(memory_statistics().system_allocations, before.system_allocations);
    EXPECT_NEAR(x.to_vector()[17], 3, 8 * this->unit);
  }
}

TYPED_TEST(NormaliserTest, WrongShapesAreNamed) {
  Tensor<TypeParam> two({2}), three({3}), points({4, 4, 2});
  two.fill(1), three.fill(1), points.fill(1);
  expect_error([&] { Normaliser<TypeParam>(two, three); }, {"(2)", "(3)"});
  expect_error([&] { Normaliser<TypeParam>(Tensor<TypeParam>({0}), Tensor<TypeParam>({0})); },
               {"(0)"});
  expect_error(
      [&] {
        Normaliser<TypeParam>(two, two).encode(Tensor<TypeParam>({1, 4, 4, 3}));
      },
      {"(2)", "(1, 4, 4, 3)"});
  expect_error(
      [&] {
        Normaliser<TypeParam>(points, points).decode(Tensor<TypeParam>({1, 8, 8, 2}));
      },
      {"(4, 4, 2)", "(1, 8, 8, 2)", "own grid"});

  typename TestFixture::Fit fit;
  expect_error([&] { fit.finish(); }, {"no samples"});
  fit.add(Tensor<TypeParam>::zeros({1, 4, 2}));
  expect_error([&] { fit.add(Tensor<TypeParam>::zeros({1, 4, 3})); }, {"(1, 4, 3)", "(2)"});
}

TYPED_TEST(NormaliserTest, NumbersThatAreNoneAreRefused) {
  const TypeParam nan = std::numeric_limits<TypeParam>::quiet_NaN();
  const TypeParam infinity = std::numeric_limits<TypeParam>::infinity();
  const auto one = this->tensor({3}, {1, 1, 1});
  for (const TypeParam bad : {nan, infinity, -infinity}) {
    const auto other = this->tensor({3}, {1, bad, 1});
    expect_error([&] { Normaliser<TypeParam>(other, one); }, {"mean", "entry 1"});
    expect_error([&] { Normaliser<TypeParam>(one, other); }, {"deviation", "entry 1"});
  }
  expect_error(
      [&] {
        Normaliser<TypeParam>(one, this->tensor({3}, {1, 1, -1}));
      },
      {"deviation is negative", "entry 2"});
  typename TestFixture::Fit fit;
  fit.add(this->tensor({1, 2, 1}, {1, nan}));
  expect_error([&] { fit.finish(); }, {"mean", "not finite"});
}

TEST(Normaliser, StatisticsByPointBelongToTheirGrid) {
  const auto mean = Tensor<double>::from_host({4, 1}, {1, 2, 3, 4});
  const Normaliser<double> by_point(mean, mean);
  EXPECT_EQ(by_point.on(Grid({4})).mean().to_vector(), mean.to_vector());
  EXPECT_THROW(by_point.on(Grid({3})), Error);  // and not the first three
  const auto one = Tensor<double>::from_host({1}, {2});
  EXPECT_EQ(Normaliser<double>(one, one).on(Grid({3})).mean().to_vector(), one.to_vector());
}

}  // namespace
}  // namespace nopal
