// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Compressible Euler equations: exact solutions against tables, finite volumes against exact
// solutions.

#include "petsc/euler_test_tools.hpp"
#include "test_tools.hpp"

#include <gtest/gtest.h>
#include <nopal/solvers/euler/finite_volume.hpp>
#include <nopal/solvers/euler/gas_relations.hpp>
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

constexpr double degree = pi / 180;

// Toro, table 4.2 and 4.3: pressure, velocity and densities between the waves.
TEST(ExactRiemann, HasTheValuesOfTheLiterature) {
  struct Case {
    Primitive left, right;
    double p, u, rho_l, rho_r;
  };
  for (const Case& c :
       {Case{{1, 0, 0, 1}, {0.125, 0, 0, 0.1}, 0.30313, 0.92745, 0.42632, 0.26557},
        Case{{1, -2, 0, 0.4}, {1, 2, 0, 0.4}, 0.00189, 0, 0.02185, 0.02185},
        Case{{1, 0, 0, 1000}, {1, 0, 0, 0.01}, 460.894, 19.5975, 0.57506, 5.99924},
        Case{{1, 0, 0, 0.01}, {1, 0, 0, 100}, 46.0950, -6.19633, 5.99242, 0.57511}}) {
    const ExactRiemann exact(c.left, c.right);
    EXPECT_NEAR(exact.star_pressure(), c.p, 1e-5 * std::max(1.0, c.p));
    EXPECT_NEAR(exact.star_velocity(), c.u, 1e-5 * std::max(1.0, std::abs(c.u)));
    const double e = 1e-9;
    EXPECT_NEAR(exact.at(exact.star_velocity() - e).rho, c.rho_l, 1e-5 * std::max(1.0, c.rho_l));
    EXPECT_NEAR(exact.at(exact.star_velocity() + e).rho, c.rho_r, 1e-5 * std::max(1.0, c.rho_r));
  }
}

// Mass, momentum and energy of the self-similar solution change by what flows in.
TEST(ExactRiemann, Conserves) {
  for (const std::string& name : riemann_problem_names()) {
    const RiemannProblem p = riemann_problem(name);
    const ExactRiemann exact(p.left, p.right);
    const int n = 400000;
    const double far = 8;
    Conserved sum{};
    for (int i = 0; i < n; ++i) {
      const auto q = conserved(exact.at(far * (2 * (i + 0.5) / n - 1)), 1.4);
      for (std::size_t k = 0; k < 4; ++k)
        sum[k] += q[k] * 2 * far / n;
    }
    const auto ql = conserved(p.left, 1.4), qr = conserved(p.right, 1.4),
               fl = flux(p.left, 1, 0, 1.4), fr = flux(p.right, 1, 0, 1.4);
    for (std::size_t k = 0; k < 4; ++k)
      EXPECT_NEAR(sum[k], far * (ql[k] + qr[k]) + fl[k] - fr[k], 2e-3) << name << k;
  }
  expect_error([] { ExactRiemann({1, -20, 0, 1}, {1, 20, 0, 1}); }, {"vacuum", "-20", "20"});
  expect_error([] { ExactRiemann({1, 0, 0, -1}, {1, 0, 0, 1}); }, {"positive", "-1"});
  expect_error([] { riemann_problem("sodd"); }, {"'sodd'", "sod"});
}

// NACA Report 1135, tables and charts.
TEST(GasRelations, HaveTheValuesOfTheTables) {
  EXPECT_NEAR(shock_angle(2, 10 * degree) / degree, 39.31, 0.01);
  EXPECT_NEAR(shock_angle(3, 20 * degree) / degree, 37.76, 0.01);
  EXPECT_NEAR(prandtl_meyer(2) / degree, 26.380, 1e-3);
  EXPECT_NEAR(prandtl_meyer(3) / degree, 49.757, 1e-3);
  EXPECT_NEAR(prandtl_meyer_mach(49.757 * degree), 3, 1e-4);
  EXPECT_NEAR(area_ratio(2), 1.6875, 1e-4);
  EXPECT_NEAR(mach_of_area(1.6875, true), 2, 1e-4);
  EXPECT_NEAR(mach_of_area(area_ratio(0.5), false), 0.5, 1e-9);
  EXPECT_NEAR(cylinder_stand_off(1e9), 0.386, 1e-9);
  // A normal shock at M = 2: pressure 4.5, density 2.667, M 0.5774 behind.
  const Primitive before{1.4, 2, 0, 1}, after = behind_shock(before, pi / 2);
  EXPECT_NEAR(after.p, 4.5, 1e-12);
  EXPECT_NEAR(after.rho / 1.4, 8.0 / 3, 1e-12);
  EXPECT_NEAR(std::hypot(after.u, after.v) / sound_speed(after, 1.4), 0.57735, 1e-5);
  // An oblique one deflects by the wedge's angle, and mass goes through it.
  const double beta = shock_angle(2, 10 * degree);
  const Primitive turned = behind_shock(before, beta);
  EXPECT_NEAR(std::atan2(turned.v, turned.u), 10 * degree, 1e-10);
  const auto in = flux(before, std::sin(beta), -std::cos(beta), 1.4),
             out = flux(turned, std::sin(beta), -std::cos(beta), 1.4);
  for (std::size_t k = 0; k < 4; ++k)
    EXPECT_NEAR(in[k], out[k], 1e-12) << k;
  expect_error([] { shock_angle(2, 30 * degree); }, {"no attached shock", "2"});
  expect_error([] { prandtl_meyer(0.5); }, {"supersonic", "0.5"});
  expect_error([] { mach_of_area(0.9, true); }, {"at least", "0.9"});
}

