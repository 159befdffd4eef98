// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// The vorticity solver against exact solutions and itself, and the recipes that use it.

#include "test_tools.hpp"

#include <gtest/gtest.h>
#include <nopal/core/random.hpp>
#include <nopal/solvers/problems/navier_stokes.hpp>

#include <cmath>
#include <numbers>

namespace {

using namespace nopal;
using std::numbers::pi;
using test::expect_error;

const Communicator& world() {
  static const Communicator comm = Communicator::world();
  return comm;
}

std::vector<double> at_points(const VorticitySolver& solver, std::int64_t n, double length,
                              const std::function<double(double, double)>& f) {
  std::vector<double> values;
  for (std::int64_t i = solver.rows().begin; i < solver.rows().end; ++i)
    for (std::int64_t j = 0; j < n; ++j)
      values.push_back(f(length * double(i) / double(n), length * double(j) / double(n)));
  return values;
}

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  double most = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    most = std::max(most, std::abs(a[i] - b[i]));
  return world().max(most);
}

VorticitySolverOptions with(std::int64_t n, const std::string& scheme, double step) {
  VorticitySolverOptions o;
  o.n = n;
  o.scheme = scheme;
  o.step = step;
  return o;
}

// Taylor-Green: w = 2 cos x cos y exp(-2 nu t) on (0, 2 pi)^2, which the flow does not carry along.
TEST(VorticitySolver, TaylorGreenDecays) {
  for (const char* scheme : {"etdrk4", "cnab2"}) {
    VorticitySolverOptions o = with(16, scheme, 0.01);
    o.viscosity = 0.1;
    o.drag = 0.05;
    VorticitySolver solver(o, world());
    const auto exact = [&](double t) {
      return at_points(solver, 16, 2 * pi, [&](double x, double y) {
        return 2 * std::cos(x) * std::cos(y) * std::exp(-(2 * o.viscosity + o.drag) * t);
      });
    };
    solver.set_vorticity(exact(0));
    EXPECT_NEAR(solver.energy(), 0.25, 1e-13);
    EXPECT_NEAR(solver.enstrophy(), 0.5, 1e-13);
    solver.advance(1);
    EXPECT_LT(largest_difference(solver.vorticity(), exact(1)), scheme[0] == 'e' ? 1e-13 : 1e-6);
    EXPECT_NEAR(solver.energy_spectrum()[1], solver.energy(), 1e-14);  // |k| = sqrt(2)
  }
}

// The same vortices carried along by a wave of the velocity: (u, v) = (1, 0) has no vorticity and
// is no part of the solver; a shear flow sin(y) is. Its product with a wave sin(kx) by hand: for w
// = sin(y) + a sin(3 x), u = -... is compared with differences of u w_x + v w_y at the points.
TEST(VorticitySolver, AdvectsAsTheVelocitySays) {
  const std::int64_t n = 24;
  VorticitySolverOptions o = with(n, "etdrk4", 1e-5);
  o.viscosity = 0;
  VorticitySolver solver(o, world());
  // psi = cos(x + 2 y) + sin(2 x) cos(y): -Lap psi = 5 cos(x + 2 y) + 5 sin(2 x) cos(y) would be
  // steady (one eigenvalue); another wave sin(3 y) with -Lap 9 is not.
  const auto w = [](double x, double y) {
    return 5 * std::cos(x + 2 * y) + 5 * std::sin(2 * x) * std::cos(y) + 9 * std::sin(3 * y);
  };
  const auto change = [](double x, double y) {
    const double u = -2 * std::sin(x + 2 * y) - std::sin(2 * x) * std::sin(y) + 3 * std::cos(3 * y),
                 v = std::sin(x + 2 * y) - 2 * std::cos(2 * x) * std::cos(y);
    const double wx = -5 * std::sin(x + 2 * y) + 10 * std::cos(2 * x) * std::cos(y),
                 wy = -10 * std::sin(x + 2 * y) - 5 * std::sin(2 * x) * std::sin(y) +
                      27 * std::cos(3 * y);
    return -(u * wx + v * wy);
  };
  const auto before = at_points(solver, n, 2 * pi, w), rate = at_points(solver, n, 2 * pi, change);
  solver.set_vorticity(before);
  solver.advance(1e-5);
  auto found = solver.vorticity();
  for (std::size_t i = 0; i < found.size(); ++i)
    found[i] = (found[i] - before[i]) / 1e-5;
  EXPECT_LT(largest_difference(found, rate), 5e-3);  // of rates up to 100
}

