// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Random fields against the Karhunen-Loeve sum, written out term by term.

#include <gtest/gtest.h>
#include <nopal/data/random_field.hpp>

#include <cmath>
#include <numbers>

namespace {

using nopal::FieldBoundary;
using nopal::FieldCentring;
using nopal::RandomField;
using nopal::RandomFieldOptions;
using nopal::Shape;
using std::numbers::pi;

std::vector<double> draw(RandomField& field, std::uint64_t seed, std::uint64_t index) {
  std::vector<double> values(static_cast<std::size_t>(field.grid().size()));
  field.sample(seed, index, values);
  return values;
}

std::vector<std::int64_t> position(const Shape& grid, std::int64_t p) {
  std::vector<std::int64_t> x(static_cast<std::size_t>(grid.rank()));
  for (int i = grid.rank() - 1; i >= 0; --i) {
    x[static_cast<std::size_t>(i)] = p % grid[i];
    p /= grid[i];
  }
  return x;
}

// Sum over the modes of one axis of phi_k(x) phi_k(y), grouped by |k|: (eigenvalue, product).
std::vector<std::pair<double, double>> axis_terms(const RandomFieldOptions& options, double length,
                                                  std::int64_t n, double x, double y) {
  std::vector<std::pair<double, double>> terms;
  const bool node = options.centring == FieldCentring::node;
  std::int64_t first = 0, last = n - 1;
  if (options.boundary == FieldBoundary::dirichlet) {
    first = 1;
    last = node ? n - 2 : n;
  }
  if (options.boundary == FieldBoundary::periodic) last = (n - 1) / 2;
  if (options.max_mode > 0) last = std::min(last, options.max_mode);
  for (std::int64_t k = first; k <= last; ++k) {
    const double w = (options.boundary == FieldBoundary::periodic ? 2 : 1) * pi *
                     static_cast<double>(k) / length;
    double product = 1 / length;
    if (options.boundary == FieldBoundary::neumann && k > 0)
      product *= 2 * std::cos(w * x) * std::cos(w * y);
    if (options.boundary == FieldBoundary::dirichlet)
      product *= 2 * std::sin(w * x) * std::sin(w * y);
    if (options.boundary == FieldBoundary::periodic && k > 0) product *= 2 * std::cos(w * (x - y));
    terms.emplace_back(w * w, product);
  }
  return terms;
}

// Exact covariance of the field at two points: the product basis summed with the law's weights.
double covariance(const RandomFieldOptions& options, const Shape& grid, const RandomField& field,
                  std::int64_t p, std::int64_t q) {
  std::vector<std::pair<double, double>> terms = {{0, 1}};
  const auto pp = position(grid, p), qq = position(grid, q);
  for (int axis = 0; axis < grid.rank(); ++axis) {
    const auto a = static_cast<std::size_t>(axis);
    std::vector<std::pair<double, double>> next;
    for (const auto& [value, product] : terms)
      for (const auto& [w, f] :
           axis_terms(options, options.lengths[a], grid[axis], field.coordinate(axis, pp[a]),
                      field.coordinate(axis, qq[a])))
        next.emplace_back(value + w, product * f);
    terms = next;
  }
  double sum = 0;
  for (const auto& [value, product] : terms)
    if (!(options.zero_mean && value == 0))
      sum += options.sigma * options.sigma *
             std::pow(value + options.tau * options.tau, -options.alpha) * product;
  return sum;
}

class RandomFieldLaw
    : public testing::TestWithParam<std::tuple<FieldBoundary, FieldCentring, Shape>> {};

TEST_P(RandomFieldLaw, EmpiricalCovarianceIsTheKarhunenLoeveSum) {
  const auto& [boundary, centring, grid] = GetParam();
  RandomFieldOptions options;
  options.boundary = boundary;
  options.centring = centring;
  options.alpha = 1.3;
  options.tau = 2;
  options.sigma = 1.7;
  options.zero_mean = centring == FieldCentring::cell;
  options.lengths = {1, 1.5, 0.8};
  RandomField field(grid, options);

  constexpr int samples = 20000;
  const auto n = static_cast<std::size_t>(grid.size());
  std::vector<double> mean(n), second(n * n);
  for (int s = 0; s < samples; ++s) {
    const auto v = draw(field, 3, static_cast<std::uint64_t>(s));
    for (std::size_t i = 0; i < n; ++i) {
      mean[i] += v[i] / samples;
      for (std::size_t j = 0; j <= i; ++j)
        second[i * n + j] += v[i] * v[j] / samples;
    }
  }
  // The mean is known to be 0, so the mean product has variance (C_ii C_jj + C_ij^2) / samples.
  const auto exact = [&, grid = grid](std::size_t i, std::size_t j) {
    return covariance(options, grid, field, static_cast<std::int64_t>(i),
                      static_cast<std::int64_t>(j));
  };
  for (std::size_t i = 0; i < n; ++i) {
    EXPECT_LE(std::abs(mean[i]), 5 * std::sqrt(exact(i, i) / samples) + 1e-14);
    for (std::size_t j = 0; j <= i; ++j) {
      const double c = exact(i, j);
      const double deviation = std::sqrt((exact(i, i) * exact(j, j) + c * c) / samples);
      EXPECT_NEAR(second[i * n + j], c, 5 * deviation + 1e-14) << "points " << i << ", " << j;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(AllBasesAndDimensions, RandomFieldLaw,
                         testing::Combine(testing::Values(FieldBoundary::neumann,
                                                          FieldBoundary::dirichlet,
                                                          FieldBoundary::periodic),
                                          testing::Values(FieldCentring::node, FieldCentring::cell),
                                          testing::Values(Shape{7}, Shape{4, 5}, Shape{3, 4, 3})));

// Where the points of a coarse grid lie on one that is twice as fine.
TEST(RandomField, TwoResolutionsShowTheSameFunction) {
  for (const auto boundary :
       {FieldBoundary::neumann, FieldBoundary::dirichlet, FieldBoundary::periodic}) {
    RandomFieldOptions options;
    options.boundary = boundary;
    options.max_mode = 15;
    const std::int64_t extra = boundary == FieldBoundary::periodic ? 0 : 1;
    RandomField coarse({64 + extra, 32 + extra}, options);
    RandomField fine({128 + extra, 64 + extra}, options);
    const auto a = draw(coarse, 5, 17), b = draw(fine, 5, 17);
    double largest = 0;
    for (std::int64_t i = 0; i < coarse.grid()[0]; ++i)
      for (std::int64_t j = 0; j < coarse.grid()[1]; ++j) {
        const double at_coarse = a[static_cast<std::size_t>(i * coarse.grid()[1] + j)];
        const double at_fine = b[static_cast<std::size_t>(2 * i * fine.grid()[1] + 2 * j)];
        largest = std::max(largest, std::abs(at_coarse));
        EXPECT_NEAR(at_coarse, at_fine, 1e-14);
      }
    EXPECT_GT(largest, 0.01);
  }
}

// Without a limit the finer grid has more modes, whose part of the field is their variance.
TEST(RandomField, FinerGridsAddOnlyTheModesTheyResolve) {
  RandomField coarse({65, 65}), fine({129, 129});
  const auto a = draw(coarse, 5, 2), b = draw(fine, 5, 2);
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < 65; ++i)
    for (std::size_t j = 0; j < 65; ++j) {
      const double v = b[2 * i * 129 + 2 * j];
      difference += std::pow(a[i * 65 + j] - v, 2);
      norm += v * v;
    }
  EXPECT_GT(difference, 0);
  EXPECT_LT(std::sqrt(difference / norm), 0.05);
}

// Cell-centred and node-centred grids show the same function as well: a cosine sum is even about 0,
// so that the cell centres of n cells are the odd nodes of 2n.
TEST(RandomField, CellsAndNodesShowTheSameFunction) {
  for (const auto boundary :
       {FieldBoundary::neumann, FieldBoundary::dirichlet, FieldBoundary::periodic}) {
    RandomFieldOptions options;
    options.boundary = boundary;
    options.max_mode = 7;
    RandomField nodes({boundary == FieldBoundary::periodic ? 40 : 41}, options);
    options.centring = FieldCentring::cell;
    RandomField cells({20}, options);
    const auto a = draw(nodes, 1, 0), b = draw(cells, 1, 0);
    for (std::size_t i = 0; i < 20; ++i) {
      EXPECT_NEAR(nodes.coordinate(0, static_cast<std::int64_t>(2 * i + 1)),
                  cells.coordinate(0, static_cast<std::int64_t>(i)), 1e-15);
      EXPECT_NEAR(a[2 * i + 1], b[i], 1e-14);
    }
  }
}

TEST(RandomField, BoundaryConditionsHold) {
  RandomFieldOptions options;
  options.max_mode = 6;
  const std::size_t n = 401;
  RandomField neumann({401}, options);
  const auto a = draw(neumann, 9, 0);
  // A slope of 0 makes the first difference second order: |f''| h / 2.
  double steepest = 0;
  for (std::size_t i = 0; i + 1 < n; ++i)
    steepest = std::max(steepest, std::abs(a[i + 1] - a[i]));
  EXPECT_LT(std::abs(a[1] - a[0]), 0.05 * steepest);
  EXPECT_LT(std::abs(a[n - 1] - a[n - 2]), 0.05 * steepest);

  options.boundary = FieldBoundary::dirichlet;
  RandomField dirichlet({9, 12, 10}, options);
  const auto b = draw(dirichlet, 9, 0);
  for (std::int64_t p = 0; p < dirichlet.grid().size(); ++p) {
    const auto x = position(dirichlet.grid(), p);
    bool boundary = false;
    for (int axis = 0; axis < 3; ++axis)
      boundary |= x[static_cast<std::size_t>(axis)] == 0 ||
                  x[static_cast<std::size_t>(axis)] == dirichlet.grid()[axis] - 1;
    EXPECT_EQ(b[static_cast<std::size_t>(p)] == 0, boundary);
  }

  // Periodic: the step over the end is the derivative there, like the steps beside it.
  options.boundary = FieldBoundary::periodic;
  RandomField periodic({400}, options);
  const auto c = draw(periodic, 9, 0);
  const double over = c[0] - c[399];
  EXPECT_NEAR(over, ((c[1] - c[0]) + (c[399] - c[398])) / 2, 0.05 * std::abs(over));
}

TEST(RandomField, DependsOnSeedIndexAndComponentAlone) {
  const Shape grid = {17, 17};
  RandomField field(grid), other(grid);
  const auto a = draw(field, 1, 4);
  draw(other, 8, 8);  // what was drawn before must not matter
  EXPECT_EQ(draw(other, 1, 4), a);
  EXPECT_NE(draw(field, 1, 5), a);
  EXPECT_NE(draw(field, 2, 4), a);
  RandomFieldOptions options;
  options.component = 1;
  RandomField second(grid, options);
  EXPECT_NE(draw(second, 1, 4), a);

  nopal::Tensor<float> rounded(grid);
  field.sample(1, 4, rounded);
  const auto values = rounded.to_vector();
  for (std::size_t i = 0; i < a.size(); ++i)
    EXPECT_EQ(values[i], static_cast<float>(a[i]));
}

TEST(RandomField, ZeroMeanLeavesOutTheConstant) {
  RandomFieldOptions options;
  options.centring = FieldCentring::cell;  // where every cosine sums to 0 over the points
  options.zero_mean = true;
  RandomField field({16, 8}, options);
  double sum = 0;
  for (const double v : draw(field, 2, 2))
    sum += v;
  EXPECT_NEAR(sum, 0, 1e-13);
}

template <class Action>
std::string message_of(const Action& action) {
  try {
    action();
  } catch (const nopal::Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(RandomField, BadArgumentsAreNamed) {
  EXPECT_NE(message_of([] {
              RandomField({4, 4, 4, 4});
            }).find("1 to 3 grid axes"),
            std::string::npos);
  EXPECT_NE(message_of([] { RandomField({1}); }).find("needs 2 to"), std::string::npos);
  RandomFieldOptions options;
  options.boundary = FieldBoundary::dirichlet;
  EXPECT_NE(message_of([&] { RandomField({2}, options); }).find("needs 3 to"), std::string::npos);
  options = {};
  options.tau = 0;
  EXPECT_NE(message_of([&] { RandomField({8}, options); }).find("set zero_mean"),
            std::string::npos);
  options.tau = -1;
  EXPECT_NE(message_of([&] { RandomField({8}, options); }).find("tau -1"), std::string::npos);
  options = {};
  options.component = 8;
  EXPECT_NE(message_of([&] { RandomField({8}, options); }).find("component"), std::string::npos);
  RandomField field({8});
  std::vector<double> few(7);
  EXPECT_EQ(message_of([&] { field.sample(0, 0, few); }),
            "a random field of shape (8) needs 8 values, got 7");
  std::vector<double> enough(8);
  EXPECT_NE(message_of([&] { field.sample(0, std::uint64_t(1) << 48, enough); }).find("2^48"),
            std::string::npos);
}

}  // namespace
