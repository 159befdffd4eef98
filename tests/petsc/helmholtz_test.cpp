// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "petsc/petsc_test_tools.hpp"

#include <gtest/gtest.h>
#include <nopal/io/safetensors.hpp>
#include <nopal/solvers/problems/helmholtz.hpp>

#include <cmath>
#include <iostream>
#include <numbers>

namespace {

using nopal::Communicator;
using nopal::Helmholtz;
using nopal::HelmholtzOptions;
using nopal::HelmholtzSolver;
using nopal::Tensor;
using nopal::test::at_nodes;
using nopal::test::draw;
using nopal::test::every;
using nopal::test::expect_order;
using nopal::test::message_of;
using nopal::test::message_of_option;
using nopal::test::relative_difference;
using nopal::test::ScopedOptions;
using std::numbers::pi;

// Solution for functions q and g, on the grid of N cells.
template <class Q, class G>
std::vector<double> solve(std::int64_t cells, const Q& q, const G& g) {
  HelmholtzSolver solver(cells, Communicator::world());
  const auto points = solver.gauss_points();
  std::vector<double> q_values, g_values, u;
  for (const double x1 : points)
    for (const double x2 : points)
      q_values.push_back(q(x1, x2));
  for (std::int64_t i = 0; i <= cells; ++i)
    g_values.push_back(g(static_cast<double>(i) / static_cast<double>(cells)));
  solver.solve(q_values, g_values, u);
  return u;
}

// With q = -24 constant, g = 1 and 2 cells the solution depends on x2 alone, at 0, 1/2 and 1: rows
// (2 + 4) u0 + (-2 + 2) u1 = 0, (4 + 8) u1 = 0, (2 + 4) u2 = 1, worked by hand.
TEST(HelmholtzSolver, TwoCellsByHand) {
  const auto u = solve(
      2, [](double, double) { return -24.0; }, [](double) { return 1.0; });
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(u[3 * i], 0, 1e-14);
    EXPECT_NEAR(u[3 * i + 1], 0, 1e-14);
    EXPECT_NEAR(u[3 * i + 2], 1.0 / 6, 1e-14);
  }
}

// u = cos(m pi x1) cos(b x2), q = (m pi)^2 + b^2: some waves in both directions, away from
// resonance.
TEST(HelmholtzSolver, SeparableNeumannSolutionIsSecondOrder) {
  const double m = 2 * pi, b = 5.3;
  std::vector<double> errors;
  for (const std::int64_t n : {16, 32, 64, 128}) {
    const auto u = solve(
        n, [&](double, double) { return m * m + b * b; },
        [&](double x1) { return -b * std::sin(b) * std::cos(m * x1); });
    errors.push_back(relative_difference(
        u, at_nodes(n, [&](double x1, double x2) { return std::cos(m * x1) * std::cos(b * x2); })));
  }
  expect_order(errors, 1.9);
  EXPECT_LT(errors.back(), 2e-3);
}

// u = exp(p), q = -(Lap p + |grad p|^2), p = cos(pi x1) cos(pi x2) / 2 + x2^2: q varies and has
// both signs.
TEST(HelmholtzSolver, VariableCoefficientIsSecondOrder) {
  const auto solution = [](double x1, double x2) {
    return std::exp(0.5 * std::cos(pi * x1) * std::cos(pi * x2) + x2 * x2);
  };
  const auto q = [](double x1, double x2) {
    const double c = std::cos(pi * x1) * std::cos(pi * x2);
    const double d1 = -0.5 * pi * std::sin(pi * x1) * std::cos(pi * x2);
    const double d2 = -0.5 * pi * std::cos(pi * x1) * std::sin(pi * x2) + 2 * x2;
    return pi * pi * c - 2 - d1 * d1 - d2 * d2;
  };
  std::vector<double> errors;
  for (const std::int64_t n : {8, 16, 32, 64}) {
    const auto u = solve(n, q, [&](double x1) { return 2 * solution(x1, 1); });
    errors.push_back(relative_difference(u, at_nodes(n, solution)));
  }
  expect_order(errors, 1.9);
  EXPECT_LT(errors.back(), 1e-3);
}