std::vector<double> after_steps(const std::string& scheme, double step, double time) {
  VorticitySolverOptions o = with(32, scheme, step);
  o.viscosity = 0.02;
  VorticitySolver solver(o, world());
  solver.set_vorticity(at_points(solver, 32, 2 * pi, [](double x, double y) {
    return std::sin(x + y) + 2 * std::cos(2 * x) - std::sin(3 * y - x) + 0.5 * std::cos(4 * y);
  }));
  solver.set_force(at_points(solver, 32, 2 * pi,
                             [](double x, double y) { return std::sin(2 * x) * std::cos(y); }));
  solver.advance(time);
  return solver.vorticity();
}

TEST(VorticitySolver, HasItsOrderInTime) {
  for (const auto& [scheme, order] : {std::pair{"etdrk4", 4.0}, {"cnab2", 2.0}}) {
    const auto fine = after_steps("etdrk4", 0.0025, 1);
    const double a = largest_difference(after_steps(scheme, 0.05, 1), fine),
                 b = largest_difference(after_steps(scheme, 0.025, 1), fine);
    EXPECT_GT(std::log2(a / b), order - 0.4) << scheme << " " << a << " " << b;
    EXPECT_LT(b, order == 4 ? 1e-5 : 2e-2) << scheme;
  }
}

// Without viscosity the truncated equations keep energy and enstrophy.
TEST(VorticitySolver, KeepsEnergyAndEnstrophy) {
  VorticitySolverOptions o = with(32, "etdrk4", 0.005);
  o.viscosity = 0;
  VorticitySolver solver(o, world());
  solver.set_vorticity(at_points(solver, 32, 2 * pi, [](double x, double y) {
    return std::sin(x + y) + 2 * std::cos(2 * x) - std::sin(3 * y - x);
  }));
  const double energy = solver.energy(), enstrophy = solver.enstrophy();
  solver.advance(0.5);
  EXPECT_NEAR(solver.energy(), energy, 1e-9 * energy);
  EXPECT_NEAR(solver.enstrophy(), enstrophy, 1e-8 * enstrophy);
}

TEST(VorticitySolver, ChoosesItsStepsAndTellsOfABlowUp) {
  VorticitySolverOptions o = with(32, "etdrk4", 0);
  o.viscosity = 0.01;
  const auto start = [](VorticitySolver& solver) {
    solver.set_vorticity(at_points(solver, 32, 2 * pi, [](double x, double y) {
      return 20 * std::sin(3 * x) * std::cos(2 * y) + 10 * std::cos(x - 4 * y);
    }));
  };
  VorticitySolver solver(o, world());
  start(solver);
  const auto progress = solver.advance(1);
  EXPECT_EQ(solver.time(), 1);
  EXPECT_GT(progress.steps, 20);
  EXPECT_LE(progress.longest_step, o.largest_step);
  o.step = 2;  // far beyond what is stable
  VorticitySolver unstable(o, world());
  start(unstable);
  expect_error([&] { unstable.advance(4000); }, {"not finite", "from time", "smaller step"});
  for (const double w : unstable.vorticity())
    EXPECT_TRUE(std::isfinite(w));
}

TEST(VorticitySolver, IsTheSameOnAnyNumberOfRanks) {
  NavierStokesOptions o;
  o.resolution = 10;  // rows that do not divide evenly
  o.time = 0.5;
  const auto solve = [&](const Communicator& comm) {
    NavierStokes problem(o, comm);
    const Tensor<double> x(problem.x_shape()), y(problem.y_shape());
    problem.sample(3, 4, x, y);
    return std::pair(x.to_vector(), y.to_vector());
  };
  const auto [x, y] = solve(world());
  const auto [xa, ya] = solve(Communicator());
  EXPECT_EQ(x, xa);
  for (std::size_t i = 0; i < y.size(); ++i)
    EXPECT_NEAR(y[i], ya[i], 1e-12);
}

