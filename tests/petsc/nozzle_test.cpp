// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Flow through nozzles against quasi-one-dimensional theory; flows with exact solutions.

#include "test_tools.hpp"

#include <gtest/gtest.h>
#include <nopal/solvers/euler/gas_relations.hpp>
#include <nopal/solvers/problems/exact_flow.hpp>
#include <nopal/solvers/problems/nozzle.hpp>

#include <cmath>

namespace {

using namespace nopal;
using namespace nopal::euler;
using test::expect_error;

constexpr double gas = 1.4;

// Anderson, "Modern Compressible Flow", example 5.2: an exit of 3 times the throat, tables A.1,
// A.2.
TEST(ShockedNozzle, IsThatOfTheTables) {
  EXPECT_NEAR(total_pressure_ratio(2), 0.7209, 1e-4);
  EXPECT_NEAR(total_pressure_ratio(3), 0.3283, 1e-4);
  const auto [low, high] = shock_back_pressures(3);
  // M = 2.637, p / p0 = 0.0473, p2 / p1 = 7.95; M = 0.1975, p / p0 = 0.973.
  EXPECT_NEAR(low, 0.376, 2e-3);
  EXPECT_NEAR(high, 0.973, 1e-3);
  // A shock at M = 2, where A / A* = 1.6875: p02 / p01 = 0.7209, A_e / A_2* = 3 0.7209, M_e =
  // 0.2807.
  const double m = mach_of_area(3 * 0.72087, false);
  const double back = 0.72087 * std::pow(1 + 0.2 * m * m, -3.5);
  const ShockedNozzle nozzle(3, back);
  EXPECT_NEAR(nozzle.shock_area(), 1.6875, 1e-4);
  EXPECT_NEAR(nozzle.at(3, {1.4, 0, 0, 1}).p, back, 1e-6);
  // Mass flow is the same everywhere.
  for (const double area : {1.1, 1.68, 1.7, 2.9}) {
    const Primitive w = nozzle.at(area, {1.4, 0, 0, 1});
    EXPECT_NEAR(w.rho * w.u * area, 1.4 * std::pow(1.2, -3), 1e-6) << area;
    EXPECT_NEAR(sound_speed(w, gas) * sound_speed(w, gas) + 0.2 * w.u * w.u, 1, 1e-9);
  }
  expect_error([] { ShockedNozzle(3, 0.3); }, {"from 0.37", "got 0.3"});
}

// What the rules for subsonic flow keep, and that a supersonic outflow does not feel the pressure.
TEST(Boundary, KeepsWhatItsCharacteristicsSay) {
  const Point out{0.6, 0.8};
  const auto invariant = [&](const Primitive& w) {
    return w.u * out[0] + w.v * out[1] + 2 * sound_speed(w, gas) / (gas - 1);
  };
  const Primitive rest{1.3, 0, 0, 2}, entering{1.2, -0.3, -0.4, 1.8};
  const Primitive in = beyond({Boundary::Kind::reservoir, rest}, entering, out, gas);
  EXPECT_NEAR(invariant(in), invariant(entering), 1e-12);
  EXPECT_NEAR(in.u * out[1] - in.v * out[0], 0, 1e-14);  // normal to the face
  EXPECT_LT(in.u * out[0] + in.v * out[1], 0);
  EXPECT_NEAR(in.p / std::pow(in.rho, gas), rest.p / std::pow(rest.rho, gas), 1e-12);
  EXPECT_NEAR(gas * in.p / in.rho + 0.2 * (in.u * in.u + in.v * in.v), gas * rest.p / rest.rho,
              1e-12);
  const Boundary pressure{Boundary::Kind::pressure, {1, 0, 0, 0.9}};
  const Primitive slow{1.1, 0.3, 0.5, 1}, end = beyond(pressure, slow, out, gas);
  EXPECT_EQ(end.p, 0.9);
  EXPECT_NEAR(invariant(end), invariant(slow), 1e-12);
  EXPECT_NEAR(end.p / std::pow(end.rho, gas), slow.p / std::pow(slow.rho, gas), 1e-12);
  EXPECT_NEAR(end.u * out[1] - end.v * out[0], slow.u * out[1] - slow.v * out[0], 1e-13);
  const Primitive fast{1.1, 2, 1.5, 1}, same = beyond(pressure, fast, out, gas);
  EXPECT_EQ(same.p, fast.p);
  EXPECT_EQ(same.u, fast.u);
}

// Means over sections of a slender nozzle.
struct Sections {
  std::vector<double> x, mach, mass;
};
Sections sections(const Nozzle& problem, const Nozzle::Shape3& shape, const SteadyFlow& flow,
                  std::int64_t n) {
  Sections result;
  for (std::int64_t i = 0; i < n; ++i) {
    double mach = 0, mass = 0;
    for (std::int64_t j = 0; j < n / 4; ++j) {
      const double* w = flow.values.data() + 4 * (j * n + i);
      const double c = std::sqrt(gas * w[3] / w[0]);
      mach += std::hypot(w[1], w[2]) / c / double(n / 4);
      mass += w[0] * w[1] / double(n / 4);
    }
    const double x = flow.points.data()[2 * i];
    result.x.push_back(x);
    result.mach.push_back(mach);
    result.mass.push_back(mass * problem.half_height(shape, x));
  }
  return result;
}

TEST(Nozzle, IsQuasiOneDimensionalWhereItIsSlender) {
  NozzleOptions o;
  o.cells = 64;
  o.length = 20;
  o.tolerance = 1e-4;
  o.steps = 4000;
  const Nozzle problem(o, Communicator::world());
  const Nozzle::Shape3 shape{1.3, 1.6, 8};
  const Sections s = sections(problem, shape, problem.solve(shape), o.cells);
  // Choked mass flow: rho* c* of a gas with rho0 = 1.4, c0 = 1.
  const double choked = 1.4 * std::pow(1.2, -3);
  for (std::size_t i = 0; i < s.x.size(); ++i) {
    const Primitive w = problem.one_dimensional(shape, s.x[i]);
    EXPECT_NEAR(s.mach[i], w.u / sound_speed(w, gas), 0.03) << s.x[i];
    EXPECT_NEAR(s.mass[i], choked, 0.01 * choked) << s.x[i];
  }
}

TEST(Nozzle, AShockStandsWhereTheBackPressurePutsIt) {
  NozzleOptions o;
  o.cells = 128;
  o.length = 20;
  o.back_pressure = 0.7;
  o.steps = 6000;
  const Nozzle problem(o, Communicator::world());
  const Nozzle::Shape3 shape{1.3, 1.6, 6};
  const Sections s = sections(problem, shape, problem.solve(shape), o.cells);
  const ShockedNozzle theory(1.6, 0.7);
  double exact = 6, found = 0;
  while (problem.half_height(shape, exact) < theory.shock_area())
    exact += 0.01;
  for (std::size_t i = 0; i + 1 < s.x.size(); ++i)
    if (s.mach[i] > 1 && s.mach[i + 1] <= 1) found = s.x[i];
  EXPECT_NEAR(found, exact, 0.5);  // of a length of 20
  EXPECT_NEAR(s.mass.front(), s.mass.back(), 0.01);
  const Primitive end = theory.at(problem.half_height(shape, s.x.back()), {1.4, 0, 0, 1});
  EXPECT_NEAR(s.mach.back(), end.u / sound_speed(end, gas), 0.02);
}

TEST(Nozzle, SamplesAreFunctionsOfTheShape) {
  NozzleOptions o;
  o.cells = 32;
  o.steps = 300;
  Nozzle problem(o);
  const Tensor<double> x(problem.x_shape()), y(problem.y_shape());
  problem.sample(0, 7, x, y);
  const auto shape = Nozzle::shape_of(7);
  for (std::int64_t k = 0; k < x.size(); k += 5) {
    EXPECT_EQ(x.data()[k], shape[0]);
    EXPECT_EQ(x.data()[k + 2], shape[2]);
    EXPECT_DOUBLE_EQ(y.data()[k + 4], 1.4 * y.data()[k + 3] / y.data()[k]);
    // Total enthalpy, which a steady flow keeps.
    const double speed2 = std::pow(y.data()[k + 1], 2) + std::pow(y.data()[k + 2], 2);
    EXPECT_NEAR(y.data()[k + 4] + 0.2 * speed2, 1, 0.05);
  }
  const InMemoryDataset<double> data(x.reshape({1, 8, 32, 5}), y.reshape({1, 8, 32, 5}));
  const FunctionData<double> functions = problem.as_functions(data);
  EXPECT_EQ(functions.functions[0].shape(), Shape({1, 3}));
  EXPECT_EQ(functions.points.shape(), Shape({256, 2}));
  EXPECT_EQ(functions.values.shape(), Shape({256, 5}));
  EXPECT_EQ(functions.points.data()[2 * 40 + 1], x.data()[5 * 40 + 4]);
  // At the centres of cells the interpolation has their values.
  const Tensor<double> same = problem.at_points(functions.values, shape, functions.points);
  for (std::int64_t k = 0; k < same.size(); ++k)
    EXPECT_NEAR(same.data()[k], functions.values.data()[k], 1e-2);
  EXPECT_EQ(
      problem
          .at_points(functions.values, shape, Tensor<double>::from_host({1, 2}, {shape[2], 1.01}))
          .to_vector(),
      std::vector<double>(5, 0));
}

TEST(ExactFlow, HasTheJumpsOfItsShocks) {
  for (const char* flow : {"wedge", "riemann", "nozzle_shock"}) {
    ExactFlow problem({flow, 24});
    const Tensor<double> x(problem.x_shape()), y(problem.y_shape());
    problem.sample(3, 5, x, y);
    const std::vector<double> p = problem.parameters(3, 5);
    for (std::size_t k = 0; k < p.size(); ++k)
      EXPECT_EQ(x.data()[k], p[k]) << flow;
    const std::int64_t c = y.extent(-1);
    for (std::int64_t k = 0; k < y.size(); k += c)
      EXPECT_GT(std::min(y.data()[k], y.data()[k + c - 1]), 0) << flow;
  }
  // The wall of the wedge turns the flow behind the shock.
  const ExactFlow wedge({"wedge", 8});
  const std::vector<double> p{3, 0.3}, behind = wedge.value(p, {0.5, 0.5 * std::tan(0.3) + 1e-3});
  EXPECT_NEAR(std::atan2(behind[2], behind[1]), 0.3, 1e-9);
  EXPECT_EQ(wedge.value(p, {0.1, 0.9})[1], 3);
  // Far to both sides the states are as at the start.
  const ExactFlow tube({"riemann", 8});
  EXPECT_EQ(tube.value({1, 1.1, 0.2, 0.3}, {-0.5}), (std::vector<double>{1, 0, 1.1}));
  EXPECT_EQ(tube.value({1, 1.1, 0.2, 0.3}, {0.5}), (std::vector<double>{0.2, 0, 0.3}));
  expect_error([] { ExactFlow({"wegde", 8}); }, {"wedge"});
}

TEST(Nozzle, BadInputIsRefused) {
  NozzleOptions o;
  o.cells = 30;
  expect_error([&] { Nozzle{o}; }, {"-nozzle_cells", "got 30"});
  o = {};
  o.back_pressure = 1.5;
  expect_error([&] { Nozzle{o}; }, {"-nozzle_back_pressure", "got 1.5"});
  const Nozzle problem{NozzleOptions{}};
  expect_error([&] { problem.solve({0.5, 2, 2}); }, {"at least 1", "0.5"});
}

}  // namespace
