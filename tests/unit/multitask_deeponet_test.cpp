// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>
#include <nopal/autograd/gradient_check.hpp>
#include <nopal/core/random.hpp>
#include <nopal/nn/image_network.hpp>
#include <nopal/nn/pooling.hpp>
#include <nopal/nn/training_mode.hpp>
#include <nopal/operators/multitask_deeponet.hpp>

#include "test_tools.hpp"

#include <nlohmann/json.hpp>

#include <cmath>
#include <optional>

namespace nopal {
namespace {

using nlohmann::json;
using test::expect_error;

Tensor<double> random(const Shape& shape, std::uint64_t seed) {
  const Tensor<double> x(shape);
  fill_normal(x, 0, 1, Random(seed));
  return x;
}

const json fisher{{"coefficients", 4}, {"sensors", 64}};
const json darcy{{"sensors", 20000},
                 {"image", {100, 100, 2}},
                 {"mask", true},
                 {"lower", {0, 0}},
                 {"upper", {1, 1}},
                 {"branch", {128, 128, 150}},
                 {"trunk", {64, 128, 128, 128, 150}},
                 {"branch_activation", "tanh"},
                 {"branch_norm", "none"},
                 {"dropout", 0.1}};
const json plate{{"sensors", 2},
                 {"dimension", 3},
                 {"branch", {32, 64, 128, 128, 200}},
                 {"trunk", {32, 64, 64, 64, 128, 128, 128, 128, 128, 200}},
                 {"branch_activation", "silu"},
                 {"branch_last_activation", "selu"},
                 {"trunk_activation", "silu"},
                 {"branch_norm", "batch"},
                 {"trunk_norm", "batch"},
                 {"dropout", 0.1},
                 {"trunk_skip", true},
                 {"deviation", 1e-3}};

// The numbers of the published networks: Kumar et al., Neural Networks 184, 2025.
TEST(MultitaskDeepONet, HasThePublishedNumbers) {
  const auto count_of = [](const json& options) {
    const auto op = make_operator<float>("multitask_deeponet", options);
    EXPECT_EQ(static_cast<double>(count(op->parameters())),
              MultitaskDeepONetOptions::from_json(options).parameter_count());
    return count(op->parameters());
  };
  EXPECT_EQ(count_of(fisher), 136664);
  EXPECT_EQ(count_of(darcy), 559164);
  EXPECT_EQ(count_of(plate), 238448);
  std::int64_t statistics = 0;
  for (const auto& buffer : make_operator<float>("multitask_deeponet", plate)->buffers())
    statistics += buffer.value.size();
  EXPECT_EQ(statistics, 2432);
}

// Small networks with all that there is.
std::vector<json> variants() {
  json base{{"sensors", 5},
            {"branch", {4, 3}},
            {"trunk", {4, 5, 4, 3}},
            {"branch_activation", "tanh"},
            {"trunk_activation", "silu"},
            {"bias", true}};
  std::vector<json> all;
  for (const json& change :
       {json{{"coefficients", 2}}, json{{"trunk_skip", true}, {"out_channels", 2}},
        json{{"branch_norm", "batch"}, {"trunk_norm", "batch"}, {"branch", {4, 4, 3}}},
        json{{"trunk_norm", "layer"}, {"branch_last_activation", "selu"}},
        json{{"sensors", 40},
             {"image", {5, 4, 2}},
             {"convolutions", {2, 3}},
             {"convolution_kernel", 3},
             {"convolution_activation", "tanh"},
             {"mask", true},
             {"lower", {0, -1}},
             {"upper", {2, 1}}}}) {
    json one = base;
    one.update(change);
    all.push_back(one);
  }
  return all;
}

std::vector<Variable<double>> inputs_of(const json& options, std::int64_t batch,
                                        std::int64_t points) {
  std::vector<Variable<double>> inputs;
  if (options.contains("coefficients"))
    inputs.push_back(
        Variable<double>::leaf(random({batch, options["coefficients"].get<std::int64_t>()}, 2)));
  inputs.push_back(
      Variable<double>::leaf(random({batch, options["sensors"].get<std::int64_t>()}, 3)));
  inputs.push_back(Variable<double>::leaf(random({points, 2}, 4)));
  return inputs;
}

TEST(MultitaskDeepONet, GradientsAreThoseOfDifferences) {
  for (const json& options : variants())
    for (const bool training : {false, true}) {
      const auto op = make_operator<double>("multitask_deeponet", options, 1);
      const auto inputs = inputs_of(options, 3, 4);
      // A mask at the nearest point has no slope in y, and is not a number to train.
      std::vector<Variable<double>> leaves;
      if (!options.contains("mask")) leaves = inputs;
      for (const Parameter<double>* p : op->parameters())
        leaves.push_back(p->variable);
      std::optional<TrainingMode> mode;
      if (training) mode.emplace(TrainingStep{.batch = 3, .repeated = true, .points = 4});
      // Small steps, as norms of 3 samples bend sharply: of 4e-4 the error is 1e-5, of 1e-4 that of
      // rounding, which depends on the compiler.
      const auto check = check_gradient([&] { return op->forward(inputs); }, leaves, 4, 2e-4);
      EXPECT_LT(check.error, 1e-6) << options.dump() << " at " << check.where;
    }
}

// All pairs are the rows of each function and point alone.
TEST(MultitaskDeepONet, RowsAreThoseOfAllPairs) {
  for (const json& options : variants()) {
    const auto op = make_operator<double>("multitask_deeponet", options, 1);
    auto inputs = inputs_of(options, 3, 4);
    const Tensor<double> all = op->forward(inputs).value();
    const std::vector<double> y = inputs.back().value().to_vector();
    std::vector<double> rows;  // the first point for function 0, all for function 2
    rows.insert(rows.end(), y.begin(), y.begin() + 2);
    rows.insert(rows.end(), y.begin(), y.end());
    inputs.pop_back();
    const auto& points = dynamic_cast<const PointOperator<double>&>(*op);
    const Tensor<double> some =
        points.forward_rows(inputs, Tensor<double>::from_host({5, 2}, rows), {0, 1, 1, 5}).value();
    const std::int64_t channels = all.extent(2);
    for (std::int64_t i = 0; i < some.size(); ++i) {
      const std::int64_t at = i < channels ? i : 8 * channels + i - channels;
      EXPECT_NEAR(some.data()[i], all.data()[at], 1e-13) << options.dump();
    }
  }
}

TEST(MultitaskDeepONet, MasksFieldsOnTheirGrid) {
  const auto op = make_operator<double>("multitask_deeponet", variants().back(), 1);
  const Tensor<double> x = random({2, 5, 4, 2}, 7);
  for (std::int64_t i = 1; i < x.size(); i += 2)
    x.data()[i] = i % 3 == 0 ? 1 : 0;
  const Tensor<double> y = op->forward(Variable<double>(x)).value();
  ASSERT_EQ(y.shape(), (Shape{2, 5, 4, 1}));
  for (std::int64_t i = 0; i < y.size(); ++i)
    EXPECT_EQ(y.data()[i] != 0, x.data()[2 * i + 1] == 1) << i;
  // The same points by hand, in the box [0, 2] x [-1, 1].
  std::vector<double> points;
  for (int i = 0; i < 5; ++i)
    for (int j = 0; j < 4; ++j) {
      points.push_back(0.5 * i);
      points.push_back(-1 + 2.0 * j / 3);
    }
  const std::vector<Variable<double>> inputs{x.reshape({2, 40}),
                                             Tensor<double>::from_host({20, 2}, points)};
  const Tensor<double> at = op->forward(inputs).value();
  for (std::int64_t i = 0; i < y.size(); ++i)
    EXPECT_NEAR(at.data()[i], y.data()[i], 1e-13);
}

TEST(AveragePool, IsTheMeanOfBlocks) {
  const auto x =
      Tensor<double>::from_host({1, 3, 5, 1}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15});
  EXPECT_EQ(average_pool(Variable<double>(x), 2).value().to_vector(),
            (std::vector<double>{4, 6}));  // (1 + 2 + 6 + 7) / 4, (3 + 4 + 8 + 9) / 4
  for (const Shape& shape : {Shape{2, 7, 3}, Shape{2, 4, 5, 2}, Shape{1, 3, 2, 5, 2}}) {
    const auto leaf = Variable<double>::leaf(random(shape, 1));
    const auto check = check_gradient([&] { return average_pool(leaf, 2); }, {leaf});
    EXPECT_LT(check.error, 1e-8) << shape;
  }
  expect_error([&] { average_pool(Variable<double>(x), 4); }, {"blocks of 4", "3"});
}

// One convolution with one tap in the middle is the activation of the field.
TEST(ImageNetwork, KeepsTheFieldThatATapInTheMiddleGives) {
  ParameterStore<double> store(1);
  const ImageNetwork<double> network(store, "image", {3, 4, 1}, {{1}, 3, 1, 1, Activation::relu});
  Parameters<double> parameters;
  store.append_parameters(parameters);
  parameters[0]->value().fill(0);
  parameters[0]->value().data()[4] = 2;
  const Tensor<double> x = random({2, 3, 4, 1}, 5);
  const std::vector<double> y = network.forward(x).value().to_vector();
  ASSERT_EQ(y.size(), 24u);
  for (std::size_t i = 0; i < y.size(); ++i)
    EXPECT_DOUBLE_EQ(y[i], std::max(0.0, 2 * x.data()[i]));
}

TEST(MultitaskDeepONet, BadInputIsRefused) {
  const auto make = [](const json& change) {
    return [change] { make_operator<double>("multitask_deeponet", change); };
  };
  expect_error(make({{"mask", true}}), {"'mask' needs an 'image' of 2 axes"});
  expect_error(make({{"image", {16, 16, 1}}, {"sensors", 15}}), {"256 values, 'sensors' says 15"});
  expect_error(make({{"image", {16, 16, 1}}, {"sensors", 256}, {"convolutions", {2, 2, 2, 2, 2}}}),
               {"use fewer convolutions"});
  expect_error(make({{"branch", {5, 4}}}), {"same width"});
  expect_error(make({{"branch_norm", "group"}}), {"branch_norm"});
  expect_error(make({{"lower", {0, 1}}, {"upper", {1, 1}}}), {"must be below"});
  const auto op = make_operator<double>("multitask_deeponet", fisher);
  const auto run = [&](const std::vector<Shape>& shapes) {
    return [&op, shapes] {
      std::vector<Variable<double>> inputs;
      for (const Shape& shape : shapes)
        inputs.emplace_back(random(shape, 1));
      op->forward(inputs);
    };
  };
  expect_error(run({{3, 64}, {5, 2}}), {"takes coefficients", "got 2 inputs"});
  expect_error(run({{2, 4}, {3, 64}, {5, 2}}), {"coefficients have shape", "(B, 4)"});
  expect_error(run({{3, 4}, {3, 63}, {5, 2}}), {"expected (B, 64)"});
  expect_error(run({{3, 4}, {3, 64}, {5, 3}}), {"expected (P, 2)"});
}

}  // namespace
}  // namespace nopal