TEST(GasRelations, CornerTurnsTheFlow) {
  const Primitive before{1.4, 2, 0, 1};
  const Primitive up = corner_expansion(before, 10 * degree, 60 * degree),
                  down = corner_expansion(before, 10 * degree, -10 * degree);
  EXPECT_EQ(up.p, before.p);
  EXPECT_NEAR(down.p / before.p, 0.5488, 1e-3);  // M 2.385
  EXPECT_NEAR(std::atan2(down.v, down.u), -10 * degree, 1e-10);
  EXPECT_NEAR(std::hypot(down.u, down.v) / sound_speed(down, 1.4), 2.3848, 1e-3);
}

// A uniform flow stays one on any grid, at any boundary it fits.
TEST(FiniteVolumes, KeepAUniformFlow) {
  const Primitive w{1.2, 3, 2, 0.7};
  for (const bool periodic : {false, true})
    for (const char* flux : {"hllc", "hlle"}) {
      const CurvilinearGrid grid(13, 9, wavy, {periodic, periodic}, world());
      FiniteVolumeOptions o;
      o.flux = flux;
      const BoundaryRule in = everywhere({Boundary::Kind::exact, w}),
                         out = everywhere({Boundary::Kind::outflow, {}});
      FiniteVolumeSolver solver(grid, {in, out, in, out}, o);
      solver.set_state([&](const Point&) { return w; });
      OwnedVec rate;
      NOPAL_PETSC(VecDuplicate(solver.state(), rate.receive()));
      solver.residual(0, solver.state(), rate);
      PetscReal norm = 0;
      NOPAL_PETSC(VecNorm(rate, NORM_INFINITY, &norm));
      EXPECT_LT(norm, 1e-11);
    }
}

double density_error(const FiniteVolumeSolver& solver, const CurvilinearGrid& grid,
                     const std::function<double(const Point&)>& exact) {
  const Tensor<double> w = solver.primitives();
  double sum = 0, area = 0;
  for (std::int64_t j = 0; j < grid.count()[1]; ++j)
    for (std::int64_t i = 0; i < grid.count()[0]; ++i) {
      const std::int64_t k = j * grid.count()[0] + i;
      sum +=
          grid.areas().data()[k] *
          std::abs(w.data()[4 * k] - exact(grid.centre(grid.first()[0] + i, grid.first()[1] + j)));
      area += grid.areas().data()[k];
    }
  return grid.comm().sum(sum) / grid.comm().sum(area);
}

// The error in the mean falls with the grid as theory says, in any direction: as h for shocks,
// h^(2/3) for contacts (Banks, Aslam, Rider, J. Comput. Phys. 227, 2008); and below that of first
// order.
TEST(FiniteVolumes, SolveRiemannProblems) {
  for (const std::string& name : riemann_problem_names())
    for (const bool upwards : {false, true}) {
      const RiemannProblem p = riemann_problem(name);
      const ExactRiemann exact(p.left, p.right);
      const auto error_of = [&](std::int64_t n, const char* limiter) {
        const CurvilinearGrid grid(
            upwards ? 3 : n, upwards ? n : 3,
            [&](double x, double y) {
              return Point{x, y};
            },
            {upwards, !upwards}, world());
        FiniteVolumeOptions o;
        o.limiter = limiter;
        FiniteVolumeSolver solver(grid, all_sides(everywhere({Boundary::Kind::outflow, {}})), o);
        const auto turn = [&](Primitive w) {
          if (upwards) std::swap(w.u, w.v);
          return w;
        };
        const auto along = [&](const Point& at) { return at[upwards ? 1 : 0]; };
        solver.set_state([&](const Point& at) { return turn(along(at) < p.x ? p.left : p.right); });
        const FlowProgress progress = solver.advance(p.time);
        EXPECT_EQ(progress.time, p.time);
        EXPECT_EQ(progress.retries, 0);
        const Tensor<double> w = solver.primitives();
        for (std::int64_t k = 0; k < w.size(); k += 4) {
          EXPECT_GT(w.data()[k], 0);
          EXPECT_GT(w.data()[k + 3], 0);
        }
        return density_error(solver, grid, [&](const Point& at) {
          return exact.at((along(at) - p.x) / p.time).rho;
        });
      };
      const double coarse = error_of(100, "van_leer"), fine = error_of(400, "van_leer");
      EXPECT_GT(std::log2(coarse / fine) / 2, 2.0 / 3) << name << " " << coarse << " " << fine;
      EXPECT_LT(coarse, 0.6 * error_of(100, "first_order")) << name;
    }
}

