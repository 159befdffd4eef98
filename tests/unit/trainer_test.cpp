// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>
#include <nopal/core/allocator.hpp>
#include <nopal/train/evaluation.hpp>
#include <nopal/train/trainer.hpp>

#include "tiny_training.hpp"

#include <cmath>
#include <limits>
#include <numeric>

namespace nopal {
namespace {

using namespace test;

// Passes reads on and notes which samples were asked for.
template <class T>
class RecordingDataset : public Dataset<T> {
 public:
  explicit RecordingDataset(std::shared_ptr<const Dataset<T>> base) : base_(std::move(base)) {}
  std::int64_t size() const override { return base_->size(); }
  Shape x_shape() const override { return base_->x_shape(); }
  Shape y_shape() const override { return base_->y_shape(); }
  std::string description() const override { return "recording"; }
  void read(std::span<const std::int64_t> indices, const Tensor<T>& x,
            const Tensor<T>& y) const override {
    batches.emplace_back(indices.begin(), indices.end());
    base_->read(indices, x, y);
    if (static_cast<std::int64_t>(batches.size()) == poison_at)
      y.fill(std::numeric_limits<T>::quiet_NaN());
  }
  mutable std::vector<std::vector<std::int64_t>> batches;
  std::int64_t poison_at = 0;

