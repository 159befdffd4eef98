// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>
#include <nopal/autograd/gradient_check.hpp>
#include <nopal/core/random.hpp>
#include <nopal/core/runtime.hpp>
#include <nopal/nn/elementwise.hpp>
#include <nopal/nn/jet.hpp>
#include <nopal/nn/point_features.hpp>
#include <nopal/operators/deeponet.hpp>

#include "test_tools.hpp"

#include <nlohmann/json.hpp>

#include <cmath>

namespace nopal {
namespace {

using nlohmann::json;
using test::expect_error;

Tensor<double> random(const Shape& shape, std::uint64_t seed, double low = 0, double high = 1) {
  const Tensor<double> x(shape);
  fill_uniform(x, low, high, Random(seed));
  return x;
}

// v = x^2, of which v' = 2 x and v'' = 2, at x = 3: sin(v + b).
TEST(Jet, ActivationByHand) {
  const JetLayout layout({2});
  const auto z = Tensor<double>::from_host({3, 1, 1}, {9, 6, 2});
  const auto bias = Tensor<double>::from_host({1}, {0.5});
  const auto y = activate_jet<double>(z, bias, layout, Activation::sin).value().to_vector();
  EXPECT_DOUBLE_EQ(y[0], std::sin(9.5));
  EXPECT_DOUBLE_EQ(y[1], 6 * std::cos(9.5));
  EXPECT_DOUBLE_EQ(y[2], 2 * std::cos(9.5) - 36 * std::sin(9.5));
}

TEST(Jet, LayoutsAndTheirErrors) {
  const JetLayout layout({1, 0, 2});
  EXPECT_EQ(layout.count(), 4);
  EXPECT_EQ(layout.place(0, 1), 1);
  EXPECT_EQ(layout.place(2, 1), 2);
  EXPECT_EQ(layout.place(2, 2), 3);
  expect_error([&] { layout.place(1, 1); }, {"order 1 in coordinate 1"});
  expect_error([] { JetLayout({3}); }, {"0, 1 or 2", "3"});
  expect_error(
      [] {
        activate_jet<double>(random({3, 2, 4}, 1), random({4}, 2), JetLayout({2}),
                             Activation::relu);
      },
      {"relu", "tanh, sin, silu or gelu"});
}

TEST(Jet, GradientsAreThoseOfDifferences) {
  const auto bias = Variable<double>::leaf(random({3}, 2, -1, 1));
  for (const auto f : {Activation::identity, Activation::tanh, Activation::sin, Activation::silu,
                       Activation::gelu}) {
    const JetLayout layout({2, 1});
    const auto z = Variable<double>::leaf(random({4, 5, 3}, 1, -1, 1));
    EXPECT_LT(check_gradient([&] { return activate_jet(z, bias, layout, f); }, {z, bias}).error,
              1e-8)
        << to_string(f);
    const Tensor<double> factor = random({4, 5, 1}, 4);
    EXPECT_LT(check_gradient([&] { return multiply_jet(z, factor, layout); }, {z}).error, 1e-8);
  }
  const auto x = Variable<double>::leaf(random({6, 2}, 1));
  EXPECT_LT(check_gradient(
                [&] {
                  return linear_combination<double>(
                      {{2, slice(x, 1, 3)}, {-3, slice(x, 2, 3)}, {0.5, slice(x, 1, 3)}});
                },
                {x})
                .error,
            1e-8);
}

std::vector<json> variants() {
  const json base{{"sensors", {4}},
                  {"dimension", 2},
                  {"branch", {5, 3}},
                  {"trunk", {6, 5, 3}},
                  {"trunk_activation", "tanh"}};
  std::vector<json> all;
  for (const json& change :
       {json::object(), json{{"out_channels", 2}, {"trunk_activation", "silu"}},
        json{{"out_channels", 2}, {"multi_output", "split_trunk"}, {"trunk_activation", "gelu"}},
        json{{"lower", {-1, 0}}, {"upper", {2, 1}}, {"trunk_activation", "sin"}},
        json{{"stacked", true},
             {"out_channels", 2},
             {"output_scale", {2, 0.5}},
             {"output_shift", {1, -1}}},
        json{{"harmonics", {2, 0}}, {"periods", {1.5, 1}}, {"lower", {-1, 0}}, {"upper", {2, 1}}},
        json{
            {"fourier_features", 3}, {"fourier_scale", 0.5}, {"lower", {-1, 0}}, {"upper", {2, 1}}},
        json{{"zero_lower", {0, 1}},
             {"zero_upper", {0}},
             {"lower", {-1, 0}},
             {"upper", {2, 1}},
             {"bias", false}}}) {
    json one = base;
    one.update(change);
    all.push_back(one);
  }
  return all;
}

// Central differences of fourth order in the points.
TEST(DeepONetDerivatives, AreThoseOfDifferences) {
  for (const json& options : variants()) {
    const DeepONet<double> op(DeepONetOptions::from_json(options), 2);
    const Variable<double> u = random({3, 4}, 3);
    const Tensor<double> points = random({5, 2}, 4);
    const auto at = [&](std::size_t j, double h) {
      const Tensor<double> moved = points.clone();
      for (std::int64_t p = 0; p < 5; ++p)
        moved.data()[2 * p + static_cast<std::int64_t>(j)] += h;
      const std::vector<Variable<double>> inputs{u, moved};
      return op.forward(inputs).value().to_vector();
    };
    const JetLayout layout({2, 1});
    const auto jet = op.derivatives({&u, 1}, points, layout);
    ASSERT_EQ(jet.size(), 4u);
    const std::vector<double> value = at(0, 0);
    for (std::size_t i = 0; i < value.size(); ++i)
      ASSERT_NEAR(jet[0].value().data()[i], value[i], 1e-13) << options.dump();
    constexpr double h = 1e-3;
    for (std::size_t j = 0; j < 2; ++j) {
      const auto a = at(j, -2 * h), b = at(j, -h), c = at(j, h), d = at(j, 2 * h);
      for (std::size_t i = 0; i < value.size(); ++i) {
        const double first = (8 * (c[i] - b[i]) - (d[i] - a[i])) / (12 * h);
        const double second = (16 * (b[i] + c[i]) - a[i] - d[i] - 30 * value[i]) / (12 * h * h);
        EXPECT_NEAR(jet[static_cast<std::size_t>(layout.place(j, 1))].value().data()[i], first,
                    1e-8 * (1 + std::abs(first)))
            << options.dump();
        if (j == 0) {
          EXPECT_NEAR(jet[2].value().data()[i], second, 1e-6 * (1 + std::abs(second)))
              << options.dump();
        }
      }
    }
  }
}

TEST(DeepONetDerivatives, GradientsAreThoseOfDifferences) {
  for (const json& options : variants()) {
    DeepONet<double> op(DeepONetOptions::from_json(options), 2);
    const Variable<double> u = Variable<double>::leaf(random({3, 4}, 3));
    const Tensor<double> points = random({5, 2}, 4);
    std::vector<Variable<double>> leaves{u};
    for (const Parameter<double>* p : op.parameters())
      leaves.push_back(p->variable);
    const auto residual = [&] {
      const auto jet = op.derivatives({&u, 1}, points, JetLayout({2, 1}));
      return linear_combination<double>(
          {{1, jet[3]}, {-0.3, jet[2]}, {2, product(jet[0], jet[1])}});
    };
    const auto check = check_gradient(residual, leaves);
    EXPECT_LT(check.error, 1e-6) << options.dump() << " at " << check.where;
  }
}

TEST(PointFeatures, OutputsVanishWhereTheyHaveTo) {
  const DeepONet<double> op(DeepONetOptions::from_json(variants().back()), 2);
  const auto points = Tensor<double>::from_host({4, 2}, {-1, 0.5, 2, 0.5, 0.3, 0, 0.3, 1});
  const std::vector<Variable<double>> inputs{random({1, 4}, 1), points};
  const auto y = op.forward(inputs).value().to_vector();
  EXPECT_EQ(y[0], 0);
  EXPECT_EQ(y[1], 0);
  EXPECT_EQ(y[2], 0);
  EXPECT_NE(y[3], 0);
}

TEST(PointFeatures, ReportsPointsOutsideOnce) {
  std::vector<std::string> lines;
  const auto old = set_log_sink([&](const std::string& line) { lines.push_back(line); });
  const DeepONet<double> op(DeepONetOptions::from_json(variants()[3]), 2);
  const auto run = [&](std::vector<double> points) {
    const auto count = static_cast<std::int64_t>(points.size() / 2);
    const std::vector<Variable<double>> inputs{random({1, 4}, 1),
                                               Tensor<double>::from_host({count, 2}, points)};
    op.forward(inputs);
  };
  run({-1, 0, 2, 1});
  EXPECT_TRUE(lines.empty());
  run({-1, 0, 2, 1, 2.1, 0.5, 0, 0});
  run({3, 3});
  set_log_sink(old);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find("25.0 % of 4 points"), std::string::npos) << lines[0];
}

TEST(PointFeatures, BadOptionsAreRefused) {
  const auto make = [](const json& change) {
    return [change] {
      json options = variants()[0];
      options.update(change);
      make_operator<double>("deeponet", options);
    };
  };
  expect_error(make({{"lower", {0}}, {"upper", {1}}}), {"'lower' and 'upper'", "2 coordinates"});
  expect_error(make({{"zero_lower", {0}}, {"bias", false}}), {"need the box"});
  expect_error(make({{"zero_lower", {0}}, {"lower", {0, 0}}, {"upper", {1, 1}}}), {"'bias'"});
  expect_error(make({{"zero_lower", {2}}, {"lower", {0, 0}}, {"upper", {1, 1}}, {"bias", false}}),
               {"coordinates from 0 to 1, got 2"});
  expect_error(make({{"fourier_features", 2}, {"harmonics", {1, 1}}}), {"exclude each other"});
  expect_error(make({{"harmonics", {1, -1}}}), {"'harmonics' of at least 0"});
}

}  // namespace
}  // namespace nopal