// The isentropic vortex of Shu (ICASE Report 97-65), carried through a periodic square; in the
// middle it is turned by the wavy grid.
Primitive vortex(const Point& at, double time) {
  const double strength = 5, gamma = 1.4;
  const auto wrap = [](double x) { return x - 10 * std::floor(x / 10 + 0.5); };
  const double x = wrap(at[0] - 5 - time), y = wrap(at[1] - 5 - time), r2 = x * x + y * y;
  const double e = strength / (2 * pi) * std::exp(0.5 * (1 - r2));
  const double t = 1 - (gamma - 1) / (2 * gamma) * e * e;
  return {std::pow(t, 1 / (gamma - 1)), 1 - e * y, 1 + e * x, std::pow(t, gamma / (gamma - 1))};
}

TEST(FiniteVolumes, AreOfSecondOrderForAVortex) {
  for (const char* limiter : {"none", "van_leer"}) {
    std::vector<double> errors;
    Conserved before{}, after{};
    for (const std::int64_t n : {40, 80}) {
      const CurvilinearGrid grid(
          n, n,
          [](double x, double y) {
            const Point p = wavy(x, y);
            return Point{10 * p[0], 10 * p[1]};
          },
          {true, true}, world());
      FiniteVolumeOptions o;
      o.limiter = limiter;
      o.time_order = 3;
      o.cfl = 0.8;
      FiniteVolumeSolver solver(grid, {}, o);
      solver.set_state([](const Point& at) { return vortex(at, 0); });
      const auto total = [&] {
        Conserved sum{};
        const PetscScalar* q = nullptr;
        NOPAL_PETSC(VecGetArrayRead(solver.state(), &q));
        for (std::int64_t k = 0; k < grid.areas().size(); ++k)
          for (std::int64_t c = 0; c < 4; ++c)
            sum[static_cast<std::size_t>(c)] +=
                grid.areas().data()[k] * PetscRealPart(q[4 * k + c]);
        NOPAL_PETSC(VecRestoreArrayRead(solver.state(), &q));
        for (double& s : sum)
          s = world().sum(s);
        return sum;
      };
      before = total();
      solver.advance(1);
      after = total();
      for (std::size_t c = 0; c < 4; ++c)
        EXPECT_NEAR(after[c], before[c], 1e-11 * std::abs(before[c]));
      errors.push_back(
          density_error(solver, grid, [](const Point& at) { return vortex(at, 1).rho; }));
    }
    EXPECT_GT(std::log2(errors[0] / errors[1]), 1.8) << limiter << " " << errors[0];
    EXPECT_LT(errors[1], 1.5e-3);
  }
}

// A wedge that begins at x = 0.3, and the flow above it.
CurvilinearGrid ramp(std::int64_t n, double theta) {
  return CurvilinearGrid(
      n, n,
      [theta](double xi, double eta) {
        const double x = 1.3 * xi - 0.3, floor = x > 0 ? x * std::tan(theta) : 0;
        return Point{x, floor + eta * (1 - floor)};
      },
      {false, false}, world());
}

TEST(FiniteVolumes, FindTheShockOfAWedge) {
  const Primitive in{1.4, 3, 0, 1};
  const double theta = 15 * degree, beta = shock_angle(3, theta);
  const Primitive behind = behind_shock(in, beta);
  std::vector<double> errors;
  for (const std::int64_t n : {32, 64}) {
    const CurvilinearGrid grid = ramp(n, theta);
    FiniteVolumeOptions o;
    o.limiter = "minmod";
    FiniteVolumeSolver solver(
        grid,
        {everywhere({Boundary::Kind::inflow, in}), everywhere({Boundary::Kind::outflow, {}}),
         everywhere({Boundary::Kind::wall, {}}), everywhere({Boundary::Kind::outflow, {}})},
        o);
    solver.set_state([&](const Point&) { return in; });
    const FlowProgress progress = solver.relax(1e-3, 3000);
    EXPECT_LE(progress.residual, 1e-3);
    errors.push_back(density_error(solver, grid, [&](const Point& at) {
      return at[0] > 0 && at[1] < at[0] * std::tan(beta) ? behind.rho : in.rho;
    }));
  }
  EXPECT_LT(errors[1], 0.65 * errors[0]);
  EXPECT_LT(errors[1], 0.02 * behind.rho);
}

