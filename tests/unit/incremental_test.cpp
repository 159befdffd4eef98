// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Training that begins with few modes and coarse grids, and what it asks of operators.

#include <gtest/gtest.h>
#include <nopal/data/strided_dataset.hpp>
#include <nopal/operators/fno.hpp>
#include <nopal/train/optimizer.hpp>
#include <nopal/train/trainer.hpp>

#include "grid_test_tools.hpp"
#include "test_tools.hpp"

#include <nlohmann/json.hpp>

#include <cmath>

namespace nopal {
namespace {

using nlohmann::json;
using test::expect_error;
using test::random_field;

const json network = {{"n_modes", {8, 8}}, {"hidden_channels", 3}, {"n_layers", 2}};

json with(json options, const json& more) {
  options.update(more);
  return options;
}

// Frequencies -4, ..., 3 and 0, ..., 4; of those, -2, ..., 1 and 0, 1, 2 with 4 modes.
void clear_outside(const Tensor<double>& weight) {
  std::vector<double> numbers = weight.to_vector();
  const std::int64_t width = weight.size() / (8 * 5);
  for (std::int64_t i = 0; i < 8; ++i)
    for (std::int64_t j = 0; j < 5; ++j)
      if (i < 2 || i > 5 || j > 2)
        for (std::int64_t c = 0; c < width; ++c)
          numbers[static_cast<std::size_t>((i * 5 + j) * width + c)] = 0;
  weight.copy_from_host(numbers.data());
}

TEST(RestrictedModes, AreThoseOfAllLayers) {
  const auto x = Variable<double>(random_field<double>({2, 12, 10, 1}, 1));
  const auto op = make_operator<double>("fno", network, 3);
  const auto cleared = make_operator<double>("fno", network, 3);
  for (const Parameter<double>* p : cleared->parameters())
    if (p->name.find("spectral.weight") != std::string::npos) clear_outside(p->value());
  const auto whole = op->forward(x).value().clone();
  EXPECT_TRUE(op->restrict_modes(4));
  EXPECT_EQ(op->configuration()["n_modes"], json({4, 4}));
  EXPECT_EQ(op->configuration()["max_n_modes"], json({8, 8}));
  EXPECT_LT(test::relative_difference(op->forward(x).value(), cleared->forward(x).value(),
                                      Communicator()),
            1e-13);
  EXPECT_GT(test::relative_difference(op->forward(x).value(), whole, Communicator()), 1e-3);
  op->restrict_modes(0);
  EXPECT_EQ(op->forward(x).value().to_vector(), whole.to_vector());
  EXPECT_FALSE(make_operator<double>("unet", {{"levels", 1}})->restrict_modes(4));
}

// A joint weight has one tensor for all layers: each must still be restricted.
TEST(RestrictedModes, OfAJointWeight) {
  const json joint = with(network, {{"factorization", "tucker"},
                                    {"rank", 0.5},
                                    {"joint_factorization", true},
                                    {"spectral_init_std", 0.3}});
  const auto op = make_operator<double>("fno", joint, 3);
  const auto dense = make_operator<double>("fno", network, 3);
  const auto* fno = dynamic_cast<const Fno<double>*>(op.get());
  for (const Parameter<double>* p : dense->parameters()) {
    for (std::int64_t l = 0; l < 2; ++l)
      if (p->name == "blocks." + std::to_string(l) + ".spectral.weight") {
        p->value().copy_from(fno->spectral_weight(l));
        clear_outside(p->value());
      }
  }
  op->restrict_modes(4);
  const auto x = Variable<double>(random_field<double>({2, 12, 10, 1}, 1));
  EXPECT_LT(
      test::relative_difference(op->forward(x).value(), dense->forward(x).value(), Communicator()),
      1e-12);
}

TEST(RestrictedModes, StrengthsAreByShells) {
  const auto op = make_operator<double>("fno", with(network, {{"n_layers", 1}}), 3);
  for (const Parameter<double>* p : op->parameters())
    if (p->name.find("spectral.weight") != std::string::npos) p->value().fill(1);
  // Shells of max(|k1|, k2): 1 frequency at 0, 3 x 2 - 1 at 1, 5 x 3 - 6, 7 x 4 - 15, then those
  // with -4 or 4: 8 x 5 - 28. Each has 9 entries of |W|^2 = 2.
  EXPECT_EQ(op->mode_strengths(), (std::vector<double>{18, 18 * 5, 18 * 9, 18 * 13, 18 * 12}));
  op->restrict_modes(4);
  EXPECT_EQ(op->mode_strengths(), (std::vector<double>{18, 18 * 5, 18 * (12 - 6)}));
}

// y is twice x: anything learns that a little.
TrainData<double> doubling(std::int64_t n) {
  const auto x = random_field<double>({12, n, n, 1}, 1);
  const Tensor<double> y = x.clone();
  scale(2.0, y);
  return {std::make_shared<InMemoryDataset<double>>(x, y), nullptr, {}};
}

TrainOptions quick(std::int64_t epochs) {
  TrainOptions o;
  o.epochs = epochs;
  o.batch = 4;
  o.learning_rate = 3e-3;
  o.progress = [](const std::string&) {};
  return o;
}

std::vector<double> column(const History& history, const std::string& name) {
  std::vector<double> values;
  for (std::size_t c = 0; c < history.columns.size(); ++c)
    if (history.columns[c] == name)
      for (const auto& row : history.rows)
        values.push_back(row[c]);
  return values;
}

Model<double> model_of(const json& options) {
  return Model<double>(make_operator<double>("fno", options, 3));
}

TEST(IncrementalTraining, AddsModesByItsRule) {
  TrainOptions o = quick(7);
  o.incremental = {.rule = "epochs", .start = 2, .step = 3, .interval = 2};
  Model<double> model = model_of(network);
  const auto result = train<double>(model, doubling(8), o);
  EXPECT_EQ(column(result.history, "modes"), (std::vector<double>{2, 2, 5, 5, 8, 8, 8}));
  EXPECT_TRUE(column(result.history, "stride").empty());
  EXPECT_EQ(model.op().configuration()["n_modes"], json({8, 8}));

  o = quick(4);
  o.incremental = {.rule = "loss_gap", .start = 2, .step = 2, .tolerance = 1e6};
  Model<double> eager = model_of(network);
  EXPECT_EQ(column(train<double>(eager, doubling(8), o).history, "modes"),
            (std::vector<double>{2, 2, 4, 6}));
  o.incremental.tolerance = 1e-12;
  Model<double> patient = model_of(network);
  EXPECT_EQ(column(train<double>(patient, doubling(8), o).history, "modes"),
            (std::vector<double>{2, 2, 2, 2}));

  // Weights of equal size: the lower shells have less than all but a billionth.
  o.incremental = {.rule = "explained", .start = 4, .step = 2, .tolerance = 1e-9, .buffer = 1};
  Model<double> explained = model_of(network);
  EXPECT_EQ(column(train<double>(explained, doubling(8), o).history, "modes"),
            (std::vector<double>{4, 6, 8, 8}));
  o.incremental.tolerance = 0.999;
  Model<double> enough = model_of(network);
  EXPECT_EQ(column(train<double>(enough, doubling(8), o).history, "modes"),
            (std::vector<double>{4, 4, 4, 4}));
}

// Weights of modes that are not in use yet stay what they were; with more modes they learn.
TEST(IncrementalTraining, TrainsTheModesInUse) {
  const auto highest = [](const Model<double>& model) {
    std::vector<double> numbers;
    for (const Parameter<double>* p : model.op().parameters())
      if (p->name.find("spectral.weight") != std::string::npos) {
        const auto all = p->value().to_vector();
        numbers.insert(numbers.end(), all.begin(), all.begin() + 2 * 9);  // frequencies (-4, 0)
      }
    return numbers;
  };
  const auto first = highest(model_of(network));
  for (const std::int64_t epochs : {1, 2}) {
    TrainOptions o = quick(epochs);
    o.incremental = {.rule = "epochs", .start = 4, .step = 4, .interval = 1};
    Model<double> model = model_of(network);
    train<double>(model, doubling(12), o);
    if (epochs == 1) {
      EXPECT_EQ(highest(model), first);
    } else {
      const auto last = highest(model);
      ASSERT_EQ(last.size(), first.size());
      for (std::size_t k = 0; k < last.size(); ++k)
        EXPECT_NE(last[k], first[k]) << k;
    }
  }
}

TEST(IncrementalTraining, ResumesAsIfNothingHadHappened) {
  const test::ScratchFolder folder;
  TrainOptions o = quick(6);
  o.incremental = {.rule = "explained",
                   .start = 2,
                   .step = 2,
                   .tolerance = 1e-9,
                   .buffer = 1,
                   .strides = {2, 1},
                   .stride_epochs = 2};
  Model<double> once = model_of(network);
  const auto whole = train<double>(once, doubling(8), o);
  EXPECT_EQ(column(whole.history, "stride"), (std::vector<double>{2, 2, 1, 1, 1, 1}));
  o.checkpoint = folder / "c";
  o.resume = true;
  o.epochs = 3;
  Model<double> first = model_of(network);
  train<double>(first, doubling(8), o);
  o.epochs = 6;
  Model<double> second = model_of(network);
  const auto rest = train<double>(second, doubling(8), o);
  EXPECT_EQ(column(rest.history, "modes"), column(whole.history, "modes"));
  const auto a = once.op().parameters(), b = second.op().parameters();
  for (std::size_t i = 0; i < a.size(); ++i)
    EXPECT_EQ(a[i]->value().to_vector(), b[i]->value().to_vector()) << a[i]->name;
  EXPECT_EQ(once.op().configuration(), second.op().configuration());
}

// Interrupted within an epoch, when the weights are others than at its beginning.
TEST(IncrementalTraining, ResumesWithinAnEpoch) {
  const test::ScratchFolder folder;
  TrainOptions o = quick(4);
  o.learning_rate = 0.3;  // so that the weights change
  o.incremental = {.rule = "explained", .start = 2, .step = 2, .tolerance = 0.3, .buffer = 1};
  Model<double> once = model_of(network);
  const auto whole = train<double>(once, doubling(8), o);
  for (const int stop : {1, 4, 5, 8}) {
    TrainOptions part = o;
    part.checkpoint = folder / std::to_string(stop);
    part.resume = true;
    int batches = 0;
    part.stop = [&] { return ++batches == stop; };
    Model<double> first = model_of(network);
    EXPECT_TRUE(train<double>(first, doubling(8), part).interrupted);
    part.stop = {};
    Model<double> second = model_of(network);
    const auto rest = train<double>(second, doubling(8), part);
    EXPECT_EQ(column(rest.history, "modes"), column(whole.history, "modes")) << stop;
    EXPECT_EQ(second.op().parameters()[0]->value().to_vector(),
              once.op().parameters()[0]->value().to_vector());
  }
}

// A model of the parameters of epoch 1 must have the modes that it had then.
TEST(IncrementalTraining, ModesAreThoseOfTheBestEpoch) {
  TrainOptions o = quick(4);
  o.learning_rate = 1;  // makes it worse and worse
  o.incremental = {.rule = "epochs", .start = 2, .step = 2, .interval = 1};
  TrainData<double> data = doubling(8);
  data.validation = data.training;
  Model<double> model = model_of(network);
  const auto result = train<double>(model, data, o);
  const auto best = static_cast<std::size_t>(result.best_epoch);
  ASSERT_LT(best, 4U);
  EXPECT_EQ(model.op().configuration()["n_modes"][0], 2 * best);
  double sum = 0;
  const auto x = random_field<double>({12, 8, 8, 1}, 1);
  const auto y = model.predict(x).to_vector(), reference = x.to_vector();
  for (std::size_t s = 0; s < 12; ++s) {
    double difference = 0, size = 0;
    for (std::size_t i = s * 64; i < (s + 1) * 64; ++i) {
      difference += std::pow(y[i] - 2 * reference[i], 2);
      size += std::pow(2 * reference[i], 2);
    }
    sum += std::sqrt(difference / size) / 12;
  }
  EXPECT_NEAR(sum, result.best_error, 1e-10 * sum);
}

TEST(IncrementalTraining, BadInputIsRefused) {
  const auto attempt = [](const IncrementalOptions& incremental) {
    TrainOptions o = quick(1);
    o.incremental = incremental;
    Model<double> model = model_of(network);
    train<double>(model, doubling(8), o);
  };
  expect_error([&] { attempt({.rule = "sometimes"}); }, {"loss_gap", "sometimes"});
  expect_error([&] { attempt({.rule = "epochs", .start = 9}); }, {"at most the 8 modes", "got 9"});
  expect_error([&] { attempt({.strides = {3, 1}}); }, {"stride of 3", "(8, 8, 1)"});
  expect_error([&] { attempt({.rule = "epochs", .step = 0}); }, {"at least 1"});
  TrainOptions o = quick(1);
  o.incremental.rule = "epochs";
  Model<double> other(make_operator<double>("unet", {{"levels", 1}, {"in_channels", 1}}));
  expect_error([&] { train<double>(other, doubling(8), o); }, {"unet has no Fourier modes"});
}

TEST(StridedDataset, TakesEveryOtherPoint) {
  std::vector<double> x, y;
  for (int s = 0; s < 2; ++s)
    for (int i = 0; i < 4; ++i)
      for (int j = 0; j < 6; ++j)
        for (int c = 0; c < 2; ++c) {
          x.push_back(1000 * s + 100 * i + 10 * j + c);
          if (c == 0) y.push_back(-x.back());
        }
  const auto base = std::make_shared<InMemoryDataset<double>>(
      Tensor<double>::from_host({2, 4, 6, 2}, x), Tensor<double>::from_host({2, 4, 6, 1}, y));
  StridedDataset<double> data(base, 2);
  const Tensor<double> a({1, 2, 3, 2}), b({1, 2, 3, 1});
  data.read(std::vector<std::int64_t>{1}, a, b);
  EXPECT_EQ(a.to_vector(), (std::vector<double>{1000, 1001, 1020, 1021, 1040, 1041, 1200, 1201,
                                                1220, 1221, 1240, 1241}));
  EXPECT_EQ(b.to_vector(), (std::vector<double>{-1000, -1020, -1040, -1200, -1220, -1240}));
  expect_error([&] { data.set_stride(4); }, {"stride of 4", "(4, 6, 2)"});
  EXPECT_EQ(data.stride(), 2);
}

// Li, Yoo, Yang 2025: variance and rate of the spectral weights fall with d log K.
TEST(ModeScaling, ScalesFirstWeightsAndSteps) {
  const json wide = with(network, {{"n_modes", {16, 16}}, {"n_layers", 1}});
  const auto plain = make_operator<double>("fno", wide, 3);
  const auto scaled = make_operator<double>("fno", with(wide, {{"mode_scaling_base", 4}}), 3);
  const double factor = std::sqrt(std::log(4.0) / std::log(16.0));
  const auto op = make_optimizer<double>("adamw", json::object());
  std::vector<std::vector<double>> before;
  for (std::size_t i = 0; i < plain->parameters().size(); ++i) {
    const Parameter<double>&p = *plain->parameters()[i], &q = *scaled->parameters()[i];
    const bool spectral = p.name.find("spectral.weight") != std::string::npos;
    const auto a = p.value().to_vector(), b = q.value().to_vector();
    for (std::size_t k = 0; k < a.size(); ++k)
      ASSERT_NEAR(b[k], a[k] * (spectral ? factor : 1), 1e-14) << p.name;
    EXPECT_DOUBLE_EQ(q.learning_rate_scale, spectral ? factor : 1) << p.name;
    before.push_back(b);
    const Tensor<double> ones(q.value().shape());
    ones.fill(1);
    q.variable.accumulate(ones);
  }
  op->step(scaled->parameters(), 1e-3);
  for (std::size_t i = 0; i < before.size(); ++i) {
    const Parameter<double>& q = *scaled->parameters()[i];
    const double moved = before[i][0] - q.value().to_vector()[0];
    const double unit = q.is_complex ? 1e-3 / std::sqrt(2.0) : 1e-3;  // m / sqrt(|g|^2)
    EXPECT_NEAR(moved, unit * q.learning_rate_scale, 1e-7) << q.name;
  }
}

}  // namespace
}  // namespace nopal
