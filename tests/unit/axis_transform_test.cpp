// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "nn/axis_transform.hpp"

#include <gtest/gtest.h>
#include <nopal/core/random.hpp>

#include <cmath>
#include <limits>

namespace nopal {
namespace {

// Every residue modulo 4, the shortest axes, a long one that is not folded.
constexpr std::int64_t axes[] = {1, 2, 3, 4, 5, 6, 7, 8, 12, 30, 31, 64, 100, 1030};
// Narrow data, one vector, a panel and a rest.
constexpr std::int64_t widths[] = {1, 3, 16, 70};

double wave(std::int64_t row, std::int64_t highest, std::int64_t n, std::int64_t points) {
  const std::int64_t k = row <= highest ? row : row - highest;
  const double angle = 2 * M_PI * static_cast<double>(k * n % points) / static_cast<double>(points);
  return row <= highest ? std::cos(angle) : std::sin(angle);
}

template <class T>
double norm(const Tensor<T>& x) {
  return std::sqrt(dot(x, x));
}

template <class T>
class AxisTransformTest : public testing::Test {};
using Scalars = testing::Types<float, double>;
TYPED_TEST_SUITE(AxisTransformTest, Scalars);

TYPED_TEST(AxisTransformTest, EqualsTheSums) {
  using T = TypeParam;
  const double tolerance = sizeof(T) == 4 ? 2e-6 : 2e-14;
  const std::int64_t before = 2;
  for (const std::int64_t points : axes)
    for (const std::int64_t highest : {std::int64_t{0}, points / 5, points / 2})
      for (const std::int64_t after : widths) {
        const detail::AxisTransform<T> transform(points, highest);
        ASSERT_EQ(transform.rows(), 2 * highest + 1);
        const std::int64_t rows = transform.rows();
        const Tensor<T> x({before, points, after}), y({before, rows, after});
        fill_normal(x, 0, 1, Random(1));
        y.fill(std::numeric_limits<T>::quiet_NaN());
        transform.analyse(x.data(), y.data(), before, after);
        const auto xs = x.to_vector(), ys = y.to_vector();
        double worst = 0;
        for (std::int64_t a = 0; a < before; ++a)
          for (std::int64_t r = 0; r < rows; ++r)
            for (std::int64_t b = 0; b < after; b += 3) {
              double sum = 0;
              for (std::int64_t n = 0; n < points; ++n)
                sum +=
                    wave(r, highest, n, points) *
                    static_cast<double>(xs[static_cast<std::size_t>((a * points + n) * after + b)]);
              const auto got = ys[static_cast<std::size_t>((a * rows + r) * after + b)];
              worst = std::max(worst, std::abs(sum - static_cast<double>(got)));
            }
        EXPECT_LT(worst, tolerance * (4 + std::sqrt(static_cast<double>(points))) * 4)
            << points << " points, h = " << highest << ", " << after << " columns";
      }
}

TYPED_TEST(AxisTransformTest, SynthesisIsTheTranspose) {
  using T = TypeParam;
  const double tolerance = sizeof(T) == 4 ? 1e-5 : 1e-13;
  const std::int64_t before = 3;
  for (const std::int64_t points : axes)
    for (const std::int64_t after : widths) {
      const detail::AxisTransform<T> transform(points, points / 2);
      const Tensor<T> x({before, points, after}), z({before, points, after});
      const Tensor<T> y({before, transform.rows(), after}), w({before, transform.rows(), after});
      fill_normal(x, 0, 1, Random(1));
      fill_normal(w, 0, 1, Random(2));
      z.fill(std::numeric_limits<T>::quiet_NaN());  // beta = 0 must not read it
      transform.analyse(x.data(), y.data(), before, after);
      transform.synthesise(w.data(), z.data(), before, after, T(0));
      const double size = norm(x) * norm(z);
      EXPECT_NEAR(dot(y, w), dot(x, z), tolerance * size) << points << " points, " << after;

      const Tensor<T> sum = x.clone();
      transform.synthesise(w.data(), sum.data(), before, after, T(1));
      axpy(T(-1), z, sum);
      axpy(T(-1), x, sum);
      EXPECT_LT(norm(sum), tolerance * (norm(x) + norm(z))) << points << " points, " << after;
    }
}

TEST(AxisTransform, FoldingSavesThreeQuarters) {
  const std::int64_t points = 64, highest = 11;
  const detail::AxisTransform<double> transform(points, highest);
  const double direct = 2 * static_cast<double>(points * transform.rows());
  EXPECT_LT(transform.flops(), 0.3 * direct);
}

}  // namespace
}  // namespace nopal