// With constant speed u is a series of cosines, u = sum_m g_m cos(m pi x1) times
// -cos(b x2) / (b sin b), b^2 = k^2 - (m pi)^2 (cosh and sinh where that is negative).
TEST(Helmholtz, ConstantSpeedIsTheCosineSeries) {
  HelmholtzOptions options;
  options.contrast = 0;
  options.omega = 200;
  options.ramp = 0.05;
  options.resolution = 11;
  const double k = 10, w = options.half_width, r = options.ramp;
  const auto series = [&](double x1, double x2) {
    double sum = 0;
    for (int m = 0; m < 2000; m += 2) {  // odd ones vanish by symmetry
      // The trapezoid is the convolution of two boxes: of half-widths w - r/2 and r/2.
      const double f = m * pi, half = w - r / 2;
      const double box = m == 0 ? 2 * half : 2 * std::sin(f * half) / f;
      const double smooth = m == 0 ? 1 : std::sin(f * r / 2) / (f * r / 2);
      const double g = (m == 0 ? 1 : 2) * std::cos(f / 2) * box * smooth;
      const double b2 = k * k - f * f, b = std::sqrt(std::abs(b2));
      const double part = b2 > 0 ? -std::cos(b * x2) / (b * std::sin(b))
                                 : (std::exp(b * (x2 - 1)) + std::exp(-b * (x2 + 1))) /
                                       (b * (1 - std::exp(-2 * b)));
      sum += g * std::cos(f * x1) * part;
    }
    return sum;
  };
  const auto exact = at_nodes(10, series);
  std::vector<double> errors;
  for (const std::int64_t refine : {5, 10, 20}) {
    options.solve_refine = refine;
    Helmholtz helmholtz(options, Communicator::world());
    const auto [x, y] = draw(helmholtz, 0, 0);
    EXPECT_EQ(x, std::vector<double>(121, 20.0));
    errors.push_back(relative_difference(y, exact));
  }
  expect_order(errors, 1.9);
  EXPECT_LT(errors.back(), 2e-3);
}

// The released data: speed from 100 normal numbers, and the solution.
TEST(Helmholtz, GivesThePublishedSamples) {
  const auto file =
      nopal::read_safetensors(std::string(NOPAL_TEST_DATA) + "/helmholtz.safetensors");
  const auto part = [&](const char* name, std::size_t sample) {
    const auto values = file.tensors.at(name).to_tensor<double>().to_vector();
    const auto size = static_cast<std::ptrdiff_t>(values.size() / 3);
    const auto begin = values.begin() + static_cast<std::ptrdiff_t>(sample) * size;
    return std::vector<double>(begin, begin + size);
  };
  for (const bool together : {false, true}) {
    Helmholtz helmholtz(HelmholtzOptions{}, together ? Communicator::world() : Communicator{});
    const Tensor<double> x({101, 101, 1}), y({101, 101, 1});
    for (std::size_t sample = 0; sample < 3; ++sample) {
      helmholtz.solve(part("theta", sample), x, y);
      const auto c = every(x.to_vector(), 10), expected = part("c", sample);
      for (std::size_t i = 0; i < c.size(); ++i)
        EXPECT_NEAR(c[i], expected[i], 1e-12);
      EXPECT_LT(relative_difference(every(y.to_vector(), 10), part("u", sample)), 1e-9)
          << "sample " << sample << ", together " << together;
    }
  }
}

TEST(Helmholtz, SampleDependsOnSeedAndIndexAloneBitForBit) {
  HelmholtzOptions options;
  options.resolution = 21;
  options.omega = 300;
  Helmholtz used(options), fresh(options), together(options, Communicator::world());
  const auto first = draw(used, 4, 7);
  draw(used, 4, 8);
  draw(used, 5, 1);
  const auto again = draw(used, 4, 7), other = draw(fresh, 4, 7), shared = draw(together, 4, 7);
  EXPECT_EQ(first.x, again.x);
  EXPECT_EQ(first.y, again.y);
  EXPECT_EQ(first.x, other.x);
  EXPECT_EQ(first.y, other.y);
  EXPECT_EQ(first.x, shared.x);
  EXPECT_LT(relative_difference(shared.y, first.y), 1e-10);
  EXPECT_NE(draw(used, 4, 8).x, first.x);
  EXPECT_NE(draw(used, 5, 7).x, first.x);
}

TEST(Helmholtz, SpeedIsTheSameOnAllGridsAndOfTheStatedSize) {
  HelmholtzOptions options;
  options.omega = 100;
  options.resolution = 41;
  Helmholtz fine(options);
  options.resolution = 21;
  options.solve_refine = 2;
  Helmholtz coarse(options);
  double square = 0;
  for (std::uint64_t index = 0; index < 40; ++index) {
    const auto a = draw(fine, 1, index), b = draw(coarse, 1, index);
    EXPECT_EQ(every(a.x, 2), b.x);
    EXPECT_EQ(every(a.y, 2), b.y);
    for (const double c : a.x)
      square += std::pow(std::atanh(c - 20), 2) / static_cast<double>(a.x.size());
  }
  // Sum of the eigenvalues, as the mean square of a over the domain; its error is that of 40
  // samples that vary like their first two modes.
  double expected = 0;
  for (int i = 0; i < 10; ++i)
    for (int j = i == 0 ? 1 : 0; j < 10; ++j)
      expected += std::pow(pi * pi * (i * i + j * j) + 9, -2);
  EXPECT_NEAR(square / 40, expected, expected / 2);
}