// The laws of the random functions: variances by hand.
TEST(NavierStokes, DrawsWhatTheRecipesSay) {
  const auto mean_square = [](const NavierStokes& problem, bool force, std::int64_t n) {
    double sum = 0;
    for (std::uint64_t i = 0; i < 60; ++i)
      for (const double value : force ? problem.force(1, i, n) : problem.initial(1, i, n))
        sum += value * value / double(60 * n * n);
    return sum;
  };
  // Sum over k of the eigenvalues, over the area.
  const auto law = [](double scale, double unit, double shift, double power, int most) {
    double sum = 0;
    for (int a = -most; a <= most; ++a)
      for (int b = -most; b <= most; ++b)
        if (a != 0 || b != 0)
          sum += scale * std::pow(unit * unit * (a * a + b * b) + shift, -power);
    return sum;
  };
  NavierStokesOptions o;
  o.recipe = "forced";
  const double forced = law(27, 1, 9, 4, 15) / (4 * pi * pi);
  EXPECT_NEAR(mean_square(NavierStokes(o), true, 32), forced, 0.15 * forced);
  o.recipe = "fno";
  const double fno = law(2 * 343, 2 * pi, 49, 2.5, 15);
  EXPECT_NEAR(mean_square(NavierStokes(o), false, 32), fno, 0.2 * fno);
  o.recipe = "de_hoop";
  // Each of 50 pairs: (a^2 + b^2) / 2 of variance 1 each, over (2 pi^2 (9 + k^2)^2).
  std::vector<int> squares;
  for (int a = -12; a <= 12; ++a)
    for (int b = 0; b <= 12; ++b)
      if (b > 0 || a > 0) squares.push_back(a * a + b * b);
  std::sort(squares.begin(), squares.end());
  double de_hoop = 0;
  for (std::size_t p = 0; p < 50; ++p)
    de_hoop += 1 / (2 * pi * pi * std::pow(9 + squares[p], 4));
  EXPECT_NEAR(mean_square(NavierStokes(o), true, 32), de_hoop, 0.2 * de_hoop);
  EXPECT_EQ(NavierStokes(o).initial(1, 2, 16), NavierStokes(o).initial(5, 9, 16));
}

TEST(NavierStokes, SamplesAreFramesOfTheFlow) {
  NavierStokesOptions o;
  o.recipe = "fno";
  o.resolution = 16;
  o.solve_refine = 2;
  o.frames = 12;
  o.time = 2.4;
  NavierStokes problem(o);
  const Tensor<double> x(problem.x_shape()), y(problem.y_shape());
  problem.sample(0, 1, x, y);
  EXPECT_EQ(x.shape(), Shape({16, 16, 10}));
  EXPECT_EQ(y.shape(), Shape({16, 16, 2}));
  VorticitySolver solver = problem.solver(32);
  solver.set_vorticity(problem.initial(0, 1, 32));
  solver.set_force(problem.force(0, 1, 32));
  solver.advance(2.4);
  const auto end = solver.vorticity();
  EXPECT_NEAR(y.data()[(3 * 16 + 5) * 2 + 1], end[6 * 32 + 10], 1e-4);
  solver = problem.solver(32);
  solver.set_vorticity(problem.initial(0, 1, 32));
  solver.set_force(problem.force(0, 1, 32));
  solver.advance(0.2);
  EXPECT_NEAR(x.data()[(3 * 16 + 5) * 10], solver.vorticity()[6 * 32 + 10], 1e-4);

  o = {};
  o.recipe = "kolmogorov";
  o.resolution = 16;
  o.frames = 3;
  o.time = 0.3;
  o.burn_in = 0.5;
  NavierStokes kolmogorov(o);
  const Tensor<double> a(kolmogorov.x_shape()), b(kolmogorov.y_shape());
  kolmogorov.sample(0, 0, a, b);
  EXPECT_EQ(b.shape(), Shape({16, 16, 3}));
  EXPECT_TRUE(all_finite(b));
}

TEST(NavierStokes, BadInputIsRefused) {
  NavierStokesOptions o;
  o.recipe = "dehoop";
  expect_error([&] { NavierStokes{o}; }, {"-navier_stokes_recipe", "de_hoop"});
  o = {};
  o.resolution = 9;
  expect_error([&] { NavierStokes{o}; }, {"even product", "got 9 and 1"});
  o = {};
  o.recipe = "fno";
  o.frames = 10;
  expect_error([&] { NavierStokes{o}; }, {"at least 11, got 10"});
  expect_error([] { VorticitySolver{with(7, "etdrk4", 0)}; }, {"even", "got 7"});
  expect_error([] { VorticitySolver{with(8, "rk4", 0)}; }, {"unknown scheme"});
  VorticitySolver solver(with(8, "etdrk4", 0));
  const std::vector<double> few(3), bad(64, std::nan(""));
  expect_error([&] { solver.set_vorticity(few); }, {"64 points, got 3"});
  expect_error([&] { solver.set_force(bad); }, {"force has the value"});
  expect_error([&] { solver.advance(-1); }, {"from time 0 to -1"});
}

}  // namespace
