// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Flow past a blunt body: bow shock and nose against published correlations; samples.

#include "test_tools.hpp"

#include <gtest/gtest.h>
#include <nopal/solvers/euler/gas_relations.hpp>
#include <nopal/solvers/problems/semi_ellipse.hpp>

#include <cmath>

namespace {

using namespace nopal;
using test::expect_error;

// Rayleigh's pitot formula: pressure at the nose over that of the free stream. NACA 1135, (100).
double pitot(double mach, double gamma) {
  const double m2 = mach * mach;
  return std::pow((gamma + 1) * m2 / 2, gamma / (gamma - 1)) *
         std::pow((gamma + 1) / (2 * gamma * m2 - (gamma - 1)), 1 / (gamma - 1));
}

TEST(SemiEllipse, HasTheBowShockOfACylinder) {
  SemiEllipseOptions o;
  o.cells = 64;
  o.tolerance = 2e-2;
  o.steps = 4000;
  const SemiEllipse problem(o, Communicator::world());
  const euler::SteadyFlow flow = problem.solve(1, 1);
  const double* w = flow.values.data();
  const auto cell = [&](std::int64_t i, std::int64_t j) { return 4 * (j * 64 + i); };
  EXPECT_NEAR(w[cell(32, 0) + 3], pitot(10, 1.4), 0.02 * pitot(10, 1.4));
  // The shock is where density is half way between its values on both sides, on the axis.
  double stand_off = 0;
  for (std::int64_t j = 0; j + 1 < 64; ++j) {
    const double half = 0.5 * (1.4 + 1.4 * 5.714), here = w[cell(32, j)], next = w[cell(32, j + 1)];
    if (here >= half && next < half) {
      const double x0 = -flow.points.data()[2 * (j * 64 + 32)] - 1,
                   x1 = -flow.points.data()[2 * ((j + 1) * 64 + 32)] - 1;
      stand_off = x0 + (here - half) / (here - next) * (x1 - x0);
    }
  }
  EXPECT_NEAR(stand_off, euler::cylinder_stand_off(10), 0.05 * euler::cylinder_stand_off(10));
  // Alike above and below.
  for (std::int64_t j = 0; j < 64; ++j)
    for (std::int64_t i = 0; i < 32; ++i)
      EXPECT_NEAR(w[cell(i, j)], w[cell(63 - i, j)], 0.1 * w[cell(i, j)]);
  // At the centres of cells, the interpolation has their values.
  const Tensor<double> same = problem.at_points(flow, 1, 1, flow.points);
  for (std::int64_t k = 0; k < 4 * 64; ++k)
    EXPECT_NEAR(same.data()[cell(16, 1) - 64 + k], w[cell(16, 1) - 64 + k],
                0.02 * (1 + std::abs(w[cell(16, 1) - 64 + k])));
  const auto at = [&](double x, double y) {
    return problem.at_points(flow, 1, 1, Tensor<double>::from_host({1, 2}, {x, y})).to_vector();
  };
  EXPECT_EQ(at(-0.5, 0.5), (std::vector<double>{0, 0, 0, 0}));
  EXPECT_EQ(at(-2.5, 0), (std::vector<double>{1.4, 10, 0, 1}));
}

TEST(SemiEllipse, SamplesAreFunctionsOfTheShape) {
  for (const char* points : {"fitted", "uniform"}) {
    SemiEllipseOptions o;
    o.cells = 16;
    o.tolerance = 0.5;
    o.steps = 200;
    o.points = points;
    SemiEllipse problem(o, Communicator::world());
    const Tensor<double> x({2, 16, 16, problem.x_shape()[-1]}), y({2, 16, 16, 4});
    for (std::int64_t k = 0; k < 2; ++k)
      problem.sample(0, k == 0 ? 7 : 35, x.slice(k, 1).reshape(problem.x_shape()),
                     y.slice(k, 1).reshape(problem.y_shape()));
    const FunctionData<double> functions = problem.as_functions(InMemoryDataset<double>(x, y));
    functions.check("of a test");
    ASSERT_EQ(functions.functions[0].shape(), (Shape{2, 2}));
    const std::vector<double> expected{0.65, 0.6, 1.25, 1.0};
    for (std::size_t k = 0; k < 4; ++k)
      EXPECT_NEAR(functions.functions[0].data()[k], expected[k], 1e-12);
    EXPECT_EQ(functions.shared(), points == std::string("uniform"));
    const double *p = functions.points.data(), *values = functions.values.data();
    for (std::int64_t i = 0; i < 2; ++i)
      for (std::int64_t r = 0; r < 256; ++r) {
        const double *at = p + 2 * (functions.shared() ? r : 256 * i + r),
                     *w = values + 4 * (256 * i + r);
        const double a = expected[static_cast<std::size_t>(2 * i)],
                     b = expected[static_cast<std::size_t>(2 * i + 1)];
        const bool body = std::pow(at[0] / a, 2) + std::pow(at[1] / b, 2) < 1;
        if (functions.shared()) {
          EXPECT_EQ(functions.mask.data()[256 * i + r], body ? 0 : 1);
        }
        EXPECT_EQ(w[0] > 0, !body) << at[0] << " " << at[1];
        EXPECT_EQ(w[3] > 0, !body);
      }
  }
}

TEST(SemiEllipse, BadInputIsRefused) {
  SemiEllipseOptions small;
  small.cells = 8;
  expect_error([&] { SemiEllipse problem(small); }, {"-semi_ellipse_cells", "16", "8"});
  SemiEllipseOptions slow;
  slow.mach = 0.5;
  expect_error([&] { SemiEllipse problem(slow); }, {"-semi_ellipse_mach", "0.5"});
  SemiEllipseOptions where;
  where.points = "all";
  expect_error([&] { SemiEllipse problem(where); }, {"fitted or uniform", "'all'"});
  SemiEllipse problem({}, Communicator());
  const Tensor<double> x(problem.x_shape()), y(problem.y_shape());
  expect_error([&] { problem.sample(0, 36, x, y); }, {"0 to 35", "36"});
  expect_error([&] { problem.solve(1, -1); }, {"positive", "-1"});
}

}  // namespace