// How much the grid of the published data matters, for the record.
TEST(Helmholtz, PublishedGridDoesNotResolveTheSolution) {
  if (Communicator::world().size() > 1) GTEST_SKIP() << "minutes on shared cores, and the same";
  HelmholtzOptions options;
  options.resolution = 51;
  std::vector<std::vector<double>> solutions;
  for (const std::int64_t refine : {2, 4, 6}) {
    options.solve_refine = refine;
    Helmholtz helmholtz(options);
    solutions.push_back(draw(helmholtz, 1, 0).y);
  }
  std::cout << "  relative L2 to 300 cells: 100 cells "
            << relative_difference(solutions[0], solutions[2]) << ", 200 cells "
            << relative_difference(solutions[1], solutions[2]) << "\n";
  EXPECT_LT(relative_difference(solutions[1], solutions[2]),
            relative_difference(solutions[0], solutions[2]));
}

TEST(Helmholtz, SolverOptionsApply) {
  HelmholtzOptions options;
  options.resolution = 31;
  options.omega = 200;
  Helmholtz best(options);
  const auto a = draw(best, 2, 2);
  const ScopedOptions native{{"-helmholtz_pc_type", "lu"},
                             {"-helmholtz_pc_factor_mat_solver_type", "petsc"}};
  Helmholtz other(options);
  EXPECT_LT(relative_difference(draw(other, 2, 2).y, a.y), 1e-10);
}

TEST(Helmholtz, FailureToConvergeNamesSampleAndReason) {
  const ScopedOptions weak{{"-helmholtz_pc_type", "none"}, {"-helmholtz_ksp_max_it", "1"}};
  HelmholtzOptions options;
  options.resolution = 21;
  Helmholtz helmholtz(options, Communicator::world());
  const auto message = message_of([&] { draw(helmholtz, 3, 5); });
  EXPECT_NE(message.find("sample 5 of seed 3: the Helmholtz solver on 20 x 20 cells did not"),
            std::string::npos)
      << message;
  EXPECT_NE(message.find("DIVERGED_ITS after 1 iterations"), std::string::npos) << message;
  EXPECT_EQ(message.find('\n'), std::string::npos);
}

TEST(HelmholtzSolver, SingularProblemIsAnError) {
  HelmholtzSolver solver(10, Communicator::world());
  std::vector<double> u;
  const auto message = message_of(
      [&] { solver.solve(std::vector<double>(900, 0.0), std::vector<double>(11, 1.0), u); });
  EXPECT_NE(message.find("the Helmholtz"), std::string::npos) << message;
  solver.solve(std::vector<double>(900, -1.0), std::vector<double>(11, 1.0), u);
  EXPECT_NEAR(u[10], std::cosh(1.0) / std::sinh(1.0), 2e-3);  // and the next one is right
}

TEST(Helmholtz, BadInputIsNamed) {
  HelmholtzSolver solver(4);
  std::vector<double> q(144, 1.0), g(5, 1.0), u;
  q[7] = std::nan("");
  EXPECT_EQ(message_of([&] { solver.solve(q, g, u); }),
            "a Helmholtz solver needs finite q, got nan at position 7");
  g.pop_back();
  EXPECT_EQ(message_of([&] { solver.solve(q, g, u); }),
            "a Helmholtz grid of 4 cells an axis takes 144 values of q and 5 of g, got 144 and 4");
  const auto message = [](const char* option, const char* value) {
    return message_of_option("helmholtz", option, value);
  };
  EXPECT_EQ(message("-helmholtz_resolution", "2"),
            "option -helmholtz_resolution: expected at least 3 points an axis, got 2");
  EXPECT_EQ(message("-helmholtz_contrast", "20"),
            "option -helmholtz_contrast: expected less than the mean speed 20, got 20");
  EXPECT_EQ(message("-helmholtz_omega", "0"),
            "option -helmholtz_omega: expected a positive number, got 0");
  EXPECT_EQ(message("-helmholtz_omega", "high"),
            "option -helmholtz_omega: expected a number, got 'high'");
  EXPECT_EQ(message("-helmholtz_ramp", "0"),
            "option -helmholtz_ramp: expected a positive number, got 0");
  EXPECT_NE(message("-helmholtz_modes", "0").find("option -helmholtz_modes"), std::string::npos);
  EXPECT_NE(message("-helmholtz_solve_refine", "0").find("-helmholtz_solve_refine"),
            std::string::npos);
  EXPECT_NE(message("-helmholtz_tau", "-1").find("option -helmholtz_tau"), std::string::npos);
  HelmholtzOptions options;
  options.resolution = 5;
  options.modes = 3;
  Helmholtz helmholtz(options);
  const Tensor<double> x({5, 5, 1});
  EXPECT_EQ(message_of([&] { helmholtz.solve(g, x, x); }),
            "expected 3 coefficients of the random field, got 4");
}

}  // namespace
