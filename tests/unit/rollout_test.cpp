// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Roll-outs of a step operator, and windows of sequences of frames to train them on.

#include <gtest/gtest.h>
#include <nopal/autograd/gradient_check.hpp>
#include <nopal/data/frame_windows.hpp>
#include <nopal/nn/elementwise.hpp>
#include <nopal/operators/rollout.hpp>
#include <nopal/train/trainer.hpp>

#include "grid_test_tools.hpp"
#include "test_tools.hpp"

#include <cmath>

namespace nopal {
namespace {

using nlohmann::json;
using test::expect_error;
using test::random_field;

const json step = {{"n_modes", {4}}, {"hidden_channels", 3}, {"n_layers", 2}};

json with(json options, const json& more) {
  options.update(more);
  return options;
}

Rollout<double> make(const json& options) {
  return Rollout<double>(RolloutOptions::from_json(options), 5);
}

// Frame k is the step operator applied to the P frames before it, constants beside them.
TEST(Rollout, FeedsFramesBack) {
  for (const bool increment : {false, true}) {
    const auto op = make(with(step, {{"variables", 2},
                                     {"frames", 2},
                                     {"constants", 1},
                                     {"steps", 3},
                                     {"increment", increment}}));
    const auto alone =
        make_operator<double>("fno", with(step, {{"in_channels", 5}, {"out_channels", 2}}), 5);
    const auto x = random_field<double>({2, 8, 5}, 1);
    const auto y = op.forward(Variable<double>(x)).value().to_vector();
    std::vector<double> numbers = x.to_vector();
    for (std::int64_t k = 0; k < 3; ++k) {
      const auto next =
          alone->forward(Variable<double>(Tensor<double>::from_host({2, 8, 5}, numbers)))
              .value()
              .to_vector();
      for (std::size_t p = 0; p < 16; ++p) {
        double* const at = numbers.data() + 5 * p;
        const double u[] = {next[2 * p] + (increment ? at[2] : 0),
                            next[2 * p + 1] + (increment ? at[3] : 0)};
        for (std::size_t c = 0; c < 2; ++c) {
          EXPECT_NEAR(y[6 * p + 2 * static_cast<std::size_t>(k) + c], u[c], 1e-13);
          at[c] = at[2 + c];
          at[2 + c] = u[c];
        }
      }
    }
  }
}

TEST(Rollout, GradientsGoThroughAllSteps) {
  for (const bool again : {false, true}) {
    const auto op = make(with(step, {{"frames", 2},
                                     {"constants", 1},
                                     {"steps", 3},
                                     {"increment", true},
                                     {"recompute_steps", again}}));
    const auto x = Variable<double>::leaf(random_field<double>({2, 6, 3}, 2));
    std::vector<Variable<double>> leaves{x};
    for (const Parameter<double>* p : op.parameters())
      leaves.push_back(p->variable);
    const auto check = check_gradient([&] { return op.forward(x); }, leaves, 2, 1e-5);
    EXPECT_LT(check.error, 1e-6) << again << " " << check.where;
  }
}

// Two sequences of 2 + 3 frames of one variable and a constant, at one point: 0 1 | 2 3 4.
std::shared_ptr<const Dataset<double>> sequences() {
  return std::make_shared<InMemoryDataset<double>>(
      Tensor<double>::from_host({2, 1, 3}, {0, 1, 70, 10, 11, 80}),
      Tensor<double>::from_host({2, 1, 3}, {2, 3, 4, 12, 13, 14}));
}

TEST(FrameWindows, CutSequences) {
  const FrameWindows<double> data(sequences(), {1, 1, 1, 2, 1});
  EXPECT_EQ(data.windows(), 3);
  EXPECT_EQ(data.size(), 6);
  EXPECT_EQ(data.x_shape(), Shape({1, 2}));
  EXPECT_EQ(data.y_shape(), Shape({1, 2}));
  const std::int64_t indices[] = {4, 0, 2};
  const Tensor<double> x({3, 1, 2}), y({3, 1, 2});
  data.read(indices, x, y);
  EXPECT_EQ(x.to_vector(), (std::vector<double>{11, 80, 0, 70, 2, 70}));
  EXPECT_EQ(y.to_vector(), (std::vector<double>{12, 13, 1, 2, 3, 4}));
  EXPECT_EQ(FrameWindows<double>(sequences(), {1, 1, 2, 2, 2}).windows(), 1);
  EXPECT_EQ(FrameWindows<double>(sequences(), {1, 1, 1, 2, 2}).windows(), 2);
  expect_error([] { FrameWindows<double>(sequences(), {1, 1, 3, 3, 1}); }, {"5 frames", "3 and 3"});
  expect_error([] { FrameWindows<double>(sequences(), {2, 1, 1, 1, 1}); }, {"2 variables"});
  expect_error(
      [&] {
        data.read(std::vector<std::int64_t>{6}, Tensor<double>({1, 1, 2}),
                  Tensor<double>({1, 1, 2}));
      },
      {"sample 6"});
}

TEST(Rollout, FramesHaveOneScale) {
  const auto o =
      RolloutOptions::from_json(with(step, {{"frames", 2}, {"constants", 1}, {"steps", 3}}));
  const auto [in, out] = fit_frames(*sequences(), o);
  // Over 0, 1, 10, 11: mean 5.5, variance 25.25; the constant: 75, 5.
  EXPECT_EQ(in.mean().to_vector(), (std::vector<double>{5.5, 5.5, 75}));
  for (const auto& [normaliser, frames] : {std::pair{&in, 2}, {&out, 3}})
    for (int k = 0; k < frames; ++k)
      EXPECT_NEAR(normaliser->deviation().to_vector()[static_cast<std::size_t>(k)],
                  std::sqrt(25.25), 1e-12);
  EXPECT_EQ(in.deviation().to_vector()[2], 5);
  EXPECT_EQ(out.mean().to_vector(), (std::vector<double>{5.5, 5.5, 5.5}));
}

Model<double> model_of(std::int64_t steps, double growth, bool increment = false) {
  auto op = std::make_unique<Rollout<double>>(
      RolloutOptions::from_json(with(step, {{"steps", steps}, {"increment", increment}})), 5);
  for (const Parameter<double>* p : op->parameters())
    if (p->name.starts_with("projection.1")) scale(growth, p->value());
  const auto two = Tensor<double>::from_host({1}, {2});
  const Tensor<double> means(Shape{steps}), deviations(Shape{steps});
  means.fill(2);
  deviations.fill(3);
  return Model<double>(std::move(op), Normaliser<double>(two, Tensor<double>::from_host({1}, {3})),
                       Normaliser<double>(means, deviations));
}

TEST(Rollout, GoesOnForAnyNumberOfSteps) {
  const Model<double> model = model_of(2, 1);
  const auto x = random_field<double>({2, 8, 1}, 1);
  const auto longer = with_steps(model, 5).predict(x).to_vector();
  std::vector<std::int64_t> seen;
  roll_out<double>(model, x, 5, [&](std::int64_t k, const Tensor<double>& u) {
    seen.push_back(k);
    const auto frame = u.to_vector();
    for (std::size_t p = 0; p < 16; ++p)
      EXPECT_NEAR(frame[p], longer[5 * p + static_cast<std::size_t>(k - 1)], 1e-12) << k;
  });
  EXPECT_EQ(seen, (std::vector<std::int64_t>{1, 2, 3, 4, 5}));
  const auto first = model.predict(x).to_vector();
  for (std::size_t p = 0; p < 16; ++p)
    EXPECT_NEAR(first[2 * p + 1], longer[5 * p + 1], 1e-12);
}

TEST(Rollout, StopsAtTheStepThatBlowsUp) {
  const Model<double> model = model_of(1, 30, true);
  std::int64_t last = 0;
  const auto x = random_field<double>({1, 8, 1}, 1);
  std::string message;
  try {
    roll_out<double>(model, x, 50, [&](std::int64_t k, const Tensor<double>&) { last = k; });
  } catch (const Error& error) {
    message = error.what();
  }
  EXPECT_GT(last, 0);
  EXPECT_LT(last, 50);
  EXPECT_NE(message.find("step " + std::to_string(last + 1) + " of 50 blew up"), std::string::npos)
      << message;
  EXPECT_NE(message.find("up to " + std::to_string(last)), std::string::npos) << message;
}

// u' = -u on sequences: what a roll-out was trained on in windows holds on whole sequences.
TEST(Rollout, LearnsFromWindows) {
  std::vector<double> x, y;
  for (int s = 0; s < 8; ++s)
    for (int p = 0; p < 4; ++p) {
      const double u = 1 + 0.2 * s + 0.1 * p;
      x.push_back(u);
      for (int k = 1; k <= 6; ++k)
        y.push_back(u * std::pow(0.8, k));
    }
  const auto whole = std::make_shared<InMemoryDataset<double>>(
      Tensor<double>::from_host({8, 4, 1}, x), Tensor<double>::from_host({8, 4, 6}, y));
  const auto windows =
      std::make_shared<FrameWindows<double>>(whole, FrameWindowOptions{1, 0, 1, 2, 1});
  const auto o = RolloutOptions::from_json(with(step, {{"steps", 2}, {"n_modes", {2}}}));
  const auto [in, out] = fit_frames<double>(*windows, o);
  Model<double> model(std::make_unique<Rollout<double>>(o, 1), in, out);
  TrainOptions options;
  options.epochs = 600;
  options.batch = 10;
  options.learning_rate = 1e-2;
  options.schedule = "cosine";
  options.progress = [](const std::string&) {};
  train<double>(model, {windows, nullptr, {}}, options);
  const auto got =
      with_steps(model, 6).predict(Tensor<double>::from_host({8, 4, 1}, x)).to_vector();
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    difference += std::pow(got[i] - y[i], 2);
    size += y[i] * y[i];
  }
  EXPECT_LT(std::sqrt(difference / size), 0.03);
}

TEST(Rollout, BadInputIsRefused) {
  expect_error(
      [] {
        make(with(step, {{"frames", 2}, {"in_channels", 3}}));
      },
      {"2 frames", "in_channels = 2, got 3"});
  expect_error([] { make({{"operator", "rollout"}}); }, {"made of operators itself, got rollout"});
  expect_error([] { make(with(step, {{"stepz", 2}})); }, {"stepz"});
  const auto op = make(step);
  expect_error(
      [&] {
        op.forward(Variable<double>(Tensor<double>::zeros({1, 8, 2})));
      },
      {"1 frames of 1 variables", "(1, 8, 2)"});
  const Model<double> other(make_operator<double>("fno", step));
  expect_error([&] { with_steps(other, 3); }, {"rollout", "fno"});
  expect_error([] { make_operator<double>("rollout", step, 0, 10); }, {"parameters"});
}

}  // namespace
}  // namespace nopal
