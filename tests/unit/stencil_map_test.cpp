// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>
#include <nopal/autograd/gradient_check.hpp>
#include <nopal/core/random.hpp>
#include <nopal/nn/neighbours.hpp>

#include "test_tools.hpp"

#include <algorithm>
#include <cmath>
#include <set>

namespace nopal {
namespace {

using test::expect_error;

Tensor<double> random(const Shape& shape, std::uint64_t seed) {
  Tensor<double> x(shape);
  fill_uniform(x, -1, 1, Random(seed));
  return x;
}

TEST(StencilMap, ByHandAndItsGradient) {
  // Output 0: 2 u_1 - u_0 and 3 u_1; output 1: nothing; output 2: u_2 twice.
  const RowStencils s{3, 2, {0, 2, 2, 4}, {1, 0, 2, 2}, {2, 3, -1, 0, 1, 5, 1, -5}};
  const StencilMap<double> map(s);
  const auto u = Tensor<double>::from_host({3, 2}, {1, 10, 2, 20, 3, 30});
  const auto y = map(Variable<double>(u)).value();
  EXPECT_EQ(y.shape(), (Shape{3, 2, 2}));
  EXPECT_EQ(y.to_vector(), (std::vector<double>{3, 30, 6, 60, 0, 0, 0, 0, 6, 60, 0, 0}));
  const auto leaf = Variable<double>::leaf(random({3, 2}, 1));
  EXPECT_LT(check_gradient([&] { return map(leaf); }, {leaf}).error, 1e-8);
  expect_error([&] { map(Variable<double>(random({4, 2}, 1))); }, {"3 points", "(4, 2)"});
  expect_error([] { StencilMap<double>({2, 1, {0, 1}, {2}, {1}}); }, {"point 2", "of the 2"});
  expect_error([] { StencilMap<double>({2, 2, {0, 1}, {1}, {1}}); }, {"do not fit"});
}

TEST(Neighbours, AreTheNearest) {
  for (const std::int64_t d : {1, 2, 3}) {
    auto x = random({60, d}, 3);
    for (std::int64_t a = 0; a < d; ++a)  // points that are the same
      x.data()[5 * d + a] = x.data()[6 * d + a] = x.data()[7 * d + a];
    const auto distance = [&](std::int64_t i, std::int64_t j) {
      double square = 0;
      for (std::int64_t a = 0; a < d; ++a)
        square += std::pow(x.data()[i * d + a] - x.data()[j * d + a], 2);
      return square;
    };
    const auto found = nearest_neighbours(x, 7);
    ASSERT_EQ(found.size(), 420U);
    for (std::int64_t i = 0; i < 60; ++i) {
      std::vector<double> all;
      for (std::int64_t j = 0; j < 60; ++j)
        if (j != i) all.push_back(distance(i, j));
      std::sort(all.begin(), all.end());
      std::set<std::int64_t> seen{i};
      for (std::size_t k = 0; k < 7; ++k) {
        const std::int64_t j = found[static_cast<std::size_t>(i) * 7 + k];
        EXPECT_TRUE(seen.insert(j).second);
        EXPECT_NEAR(distance(i, j), all[k], 1e-15);
      }
    }
  }
  expect_error([] { nearest_neighbours(random({7, 2}, 1), 7); }, {"7 neighbours", "the 7"});
  expect_error([] { nearest_neighbours(random({7}, 1), 2); }, {"(P, d)", "(7)"});
}

TEST(LeastSquaresGradients, AreExactForLinearFunctionsAtAnyScale) {
  for (const double scale : {1e-12, 1.0, 1e9})
    for (const std::int64_t d : {1, 2, 3}) {
      auto x = random({40, d}, 5);
      nopal::scale(scale, x);
      const RowStencils s = least_squares_gradients(x, 3 * d);
      Tensor<double> u({40, 2});
      for (std::int64_t i = 0; i < 40; ++i) {
        u.data()[2 * i] = 7;
        u.data()[2 * i + 1] = 1;
        for (std::int64_t a = 0; a < d; ++a) {
          u.data()[2 * i] += static_cast<double>(a + 1) * x.data()[i * d + a];
          u.data()[2 * i + 1] -= x.data()[i * d + a];
        }
      }
      const auto g = StencilMap<double>(s)(Variable<double>(u)).value();
      ASSERT_EQ(g.shape(), (Shape{40, d, 2}));
      for (std::int64_t i = 0; i < 40; ++i)
        for (std::int64_t a = 0; a < d; ++a) {
          // Differences of numbers near 7 lose what the distances are smaller.
          const double tolerance = 1e-11 + 1e-13 / scale;
          EXPECT_NEAR(g.data()[(i * d + a) * 2], static_cast<double>(a + 1), tolerance);
          EXPECT_NEAR(g.data()[(i * d + a) * 2 + 1], -1, tolerance);
        }
    }
}

// The published closed form in the plane, (A^T A)^-1 A^T r.
TEST(LeastSquaresGradients, AreThoseOfTheNormalEquations) {
  const auto x = random({30, 2}, 5), u = random({30, 1}, 6);
  const auto found = nearest_neighbours(x, 6);
  const auto g =
      StencilMap<double>(least_squares_gradients(x, 6))(Variable<double>(u)).value().to_vector();
  for (std::size_t i = 0; i < 30; ++i) {
    double xx = 0, xy = 0, yy = 0, xr = 0, yr = 0;
    for (std::size_t k = 0; k < 6; ++k) {
      const auto j = static_cast<std::size_t>(found[6 * i + k]);
      const double dx = x.data()[2 * j] - x.data()[2 * i],
                   dy = x.data()[2 * j + 1] - x.data()[2 * i + 1], r = u.data()[j] - u.data()[i];
      xx += dx * dx;
      xy += dx * dy;
      yy += dy * dy;
      xr += dx * r;
      yr += dy * r;
    }
    const double determinant = xx * yy - xy * xy;
    EXPECT_NEAR(g[2 * i], (yy * xr - xy * yr) / determinant, 1e-10);
    EXPECT_NEAR(g[2 * i + 1], (xx * yr - xy * xr) / determinant, 1e-10);
  }
}

TEST(LeastSquaresGradients, PointsOnALineAreNamed) {
  std::vector<double> x;
  for (int i = 0; i < 8; ++i) {
    x.push_back(0.25 + i);
    x.push_back(0.5 + 2 * i);
  }
  expect_error(
      [&] {
        least_squares_gradients(Tensor<double>::from_host({8, 2}, x), 3);
      },
      {"3 nearest neighbours of point 0 at (0.25, 0.5)", "on a line"});
  expect_error(
      [&] {
        least_squares_gradients(Tensor<double>::zeros({8, 2}), 3);
      },
      {"are the same"});
}

TEST(ConsecutiveDifferences, ByHand) {
  const auto x = Tensor<double>::from_host({4, 2}, {0, 0, 3, 4, 3, 4, 3, 6});
  const auto u = Tensor<double>::from_host({4, 1}, {1, 11, 12, 20});
  const RowStencils s = consecutive_differences(x);
  EXPECT_EQ(StencilMap<double>(s)(Variable<double>(u)).value().to_vector(),
            (std::vector<double>{2, 1, 4}));
}

}  // namespace
}  // namespace nopal
