// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "petsc/petsc_test_tools.hpp"

#include <gtest/gtest.h>
#include <nopal/solvers/problems/darcy.hpp>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <numbers>

namespace {

using nopal::Communicator;
using nopal::Darcy;
using nopal::DarcyOptions;
using nopal::DarcySolver;
using nopal::FaceAverage;
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

// One inner node: u = h^2 f / (sum of the four face coefficients), worked by hand.
TEST(DarcySolver, OneUnknownByHand) {
  //                                 west 1, north 2, centre 4, south 8, east 12
  const std::vector<double> a = {9, 1, 9, 2, 4, 8, 9, 12, 9};
  const std::vector<double> f(9, 6.0);
  std::vector<double> u;
  DarcySolver arithmetic(2), harmonic(2, FaceAverage::harmonic);
  arithmetic.solve(a, f, u);
  EXPECT_NEAR(u[4], 0.25 * 6 / (2.5 + 3 + 6 + 8), 1e-14);
  harmonic.solve(a, f, u);
  EXPECT_NEAR(u[4], 0.25 * 6 / (8.0 / 5 + 16.0 / 6 + 64.0 / 12 + 96.0 / 16), 1e-14);
  for (const std::size_t boundary : {0, 1, 2, 3, 5, 6, 7, 8})
    EXPECT_EQ(u[boundary], 0);
}

TEST(DarcySolver, ManufacturedSolutionIsSecondOrder) {
  for (const char* average : {"arithmetic", "harmonic"}) {
    std::vector<double> errors;
    for (const char* n : {"16", "32", "64", "128"}) {
      const ScopedOptions options{{"-darcy_coefficient", "manufactured"},
                                  {"-darcy_average", average},
                                  {"-darcy_resolution", n},
                                  {"-darcy_solve_refine", "1"}};
      const auto problem = nopal::make_problem("darcy", Communicator::world());
      const auto [x, y] = draw(*problem, 0, 0);
      const std::int64_t width = problem->x_shape()[0];
      double worst = 0;
      for (std::int64_t i = 0, k = 0; i < width; ++i)
        for (std::int64_t j = 0; j < width; ++j, ++k) {
          const double x1 = static_cast<double>(i) / static_cast<double>(width);
          const double x2 = static_cast<double>(j) / static_cast<double>(width);
          const double exact = std::sin(pi * x1) * std::sin(pi * x2);
          worst = std::max(worst, std::abs(y[static_cast<std::size_t>(k)] - exact));
          EXPECT_NEAR(x[static_cast<std::size_t>(k)],
                      2 + std::sin(2 * pi * x1) * std::cos(2 * pi * x2), 1e-14);
        }
      errors.push_back(worst);
    }
    expect_order(errors, 1.9);
    EXPECT_LT(errors.back(), 2e-3);
  }
}

// u = sum over odd m, n of 16 f / (pi^4 a m n (m^2 + n^2)) sin(m pi x1) sin(n pi x2).
TEST(DarcySolver, ConstantCoefficientIsTheTorsionSeries) {
  const auto series = [](double x1, double x2) {
    double sum = 0;
    for (int m = 1; m < 400; m += 2)
      for (int n = 1; n < 400; n += 2)
        sum += std::sin(m * pi * x1) * std::sin(n * pi * x2) /
               (double(m) * n * (double(m) * m + double(n) * n));
    return 16 * sum / std::pow(pi, 4);
  };
  EXPECT_NEAR(series(0.5, 0.5), 0.0736713533, 1e-8);  // known value of the torsion problem
  const double a = 2.5, f = 3;
  std::vector<double> errors;
  for (const std::int64_t n : {16, 32, 64}) {
    DarcySolver solver(n, FaceAverage::arithmetic, Communicator::world());
    const auto nodes = static_cast<std::size_t>(solver.nodes());
    std::vector<double> u;
    solver.solve(std::vector<double>(nodes, a), std::vector<double>(nodes, f), u);
    const auto points = every(u, static_cast<std::size_t>(n / 8));
    const auto exact = at_nodes(8, series);
    double worst = 0;
    for (std::size_t i = 0; i < points.size(); ++i)
      worst = std::max(worst, std::abs(points[i] - exact[i] * f / a));
    errors.push_back(worst);
  }
  expect_order(errors, 1.9);
  EXPECT_LT(errors.back(), 1e-4);
}

// A jump that does not follow the grid costs an order; how much error that leaves in the labels is
// reported for the record.
TEST(DarcySolver, DiscontinuousCoefficientConverges) {
  constexpr std::int64_t finest = 512;
  nopal::RandomFieldOptions law = DarcyOptions::published_field();
  law.max_mode = 32;  // the same coefficient on all grids
  nopal::RandomField field({finest + 1, finest + 1}, law);
  std::vector<double> fine(static_cast<std::size_t>((finest + 1) * (finest + 1)));
  field.sample(1, 0, fine);
  for (double& v : fine)
    v = v >= 0 ? 12 : 3;
  std::vector<std::vector<double>> solutions;
  for (std::int64_t n = 32; n <= finest; n *= 2) {
    DarcySolver solver(n, FaceAverage::arithmetic, Communicator::world());
    std::vector<double> u;
    solver.solve(every(fine, static_cast<std::size_t>(finest / n)),
                 std::vector<double>(static_cast<std::size_t>(solver.nodes()), 1.0), u);
    solutions.push_back(every(u, static_cast<std::size_t>(n / 32)));
  }
  std::vector<double> errors;
  for (std::size_t i = 0; i + 1 < solutions.size(); ++i)
    errors.push_back(relative_difference(solutions[i], solutions.back()));
  for (std::size_t i = 0; i < errors.size(); ++i) {
    RecordProperty("relative_l2_at_" + std::to_string(32 << i), std::to_string(errors[i]));
    if (Communicator::world().rank() == 0)
      std::cout << "  " << (32 << i) << " cells: relative L2 to " << finest << " cells "
                << errors[i] << "\n";
  }
  EXPECT_LT(errors.back(), errors.front() / 4);
  EXPECT_LT(errors.back(), 0.01);
}

TEST(Darcy, SampleDependsOnSeedAndIndexAloneBitForBit) {
  DarcyOptions options;
  options.resolution = 16;
  options.solve_refine = 4;
  Darcy used(options), fresh(options);
  const auto first = draw(used, 4, 7);
  draw(used, 4, 8);
  draw(used, 5, 1);
  const auto again = draw(used, 4, 7), other = draw(fresh, 4, 7);
  EXPECT_EQ(first.x, again.x);
  EXPECT_EQ(first.y, again.y);
  EXPECT_EQ(first.x, other.x);
  EXPECT_EQ(first.y, other.y);
  EXPECT_NE(draw(used, 4, 8).x, first.x);
  EXPECT_NE(draw(used, 5, 7).x, first.x);
}

TEST(Darcy, SolvedByAllRanksItIsTheSameSample) {
  DarcyOptions options;
  options.resolution = 32;
  options.solve_refine = 2;
  Darcy alone(options), together(options, Communicator::world());
  const auto a = draw(alone, 11, 3), b = draw(together, 11, 3);
  EXPECT_EQ(a.x, b.x);
  EXPECT_LT(relative_difference(b.y, a.y), 1e-9);
  options.coefficient = DarcyOptions::Coefficient::lognormal;
  options.field.sigma = 10;
  Darcy alone2(options), together2(options, Communicator::world());
  const auto c = draw(alone2, 11, 3), d = draw(together2, 11, 3);
  EXPECT_EQ(c.x, d.x);
  EXPECT_LT(relative_difference(d.y, c.y), 1e-9);
}

TEST(Darcy, CoarsePointsAreEverySecondFinePoint) {
  DarcyOptions options;
  options.resolution = 64;
  Darcy coarse(options);
  options.resolution = 128;
  Darcy fine(options);
  EXPECT_EQ(coarse.metadata()["solve_cells"], "256");
  EXPECT_EQ(fine.metadata()["solve_cells"], "256");
  const auto a = draw(coarse, 1, 2), b = draw(fine, 1, 2);
  for (std::size_t i = 0; i < 64; ++i)
    for (std::size_t j = 0; j < 64; ++j) {
      EXPECT_EQ(a.x[i * 64 + j], b.x[2 * i * 128 + 2 * j]);
      EXPECT_EQ(a.y[i * 64 + j], b.y[2 * i * 128 + 2 * j]);
    }
}

TEST(Darcy, FieldsAreWhatTheyShouldBe) {
  DarcyOptions options;
  options.resolution = 32;
  options.solve_refine = 2;
  Darcy darcy(options);
  double high = 0;
  for (std::uint64_t index = 0; index < 20; ++index) {
    const auto [x, y] = draw(darcy, 1, index);
    for (std::size_t k = 0; k < x.size(); ++k) {
      EXPECT_TRUE(x[k] == 12 || x[k] == 3);
      high += x[k] == 12;
      // The first row and column are boundary; inside, f > 0 makes u positive, and u is at most the
      // torsion function over the smaller coefficient.
      const bool boundary = k < 32 || k % 32 == 0;
      EXPECT_EQ(y[k] == 0, boundary);
      EXPECT_LE(y[k], 0.0736714 / 3);
      EXPECT_GE(y[k], 0);
    }
  }
  // Half of a field without its constant mode lies above 0, half below, within 5 deviations of 20
  // samples that vary like a mode of wave length 2.
  EXPECT_NEAR(high / (20 * 1024), 0.5, 0.25);
  nopal::RandomField field({65, 65}, options.field);
  std::vector<double> g(65 * 65);
  field.sample(1, 0, g);
  const auto [a, u] = draw(darcy, 1, 0);
  for (std::size_t i = 0; i < 32; ++i)
    for (std::size_t j = 0; j < 32; ++j)
      EXPECT_EQ(a[i * 32 + j], g[2 * i * 65 + 2 * j] >= 0 ? 12 : 3);

  options.coefficient = DarcyOptions::Coefficient::constant;
  options.value = 2;
  Darcy constant(options);
  const auto [x, y] = draw(constant, 1, 0);
  for (const double v : x)
    EXPECT_EQ(v, 2);
  EXPECT_NEAR(y[16 * 32 + 16], 0.0736713533 / 2, 1e-4);

  options.coefficient = DarcyOptions::Coefficient::lognormal;
  Darcy lognormal(options);
  const auto sample = draw(lognormal, 1, 0);
  EXPECT_DOUBLE_EQ(sample.x[5 * 32 + 9], std::exp(g[5 * 2 * 65 + 9 * 2]));
}

TEST(Darcy, RoughIsAPresetThatOptionsChange) {
  const ScopedOptions rough{{"-darcy_coefficient", "rough"}, {"-darcy_resolution", "32"}};
  auto data = nopal::make_problem("darcy")->metadata();
  EXPECT_EQ(data["coefficient"], "piecewise");
  EXPECT_EQ(data["tau"], "5");
  EXPECT_EQ(data["alpha"], "2");
  EXPECT_EQ(data["high"], "12");
  EXPECT_EQ(data["low"], "2");
  EXPECT_EQ(data["source"], "1");
  const auto [x, y] = draw(*nopal::make_problem("darcy"), 1, 0);
  nopal::RandomFieldOptions law = DarcyOptions::published_field();
  law.tau = 5;
  nopal::RandomField field({257, 257}, law);
  std::vector<double> g(257 * 257);
  field.sample(1, 0, g);
  for (std::size_t i = 0; i < 32; ++i)
    for (std::size_t j = 0; j < 32; ++j)
      EXPECT_EQ(x[i * 32 + j], g[8 * i * 257 + 8 * j] >= 0 ? 12 : 2);
  const ScopedOptions other{{"-darcy_low", "4"}, {"-darcy_tau", "9"}};
  data = nopal::make_problem("darcy")->metadata();
  EXPECT_EQ(data["low"], "4");
  EXPECT_EQ(data["tau"], "9");
}

TEST(Darcy, MultiscaleCoefficientIsTheProductOfWaves) {
  DarcyOptions options;
  options.coefficient = DarcyOptions::Coefficient::multiscale;
  options.resolution = 16;
  EXPECT_EQ(Darcy(options).metadata()["solve_cells"], "1024");
  options.solve_refine = 2;
  Darcy darcy(options), other(options);
  const auto [x, y] = draw(darcy, 7, 2);
  EXPECT_DOUBLE_EQ(x[0], std::pow(1.5, 6));  // the cosines are 1 at the origin, the sines 0
  const nopal::Random random = nopal::sample_random(7, 2);
  for (std::size_t i = 0; i < 16; ++i)
    for (std::size_t j = 0; j < 16; ++j) {
      const double x1 = double(i) / 16, x2 = double(j) / 16;
      double a = 1;
      for (std::uint64_t k = 1; k <= 6; ++k) {
        const double low = std::pow(2, k - 1), wave = low + 0.5 * low * random.uniform(k - 1);
        a *= (1 + 0.5 * std::cos(wave * pi * (x1 + x2))) *
             (1 + 0.5 * std::sin(wave * pi * (x2 - 3 * x1)));
      }
      EXPECT_NEAR(x[i * 16 + j], a, 1e-11 * a);
    }
  draw(other, 7, 1);
  EXPECT_EQ(draw(other, 7, 2).x, x);
  EXPECT_EQ(draw(other, 7, 2).y, y);
  EXPECT_NE(draw(other, 7, 1).x, x);
  EXPECT_NE(draw(other, 8, 2).x, x);
}

// How much error coarser grids than that of the published multiscale data leave, for the record.
TEST(DarcySolver, MultiscaleCoefficientConverges) {
  if (Communicator::world().size() > 1) GTEST_SKIP() << "minutes on shared cores, and the same";
  DarcyOptions options;
  options.coefficient = DarcyOptions::Coefficient::multiscale;
  options.resolution = 64;
  std::vector<std::vector<double>> solutions;
  for (const std::int64_t refine : {2, 4, 8, 16}) {
    options.solve_refine = refine;
    Darcy darcy(options);
    solutions.push_back(draw(darcy, 1, 0).y);
  }
  std::vector<double> errors;
  for (std::size_t i = 0; i + 1 < solutions.size(); ++i) {
    errors.push_back(relative_difference(solutions[i], solutions.back()));
    std::cout << "  " << (128 << i) << " cells: relative L2 to 1024 cells " << errors[i] << "\n";
  }
  EXPECT_LT(errors[2], errors[1] / 2);
  EXPECT_LT(errors[2], 0.05);
}

TEST(Darcy, SolverOptionsApply) {
  DarcyOptions options;
  options.resolution = 40;  // also without a power of two
  options.solve_refine = 1;
  Darcy multigrid(options);
  const auto a = draw(multigrid, 2, 2);
  const ScopedOptions direct{{"-darcy_ksp_type", "preonly"}, {"-darcy_pc_type", "lu"}};
  Darcy exact(options);
  const auto b = draw(exact, 2, 2);
  EXPECT_EQ(exact.solver().iterations(), 1);
  EXPECT_LT(relative_difference(a.y, b.y), 1e-9);
}

TEST(Darcy, ManyCellsWithoutFactorsOfTwoAreSolvedToo) {
  DarcyOptions options;
  options.resolution = 131;
  options.solve_refine = 1;
  Darcy darcy(options);
  const auto a = draw(darcy, 2, 2);
  EXPECT_LT(darcy.solver().iterations(), 30);
}

TEST(Darcy, FailureToConvergeNamesSampleAndReason) {
  const ScopedOptions one{{"-darcy_ksp_max_it", "1"}};
  DarcyOptions options;
  options.resolution = 32;
  options.solve_refine = 2;
  Darcy darcy(options, Communicator::world());
  const auto message = message_of([&] { draw(darcy, 3, 5); });
  EXPECT_NE(message.find("sample 5 of seed 3"), std::string::npos) << message;
  EXPECT_NE(message.find("DIVERGED_ITS after 1 iterations"), std::string::npos) << message;
  EXPECT_NE(message.find("-darcy_ksp_max_it"), std::string::npos) << message;
  EXPECT_EQ(message.find('\n'), std::string::npos);
}

TEST(Darcy, BadCoefficientsAreNamed) {
  DarcySolver solver(8);
  std::vector<double> a(81, 1.0), f(81, 1.0), u;
  a[40] = -2;
  EXPECT_EQ(message_of([&] { solver.solve(a, f, u); }),
            "the Darcy coefficient must be positive and finite, got -2 at node 40");
  a[40] = std::nan("");
  EXPECT_NE(message_of([&] { solver.solve(a, f, u); }).find("nan at node 40"), std::string::npos);
  a.pop_back();
  EXPECT_NE(message_of([&] { solver.solve(a, f, u); }).find("81 nodes, got 80 values"),
            std::string::npos);
}

TEST(Darcy, BadOptionsAreNamed) {
  const auto message = [](const char* option, const char* value) {
    return message_of_option("darcy", option, value);
  };
  EXPECT_EQ(message("-darcy_resolution", "1"),
            "option -darcy_resolution: expected at least 2 points an axis, got 1");
  EXPECT_EQ(message("-darcy_low", "0"), "option -darcy_low: expected a positive number, got 0");
  EXPECT_EQ(message("-darcy_high", "tall"), "option -darcy_high: expected a number, got 'tall'");
  EXPECT_NE(message("-darcy_coefficient", "log-normal").find("did you mean 'lognormal'?"),
            std::string::npos);
  EXPECT_NE(message("-darcy_solve_refine", "-1").find("option -darcy_solve_refine"),
            std::string::npos);
  EXPECT_NE(message("-darcy_tau", "-3").find("option -darcy_tau"), std::string::npos);
  EXPECT_NE(message("-darcy_ksp_type", "nonsense").find("nonsense"), std::string::npos);
  EXPECT_NE(message("-darcy_mg_levels_pc_type", "nonsense").find("nonsense"), std::string::npos);
}

TEST(Problems, AreMadeByName) {
  const auto types = nopal::problem_types();
  const auto has = [&](const std::string& name) {
    return std::count_if(types.begin(), types.end(),
                         [&](const auto& type) { return type.name == name; }) == 1;
  };
  EXPECT_TRUE(has("darcy") && has("antiderivative") && has("burgers"));
  EXPECT_TRUE(std::is_sorted(types.begin(), types.end(),
                             [](const auto& a, const auto& b) { return a.name < b.name; }));
  EXPECT_NE(message_of([] { nopal::make_problem("darcie"); }).find("did you mean 'darcy'?"),
            std::string::npos);
  EXPECT_NE(message_of([] {
              nopal::register_problem({"darcy", "again", nullptr});
            }).find("registered already"),
            std::string::npos);
  DarcyOptions options;
  options.resolution = 8;
  options.solve_refine = 1;
  Darcy darcy(options);
  const Tensor<double> x({8, 8, 1}), wrong({8, 7, 1});
  EXPECT_EQ(message_of([&] { darcy.sample(0, 0, x, wrong); }),
            "problem darcy: expected y of shape (8, 8, 1), got (8, 7, 1)");
  const ScopedOptions prefixed{{"-mine_darcy_resolution", "12"}};
  EXPECT_EQ(nopal::make_problem("darcy", {}, "mine_")->x_shape()[0], 12);
}

}  // namespace
