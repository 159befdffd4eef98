// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>
#include <nopal/train/trainer.hpp>

#include "tiny_training.hpp"
#include "train/checkpoint.hpp"

#include <filesystem>
#include <fstream>
#include <limits>
#include <tuple>

namespace nopal {
namespace {

using namespace test;
using Json = nlohmann::json;

class Checkpoint : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "nopal_checkpoint_test_" +
              testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directory(folder_);
    path_ = folder_ + "/run.safetensors";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string folder_, path_;
};

struct Outcome {
  TrainResult<float> result;
  std::vector<float> best, last;
};

// A history but for the columns that hold times.
std::vector<std::vector<double>> without_times(History history) {
  for (auto& row : history.rows)
    row.resize(row.size() - 2);
  return history.rows;
}

void expect_same(const Outcome& a, const Outcome& b) {
  EXPECT_TRUE(same_bits(a.best, b.best));
  EXPECT_TRUE(same_bits(a.last, b.last));
  EXPECT_EQ(a.result.epochs, b.result.epochs);
  EXPECT_EQ(a.result.best_epoch, b.result.best_epoch);
  EXPECT_EQ(a.result.best_error, b.result.best_error);
  EXPECT_EQ(without_times(a.result.history), without_times(b.result.history));
}

// Trains from the start with a new model; `stop` says after how many batches to interrupt.
Outcome run(TrainOptions options, int stop = std::numeric_limits<int>::max(), bool noisy = false) {
  auto model = noisy ? noisy_model<float>() : tiny_model<float>();
  int batches = 0;
  options.stop = [&] { return ++batches >= stop; };
  const Shape grid = noisy ? Shape{12} : Shape{4, 3};
  const TrainData<float> data{tiny_data<float>(18, grid), tiny_data<float>(6, grid, 2), {}};
  Outcome outcome;
  outcome.result = train(model, data, options);
  outcome.best = values(model);
  outcome.last = values(outcome.result.final_state);
  return outcome;
}

TrainOptions options_of(const std::string& optimizer, const std::string& schedule) {
  TrainOptions options = tiny_options(5, 4);  // 5 batches an epoch
  options.optimizer = optimizer;
  options.schedule = schedule;
  if (optimizer == "sgd") options.optimizer_options = {{"momentum", 0.9}};
  if (optimizer == "lbfgs") options.learning_rate = 1;
  if (schedule == "plateau") options.weight_averaging = 0.9;
  if (schedule == "plateau") options.schedule_options = {{"patience", 0}, {"threshold", 0.5}};
  return options;
}

// Interrupted again and again at all places, with a new process's state each time.
TEST_F(Checkpoint, ResumedRunEndsWithTheSameBits) {
  constexpr int never = std::numeric_limits<int>::max();
  for (const auto& [optimizer, schedule, noisy] : {std::tuple{"adamw", "cosine", false},
                                                   {"adamw", "plateau", false},
                                                   {"sgd", "onecycle", false},
                                                   {"lbfgs", "step", false},
                                                   {"adamw", "plateau", true},
                                                   {"lbfgs", "step", true}}) {
    TrainOptions options = options_of(optimizer, schedule);
    const Outcome whole = run(options, never, noisy);
    options.checkpoint = path_;
    options.resume = true;
    for (const int stride : {1, 3, 5, 11}) {
      std::filesystem::remove(path_);
      Outcome outcome;
      int runs = 0;
      do {
        outcome = run(options, stride, noisy);
        ASSERT_LE(++runs, 30);
      } while (outcome.result.interrupted);
      EXPECT_EQ(runs, stride == 1 ? 26 : 25 / stride + 1) << stride;
      expect_same(outcome, whole);
    }
  }
}

TEST_F(Checkpoint, FinishedRunReturnsAtOnce) {
  TrainOptions options = options_of("adamw", "constant");
  options.checkpoint = path_;
  options.resume = true;
  const Outcome first = run(options);
  int lines = 0;
  options.progress = [&](const std::string&) { ++lines; };
  expect_same(run(options), first);
  EXPECT_EQ(lines, 0);
}

TEST_F(Checkpoint, MoreEpochsGoOn) {
  TrainOptions options = options_of("adamw", "constant");
  const Outcome whole = run(options);
  options.checkpoint = path_;
  options.resume = true;
  options.epochs = 2;
  run(options);
  options.epochs = 5;
  expect_same(run(options), whole);
}

TEST_F(Checkpoint, EarlyStopIsRemembered) {
  TrainOptions options = options_of("adamw", "constant");
  options.epochs = 200;
  options.patience = 2;
  options.learning_rate = 0.3;
  const Outcome whole = run(options);
  ASSERT_TRUE(whole.result.stopped_early);
  options.checkpoint = path_;
  options.resume = true;
  Outcome outcome = run(options, 7);
  while (outcome.result.interrupted)
    outcome = run(options, 7);
  expect_same(outcome, whole);
  expect_same(run(options), whole);
}

TEST_F(Checkpoint, WithoutResumeTrainingStartsAgain) {
  TrainOptions options = options_of("adamw", "constant");
  options.checkpoint = path_;
  run(options, 3);
  expect_same(run(options), run(options_of("adamw", "constant")));
}

TEST_F(Checkpoint, HistoryFileHasEachEpochOnce) {
  TrainOptions options = options_of("adamw", "constant");
  options.checkpoint = path_;
  options.resume = true;
  options.history = folder_ + "/history.csv";
  // The run dies in epoch 5 after writing its line for epoch 4; the checkpoint is of epoch 3.
  options.checkpoint_interval = 3;
  options.checkpoint_seconds = 0;
  options.progress = [](const std::string& line) {
    if (line.find("epoch 4/5") == 0) throw Error("killed", __FILE__, __LINE__);
  };
  expect_contains(error_of([&] { run(options); }), "killed");
  options.progress = [](const std::string&) {};
  run(options);
  std::ifstream file(options.history);
  std::string line;
  std::vector<std::string> epochs;
  while (std::getline(file, line))
    epochs.push_back(line.substr(0, line.find(',')));
  EXPECT_EQ(epochs, (std::vector<std::string>{"epoch", "1", "2", "3", "4", "5"}));
}

TEST_F(Checkpoint, IsAModelFile) {
  TrainOptions options = options_of("adamw", "constant");
  options.checkpoint = path_;
  const Outcome outcome = run(options);
  const SafetensorsFile file = read_safetensors(path_);
  EXPECT_EQ(file.metadata.at("operator"), "tiny");
  std::vector<float> stored;
  for (const char* name : {"lift.weight", "lift.bias", "gate", "project.weight", "project.bias"}) {
    const auto one = file.tensors.at(name).to_tensor<float>().to_vector();
    stored.insert(stored.end(), one.begin(), one.end());
  }
  EXPECT_TRUE(same_bits(stored, outcome.last));
  EXPECT_EQ(file.tensors.count("checkpoint.optimizer.second/gate"), 1u);
  EXPECT_EQ(file.tensors.count("checkpoint.best.gate"), 1u);
  EXPECT_EQ(file.tensors.at("checkpoint.history").shape, (Shape{5, 7}));
}

TEST_F(Checkpoint, OtherModelDataOrOptionsAreRefused) {
  TrainOptions good = options_of("adamw", "step");
  good.checkpoint = path_;
  good.resume = true;
  run(good, 3);
  const auto before = std::filesystem::last_write_time(path_);
  const auto message = [&](const std::function<void(TrainOptions&)>& change) {
    TrainOptions options = good;
    change(options);
    return error_of([&] { run(options); });
  };
  expect_contains(message([](TrainOptions& o) { o.batch = 5; }),
                  "options.batch is 4 there, 5 here");
  expect_contains(message([](TrainOptions& o) {
                    o.optimizer_options = {{"weight_decay", 0.1}};
                  }),
                  "options.optimizer_options.weight_decay is 0");
  expect_contains(message([](TrainOptions& o) {
                    o.schedule_options = {{"gamma", 0.25}};
                  }),
                  "options.schedule_options.gamma is 0.5 there, 0.25 here");
  expect_contains(message([](TrainOptions& o) { o.learning_rate = 1; }),
                  "options.learning_rate is 0.02 there, 1.0 here");
  expect_contains(message([](TrainOptions& o) { o.seed = 1; }), "options.seed is 0 there");

  const auto other = [&](Model<float> model, std::int64_t samples, std::uint64_t seed) {
    const TrainData<float> data{
        tiny_data<float>(samples, {4, 3}, seed), tiny_data<float>(6, {4, 3}, 2), {}};
    return error_of([&] { train(model, data, good); });
  };
  expect_contains(other(tiny_model<float>(8), 18, 1),
                  "model.configuration.hidden is 7 there, 8 here");
  expect_contains(other(tiny_model<float>(), 17, 1), "data.training.");
  expect_contains(other(tiny_model<float>(), 18, 3), "data.training.checksum");
  expect_contains(other(Model<float>(std::make_unique<TinyOperator<float>>()), 18, 1),
                  "normaliser.input.deviation");
  const auto one = Tensor<float>::from_host({1}, {1});
  expect_contains(other(Model<float>(std::make_unique<TinyOperator<float>>(),
                                     Normaliser<float>(one, one), Normaliser<float>(one, one)),
                        18, 1),
                  "normaliser.input.deviation");
  EXPECT_EQ(std::filesystem::last_write_time(path_), before);
}

TEST_F(Checkpoint, DamagedFilesAreRefused) {
  TrainOptions options = options_of("adamw", "constant");
  options.checkpoint = path_;
  options.resume = true;
  run(options, 3);
  std::filesystem::resize_file(path_, std::filesystem::file_size(path_) - 10);
  expect_contains(error_of([&] { run(options); }), path_);

  std::filesystem::remove(path_);
  run(options, 3);
  SafetensorsFile file = read_safetensors(path_);
  const auto spoil = [&](const std::function<void(SafetensorsFile&)>& change) {
    SafetensorsFile other = file;
    change(other);
    write_safetensors(path_, other);
    return error_of([&] { run(options); });
  };
  expect_contains(spoil([](SafetensorsFile& f) { f.metadata.erase("checkpoint"); }),
                  "not a checkpoint");
  expect_contains(spoil([](SafetensorsFile& f) { f.metadata["checkpoint"] = std::string("{"); }),
                  "version");
  expect_contains(spoil([](SafetensorsFile& f) {
                    auto header = Json::parse(f.metadata["checkpoint"]);
                    header["epoch"] = "two";
                    f.metadata["checkpoint"] = header.dump();
                  }),
                  "damaged");
  expect_contains(spoil([](SafetensorsFile& f) { f.tensors.erase("gate"); }), "\"gate\"");
  expect_contains(spoil([](SafetensorsFile& f) {
                    f.tensors["checkpoint.optimizer.first/gate"] = f.tensors["lift.bias"];
                  }),
                  "\"gate\" has 7 entries, expected 14");
  expect_contains(spoil([](SafetensorsFile& f) { f.tensors.erase("checkpoint.optimizer.step"); }),
                  "step");
}

TEST_F(Checkpoint, CannotBeWritten) {
  TrainOptions options = options_of("adamw", "constant");
  options.checkpoint = folder_ + "/missing/run.safetensors";
  expect_contains(error_of([&] { run(options); }), "missing");
}

// A step with an infinite rate: the parameters are ruined, the checkpoint before is not.
TEST_F(Checkpoint, StaysWhenTrainingDiverges) {
  TrainOptions options = options_of("sgd", "constant");
  options.checkpoint = path_;
  options.resume = true;
  run(options, 5);
  const auto size = std::filesystem::file_size(path_);
  const auto before = std::filesystem::last_write_time(path_);
  auto model = tiny_model<float>();
  const TrainData<float> data{tiny_data<float>(18, {4, 3}), tiny_data<float>(6, {4, 3}, 2), {}};
  // The gradient becomes infinite while the loss does not.
  const auto loss = [](const Variable<float>& p, const Tensor<float>& y, std::int64_t) {
    return record<float>(Tensor<float>::zeros({1}), [=](const Tensor<float>&) {
      Tensor<float> g(y.shape());
      g.fill(std::numeric_limits<float>::infinity());
      p.accumulate(g);
    });
  };
  options.loss = "l2";
  options.resume = false;
  expect_contains(error_of([&] { train<float>(model, data, options, {}, loss); }),
                  "\"lift.weight\" is not finite");
  EXPECT_EQ(std::filesystem::file_size(path_), size);
  EXPECT_EQ(std::filesystem::last_write_time(path_), before);
}

TEST(FirstDifference, NamesPathAndValues) {
  using detail::first_difference;
  const Json a{{"x", 1}, {"y", {{"z", "b"}, {"w", 2}}}};
  EXPECT_EQ(first_difference(a, a), "");
  Json b = a;
  b["y"]["z"] = "c";
  EXPECT_EQ(first_difference(a, b), "y.z is \"b\" there, \"c\" here");
  b = a;
  b["y"].erase("w");
  EXPECT_EQ(first_difference(a, b), "y.w is 2 there, absent here");
  EXPECT_EQ(first_difference(b, a), "y.w is absent there, 2 here");
}

}  // namespace
}  // namespace nopal
