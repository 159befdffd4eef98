// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "test_tools.hpp"

#include <gtest/gtest.h>
#include <nopal/solvers/problems/burgers.hpp>

#include <cmath>
#include <numbers>

namespace nopal {
namespace {

using std::numbers::pi;

// u = -2 nu phi_x / phi of the Cole-Hopf transform with phi = 1 + a exp(-nu k^2 t) cos(k x), k = 2
// pi, seen by an observer at speed -c: c is added.
double exact(double x, double t, double nu, double c) {
  const double k = 2 * pi, e = 0.7 * std::exp(-nu * k * k * t), z = k * (x - c * t);
  return c + 2 * nu * k * e * std::sin(z) / (1 + e * std::cos(z));
}

double error(double nu, double c, std::int64_t n, std::int64_t steps) {
  BurgersOptions options;
  options.viscosity = nu;
  const Burgers problem(options);
  std::vector<double> u;
  for (std::int64_t i = 0; i < n; ++i)
    u.push_back(exact(double(i) / double(n), 0, nu, c));
  const std::vector<double> end = problem.solve(u, 1, steps);
  double largest = 0;
  for (std::int64_t i = 0; i < n; ++i)
    largest = std::max(largest, std::abs(end[static_cast<std::size_t>(i)] -
                                         exact(double(i) / double(n), 1, nu, c)));
  return largest;
}

TEST(Burgers, ExactSolution) {
  EXPECT_LT(error(0.1, 0, 128, 200), 1e-10);
  EXPECT_LT(error(0.02, 0.5, 128, 2000), 1e-9);
}

TEST(Burgers, OrderFourInTime) {
  const double coarse = error(0.02, 0.5, 128, 100), fine = error(0.02, 0.5, 128, 200);
  EXPECT_GT(std::log2(coarse / fine), 3.7) << coarse << " " << fine;
}

// The mean is conserved and the maximum does not grow; twice the points change little.
TEST(Burgers, Samples) {
  BurgersOptions options;
  options.resolution = 64;
  options.solve_refine = 4;
  Burgers problem(options);
  const Tensor<double> x({64, 1}), y({64, 1});
  problem.sample(1, 2, x, y);
  double mean = 0, before = 0, after = 0;
  for (std::int64_t i = 0; i < 64; ++i) {
    mean += y.data()[i] / 64;
    before = std::max(before, std::abs(x.data()[i]));
    after = std::max(after, std::abs(y.data()[i]));
  }
  EXPECT_NEAR(mean, 0, 1e-6);
  EXPECT_LT(after, before);
  EXPECT_GT(after, 0);
}

// Fields over space and time begin with the first values and end with those of the end.
TEST(Burgers, SpaceAndTime) {
  BurgersOptions options;
  options.resolution = 32;
  options.viscosity = 0.01;
  options.frames = 4;
  Burgers problem(options);
  EXPECT_EQ(problem.x_shape(), Shape({32, 5, 1}));
  EXPECT_EQ(problem.y_shape(), Shape({32, 5, 1}));
  const Tensor<double> x({32, 5, 1}), y({32, 5, 1});
  problem.sample(1, 2, x, y);
  const auto at = [](double time) {
    BurgersOptions o;
    o.resolution = 32;
    o.viscosity = 0.01;
    o.time = time;
    const Tensor<double> first({32, 1}), last({32, 1});
    Burgers(o).sample(1, 2, first, last);
    return std::pair(first.to_vector(), last.to_vector());
  };
  for (const std::int64_t k : {1, 2, 4}) {
    const auto [first, last] = at(0.25 * static_cast<double>(k));
    for (std::size_t i = 0; i < 32; ++i) {
      const auto p = 5 * static_cast<std::int64_t>(i);
      EXPECT_EQ(x.data()[p + k], first[i]);
      EXPECT_EQ(y.data()[p], first[i]);
      EXPECT_NEAR(y.data()[p + k], last[i], 1e-6 * std::abs(last[i]) + 1e-8) << k << " " << i;
    }
  }
  options.frames = -1;
  test::expect_error([&] { Burgers again(options); }, {"burgers_frames", "-1"});
}

TEST(Burgers, BadInput) {
  BurgersOptions options;
  options.viscosity = 0;
  test::expect_error([&] { Burgers problem(options); }, {"burgers_viscosity", "positive"});
  options.viscosity = 1e-6;
  const Burgers thin(options);
  std::vector<double> u(512);
  for (std::size_t i = 0; i < u.size(); ++i)
    u[i] = 1e3 * std::sin(2 * pi * double(i) / 512);
  test::expect_error([&] { thin.solve(u, 1, 3); }, {"not finite", "burgers_cfl"});
}

}  // namespace
}  // namespace nopal