TEST(FiniteVolumes, FindTheExpansionAtACorner) {
  const Primitive in{1.4, 2.5, 0, 1};
  const double theta = 12 * degree;
  std::vector<double> errors;
  for (const std::int64_t n : {32, 64}) {
    const CurvilinearGrid grid = ramp(n, -theta);
    FiniteVolumeSolver solver(
        grid, {everywhere({Boundary::Kind::inflow, in}), everywhere({Boundary::Kind::outflow, {}}),
               everywhere({Boundary::Kind::wall, {}}), everywhere({Boundary::Kind::outflow, {}})});
    solver.set_state([&](const Point&) { return in; });
    solver.relax(1e-4, 3000);
    errors.push_back(density_error(solver, grid, [&](const Point& at) {
      return corner_expansion(in, theta, std::atan2(at[1], at[0])).rho;
    }));
  }
  EXPECT_LT(errors[1], 0.65 * errors[0]);
  EXPECT_LT(errors[1], 6e-3);
}

TEST(FiniteVolumes, AreTheSameOnAnyNumberOfRanks) {
  expect_same_on_all_ranks([](const Communicator& comm) {
    const CurvilinearGrid grid(17, 11, wavy, {false, true}, comm);
    FiniteVolumeSolver solver(grid, all_sides(everywhere({Boundary::Kind::wall, {}})));
    solver.set_state([](const Point& at) {
      return Primitive{1 + 0.5 * std::sin(6 * at[0]), at[1] - 0.5, 0.3 * std::cos(2 * pi * at[1]),
                       at[0] < 0.4 ? 3.0 : 1.0};
    });
    solver.advance(0.1);
    return norms_of(solver.state());
  });
}

TEST(FiniteVolumes, BadInputIsRefused) {
  expect_error([] { CurvilinearGrid(2, 5, wavy, {false, false}, world()); }, {"3 cells", "2 x 5"});
  expect_error(
      [] {
        CurvilinearGrid(
            6, 5,
            [](double x, double y) {
              return Point{-x, y};
            },
            {false, false}, world());
      },
      {"cell (0, 0)", "inverted"});
  const CurvilinearGrid grid(6, 5, wavy, {false, false}, world());
  const auto make = [&](const Boundary& west, const FiniteVolumeOptions& o = {}) {
    const BoundaryRule out = everywhere({Boundary::Kind::outflow, {}});
    return FiniteVolumeSolver(grid, {everywhere(west), out, out, out}, o);
  };
  expect_error(
      [&] {
        make({Boundary::Kind::inflow, {1, 0.5, 0, 1}});
      },
      {"west side", "Mach number 0.42", "supersonic", "exact"});
  expect_error([&] { make({Boundary::Kind::inflow, {1, 3, 0, -1}}); }, {"pressure -1", "positive"});
  FiniteVolumeOptions flux;
  flux.flux = "roe";
  expect_error([&] { make({}, flux); }, {"unknown flux 'roe'"});
  FiniteVolumeOptions limiter;
  limiter.limiter = "van_lear";
  expect_error([&] { make({}, limiter); }, {"'van_lear'", "van_leer"});
  expect_error([&] { FiniteVolumeSolver(grid, {}); }, {"side of the grid has no boundary rule"});
  auto solver = make({});
  expect_error([&] { solver.set_state([](const Point&) {
                       return Primitive{1, 0, 0, -1};
                     }); },
               {"initial state", "cell (0, 0)", "pressure -1"});
}

// Far too long steps are taken again; if that is not allowed, the last good state stays.
TEST(FiniteVolumes, RetriesAndThenStops) {
  const CurvilinearGrid grid(
      40, 3,
      [](double x, double y) {
        return Point{x, y};
      },
      {false, true}, world());
  const auto run = [&](int retries) {
    FiniteVolumeOptions o;
    o.cfl = 6;
    o.retries = retries;
    auto solver = std::make_unique<FiniteVolumeSolver>(
        grid, all_sides(everywhere({Boundary::Kind::outflow, {}})), o);
    solver->set_state([](const Point& at) {
      return at[0] < 0.5 ? Primitive{1, 0, 0, 1000} : Primitive{1, 0, 0, 0.01};
    });
    return solver;
  };
  auto patient = run(20);
  const FlowProgress progress = patient->advance(0.002);
  EXPECT_GT(progress.retries, 0);
  EXPECT_EQ(progress.time, 0.002);
  auto strict = run(0);
  expect_error([&] { strict->advance(0.002); }, {"after the step from time", "cell (", "pressure"});
  const Tensor<double> w = strict->primitives();
  for (std::int64_t k = 0; k < w.size(); k += 4)
    EXPECT_GT(w.data()[k + 3], 0);
}

}  // namespace
