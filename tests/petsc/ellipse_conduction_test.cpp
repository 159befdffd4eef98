// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "test_tools.hpp"

#include <gtest/gtest.h>
#include <nopal/solvers/problems/ellipse_conduction.hpp>

#include <cmath>
#include <numbers>

namespace {

using namespace nopal;
using Problem = EllipseConduction;

// Central differences in zeta: T is harmonic there, and its gradient is what the chain rule says.
TEST(EllipseConduction, SolvesLaplacesEquation) {
  for (const Problem::Design& d : {Problem::Design{1, 0.3, 0.7}, {0.5, 0.5, 0}, {0.5, 0.6, 1.5}}) {
    for (const double theta : {0.1, 2.0, 4.5}) {
      EXPECT_NEAR(Problem::place(d, 1, theta).temperature, 1, 1e-14);
      const double rho = 1.7, h = 1e-4;
      const auto at = [&](double dr, double dt) {
        return Problem::place(d, rho * std::exp(dr), theta + dt);
      };
      // In (ln rho, theta) the Laplacian is the sum of second derivatives, up to a factor.
      const double mid = at(0, 0).temperature;
      EXPECT_NEAR(at(h, 0).temperature + at(-h, 0).temperature + at(0, h).temperature +
                      at(0, -h).temperature,
                  4 * mid, 1e-12);
      const Problem::Place p = at(0, 0);
      for (const auto& [plus, minus] : {std::pair{at(h, 0), at(-h, 0)}, {at(0, h), at(0, -h)}})
        EXPECT_NEAR(
            p.gradient[0] * (plus.at[0] - minus.at[0]) + p.gradient[1] * (plus.at[1] - minus.at[1]),
            plus.temperature - minus.temperature, 1e-11);
    }
  }
}

// The source's heat leaves through the ellipse, whatever its shape: 2 pi 0.5; T is constant on it,
// and its points lie on it.
TEST(EllipseConduction, ItsSurfaceHasTheFluxOfTheSource) {
  for (const Problem::Design& d : {Problem::Design{1, 0.3, 0.7}, {0.5, 0.6, 1.5}}) {
    const Problem::Surface s = Problem::surface(d, 200);
    double flux = 0;
    for (std::int64_t k = 0; k < 200; ++k) {
      const double *at = s.points.data() + 2 * k, *g = s.gradients.data() + 2 * k,
                   *n = s.normals.data() + 2 * k;
      EXPECT_NEAR(std::pow(at[0] / d[0], 2) + std::pow(at[1] / d[1], 2), 1, 1e-12);
      EXPECT_NEAR(g[0] * n[1] - g[1] * n[0], 0, 1e-12);
      EXPECT_NEAR(std::hypot(n[0], n[1]), 1, 1e-12);
      EXPECT_GT(n[0] * at[0] + n[1] * at[1], 0);
      flux -= (g[0] * n[0] + g[1] * n[1]) * s.lengths.data()[k];
    }
    EXPECT_NEAR(flux, std::numbers::pi, 1e-10);
  }
}

TEST(EllipseConduction, SamplesAreFunctionsOfTheShape) {
  EllipseConductionOptions o;
  o.around = 8;
  o.away = 4;
  Problem problem(o);
  const Tensor<double> x(problem.x_shape()), y(problem.y_shape());
  problem.sample(0, 11, x, y);
  const Problem::Design d = Problem::design(11);
  const Problem::Place last = Problem::place(d, 3, 2 * std::numbers::pi * 7 / 8);
  EXPECT_EQ(x.data()[5 * 31 + 1], d[1]);
  EXPECT_NEAR(x.data()[5 * 31 + 3], last.at[0], 1e-13);
  EXPECT_NEAR(y.data()[31], last.temperature, 1e-13);
  const InMemoryDataset<double> data(x.reshape({1, 8, 4, 5}), y.reshape({1, 8, 4, 1}));
  const FunctionData<double> f = problem.as_functions(data);
  EXPECT_EQ(f.points.shape(), Shape({32, 2}));
  EXPECT_EQ(f.functions[0].to_vector(), std::vector<double>(d.begin(), d.end()));
  const Tensor<double> g = problem.gradients<double>({11});
  EXPECT_EQ(g.shape(), Shape({32, 2, 1}));
  EXPECT_NEAR(g.data()[62], last.gradient[0], 1e-13);
  o.outer = 1;
  test::expect_error([&] { Problem{o}; }, {"-ellipse_conduction_outer", "got 1"});
}

}  // namespace
