// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "test_tools.hpp"

#include <gtest/gtest.h>
#include <nopal/solvers/problems/advection.hpp>

#include <algorithm>
#include <cmath>

namespace nopal {
namespace {

struct Sample {
  std::vector<double> x, y;
};

Sample sample(const AdvectionOptions& options, std::uint64_t index = 4) {
  Advection problem(options);
  const Tensor<double> x(problem.x_shape()), y(problem.y_shape());
  problem.sample(2, index, x, y);
  return {x.to_vector(), y.to_vector()};
}

// Shifts by whole points are exact.
TEST(Advection, ShiftsTheWave) {
  const auto one = sample({.kind = 1, .time = 0.25});
  for (std::size_t i = 0; i < 40; ++i)
    EXPECT_EQ(one.y[(i + 10) % 40], one.x[i]);
  for (const std::int64_t kind : {2, 3}) {
    const auto all = sample({.kind = kind, .resolution = 40, .frames = 41});
    for (std::size_t i = 0; i < 40; ++i)
      for (std::size_t j = 0; j < 41; ++j) {
        EXPECT_EQ(all.x[i * 41 + j], all.x[i * 41]);
        // Rounding of i / n - t may move a point over a jump, but not over a hat.
        if (kind == 3) continue;
        const double y = all.y[((i + j) % 40) * 41 + j];
        EXPECT_TRUE(y == all.x[i * 41] || y == 0 || y > 1);
      }
  }
}

TEST(Advection, WavesAreInTheirRanges) {
  for (std::uint64_t index = 0; index < 50; ++index) {
    const auto s = sample({.kind = 1, .resolution = 1000}, index);
    const double height = *std::max_element(s.x.begin(), s.x.end());
    const auto width = std::count(s.x.begin(), s.x.end(), height) / 1000.0;
    EXPECT_TRUE(height >= 1 && height <= 2) << height;
    EXPECT_TRUE(width >= 0.299 && width <= 0.601) << width;
  }
}

TEST(Advection, NoiseIsInTheInputOnly) {
  const auto clean = sample({.kind = 1, .resolution = 2000}),
             noisy = sample({.kind = 1, .resolution = 2000, .noise = 0.01});
  EXPECT_EQ(clean.y, noisy.y);
  double square = 0, difference = 0;
  for (std::size_t i = 0; i < 2000; ++i) {
    square += clean.x[i] * clean.x[i];
    difference += std::pow(clean.x[i] - noisy.x[i], 2);
  }
  EXPECT_NEAR(std::sqrt(difference / square), 0.01, 0.001);
}

TEST(Advection, BadInput) {
  test::expect_error([] { Advection({.kind = 4}); }, {"advection_kind", "4"});
  test::expect_error([] { Advection({.noise = -1}); }, {"advection_noise"});
}

}  // namespace
}  // namespace nopal
