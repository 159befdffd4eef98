// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "petsc_test_tools.hpp"
#include "test_tools.hpp"

#include <gtest/gtest.h>
#include <nopal/solvers/problems/forced_ode.hpp>

#include <cmath>

namespace nopal {
namespace {

ForcedOde problem(ForcedOdeKind kind, double k = 1) {
  ForcedOdeOptions options;
  options.kind = kind;
  options.k = k;
  return ForcedOde(options, Communicator::world());
}

std::vector<double> at_nodes(std::int64_t steps, double (*u)(double)) {
  std::vector<double> values;
  for (std::int64_t i = 0; i <= 2 * steps; ++i)
    values.push_back(u(static_cast<double>(i) / static_cast<double>(2 * steps)));
  return values;
}

// Errors at t = 1 with 8 and 16 steps against exact solutions.
void expect_order_four(const ForcedOde& ode, double (*u)(double), double exact) {
  double errors[2];
  for (int i = 0; i < 2; ++i)
    errors[i] = std::abs(
        ode.solve(at_nodes(8 << i, u), 1)[static_cast<std::size_t>((8 << i) * ode.variables())] -
        exact);
  EXPECT_GT(std::log2(errors[0] / errors[1]), 3.8);
  EXPECT_LT(errors[1], 1e-5);
}

TEST(ForcedOde, OrderFour) {
  expect_order_four(
      problem(ForcedOdeKind::antiderivative), [](double t) { return std::cos(4 * t); },
      std::sin(4.0) / 4);
  // u = 1: s = tanh(t)
  expect_order_four(
      problem(ForcedOdeKind::nonlinear_ode), [](double) { return 1.0; }, std::tanh(1.0));
  // s1 = t^2 / 2 solves it with this u, for k = 1.
  expect_order_four(
      problem(ForcedOdeKind::pendulum), [](double t) { return 1 + std::sin(t * t / 2); }, 0.5);
}

// The values at random times are those of the solution that the sensors see, on any ranks.
TEST(ForcedOde, PointData) {
  for (const auto kind :
       {ForcedOdeKind::antiderivative, ForcedOdeKind::nonlinear_ode, ForcedOdeKind::pendulum}) {
    ForcedOde ode = problem(kind);
    const auto data = ode.point_data<double>(3, 10, 5, 4);
    data.check("test");
    ForcedOdeOptions options;
    options.kind = kind;
    const auto serial = ForcedOde(options).point_data<double>(3, 10, 5, 4);
    EXPECT_EQ(data.values.to_vector(), serial.values.to_vector());
    EXPECT_EQ(data.points.to_vector(), serial.points.to_vector());
    const Tensor<double> x(ode.x_shape()), y(ode.y_shape());
    ode.sample(3, 10, x, y);
    for (std::int64_t j = 0; j < 100; ++j)
      EXPECT_EQ(x.data()[j], data.functions[0].data()[j]);
    const std::int64_t c = ode.variables();
    for (std::int64_t p = 0; p < 4; ++p) {
      const double t = 99 * data.points.data()[p];
      const auto left = static_cast<std::int64_t>(t);
      const double w = t - static_cast<double>(left);
      for (std::int64_t v = 0; v < c; ++v)
        EXPECT_NEAR(data.values.data()[p * c + v],
                    (1 - w) * y.data()[left * c + v] + w * y.data()[(left + 1) * c + v], 1e-3);
    }
  }
}

// The mean square of the antiderivative of the process at t = 1 is the integral of its covariance.
TEST(ForcedOde, AntiderivativeOfTheProcess) {
  const auto data = problem(ForcedOdeKind::antiderivative).point_data<double>(1, 0, 4000, 1);
  double largest = 0;
  for (const double s : data.values.to_vector())
    largest = std::max(largest, std::abs(s));
  EXPECT_LT(largest, 5 * 0.7);  // standard deviation at most 0.64 for length 0.2
  EXPECT_GT(largest, 1);
}

TEST(ForcedOde, BadInput) {
  ForcedOdeOptions options;
  options.sensors = 1;
  test::expect_error([&] { ForcedOde ode(options); }, {"antiderivative_sensors", "at least 2"});
  options = {};
  options.time = -1;
  test::expect_error([&] { ForcedOde ode(options); }, {"antiderivative_time"});
  test::expect_error([&] { problem(ForcedOdeKind::pendulum).point_data<float>(0, 0, 0, 1); },
                     {"at least 1 sample"});
}

}  // namespace
}  // namespace nopal
