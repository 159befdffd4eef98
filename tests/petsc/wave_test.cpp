// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "petsc/petsc_test_tools.hpp"

#include <gtest/gtest.h>
#include <nopal/solvers/problems/wave.hpp>

#include <cmath>
#include <iostream>
#include <numbers>

namespace {

using nopal::Communicator;
using nopal::Tensor;
using nopal::Wave;
using nopal::WaveOptions;
using nopal::WaveSide;
using nopal::WaveSides;
using nopal::WaveSolver;
using nopal::test::at_nodes;
using nopal::test::draw;
using nopal::test::every;
using nopal::test::expect_order;
using nopal::test::message_of;
using nopal::test::message_of_option;
using nopal::test::relative_difference;
using nopal::test::ScopedOptions;
using std::numbers::pi;

constexpr WaveSides all(WaveSide side) {
  return {side, side, side, side};
}

std::vector<double> part(const std::vector<double>& state, std::size_t component) {
  std::vector<double> values;
  for (std::size_t k = component; k < state.size(); k += 2)
    values.push_back(state[k]);
  return values;
}

// (u, u_t) at `time`.
std::vector<double> solve(WaveSolver& solver, const WaveSolver::Data& data, double time) {
  std::vector<double> result;
  solver.solve(data, std::vector{time},
               [&](std::size_t, const std::vector<double>& state) { result = state; });
  return result;
}

// The only inner node of two cells: u'' = -4 c^2/h^2 u + g s = -u + g s, worked by hand.
TEST(WaveSolver, OneUnknownByHand) {
  WaveSolver solver(2, all(WaveSide::dirichlet), 0.005);
  solver.set_speed(std::vector<double>(9, 0.25));
  std::vector<double> u(9, 7.0), v(9, 3.0);
  auto state = solve(solver, {u, v, {}, {}}, 0.8);
  EXPECT_NEAR(state[8], 7 * std::cos(0.8) + 3 * std::sin(0.8), 1e-9);
  EXPECT_NEAR(state[9], 3 * std::cos(0.8) - 7 * std::sin(0.8), 1e-9);
  for (const std::size_t node : {0, 1, 2, 3, 5, 6, 7, 8}) {
    EXPECT_EQ(state[2 * node], 0);
    EXPECT_EQ(state[2 * node + 1], 0);
  }
  const std::vector<double> g(9, 2.0);
  state = solve(solver, {{}, {}, g, [](double t) { return t; }}, 0.8);
  EXPECT_NEAR(state[8], 2 * (0.8 - std::sin(0.8)), 1e-9);
}

// The corner of absorbing sides, v' = -4 c/h v - 4 c^2/h^2 u + ..., v(0) = 1: damping 16,
// stiffness 64.
TEST(WaveSolver, AbsorbingCornerByHand) {
  WaveSolver solver(2, all(WaveSide::absorbing), 0.01);
  solver.set_speed(std::vector<double>(9, 2.0));
  std::vector<double> v(9, 0.0);
  v[0] = 1;
  const double t = 1e-3;
  const auto state = solve(solver, {{}, v, {}, {}}, t);
  const double damping = 16, stiffness = 64;
  EXPECT_NEAR(state[1], 1 - damping * t + (damping * damping - stiffness) * t * t / 2, 1e-6);
}

struct Standing {
  WaveSide side;
  double (*f)(double);
};

TEST(WaveSolver, StandingWavesAreSecondOrder) {
  for (const auto& [side, f] :
       {Standing{WaveSide::dirichlet, std::sin}, Standing{WaveSide::neumann, std::cos}}) {
    const double c = 1.5, omega = c * pi * std::sqrt(5.0), time = 0.7;
    std::vector<double> errors;
    for (const std::int64_t n : {16, 32, 64, 128}) {
      WaveSolver solver(n, all(side), 0.6, Communicator::world());
      solver.set_speed(std::vector<double>(static_cast<std::size_t>(solver.nodes()), c));
      const auto mode =
          at_nodes(n, [f = f](double x1, double x2) { return f(pi * x1) * f(2 * pi * x2); });
      auto exact = mode;
      for (double& u : exact)
        u *= std::cos(omega * time);
      errors.push_back(
          relative_difference(part(solve(solver, {mode, {}, {}, {}}, time), 0), exact));
    }
    expect_order(errors, 1.9);
    EXPECT_LT(errors.back(), 2e-3);
  }
}

// The cosines are eigenvectors of the discrete operator too, so the error in time shows alone.
TEST(WaveSolver, TimeStepsAreFourthOrder) {
  constexpr std::int64_t n = 16;
  const double h = 1.0 / n, time = 1.3;
  const double s1 = std::sin(pi * h / 2), s2 = std::sin(2 * pi * h / 2);
  const double omega = 2 / h * std::sqrt(s1 * s1 + s2 * s2);
  const auto mode =
      at_nodes(n, [](double x1, double x2) { return std::cos(pi * x1) * std::cos(2 * pi * x2); });
  auto exact = mode;
  for (double& u : exact)
    u *= std::cos(omega * time);
  std::vector<double> errors;
  for (const double cfl : {0.8, 0.4, 0.2, 0.1}) {
    WaveSolver solver(n, all(WaveSide::neumann), cfl, Communicator::world());
    solver.set_speed(std::vector<double>(mode.size(), 1.0));
    errors.push_back(relative_difference(part(solve(solver, {mode, {}, {}, {}}, time), 0), exact));
  }
  expect_order(errors, 3.8);
  EXPECT_LT(errors.back(), 1e-6);
}

// u = cos(t) p with p = cos(pi x1) cos(2 pi x2), c^2 = 2 + sin(x1 + 2 x2), f = u_tt - div(c^2 grad
// u) by the product rule: variable speed and a source.
TEST(WaveSolver, ManufacturedSolutionIsSecondOrder) {
  const auto p = [](double x1, double x2) { return std::cos(pi * x1) * std::cos(2 * pi * x2); };
  const auto g = [&](double x1, double x2) {
    const double q = 2 + std::sin(x1 + 2 * x2), q1 = std::cos(x1 + 2 * x2), q2 = 2 * q1;
    const double p1 = -pi * std::sin(pi * x1) * std::cos(2 * pi * x2);
    const double p2 = -2 * pi * std::cos(pi * x1) * std::sin(2 * pi * x2);
    return -p(x1, x2) + 5 * pi * pi * q * p(x1, x2) - q1 * p1 - q2 * p2;
  };
  std::vector<double> errors;
  for (const std::int64_t n : {16, 32, 64, 128}) {
    WaveSolver solver(n, all(WaveSide::neumann), 0.6, Communicator::world());
    solver.set_speed(
        at_nodes(n, [](double x1, double x2) { return std::sqrt(2 + std::sin(x1 + 2 * x2)); }));
    const auto u0 = at_nodes(n, p), source = at_nodes(n, g);
    auto exact = u0;
    for (double& u : exact)
      u *= std::cos(1.0);
    const WaveSolver::Data data{u0, {}, source, [](double t) { return std::cos(t); }};
    errors.push_back(relative_difference(part(solve(solver, data, 1), 0), exact));
  }
  expect_order(errors, 1.9);
  EXPECT_LT(errors.back(), 2e-3);
}

// A pulse that runs to x1 = 1: half of it is out at t = 0.5, all of it at t = 1.2. The same for x2.
TEST(WaveSolver, AbsorbingSidesLetPlaneWavesOut) {
  for (const bool second : {false, true}) {
    WaveSides sides = all(WaveSide::neumann);
    sides[second ? 2 : 0] = sides[second ? 3 : 1] = WaveSide::absorbing;
    const auto pulse = [&](double t) {
      return [=](double x1, double x2) {
        return std::exp(-std::pow(((second ? x2 : x1) - 0.5 - t) / 0.1, 2));
      };
    };
    const auto slope = [&](double x1, double x2) {
      return 200 * ((second ? x2 : x1) - 0.5) * pulse(0)(x1, x2);
    };
    std::vector<double> half, left;
    for (const std::int64_t n : {32, 64, 128}) {
      WaveSolver solver(n, sides, 0.6, Communicator::world());
      const auto u0 = at_nodes(n, pulse(0)), v0 = at_nodes(n, slope);
      solver.set_speed(std::vector<double>(u0.size(), 1.0));
      const auto state = solve(solver, {u0, v0, {}, {}}, 0.5);
      half.push_back(relative_difference(part(state, 0), at_nodes(n, pulse(0.5))));
      double worst = 0;
      for (const double u : part(solve(solver, {u0, v0, {}, {}}, 1.2), 0))
        worst = std::max(worst, std::abs(u));
      left.push_back(worst);
    }
    expect_order(half, 1.9);
    EXPECT_LT(half.back(), 5e-3);
    expect_order(left, 1.8);
    EXPECT_LT(left.back(), 5e-3);
  }
}

// 1/2 sum of m v^2 + 1/2 sum over the faces of (length) c^2 (difference)^2 is constant in time.
TEST(WaveSolver, EnergyIsConstantOrFalls) {
  constexpr std::int64_t n = 24;
  const auto c = at_nodes(n, [](double x1, double x2) { return 1 + 0.4 * std::sin(7 * x1 - x2); });
  const auto u0 = at_nodes(n, [](double x1, double x2) {
    return std::sin(pi * x1) * std::sin(3 * pi * x2) + std::sin(2 * pi * x1) * std::sin(pi * x2);
  });
  const auto energy = [&](const std::vector<double>& state) {
    const auto weight = [](std::int64_t i) { return i == 0 || i == n ? 0.5 : 1.0; };
    double sum = 0;
    for (std::int64_t i = 0; i <= n; ++i)
      for (std::int64_t j = 0; j <= n; ++j) {
        const auto at = [&](std::int64_t k, std::int64_t l) {
          return static_cast<std::size_t>(k * (n + 1) + l);
        };
        const auto face = [&](std::size_t a, std::size_t b) {
          return 0.5 * (c[a] * c[a] + c[b] * c[b]) * std::pow(state[2 * a] - state[2 * b], 2);
        };
        sum += weight(i) * weight(j) * std::pow(state[2 * at(i, j) + 1], 2) / (n * n);
        if (i < n) sum += weight(j) * face(at(i, j), at(i + 1, j));
        if (j < n) sum += weight(i) * face(at(i, j), at(i, j + 1));
      }
    return sum / 2;
  };
  for (const WaveSide side : {WaveSide::dirichlet, WaveSide::neumann, WaveSide::absorbing}) {
    WaveSolver solver(n, all(side), 0.05, Communicator::world());
    solver.set_speed(c);
    std::vector<double> energies;
    solver.solve({u0, {}, {}, {}}, std::vector{1e-6, 0.5, 1.0, 2.0},
                 [&](std::size_t, const auto& state) { energies.push_back(energy(state)); });
    for (std::size_t k = 1; k < energies.size(); ++k)
      if (side == WaveSide::absorbing)
        EXPECT_LT(energies[k], 0.6 * energies[k - 1]);
      else
        EXPECT_NEAR(energies[k] / energies[0], 1, 1e-6);
  }
}

TEST(WaveSolver, IsLinearInItsData) {
  constexpr std::int64_t n = 12;
  WaveSolver solver(
      n, {WaveSide::dirichlet, WaveSide::neumann, WaveSide::absorbing, WaveSide::absorbing});
  solver.set_speed(at_nodes(n, [](double x1, double x2) { return 1 + x1 * x2; }));
  const auto a = at_nodes(n, [](double x1, double x2) { return x1 * (1 - x1) * x2; });
  const auto b = at_nodes(n, [](double x1, double x2) { return std::sin(5 * x1 + x2); });
  std::vector<double> sum(a.size());
  for (std::size_t i = 0; i < a.size(); ++i)
    sum[i] = 2 * a[i] - 3 * b[i];
  const auto first = solve(solver, {a, {}, {}, {}}, 0.9);
  const auto second = solve(solver, {b, {}, {}, {}}, 0.9);
  const auto both = solve(solver, {sum, {}, {}, {}}, 0.9);
  for (std::size_t i = 0; i < both.size(); ++i)
    EXPECT_NEAR(both[i], 2 * first[i] - 3 * second[i], 1e-12);
}

TEST(WaveSolver, OtherMethodsInTimeGiveTheSame) {
  constexpr std::int64_t n = 24;
  const auto u0 = at_nodes(n, [](double x1, double x2) {
    return std::exp(-30 * (std::pow(x1 - 0.5, 2) + std::pow(x2 - 0.4, 2)));
  });
  const auto run = [&] {
    WaveSolver solver(
        n, {WaveSide::neumann, WaveSide::neumann, WaveSide::neumann, WaveSide::absorbing}, 0.2,
        Communicator::world());
    solver.set_speed(std::vector<double>(u0.size(), 1.0));
    return part(solve(solver, {u0, {}, u0, [](double t) { return std::sin(t); }}, 0.5), 0);
  };
  const auto reference = run();
  {
    const ScopedOptions implicit{{"-wave_ts_type", "cn"},
                                 {"-wave_ts_dt", "0.0025"},
                                 {"-wave_pc_type", "jacobi"},
                                 {"-wave_ksp_rtol", "1e-10"}};
    const double error = relative_difference(run(), reference);
    EXPECT_LT(error, 5e-4);
    EXPECT_GT(error, 1e-9);  // it was another method
  }
  const ScopedOptions adaptive{{"-wave_ts_rk_type", "5dp"},
                               {"-wave_ts_adapt_type", "basic"},
                               {"-wave_ts_rtol", "1e-8"},
                               {"-wave_ts_atol", "1e-8"}};
  EXPECT_LT(relative_difference(run(), reference), 1e-5);
}

TEST(WaveSolver, BadInputIsNamed) {
  WaveSolver solver(4, all(WaveSide::neumann));
  std::vector<double> c(25, 1.0), u(25, 0.0);
  u[12] = 1;
  const auto run = [&](const WaveSolver::Data& data, double time) {
    return message_of([&] { solve(solver, data, time); });
  };
  EXPECT_EQ(run({u, {}, {}, {}}, 1), "a wave solver needs set_speed() before solve()");
  c[3] = 0;
  EXPECT_EQ(message_of([&] { solver.set_speed(c); }),
            "the speed of waves must be positive and finite, got 0 at node 3");
  c[3] = 1;
  solver.set_speed(c);
  EXPECT_EQ(run({u, {}, {}, {}}, 0),
            "the times of a wave solver must increase from 0, got 0 after 0");
  EXPECT_EQ(run({u, {}, u, {}}, 1), "a source needs both g and s");
  u.pop_back();
  EXPECT_EQ(run({u, {}, {}, {}}, 1),
            "a wave grid of 4 cells an axis has 25 nodes, got 24 values of a field");
  c.pop_back();
  EXPECT_EQ(message_of([&] { solver.set_speed(c); }),
            "a wave grid of 4 cells an axis has 25 nodes, got 24 values of the speed");
}

TEST(WaveSolver, TooLongStepsAndEarlyStopsAreErrors) {
  std::vector<double> u(33 * 33, 0.0);
  u[16 * 33 + 16] = 1;
  {
    WaveSolver solver(32, all(WaveSide::neumann), 2, Communicator::world());
    solver.set_speed(std::vector<double>(u.size(), 1.0));
    const auto message = message_of([&] { solve(solver, {u, {}, {}, {}}, 50); });
    EXPECT_NE(message.find("unstable with steps of 0.06"), std::string::npos) << message;
    EXPECT_NE(message.find("-wave_cfl"), std::string::npos) << message;
  }
  const ScopedOptions few{{"-wave_ts_max_steps", "3"}};
  WaveSolver solver(32, all(WaveSide::neumann), 0.6, Communicator::world());
  solver.set_speed(std::vector<double>(u.size(), 1.0));
  const auto message = message_of([&] { solve(solver, {u, {}, {}, {}}, 1); });
  EXPECT_NE(message.find("did not reach time 1: CONVERGED_ITS"), std::string::npos) << message;
}

WaveOptions small(WaveOptions::Input input) {
  WaveOptions options;
  options.input = input;
  options.resolution = 17;
  options.solve_refine = 2;
  options.frames = 2;
  options.sides[1] = WaveSide::absorbing;
  return options;
}

constexpr std::array inputs = {WaveOptions::Input::initial, WaveOptions::Input::source,
                               WaveOptions::Input::speed};

TEST(Wave, SampleDependsOnSeedAndIndexAloneBitForBit) {
  for (const auto input : inputs) {
    const WaveOptions options = small(input);
    Wave used(options), fresh(options), together(options, Communicator::world());
    const auto first = draw(used, 4, 7);
    draw(used, 4, 8);
    const auto again = draw(used, 4, 7), other = draw(fresh, 4, 7), shared = draw(together, 4, 7);
    EXPECT_EQ(first.x, again.x);
    EXPECT_EQ(first.y, again.y);
    EXPECT_EQ(first.x, other.x);
    EXPECT_EQ(first.y, other.y);
    EXPECT_EQ(first.x, shared.x);
    EXPECT_LT(relative_difference(shared.y, first.y), 1e-11);
    EXPECT_NE(draw(used, 4, 8).x, first.x);
    EXPECT_NE(draw(used, 5, 7).x, first.x);
    EXPECT_NE(draw(used, 4, 8).y, first.y);
  }
}

TEST(Wave, FramesAreTimesAndPointsAreNodes) {
  WaveOptions options = small(WaveOptions::Input::initial);
  Wave two(options);
  options.frames = 1;
  options.time = 0.5;
  Wave half(options);
  options.resolution = 9;
  options.solve_refine = 4;
  Wave coarse(options);
  EXPECT_EQ(two.y_shape(), nopal::Shape({17, 17, 2}));
  EXPECT_EQ(two.metadata()["y_channels"], "u1 u2");
  EXPECT_EQ(two.metadata()["y_times"], "0.5 1");
  const auto a = draw(two, 1, 2), b = draw(half, 1, 2), c = draw(coarse, 1, 2);
  EXPECT_EQ(a.x, b.x);
  EXPECT_EQ(part(a.y, 0), b.y);
  EXPECT_NE(part(a.y, 1), b.y);
  EXPECT_EQ(every(b.x, 2), c.x);
  EXPECT_EQ(every(b.y, 2), c.y);
}

TEST(Wave, InputsAreWhatTheyShouldBe) {
  const nopal::Random random = nopal::sample_random(3, 1);
  for (const auto input : {WaveOptions::Input::initial, WaveOptions::Input::source}) {
    Wave wave(small(input));
    const auto x = draw(wave, 3, 1).x;
    const auto expected = at_nodes(16, [&](double x1, double x2) {
      double sum = 0;
      for (std::uint64_t p = 0; p < 3; ++p) {
        const double d1 = x1 - 0.25 - 0.5 * random.uniform(4 * p + 2);
        const double d2 = x2 - 0.25 - 0.5 * random.uniform(4 * p + 3);
        sum += random.normal(4 * p) * std::exp(-(d1 * d1 + d2 * d2) / (2 * 0.08 * 0.08));
      }
      return sum;
    });
    EXPECT_LT(relative_difference(x, expected), 1e-13);
  }
  Wave wave(small(WaveOptions::Input::speed));
  double square = 0;
  for (std::uint64_t index = 0; index < 50; ++index) {
    const auto [x, y] = draw(wave, 3, index);
    for (const double c : x) {
      EXPECT_GT(c, 0.7);
      EXPECT_LT(c, 1.3);
      square += std::pow(std::atanh((c - 1) / 0.3), 2) / static_cast<double>(50 * x.size());
    }
  }
  EXPECT_NEAR(square, 1, 0.5);  // the field's stated size
}

// How much error the grid leaves in the labels, for the record.
TEST(Wave, LabelsConverge) {
  WaveOptions options;
  options.resolution = 33;
  std::vector<std::vector<double>> labels;
  for (const std::int64_t refine : {2, 4, 8}) {
    options.solve_refine = refine;
    Wave wave(options, Communicator::world());
    labels.push_back(draw(wave, 1, 0).y);
  }
  const double coarse = relative_difference(labels[0], labels[2]);
  const double fine = relative_difference(labels[1], labels[2]);
  if (Communicator::world().rank() == 0)
    std::cout << "  relative L2 to 256 cells: 64 cells " << coarse << ", 128 cells " << fine
              << "\n";
  // Of errors that fall by 4, the differences to the third grid fall by 5.
  EXPECT_GT(coarse / fine, 4.5);
  EXPECT_LT(fine, 0.01);
}

TEST(Wave, BadOptionsAreNamed) {
  const auto message = [](const char* option, const char* value) {
    return message_of_option("wave", option, value);
  };
  EXPECT_EQ(message("-wave_resolution", "2"),
            "option -wave_resolution: expected at least 3 points an axis, got 2");
  EXPECT_EQ(message("-wave_frames", "0"), "option -wave_frames: expected at least 1, got 0");
  EXPECT_EQ(message("-wave_contrast", "1"),
            "option -wave_contrast: expected a number between -1 and 1, got 1");
  EXPECT_EQ(message("-wave_time", "-1"), "option -wave_time: expected a positive number, got -1");
  EXPECT_EQ(message("-wave_time", "long"), "option -wave_time: expected a number, got 'long'");
  EXPECT_NE(message("-wave_x1_low", "open").find("option -wave_x1_low: expected one of dirichlet"),
            std::string::npos);
  EXPECT_NE(message("-wave_input", "speeed").find("did you mean 'speed'?"), std::string::npos);
  EXPECT_NE(message("-wave_pulses", "0").find("option -wave_pulses"), std::string::npos);
  EXPECT_NE(message("-wave_tau", "-3").find("option -wave_tau"), std::string::npos);
  EXPECT_NE(message("-wave_ts_type", "nonsense").find("nonsense"), std::string::npos);
  const ScopedOptions sides{{"-wave_boundary", "absorbing"},
                            {"-wave_x2_high", "neumann"},
                            {"-wave_resolution", "9"},
                            {"-wave_solve_refine", "1"}};
  auto data = nopal::make_problem("wave")->metadata();
  EXPECT_EQ(data["x1_low"], "absorbing");
  EXPECT_EQ(data["x1_high"], "absorbing");
  EXPECT_EQ(data["x2_low"], "absorbing");
  EXPECT_EQ(data["x2_high"], "neumann");
}

}  // namespace
