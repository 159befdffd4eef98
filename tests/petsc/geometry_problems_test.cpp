// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "test_tools.hpp"

#include <gtest/gtest.h>
#include <nopal/solvers/generate.hpp>
#include <nopal/solvers/problems/darcy_domains.hpp>
#include <nopal/solvers/problems/darcy_notch.hpp>
#include <nopal/solvers/problems/eikonal.hpp>
#include <nopal/solvers/problems/heated_plate.hpp>

#include <cmath>

namespace nopal {
namespace {

// The mesh is the published one in size; u is g on the sides and 0 on the notch.
TEST(DarcyNotch, Samples) {
  EXPECT_NEAR(double(make_mesh(triangle_with_notch(), DarcyNotchOptions().h).point_count()), 2295,
              60);
  DarcyNotch problem({.h = 0.05, .resolution = 20});
  const auto data = problem.point_data<double>(1, 0, 3, Communicator::world());
  data.check("of the test");
  EXPECT_EQ(data.functions[0].shape(), (Shape{3, 101}));
  const auto& points = problem.mesh().points;
  const auto on = problem.mesh().boundary();
  const std::vector<double> g = data.functions[0].to_vector(), u = data.values.to_vector();
  int sides = 0, notch = 0;
  for (std::size_t p = 0; p < on.size(); ++p) {
    if (!on[p]) continue;
    const double x = points[2 * p], y = points[2 * p + 1], value = u[on.size() + p];
    if (std::abs(x - 0.5) < 0.011 && y > 0 && y < 0.41) {
      EXPECT_EQ(value, 0);
      ++notch;
    } else {
      const auto i = std::min<std::size_t>(static_cast<std::size_t>(100 * x), 99);
      const double f = 100 * x - double(i);
      EXPECT_NEAR(value, (1 - f) * g[101 + i] + f * g[102 + i], 1e-9);
      ++sides;
    }
  }
  EXPECT_GT(sides, 40);
  EXPECT_GT(notch, 15);
  // Fields are the same solution, and back at the mesh it is near.
  const auto [x, y] = problem.as_fields(data);
  const Tensor<double> one({20, 20, 2}), field({20, 20, 1});
  problem.sample(1, 1, one, field);
  EXPECT_EQ(x.slice(1, 1).to_vector(), one.to_vector());
  for (std::int64_t i = 0; i < field.size(); ++i)
    EXPECT_NEAR(y.slice(1, 1).to_vector()[static_cast<std::size_t>(i)], field.data()[i], 1e-12);
  const auto back = problem.at_mesh(y).to_vector();
  double error = 0, size = 0;
  for (std::size_t i = 0; i < u.size(); ++i) {
    error += std::pow(back[i] - u[i], 2);
    size += u[i] * u[i];
  }
  EXPECT_LT(std::sqrt(error / size), 0.15);
}

// The solution for k = 1 is that of the equation in the disc, (r^2 - |x - c|^2) / 4, and the
// largest in the square is 0.07367.
TEST(DarcyDomains, KnownSolutions) {
  for (const auto& [domain, middle] :
       {std::pair{DarcyDomain::disc, 0.0625}, {DarcyDomain::square, 0.07367}}) {
    DarcyDomains problem({.domain = domain, .resolution = 11, .h = 0.05, .deviation = 1e-6});
    const Tensor<double> x({11, 11, 2}), y({11, 11, 1});
    problem.sample(1, 0, x, y);
    EXPECT_NEAR(y.data()[60], middle, 0.01 * middle);
    EXPECT_NEAR(x.data()[120], 0, 1e-4);
  }
}

TEST(DarcyDomains, SamplesAsFunctions) {
  DarcyDomains problem({.resolution = 40, .h = 0.1});
  const auto samples = generate_in_memory<double>(problem, {12, 3, 0, 0}, Communicator::world());
  const auto data = problem.as_functions(*samples);
  data.check("of the test");
  int shapes[3]{};
  for (std::int64_t i = 0; i < 12; ++i) {
    const auto mask = data.mask.slice(i, 1).to_vector(), u = data.values.slice(i, 1).to_vector();
    double area = 0;
    for (std::size_t p = 0; p < mask.size(); ++p) {
      area += mask[p] / 1600;
      EXPECT_TRUE(mask[p] == 1 || u[p] == 0);
      EXPECT_GE(u[p], -1e-12);
    }
    const auto which = static_cast<int>(problem.domain_of(3, static_cast<std::uint64_t>(i)));
    ++shapes[which];
    EXPECT_NEAR(area, which == 0 ? 1 : which == 1 ? 0.785 : 0.433, 0.05) << which;
  }
  EXPECT_TRUE(shapes[0] > 0 && shapes[1] > 0 && shapes[2] > 0);
}

TEST(HeatedPlate, Samples) {
  HeatedPlate problem({.h = 0.3, .layers = 2, .resolution = 12});
  const auto samples = generate_in_memory<double>(problem, {2, 0, 10, 0}, Communicator::world());
  const auto data = problem.as_functions(*samples);
  data.check("of the test");
  EXPECT_EQ(HeatedPlate::holes(10), 3);
  EXPECT_NEAR(HeatedPlate::position(10), 1.1, 1e-12);
  EXPECT_NEAR(data.functions[0].to_vector()[0], 0.3, 1e-12);
  EXPECT_NEAR(data.functions[0].to_vector()[3], 0.6, 1e-12);
  const auto t = data.values.to_vector(), mask = data.mask.to_vector();
  // T = 1 below where there is no hole, between 0 and 1 elsewhere, less above.
  for (std::size_t p = 0; p < mask.size(); ++p) {
    EXPECT_TRUE(t[p] > -1e-9 && t[p] < 1 + 1e-9);
    const bool lowest = p % 5 == 0;
    EXPECT_TRUE(!lowest || mask[p] == 0 || t[p] > t[p + 4] - 1e-9);
  }
  const Tensor<double> x(problem.x_shape()), y(problem.y_shape());
  test::expect_error([&] { problem.sample(0, 64, x, y); }, {"0 to 63", "64"});
  test::expect_error([] { HeatedPlate({.radius = 0.3}); }, {"no room for 9 holes"});
}

// |grad s| = 1 away from the centre, s = 0 on the circle.
TEST(Eikonal, IsTheSignedDistance) {
  const Eikonal problem({.sensors = 16});
  const auto data = problem.point_data<double>(2, 5, 3, 20);
  data.check("of the test");
  const auto circle = data.functions[0].to_vector(), p = data.points.to_vector(),
             s = data.values.to_vector();
  for (std::int64_t i = 0; i < 3; ++i) {
    const double* const c = &circle[static_cast<std::size_t>(32 * i)];
    const double x = (c[0] + c[16]) / 2, y = (c[1] + c[17]) / 2;
    const double radius = std::hypot(c[0] - c[16], c[1] - c[17]) / 2;
    for (std::int64_t r = data.first_row(i); r < data.first_row(i + 1); ++r) {
      const auto k = static_cast<std::size_t>(r);
      EXPECT_NEAR(s[k], std::hypot(p[2 * k] - x, p[2 * k + 1] - y) - radius, 1e-12);
    }
  }
  Eikonal fields({.resolution = 33});
  const Tensor<double> in({33, 33, 1}), out({33, 33, 1});
  fields.sample(1, 0, in, out);
  const double h = 2.0 / 32;
  const auto at = [&](int i, int j) { return out.data()[33 * i + j]; };
  EXPECT_NEAR(std::hypot(at(1, 0) - at(0, 0), at(0, 1) - at(0, 0)) / h, 1, 0.05);
  test::expect_error([] { Eikonal({.sensors = 2}); }, {"eikonal_sensors", "2"});
}

}  // namespace
}  // namespace nopal
