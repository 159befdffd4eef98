// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "test_tools.hpp"

#include <gtest/gtest.h>
#include <nopal/solvers/generate.hpp>
#include <nopal/solvers/problems/diffusion_reaction.hpp>
#include <nopal/solvers/problems/fisher.hpp>

#include <cmath>
#include <numbers>

namespace nopal {
namespace {

using std::numbers::pi;

ReactionDiffusion square(double d, double k) {
  return {d, 1,
          [k](double s, double& value, double& slope) {
            value = k * s * s;
            slope = 2 * k * s;
          },
          false};
}

std::vector<double> sine(std::size_t n) {
  std::vector<double> u;
  for (std::size_t i = 0; i < n; ++i)
    u.push_back(std::sin(pi * double(i) / double(n - 1)));
  return u;
}

// Without reaction, s = sin(pi x) (1 - exp(-D pi^2 t)) / (D pi^2).
double linear_error(std::size_t n, std::int64_t steps) {
  const double d = 0.3;
  const auto u = sine(n);
  const auto rows = square(d, 0).solve(std::vector<double>(n), u, 1, 2, steps);
  double largest = 0;
  for (std::size_t t = 0; t <= 2; ++t)
    for (std::size_t i = 0; i < n; ++i)
      largest = std::max(
          largest, std::abs(rows[t * n + i] -
                            u[i] * (1 - std::exp(-d * pi * pi * double(t) / 2)) / (d * pi * pi)));
  return largest;
}

TEST(ReactionDiffusion, OrderTwoToTheExactSolution) {
  const double coarse = linear_error(21, 10), fine = linear_error(41, 20);
  EXPECT_LT(fine, 1e-3);
  EXPECT_NEAR(std::log2(coarse / fine), 2, 0.1);
}

TEST(ReactionDiffusion, OrderTwoWithReaction) {
  const auto middle = [](std::size_t n, std::int64_t steps) {
    const auto rows = square(0.05, 0.5).solve(std::vector<double>(n), sine(n), 1, 1, steps);
    return rows[n + n / 2];
  };
  const double a = middle(21, 10), b = middle(41, 20), c = middle(81, 40);
  EXPECT_NEAR(std::log2((a - b) / (b - c)), 2, 0.1);
}

// Constant in space without flux: the logistic equations have solutions in closed form.
TEST(ReactionDiffusion, LogisticGrowth) {
  constexpr double a = 0.8, u0 = 0.2;
  const std::vector<double> initial(9, u0), none(9);
  for (const FisherForm form : {FisherForm::quadratic, FisherForm::cubic}) {
    const int p = form == FisherForm::quadratic ? 1 : 2;
    const ReactionDiffusion equation{0.1, 1, Fisher::reaction(Fisher::coefficients(form, a, 1)),
                                     true};
    const auto rows = equation.solve(initial, none, 2, 1, 400);
    const double exact = std::pow(1 + (std::pow(u0, -p) - 1) * std::exp(-p * a * 2), -1.0 / p);
    for (std::size_t i = 0; i < 9; ++i)
      EXPECT_NEAR(rows[9 + i], exact, 1e-6);
  }
}

// The cut series is near the exponential for small b, and exact at u = 0 to second order.
TEST(ReactionDiffusion, ExponentialForm) {
  const double a = 0.7, b = 0.1;
  const auto f = Fisher::reaction(Fisher::coefficients(FisherForm::exponential, a, b));
  for (const double u : {0.1, 0.5, 0.9}) {
    double value = 0, slope = 0, low = 0, high = 0, unused = 0;
    f(u, value, slope);
    EXPECT_NEAR(value, a * u * (1 - u) * std::exp(-b * (1 - u)), 1e-4);
    f(u - 1e-5, low, unused);
    f(u + 1e-5, high, unused);
    EXPECT_NEAR(slope, (high - low) / 2e-5, 1e-8);
  }
}

TEST(ReactionDiffusion, Samples) {
  DiffusionReaction problem({.sensors = 21, .times = 10});
  const Tensor<double> x({21, 11, 1}), y({21, 11, 1});
  problem.sample(1, 2, x, y);
  double largest = 0;
  for (std::int64_t i = 0; i < 21; ++i) {
    EXPECT_EQ(y.data()[i * 11], 0);
    largest = std::max(largest, std::abs(y.data()[i * 11 + 10]));
  }
  EXPECT_EQ(y.data()[10], 0);
  EXPECT_GT(largest, 0.01);
  Fisher fisher({});
  const Tensor<double> u({64, 20, 5}), v({64, 20, 1});
  std::array<int, 3> forms{};
  for (std::uint64_t index = 0; index < 40; ++index) {
    ++forms[static_cast<std::size_t>(Fisher::form_of(3, index))];
    fisher.sample(3, index, u, v);
    // What grows stays between what it began with and 1.
    for (std::int64_t i = 0; i < 64; ++i)
      EXPECT_TRUE(v.data()[20 * i + 19] > 0 && v.data()[20 * i + 19] < 1);
  }
  EXPECT_GT(forms[0], 3);
  EXPECT_GT(forms[1], 3);
  EXPECT_GT(forms[2], 10);
}

TEST(ReactionDiffusion, SamplesAsFunctions) {
  Fisher fisher({.points = 5, .times = 3});
  const auto grid = generate_in_memory<double>(fisher, {4, 1, 0, 0}, Communicator::world());
  const auto data = fisher.as_functions(*grid);
  data.check("of the test");
  const Tensor<double> x({5, 3, 5}), y({5, 3, 1});
  fisher.sample(1, 2, x, y);
  for (std::int64_t i = 0; i < 4; ++i)
    EXPECT_EQ(data.functions[0].slice(2, 1).to_vector()[static_cast<std::size_t>(i)],
              x.data()[1 + i]);
  for (std::int64_t i = 0; i < 5; ++i)
    EXPECT_EQ(data.functions[1].slice(2, 1).to_vector()[static_cast<std::size_t>(i)],
              x.data()[15 * i]);
  EXPECT_EQ(data.values.slice(2, 1).to_vector(), y.to_vector());
  EXPECT_DOUBLE_EQ(data.points.to_vector()[5], 1);        // the last time
  EXPECT_DOUBLE_EQ(data.points.to_vector()[3], 2.0 / 3);  // (0, 2/3)
  DiffusionReaction driven({.sensors = 5, .times = 3});
  const auto other =
      driven.as_functions(*generate_in_memory<double>(driven, {2, 1, 0, 0}, Communicator::world()));
  EXPECT_EQ(other.functions[0].shape(), (Shape{2, 5}));
  EXPECT_EQ(other.values.shape(), (Shape{2, 20, 1}));
}

TEST(ReactionDiffusion, BadInput) {
  test::expect_error([] { DiffusionReaction({.diffusion = -1}); },
                     {"diffusion_reaction_diffusion", "positive"});
  test::expect_error([] { Fisher({.points = 2}); }, {"fisher_points", "2"});
  const std::vector<double> large(9, 1e3), none(9);
  test::expect_error([&] { square(0.1, 1e6).solve(large, none, 1, 1, 1); },
                     {"Newton", "more steps"});
  test::expect_error([&] { square(0.1, 1).solve(none, {}, 1, 1, 1); }, {"0 of the source"});
}

}  // namespace
}  // namespace nopal
