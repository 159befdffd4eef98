// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "test_tools.hpp"

#include <gtest/gtest.h>
#include <nopal/autograd/gradient_check.hpp>
#include <nopal/core/random.hpp>
#include <nopal/nn/branch_trunk.hpp>
#include <nopal/nn/elementwise.hpp>
#include <nopal/nn/point_features.hpp>
#include <nopal/operators/deeponet.hpp>
#include <nopal/operators/model.hpp>

#include <nlohmann/json.hpp>

#include <cmath>
#include <numbers>

namespace nopal {
namespace {

using test::error_of;

using nlohmann::json;

Tensor<double> random(const Shape& shape, std::uint64_t seed) {
  Tensor<double> x(shape);
  fill_normal(x, 0, 1, Random(seed));
  return x;
}

// As the sum over k says, entry by entry.
TEST(BranchTrunk, IsTheSumOfProducts) {
  const std::int64_t functions = 3, points = 4, latent = 5;
  for (const auto& [cb, ct] :
       std::vector<std::pair<std::int64_t, std::int64_t>>{{1, 1}, {2, 1}, {1, 2}, {2, 2}}) {
    const auto b = Variable<double>::leaf(random({functions, cb, latent}, 1));
    const auto t = Variable<double>::leaf(random({points, ct, latent}, 2));
    const std::int64_t outputs = std::max(cb, ct);
    const auto bias = Variable<double>::leaf(random({outputs}, 3));
    const auto y = branch_trunk(b, t, bias).value();
    ASSERT_EQ(y.shape(), (Shape{functions, points, outputs}));
    for (std::int64_t i = 0; i < functions; ++i)
      for (std::int64_t p = 0; p < points; ++p)
        for (std::int64_t c = 0; c < outputs; ++c) {
          double sum = bias.value().data()[c];
          for (std::int64_t k = 0; k < latent; ++k)
            sum += b.value().data()[(i * cb + (cb > 1 ? c : 0)) * latent + k] *
                   t.value().data()[(p * ct + (ct > 1 ? c : 0)) * latent + k];
          EXPECT_NEAR(y.data()[(i * points + p) * outputs + c], sum, 1e-12);
        }
    EXPECT_LT(check_gradient([&] { return branch_trunk(b, t, bias); }, {b, t, bias}).error, 1e-8)
        << cb << ct;
  }
  EXPECT_NE(error_of([] {
              branch_trunk<double>(random({2, 2, 3}, 1), random({2, 3, 3}, 1));
            }).find("C or 1 each"),
            std::string::npos);
}

TEST(Features, ArePeriodicWithTheirGradient) {
  const auto x = Variable<double>::leaf(random({6, 3}, 1));
  PointFeatureOptions options;
  options.harmonics = {2, 0, 1};
  options.periods = {1, 1, 3};
  ParameterStore<double> store(1);
  const PointFeatures<double> features(store, "features", 3, options);
  const auto y = features.forward(x).value();
  ASSERT_EQ(y.shape(), (Shape{6, 7}));
  const double* const p = x.value().data();
  const double w = 2 * std::numbers::pi;
  const std::vector<double> first{std::cos(w * p[0]),
                                  std::sin(w * p[0]),
                                  std::cos(2 * w * p[0]),
                                  std::sin(2 * w * p[0]),
                                  p[1],
                                  std::cos(w * p[2] / 3),
                                  std::sin(w * p[2] / 3)};
  for (std::size_t i = 0; i < 7; ++i)
    EXPECT_NEAR(y.data()[i], first[i], 1e-12);
  EXPECT_LT(check_gradient([&] { return features.forward(x); }, {x}).error, 1e-7);
}

TEST(Elementwise, ProductReshapeAndJoin) {
  const auto a = Variable<double>::leaf(random({4, 2}, 1)),
             b = Variable<double>::leaf(random({4, 2}, 2));
  EXPECT_LT(check_gradient([&] { return product(a, b); }, {a, b}).error, 1e-8);
  EXPECT_LT(check_gradient([&] { return product(a, a); }, {a}).error, 1e-8);
  EXPECT_LT(check_gradient(
                [&] {
                  return product(reshape(a, {8, 1}), reshape(b, {8, 1}));
                },
                {a, b})
                .error,
            1e-8);
  const auto c = Variable<double>::leaf(random({5, 1}, 1)),
             d = Variable<double>::leaf(random({5, 1}, 2));
  const auto joined = join_channels<double>({c, d}).value();
  EXPECT_EQ(joined.data()[3], d.value().data()[1]);
  EXPECT_LT(check_gradient([&] { return join_channels<double>({c, d}); }, {c, d}).error, 1e-8);
}

// Parameters of the published networks: antiderivative (Nat. Mach. Intell. 2021) and Burgers
// (CMAME 2022).
TEST(DeepONet, HasThePublishedNumbersOfParameters) {
  const auto parameters = [](const json& options) {
    const auto op = make_operator<float>("deeponet", options);
    EXPECT_EQ(DeepONetOptions::from_json(options).parameter_count(), count(op->parameters()));
    return count(op->parameters());
  };
  EXPECT_EQ(parameters({{"sensors", {100}}, {"branch", {40, 40}}, {"trunk", {40, 40}}}), 7401);
  EXPECT_EQ(parameters({{"sensors", {128}},
                        {"branch", {128, 128, 128, 128}},
                        {"trunk", {128, 128, 128}},
                        {"harmonics", {2}},
                        {"trunk_activation", "tanh"}}),
            99713);
  EXPECT_EQ(parameters({{"sensors", {101}},
                        {"dimension", 2},
                        {"branch", {128, 128, 100}},
                        {"trunk", {128, 128, 128, 100}},
                        {"bias", false}}),
            88776);
}

const std::vector<json>& variants() {
  static const std::vector<json> list = [] {
    const json base{{"sensors", {6}},
                    {"dimension", 2},
                    {"branch", {5, 4}},
                    {"trunk", {5, 4}},
                    {"out_channels", 3},
                    {"branch_activation", "tanh"},
                    {"trunk_activation", "tanh"}};
    std::vector<json> result;
    for (const json& change : std::initializer_list<json>{{{"multi_output", "independent"}},
                                                          {{"multi_output", "split_both"}},
                                                          {{"multi_output", "split_branch"}},
                                                          {{"multi_output", "split_trunk"}},
                                                          {{"out_channels", 1}, {"bias", false}},
                                                          {{"sensors", {6, 3}}},
                                                          {{"harmonics", {2, 0}}}}) {
      json one = base;
      one.update(change);
      result.push_back(one);
    }
    return result;
  }();
  return list;
}

// Networks [6, 4, 1] for each of the 3 numbers: of equal weights they give equal numbers.
TEST(DeepONet, StackedBranches) {
  const json options{{"sensors", {6}},  {"branch", {4, 3}},    {"trunk", {4, 3}},
                     {"stacked", true}, {"output_scale", {2}}, {"output_shift", {5}},
                     {"bias", false}};
  const auto op = make_operator<double>("deeponet", options, 1);
  EXPECT_EQ(count(op->parameters()), 3 * (7 * 4 + 5) + 2 * 4 + 5 * 3);
  EXPECT_EQ(DeepONetOptions::from_json(options).parameter_count(), count(op->parameters()));
  const auto& deeponet = dynamic_cast<const DeepONet<double>&>(*op);
  for (std::size_t i = 0; i < 12; ++i) {
    const auto* p = op->parameters()[i];
    if (i % 4 == 0 || i % 4 == 2) p->value().fill(i % 4 == 0 ? 0.5 : 2);
    EXPECT_EQ(p->name.substr(0, 9), "branch." + std::to_string(i / 4) + ".");
  }
  const Variable<double> u = random({2, 6}, 4), y = random({5, 1}, 5);
  const auto b = deeponet.branch({&u, 1}).value().to_vector();
  for (std::size_t i = 0; i < 6; ++i)
    EXPECT_DOUBLE_EQ(b[i], b[i / 3 * 3]);
  double sum = 0;
  for (std::int64_t i = 0; i < 6; ++i)
    sum += u.value().data()[i];
  EXPECT_NEAR(b[0], 4 * 2 * std::max(0.0, 0.5 * sum), 1e-12);
  const std::vector<Variable<double>> inputs{u, y};
  const auto t = deeponet.trunk(y).value().to_vector();
  EXPECT_NEAR(op->forward(inputs).value().data()[0], 5 + 2 * b[0] * (t[0] + t[1] + t[2]), 1e-12);
}

TEST(DeepONet, GradientsAreThoseOfDifferences) {
  for (const json& options : variants()) {
    const auto op = make_operator<double>("deeponet", options, 1);
    std::vector<Variable<double>> inputs, leaves;
    for (const auto& sensors : options["sensors"])
      inputs.push_back(Variable<double>::leaf(random({3, sensors.get<std::int64_t>()}, 2)));
    inputs.push_back(Variable<double>::leaf(random({4, 2}, 3)));
    leaves = inputs;
    for (const Parameter<double>* p : op->parameters())
      leaves.push_back(p->variable);
    const auto check = check_gradient([&] { return op->forward(inputs); }, leaves);
    EXPECT_LT(check.error, 1e-6) << options.dump() << " at " << check.where;
  }
}

// All pairs of a function and a point, and not the i-th with the i-th: a batch is the rows that
// each function has alone, whatever batch or points are beside it.
TEST(DeepONet, BatchesAreOuterBlocks) {
  for (const json& options : variants()) {
    const auto op = make_operator<double>("deeponet", options, 1);
    std::vector<Variable<double>> inputs;
    for (const auto& sensors : options["sensors"])
      inputs.emplace_back(random({3, sensors.get<std::int64_t>()}, 2));
    inputs.emplace_back(random({3, 2}, 3));  // as many points as functions
    const Tensor<double> all = op->forward(inputs).value();
    const std::int64_t outputs = options["out_channels"].get<std::int64_t>();
    ASSERT_EQ(all.shape(), (Shape{3, 3, outputs}));
    for (std::int64_t i = 0; i < 3; ++i)
      for (std::int64_t p = 0; p < 3; ++p) {
        std::vector<Variable<double>> one;
        for (std::size_t f = 0; f < inputs.size(); ++f)
          one.emplace_back(inputs[f].value().slice(f + 1 < inputs.size() ? i : p, 1));
        const Tensor<double> y = op->forward(one).value();
        for (std::int64_t c = 0; c < outputs; ++c)
          EXPECT_NEAR(y.data()[c], all.data()[(i * 3 + p) * outputs + c], 1e-13);
      }
  }
}

TEST(DeepONet, TakesFieldsOnGrids) {
  const json options{{"sensors", {24}}, {"dimension", 2}, {"out_channels", 2}};
  const auto op = make_operator<double>("deeponet", options, 1);
  const Tensor<double> x = random({2, 3, 4, 2}, 1);
  const Tensor<double> y = op->forward(Variable<double>(x)).value();
  ASSERT_EQ(y.shape(), (Shape{2, 3, 4, 2}));
  const std::vector<double> points{0, 0, 0, 1.0 / 3, 0, 2.0 / 3, 0, 1, 0.5, 0};
  const std::vector<Variable<double>> inputs{x.reshape({2, 24}),
                                             Tensor<double>::from_host({5, 2}, points)};
  const Tensor<double> at = op->forward(inputs).value();
  for (std::int64_t b = 0; b < 2; ++b)
    for (std::int64_t i = 0; i < 10; ++i)
      EXPECT_NEAR(at.data()[10 * b + i], y.data()[24 * b + i], 1e-13);
  EXPECT_EQ(suggest_configuration("deeponet", {3, 4, 2}, {3, 4, 1}),
            (json{{"sensors", {24}}, {"dimension", 2}, {"out_channels", 1}}));
}

TEST(DeepONet, BadInputIsRefused) {
  const auto has = [](const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  const auto make = [](const json& options) {
    return [=] { make_operator<double>("deeponet", options); };
  };
  has(error_of(make({{"branch", {5, 4}}, {"trunk", {5, 3}}})), "same width");
  has(error_of(make({{"branch", json::array()}})), "'branch' expects a list");
  has(error_of(make({{"multi_output", "split"}})), "multi_output");
  has(error_of(make({{"trunk_activation", "reluu"}})), "relu");
  has(error_of(make({{"output_scale", {1, 2}}})), "a number for each of 1 outputs, got 2");
  has(error_of(make({{"harmonics", {1, 2}}})), "an entry for each of 1 coordinates");
  const auto op = make_operator<double>("deeponet", {{"sensors", {6}}, {"dimension", 2}});
  const auto run = [&](const Shape& u, const Shape& y) {
    return error_of([&] {
      const std::vector<Variable<double>> inputs{random(u, 1), random(y, 2)};
      op->forward(inputs);
    });
  };
  has(run({3, 7}, {4, 2}), "expected (B, 6), the sensors of its branch");
  has(run({3, 6}, {4, 3}), "expected (P, 2)");
  has(error_of([&] {
        op->forward(Variable<double>(random({2, 2, 2, 1}, 1)));
      }),
      "must have as many values a sample");
}

}  // namespace
}  // namespace nopal
