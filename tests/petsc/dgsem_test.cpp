// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// The entropy-stable DGSEM: what its theory says, and exact solutions.

#include "../../solvers/euler/lobatto.hpp"
#include "petsc/euler_test_tools.hpp"
#include "test_tools.hpp"

#include <gtest/gtest.h>
#include <nopal/solvers/euler/dgsem.hpp>
#include <nopal/solvers/euler/riemann.hpp>

#include <cmath>
#include <numbers>

namespace {

using namespace nopal::euler;
using namespace nopal::euler::test;
using nopal::Communicator;
using nopal::OwnedVec;
using nopal::Tensor;
using nopal::test::expect_error;
using std::numbers::pi;

// Exact for polynomials of degree N (derivatives), 2 N - 1 (quadrature); modes of Legendre
// polynomials; summation by parts.
TEST(Lobatto, DifferentiatesAndIntegrates) {
  for (const int degree : {1, 2, 3, 5, 8}) {
    const Lobatto b(degree);
    const auto n = static_cast<std::size_t>(b.n);
    for (int k = 0; k < 2 * degree; ++k) {
      double sum = 0;
      for (std::size_t a = 0; a < n; ++a)
        sum += b.weights[a] * std::pow(b.nodes[a], k);
      EXPECT_NEAR(sum, k % 2 ? 0 : 2.0 / (k + 1), 1e-13) << degree << k;
    }
    for (std::size_t a = 0; a < n; ++a) {
      double slope = 0;
      for (std::size_t l = 0; l < n; ++l)
        slope += b.derivative[a * n + l] * std::pow(b.nodes[l], degree);
      EXPECT_NEAR(slope, degree * std::pow(b.nodes[a], degree - 1), 1e-11);
      for (std::size_t l = 0; l < n; ++l) {
        const double sum =
            b.weights[a] * b.derivative[a * n + l] + b.weights[l] * b.derivative[l * n + a];
        EXPECT_NEAR(sum, a != l ? 0 : a == 0 ? -1 : a + 1 == n ? 1 : 0, 1e-12);
      }
    }
    for (std::size_t k = 0; k < n; ++k)
      for (std::size_t l = 0; l < n; ++l) {
        double mode = 0;
        for (std::size_t a = 0; a < n; ++a)
          mode += b.modes[k * n + a] * Legendre(static_cast<int>(l), b.nodes[a]).value;
        EXPECT_NEAR(mode, k == l ? 1 : 0, 1e-12);
      }
  }
}

Primitive rough(const Point& at) {
  return {1 + 0.6 * std::sin(7 * at[0]) * std::cos(3 * at[1]), std::sin(5 * at[1]),
          0.5 * std::cos(9 * at[0] * at[1]), 1 + 0.7 * std::sin(4 * at[0] + 8 * at[1])};
}

// d/dt of the total entropy: zero with entropy-conserving fluxes, negative with others; mass,
// momentum and energy stay, with and without shock capturing.
TEST(Dgsem, ConservesAndDoesNotProduceEntropy) {
  for (const int degree : {1, 2, 3, 4})
    for (const char* flux : {"conserving", "hlle", "hllc"})
      for (const double blending : {0.0, 1.0}) {
        DgsemOptions o;
        o.degree = degree;
        o.flux = flux;
        o.largest_blending = blending;
        DgsemSolver solver(4, 5, wavy, {true, true}, {}, o, world());
        solver.set_state(rough);
        OwnedVec rate;
        NOPAL_PETSC(VecDuplicate(solver.state(), rate.receive()));
        solver.residual(0, solver.state(), rate);
        const Tensor<double> areas = solver.areas();
        const PetscScalar* r = nullptr;
        NOPAL_PETSC(VecGetArrayRead(rate, &r));
        double sums[4] = {}, size = 0;
        for (std::int64_t k = 0; k < areas.size(); ++k)
          for (std::int64_t c = 0; c < 4; ++c) {
            sums[c] += areas.data()[k] * r[4 * k + c];
            size += areas.data()[k] * std::abs(r[4 * k + c]);
          }
        NOPAL_PETSC(VecRestoreArrayRead(rate, &r));
        size = world().sum(size);
        for (const double sum : sums)
          EXPECT_NEAR(world().sum(sum), 0, 1e-13 * size) << flux << degree;
        const double production = solver.entropy_rate(solver.state(), rate);
        if (flux != std::string("conserving")) {
          EXPECT_LT(production, -1e-4 * size) << flux << degree << blending;
        } else if (blending == 0) {
          EXPECT_NEAR(production, 0, 1e-13 * size) << degree;
        }
        if (blending == 0) {
          EXPECT_EQ(solver.blending(solver.state()), 0);
        }
      }
}

TEST(Dgsem, KeepsAUniformFlow) {
  const Primitive w{1.2, 3, 2, 0.7};
  for (const bool periodic : {false, true}) {
    const BoundaryRule in = everywhere({Boundary::Kind::exact, w}),
                       out = everywhere({Boundary::Kind::outflow, {}});
    DgsemSolver solver(5, 4, wavy, {periodic, periodic}, {in, out, in, out}, {}, world());
    solver.set_state([&](const Point&) { return w; });
    OwnedVec rate;
    NOPAL_PETSC(VecDuplicate(solver.state(), rate.receive()));
    solver.residual(0, solver.state(), rate);
    PetscReal norm = 0;
    NOPAL_PETSC(VecNorm(rate, NORM_INFINITY, &norm));
    EXPECT_LT(norm, 1e-10);
  }
}

double density_error(const DgsemSolver& solver, const std::function<double(const Point&)>& exact) {
  const Tensor<double> areas = solver.areas(), w = solver.primitives(), x = solver.points();
  double sum = 0, area = 0;
  for (std::int64_t k = 0; k < areas.size(); ++k) {
    sum +=
        areas.data()[k] * std::abs(w.data()[4 * k] - exact({x.data()[2 * k], x.data()[2 * k + 1]}));
    area += areas.data()[k];
  }
  return world().sum(sum) / world().sum(area);
}

// A wave of density that the flow carries along, on curved elements: order N + 1. (Of a density
// wave, all but rho is constant.)
TEST(Dgsem, HasItsOrder) {
  for (const int degree : {2, 3}) {
    std::vector<double> errors;
    for (const std::int64_t n : {8, 16}) {
      DgsemOptions o;
      o.degree = degree;
      o.largest_blending = 0;
      o.cfl = 0.4;
      DgsemSolver solver(n, n, wavy, {true, true}, {}, o, world());
      const auto wave = [](const Point& at, double t) {
        return Primitive{1 + 0.2 * std::sin(2 * pi * (at[0] + at[1] - 1.5 * t)), 1, 0.5, 1};
      };
      solver.set_state([&](const Point& at) { return wave(at, 0); });
      solver.advance(0.2);
      errors.push_back(density_error(solver, [&](const Point& at) { return wave(at, 0.2).rho; }));
    }
    EXPECT_GT(std::log2(errors[0] / errors[1]), degree + 0.5) << degree << " " << errors[0];
  }
}

// Shocks: with the blending, the error falls with the grid, and nothing gets negative.
TEST(Dgsem, SolvesRiemannProblems) {
  for (const char* name : {"sod", "lax"}) {
    const RiemannProblem p = riemann_problem(name);
    const ExactRiemann exact(p.left, p.right);
    std::vector<double> errors;
    for (const std::int64_t n : {20, 80}) {
      DgsemSolver solver(
          n, 3,
          [](double x, double y) {
            return Point{x, 0.1 * y};
          },
          {false, true}, all_sides(everywhere({Boundary::Kind::outflow, {}})), {}, world());
      solver.set_state([&](const Point& at) { return at[0] < p.x ? p.left : p.right; });
      const double before = solver.entropy(solver.state());
      solver.advance(p.time);
      EXPECT_LT(solver.entropy(solver.state()), before);
      EXPECT_GT(solver.blending(solver.state()), 0.1);
      const Tensor<double> w = solver.primitives();
      for (std::int64_t k = 0; k < w.size(); k += 4)
        EXPECT_GT(std::min(w.data()[k], w.data()[k + 3]), 0);
      errors.push_back(density_error(
          solver, [&](const Point& at) { return exact.at((at[0] - p.x) / p.time).rho; }));
    }
    EXPECT_GT(std::log2(errors[0] / errors[1]) / 2, 2.0 / 3)
        << name << errors[0] << " " << errors[1];
  }
}

// A jump of the pressure by 10^9 (LeBlanc; Loubere, Shashkov, J. Comput. Phys. 209, 2005): no step
// is refused, since finite volumes take over where densities and pressures need it.
TEST(Dgsem, StaysPositive) {
  const Primitive left{1, 0, 0, 2.0 / 30}, right{1e-3, 0, 0, 2.0 / 3 * 1e-10};
  for (const int degree : {2, 5}) {
    DgsemOptions o;
    o.gamma = 5.0 / 3;
    o.degree = degree;
    o.largest_blending = 0.5;
    DgsemSolver solver(
        60, 3,
        [](double x, double y) {
          return Point{9 * x, 0.5 * y};
        },
        {false, true}, all_sides(everywhere({Boundary::Kind::outflow, {}})), o, world());
    solver.set_state([&](const Point& at) { return at[0] < 3 ? left : right; });
    const FlowProgress progress = solver.advance(1);
    EXPECT_EQ(progress.retries, 0) << degree;
    const Tensor<double> w = solver.primitives();
    for (std::int64_t k = 0; k < w.size(); k += 4)
      EXPECT_GT(std::min(w.data()[k], w.data()[k + 3]), 0);
  }
}

TEST(Dgsem, IsTheSameOnAnyNumberOfRanks) {
  expect_same_on_all_ranks([](const Communicator& comm) {
    DgsemSolver solver(8, 6, wavy, {false, true}, all_sides(everywhere({Boundary::Kind::wall, {}})),
                       {}, comm);
    solver.set_state(rough);
    solver.advance(0.02);
    return norms_of(solver.state());
  });
}

TEST(Dgsem, BadInputIsRefused) {
  const auto make = [](const DgsemOptions& o, const Boundaries& b = {},
                       const DgsemSolver::Mapping& m = wavy) {
    DgsemSolver(4, 4, m, {false, false}, b, o, world());
  };
  DgsemOptions degree;
  degree.degree = 0;
  expect_error([&] { make(degree); }, {"degree from 1 to 10", "0"});
  DgsemOptions flux;
  flux.flux = "hllx";
  expect_error([&] { make(flux); }, {"'hllx'", "hll"});
  expect_error([&] { make({}); }, {"side of the grid has no boundary rule"});
  expect_error(
      [&] {
        make({}, all_sides(everywhere({Boundary::Kind::inflow, {1, 0.5, 0, 1}})));
      },
      {"Mach number", "supersonic"});
  expect_error([&] { make({}, {}, [](double x, double y) {
                       return Point{-x, y};
                     }); },
               {"element (0, 0)", "inverted"});
}

}  // namespace
