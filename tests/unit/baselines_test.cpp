// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/random.hpp>
#include <nopal/data/interpolation.hpp>
#include <nopal/operators/baselines.hpp>

#include <gtest/gtest.h>

#include <cmath>

namespace nopal {
namespace {

// Data in memory, so that the test does not depend on files.
template <class T>
class Samples : public Dataset<T> {
 public:
  Samples(Tensor<T> x, Tensor<T> y) : x_(x), y_(y) {}
  std::int64_t size() const override { return x_.extent(0); }
  Shape x_shape() const override { return Shape(x_.shape().begin() + 1, x_.shape().end()); }
  Shape y_shape() const override { return Shape(y_.shape().begin() + 1, y_.shape().end()); }
  std::string description() const override { return "test"; }
  void read(std::span<const std::int64_t> indices, const Tensor<T>& x,
            const Tensor<T>& y) const override {
    for (std::size_t i = 0; i < indices.size(); ++i) {
      x.slice(static_cast<std::int64_t>(i), 1).copy_from(x_.slice(indices[i], 1));
      y.slice(static_cast<std::int64_t>(i), 1).copy_from(y_.slice(indices[i], 1));
    }
  }

 private:
  Tensor<T> x_, y_;
};

TEST(Interpolation, LinearFunctionsAreExactAndSharedPointsUnchanged) {
  // f(s, t) = (1 + 2 s, 3 t - s) at points i/4, j/6
  const auto field = [](std::int64_t n1, std::int64_t n2) {
    std::vector<double> values;
    for (std::int64_t i = 0; i < n1; ++i)
      for (std::int64_t j = 0; j < n2; ++j) {
        const double s = double(i) / double(n1), t = double(j) / double(n2);
        values.insert(values.end(), {1 + 2 * s, 3 * t - s});
      }
    return Tensor<double>::from_host({1, n1, n2, 2}, values);
  };
  for (const auto& [n1, n2] : {std::pair(8, 12), std::pair(2, 3), std::pair(5, 7)}) {
    const Tensor<double> y = interpolate(field(4, 6), {n1, n2});
    const auto expected = field(n1, n2).to_vector(), got = y.to_vector();
    for (std::size_t i = 0; i < expected.size(); ++i)
      EXPECT_NEAR(got[i], expected[i], 1e-14);
  }
  const Tensor<double> fine(Shape{1, 8, 1});
  fill_normal(fine, 0, 1, Random(3));
  const auto x = fine.to_vector(), y = interpolate(fine, {4}).to_vector();
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_EQ(y[i], x[2 * i]);
  EXPECT_EQ(interpolate(Tensor<double>::from_host({1, 1, 1}, {3}), {3}).to_vector(),
            (std::vector<double>{3, 3, 3}));
  EXPECT_THROW(interpolate(fine, {4, 4}), Error);
}

TEST(MeanField, IsTheMeanAtEachPoint) {
  const auto x = Tensor<double>::zeros({3, 2, 1});
  const auto y = Tensor<double>::from_host({3, 2, 1}, {1, 10, 2, 20, 6, 60});
  const MeanField<double> mean(Samples<double>(x, y));
  EXPECT_EQ(mean.predict(Tensor<double>::zeros({2, 2, 1})).to_vector(),
            (std::vector<double>{3, 30, 3, 30}));
  // On 4 points: between the points the mean of both, behind the last the same slope.
  EXPECT_EQ(mean.predict(Tensor<double>::zeros({1, 4, 1})).to_vector(),
            (std::vector<double>{3, 16.5, 30, 43.5}));
}

TEST(LinearBaseline, RecoversAnAffineMapOfLowRank) {
  constexpr std::int64_t n = 60, points = 10, rank = 3;
  const Random random(7);
  const Tensor<double> basis(Shape{rank, points}), map(Shape{rank, points}), z(Shape{n, rank});
  fill_normal(basis, 0, 1, random);
  fill_normal(map, 0, 1, Random(8));
  fill_normal(z, 0, 1, Random(9));
  const auto b = basis.to_vector(), m = map.to_vector(), c = z.to_vector();
  std::vector<double> x(n * points), y(n * points);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < points; ++j) {
      x[i * points + j] = 5;
      y[i * points + j] = -2;
      for (std::size_t k = 0; k < rank; ++k) {
        x[i * points + j] += c[i * rank + k] * b[k * points + j];
        y[i * points + j] += c[i * rank + k] * m[k * points + j];
      }
    }
  const auto xs = Tensor<double>::from_host({n, points, 1}, x);
  const auto ys = Tensor<double>::from_host({n, points, 1}, y);
  const LinearBaseline<double> linear(Samples<double>(xs.slice(0, 50), ys.slice(0, 50)));
  EXPECT_EQ(linear.rank(), rank);
  const auto predicted = linear.predict(xs.slice(50, 10)).to_vector();
  const auto expected = ys.slice(50, 10).to_vector();
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_NEAR(predicted[i], expected[i], 1e-8);
  EXPECT_THROW(linear.predict(Tensor<double>::zeros({1, points, 2})), Error);
  EXPECT_EQ(linear.predict(Tensor<double>::zeros({2, 20, 1})).shape(), (Shape{2, 20, 1}));
}

TEST(LinearBaseline, NoiseIsNotFitted) {
  // Outputs that have nothing to do with the inputs: one component does the least harm.
  const Tensor<float> x(Shape{100, 30, 1}), y(Shape{100, 4, 1});
  fill_normal(x, 0, 1, Random(1));
  fill_normal(y, 1, 0.1, Random(2));
  EXPECT_LE(LinearBaseline<float>(Samples<float>(x, y)).rank(), 3);
}

TEST(LinearBaseline, FewAndEqualSamples) {
  const Tensor<float> x = Tensor<float>::zeros({7, 3, 1}), y = Tensor<float>::zeros({7, 3, 1});
  x.fill(2);
  y.fill(3);
  const LinearBaseline<float> equal(Samples<float>(x, y));
  EXPECT_EQ(equal.rank(), 0);
  EXPECT_EQ(equal.predict(x.slice(0, 1)).to_vector(), (std::vector<float>{3, 3, 3}));
  const LinearBaseline<float> one(Samples<float>(x.slice(0, 1), y.slice(0, 1)));
  EXPECT_EQ(one.predict(x.slice(0, 1)).to_vector(), (std::vector<float>{3, 3, 3}));
}

}  // namespace
}  // namespace nopal