 private:
  std::shared_ptr<const Dataset<T>> base_;
};

TEST(Trainer, LearnsAFunction) {
  auto model = tiny_model<float>();
  TrainOptions options = tiny_options(60, 5);
  options.schedule = "cosine";
  TrainData<float> data{tiny_data<float>(40, {6, 5}),
                        tiny_data<float>(10, {6, 5}, 2),
                        {{"fine", tiny_data<float>(4, {12, 10}, 3)}}};
  const double before = evaluate(model, *data.validation).relative_l2;
  const TrainResult<float> result = train(model, data, options);
  const Evaluation after = evaluate(model, *data.validation);
  EXPECT_GT(before, 0.3);
  EXPECT_LT(after.relative_l2, 0.02);
  EXPECT_LT(result.history.last("fine_l2"), 0.02);
  EXPECT_LT(result.history.last("fine_h1"), 0.02);
  EXPECT_EQ(result.epochs, 60);
  EXPECT_EQ(after.samples, 10);
  EXPECT_GE(after.largest_relative_l2, after.relative_l2);
  EXPECT_EQ(model.provenance().at("training_samples"), "40");
  const auto loss = result.history.column("loss");
  EXPECT_LT(loss.back(), 0.1 * loss.front());
  EXPECT_NEAR(result.history.column("learning_rate")[30], 0.01, 1e-12);
}

// The batches are those of Random(seed, epoch), in order, the last one partial or left out.
TEST(Trainer, OrderOfSamples) {
  for (const bool drop : {false, true}) {
    const auto recording = std::make_shared<RecordingDataset<double>>(tiny_data<double>(11, {3}));
    auto model = tiny_model<double>();
    TrainOptions options = tiny_options(2, 4);
    options.seed = 9;
    options.drop_last = drop;
    train<double>(model, {recording, nullptr, {}}, options);
    std::size_t batch = 0;
    for (int epoch = 0; epoch < 2; ++epoch) {
      const auto order = Random(9, epoch).permutation(11);
      for (std::int64_t first = 0; first + (drop ? 4 : 1) <= 11; first += 4, ++batch) {
        const std::vector<std::int64_t> expected(
            order.begin() + first, order.begin() + std::min<std::int64_t>(first + 4, 11));
        ASSERT_LT(batch, recording->batches.size());
        EXPECT_EQ(recording->batches[batch], expected);
      }
    }
    EXPECT_EQ(batch, recording->batches.size());
  }
}

// A batch larger than the set is the set, however large.
TEST(Trainer, HugeBatch) {
  std::vector<float> expected;
  for (const std::int64_t batch : {std::int64_t(11), std::numeric_limits<std::int64_t>::max()}) {
    auto model = tiny_model<float>();
    train<float>(model, {tiny_data<float>(11, {3}), nullptr, {}}, tiny_options(2, batch));
    if (expected.empty()) expected = values(model);
    EXPECT_EQ(values(model), expected);
  }
}

// At rate 0 the loss of an epoch is that of the whole set. In physical units the squared error is
// (deviation + epsilon)^2 times that of normalised outputs, and so is its gradient.
TEST(Trainer, LossOnNormalisedOrPhysicalOutputs) {
  const auto set = tiny_data<double>(10, {4, 3});
  double losses[2], steps[2];
  for (const bool decode : {false, true}) {
    auto model = tiny_model<double>();
    TrainOptions options = tiny_options(1, 4);
    options.loss = "mse";
    options.decode_loss = decode;
    options.optimizer = "sgd";
    options.learning_rate = 0;
    losses[decode] = train<double>(model, {set, nullptr, {}}, options).history.last("loss");
    options.batch = 10;
    options.learning_rate = 1e-3;
    const double before = values(model)[0];
    train<double>(model, {set, nullptr, {}}, options);
    steps[decode] = values(model)[0] - before;
  }
  const double factor = std::pow(1.8, 2);
  EXPECT_NEAR(losses[1], factor * losses[0], 1e-10);
  EXPECT_NEAR(steps[1], factor * steps[0], 1e-12);
  EXPECT_GT(std::abs(steps[0]), 1e-6);

  // The mean over all entries, by hand.
  const auto model = tiny_model<double>();
  std::vector<std::int64_t> all(10);
  std::iota(all.begin(), all.end(), 0);
  const Tensor<double> x({10, 4, 3, 1}), y({10, 4, 3, 1});
  set->read(all, x, y);
  EXPECT_NEAR(losses[1], mean_squared_error<double>(model.predict(x), y).value().item(), 1e-12);
}

// Validation data that the first epochs fit by chance and later ones do not.
TEST(Trainer, KeepsTheBestAndStopsEarly) {
  auto model = tiny_model<double>(5, 4);
  const auto training = tiny_data<double>(20, {8});
  // What the untrained model predicts: training only leads away from it.
  std::vector<std::int64_t> some{0, 1, 2, 3};
  const Tensor<double> x({4, 8, 1}), y({4, 8, 1});
  training->read(some, x, y);
  TrainData<double> data{
      training, std::make_shared<InMemoryDataset<double>>(x, model.predict(x)), {}};
  TrainOptions options = tiny_options(50, 5);
  options.patience = 4;
  const auto result = train(model, data, options);
  EXPECT_TRUE(result.stopped_early);
  EXPECT_EQ(result.epochs, result.best_epoch + 4);
  const auto errors = result.history.column("validation_l2");
  ASSERT_EQ(errors.size(), static_cast<std::size_t>(result.epochs));
  EXPECT_EQ(errors[result.best_epoch - 1], result.best_error);
  EXPECT_EQ(*std::min_element(errors.begin(), errors.end()), result.best_error);
  EXPECT_EQ(evaluate(model, *data.validation).relative_l2, result.best_error);
  for (std::size_t i = 0; i < result.final_state.size(); ++i)
    model.op().parameters()[i]->value().copy_from(result.final_state[i]);
  EXPECT_EQ(evaluate(model, *data.validation).relative_l2, errors.back());
  EXPECT_GT(errors.back(), result.best_error);
}

TEST(Trainer, WithoutValidationTheLastEpochIsTheResult) {
  auto model = tiny_model<float>();
  const auto result = train<float>(model, {tiny_data<float>(8, {4}), nullptr, {}}, tiny_options(3));
  EXPECT_EQ(result.best_epoch, 3);
  EXPECT_EQ(result.best_error, result.history.last("loss"));
  EXPECT_TRUE(same_bits(values(model), values(result.final_state)));
}

// Three steps: a = d (d p1 + (1 - d) p2) + (1 - d) p3, for parameters and buffers.
void expect_averages(Model<double> averaged, Model<double> plain) {
  constexpr double d = 0.75;
  const TrainData<double> data{tiny_data<double>(12, {4}), nullptr, {}};
  TrainOptions options = tiny_options(1, 4);
  train(plain, data, options);
  std::vector<std::vector<double>> steps;  // parameters before each step
  options.weight_averaging = d;
  options.stop = [&] {
    steps.push_back(values(averaged));
    return false;
  };
  train(averaged, data, options);
  ASSERT_EQ(steps.size(), 3u);
  const auto result = values(averaged), last = values(plain);
  for (std::size_t i = 0; i < result.size(); ++i)
    EXPECT_NEAR(result[i], d * (d * steps[1][i] + (1 - d) * steps[2][i]) + (1 - d) * last[i],
                1e-14);
}

TEST(Trainer, AveragesParametersAndBuffers) {
  expect_averages(tiny_model<double>(), tiny_model<double>());
  expect_averages(noisy_model<double>(), noisy_model<double>());
}

TEST(Trainer, NoEpochsNoChange) {
  auto model = tiny_model<float>();
  const auto before = values(model);
  const auto result = train<float>(model, {tiny_data<float>(8, {4}), nullptr, {}}, tiny_options(0));
  EXPECT_TRUE(same_bits(values(model), before));
  EXPECT_TRUE(result.history.rows.empty());
}

// With plain SGD at rate 1 a step is the gradient: its norm is the limit, its entries are bounded.
TEST(Trainer, ClipsGradients) {
  const auto change = [](double norm, double value) {
    auto model = tiny_model<double>();
    const auto before = values(model);
    TrainOptions options = tiny_options(1, 8);
    options.optimizer = "sgd";
    options.learning_rate = 1;
    options.clip_norm = norm;
    options.clip_value = value;
    train<double>(model, {tiny_data<double>(8, {4}), nullptr, {}}, options);
    auto after = values(model);
    for (std::size_t i = 0; i < after.size(); ++i)
      after[i] -= before[i];
    return after;
  };
  const auto norm = [](const std::vector<double>& v) {
    return std::sqrt(std::inner_product(v.begin(), v.end(), v.begin(), 0.0));
  };
  const auto free = change(0, 0);
  ASSERT_GT(norm(free), 0.1);
  EXPECT_NEAR(norm(change(0.01, 0)), 0.01, 1e-12);
  EXPECT_NEAR(norm(change(1000, 0)), norm(free), 1e-12);
  const auto bounded = change(0, 0.02);
  for (std::size_t i = 0; i < free.size(); ++i)
    EXPECT_NEAR(bounded[i], std::clamp(free[i], -0.02, 0.02), 1e-12);
}

TEST(Trainer, PlateauFollowsTheValidationError) {
  auto model = tiny_model<float>();
  TrainOptions options = tiny_options(8);
  options.learning_rate = 0.5;
  options.schedule = "plateau";
  options.schedule_options = {{"patience", 0}, {"threshold", 0.999}, {"factor", 0.5}};
  const auto set = tiny_data<float>(8, {4});
  const auto result = train<float>(model, {set, set, {}}, options);
  const auto rates = result.history.column("learning_rate");
  for (std::size_t e = 2; e < rates.size(); ++e)
    EXPECT_NEAR(rates[e], 0.5 * rates[e - 1], 1e-12);
}

TEST(Trainer, OneCycleMovesTheRateWithinEpochs) {
  auto model = tiny_model<float>();
  TrainOptions options = tiny_options(2, 2);
  options.schedule = "onecycle";
  const auto result = train<float>(model, {tiny_data<float>(8, {4}), nullptr, {}}, options);
  EXPECT_NEAR(result.history.last("learning_rate"), 0.02 / 25 / 1e4, 1e-15);
}

TEST(Trainer, LbfgsTrains) {
  auto model = tiny_model<double>(4);
  TrainOptions options = tiny_options(40, 20);
  options.optimizer = "lbfgs";
  options.learning_rate = 1;
  options.loss = "mse";
  const auto result = train<double>(model, {tiny_data<double>(20, {6}), nullptr, {}}, options);
  EXPECT_LT(result.history.last("loss"), 1e-4 * result.history.column("loss").front());
}

TEST(Trainer, LossOfTheCaller) {
  auto model = tiny_model<double>();
  std::int64_t calls = 0, samples = 0;
  const auto set = tiny_data<double>(10, {4});
  train<double>(model, {set, nullptr, {}}, tiny_options(1, 4), {},
                [&](const Variable<double>& p, const Tensor<double>& y, std::int64_t batch) {
                  ++calls;
                  samples += batch;
                  return squared_error(p, y, 1.0 / static_cast<double>(batch));
                });
  EXPECT_EQ(calls, 3);
  EXPECT_EQ(samples, 10);
}

TEST(Trainer, SteadyStateAllocatesNothingFromTheSystem) {
  auto model = tiny_model<float>();
  const auto set = tiny_data<float>(22, {8, 8});
  TrainOptions options = tiny_options(6, 4);
  std::vector<std::uint64_t> allocations;
  options.progress = [&](const std::string&) {
    allocations.push_back(memory_statistics().system_allocations);
  };
  train<float>(model, {set, nullptr, {{"set", set}}}, options);
  ASSERT_EQ(allocations.size(), 6u);
  EXPECT_EQ(allocations.back(), allocations[1]);
}

TEST(Trainer, NonFiniteLossNamesEpochAndBatch) {
  const auto recording = std::make_shared<RecordingDataset<float>>(tiny_data<float>(12, {4}));
  recording->poison_at = 3 + 2;
  auto model = tiny_model<float>();
  const auto message = error_of([&] {
    train<float>(model, {recording, nullptr, {}}, tiny_options(9));
  });
  expect_contains(message, "the loss is nan in epoch 2, batch 2 of 3");
}

TEST(Trainer, BadOptionsAndDataAreNamed) {
  const auto set = tiny_data<float>(6, {4});
  const auto message = [&](const std::function<void(TrainOptions&, TrainData<float>&)>& change) {
    auto model = tiny_model<float>();
    TrainOptions options = tiny_options();
    TrainData<float> data{set, nullptr, {}};
    change(options, data);
    return error_of([&] { train(model, data, options); });
  };
  using O = TrainOptions;
  using D = TrainData<float>;
  expect_contains(message([](O& o, D&) { o.batch = 0; }), "option -batch: expected at least 1");
  expect_contains(message([](O& o, D&) { o.patience = 2; }), "needs a validation set");
  expect_contains(message([](O& o, D&) { o.resume = true; }), "expected a checkpoint path");
  expect_contains(message([](O& o, D&) { o.drop_last = true, o.batch = 7; }), "has 6 samples");
  expect_contains(message([](O& o, D&) { o.loss = "l3"; }), "\"l3\"");
  expect_contains(message([](O& o, D&) { o.optimizer = "lbfgs", o.clip_norm = 1; }), "clipped");
  expect_contains(message([](O&, D& d) { d.training = nullptr; }), "got none");
  expect_contains(message([&](O&, D& d) { d.evaluation = {{"a", set}, {"a", set}}; }), "differ");
  const auto two_channels =
      std::make_shared<InMemoryDataset<float>>(Tensor<float>({3, 4, 2}), Tensor<float>({3, 4, 1}));
  expect_contains(message([&](O&, D& d) { d.training = two_channels; }), "(1, 4, 2)");
  const auto wide =
      std::make_shared<InMemoryDataset<float>>(Tensor<float>({3, 4, 1}), Tensor<float>({3, 4, 2}));
  expect_contains(message([&](O&, D& d) { d.validation = wide; }), "(4, 2)");
  expect_contains(message([&](O&, D& d) { d.training = wide; }), "(3, 4, 2)");
  Model<float> adaptive(
      make_operator<float>("fno", {{"n_modes", {2}}, {"norm", "ada_in"}, {"ada_in_features", 3}}));
  expect_contains(error_of([&] {
                    train<float>(adaptive, {set, nullptr, {}}, tiny_options());
                  }),
                  "data set training (tiny data): fno with the norm 'ada_in' takes two inputs");
}

TEST(Trainer, ValidationSplit) {
  const auto set = tiny_data<float>(10, {4});
  const auto [training, validation] = validation_split<float>(set, 0.25);
  EXPECT_EQ(training->size(), 7);
  EXPECT_EQ(validation->size(), 3);
  const std::int64_t first = 0, last = 9;
  const Tensor<float> x({1, 4, 1}), y({1, 4, 1}), z({1, 4, 1});
  validation->read(std::span(&first, 1), x, y);
  set->read(std::span(&first, 1), z, y);
  EXPECT_NE(x.to_vector(), z.to_vector());
  const std::int64_t end = 2;
  validation->read(std::span(&end, 1), x, y);
  set->read(std::span(&last, 1), z, y);
  EXPECT_EQ(x.to_vector(), z.to_vector());
  EXPECT_EQ(validation_split<float>(set, 0).second, nullptr);
  expect_contains(error_of([&] { validation_split<float>(set, 0.99); }), "leaves 10");
  expect_contains(error_of([&] { validation_split<float>(set, -0.1); }), "got -0.1");
}

// Known before the first step, not after an epoch.
TEST(Trainer, StatisticsByPointNeedTheirOwnGrid) {
  const auto ones = [] { return Tensor<float>::from_host({4, 1}, {1, 1, 1, 1}); };
  Model<float> model(std::make_unique<TinyOperator<float>>(3, 1), {},
                     Normaliser<float>(ones(), ones()));
  const TrainData<float> data{
      tiny_data<float>(4, {4}), nullptr, {{"fine", tiny_data<float>(2, {6})}}};
  const std::string error = error_of([&] { train(model, data, tiny_options(1)); });
  EXPECT_NE(error.find("data set fine (tiny data): outputs are normalised by point"),
            std::string::npos)
      << error;
  EXPECT_NE(error.find("normalise them by channel"), std::string::npos) << error;
}

// Three points have no one-sided differences; the L2 errors are what they are.
TEST(Trainer, FewPointsHaveNoH1Error) {
  const auto model = tiny_model<float>();
  const auto data = tiny_data<float>(3, {3});
  const Evaluation errors = evaluate(model, *data, 2, {}, Boundary::one_sided);
  EXPECT_TRUE(std::isnan(errors.relative_h1));
  EXPECT_TRUE(std::isfinite(errors.relative_l2));
  EXPECT_TRUE(std::isfinite(evaluate(model, *data, 2, {}, Boundary::periodic).relative_h1));
}

}  // namespace
}  // namespace nopal
