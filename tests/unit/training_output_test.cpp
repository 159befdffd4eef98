// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// What a training says and writes as it goes: progress, the history, and what if a disk is full.

#include <gtest/gtest.h>
#include <nopal/core/runtime.hpp>
#include <nopal/train/trainer.hpp>

#include "tiny_training.hpp"
#include "train/progress.hpp"

#include <cmath>
#include <filesystem>
#include <fstream>

namespace nopal {
namespace {

using namespace test;

TEST(TrainingOutput, GoesOnWithoutFilesThatCanNoLongerBeWritten) {
  const std::string history = testing::TempDir() + "nopal_lost.csv",
                    checkpoint = testing::TempDir() + "nopal_lost.safetensors";
  for (const std::string& path : {history, checkpoint})
    std::filesystem::remove(path);
  auto model = tiny_model<float>();
  TrainOptions options = tiny_options(4);
  options.history = history;
  options.checkpoint = checkpoint;
  int epochs = 0;
  options.progress = [&](const std::string&) {
    // After the first checkpoint: folders in the places of both.
    if (++epochs != 2) return;
    for (const std::string& path : {history, checkpoint}) {
      std::filesystem::remove(path);
      std::filesystem::create_directory(path);
    }
  };
  std::vector<std::string> lines;
  const LogSink before = set_log_sink([&](const std::string& line) { lines.push_back(line); });
  const auto set = tiny_data<float>(8, {4});
  const auto result = train<float>(model, {set, nullptr, {}}, options);
  set_log_sink(before);
  EXPECT_EQ(result.epochs, 4);
  ASSERT_EQ(lines.size(), 5U);  // checkpoints 2 to 4, histories 3 and 4
  for (const std::string& line : lines)
    expect_contains(line, "could not be written, training goes on: ");
  for (const std::string& path : {history, checkpoint})
    std::filesystem::remove(path);
}

TEST(TrainingOutput, HistoryFileGrowsByALine) {
  const std::string path = testing::TempDir() + "nopal_history_test.csv";
  auto model = tiny_model<float>();
  TrainOptions options = tiny_options(3);
  options.history = path;
  options.evaluation_interval = 2;
  std::vector<int> lines;
  options.progress = [&](const std::string&) {
    std::ifstream file(path);
    std::string line;
    int count = 0;
    while (std::getline(file, line))
      ++count;
    lines.push_back(count);
  };
  const auto set = tiny_data<float>(8, {4});
  train<float>(model, {set, set, {}}, options);
  EXPECT_EQ(lines, (std::vector<int>{2, 3, 4}));
  std::ifstream file(path);
  std::string header, first;
  std::getline(file, header);
  std::getline(file, first);
  EXPECT_EQ(header,
            "epoch,learning_rate,loss,validation_l2,validation_h1,samples_per_second,seconds");
  EXPECT_EQ(first.substr(0, 7), "1,0.02,");
  expect_contains(first, ",,,");  // not evaluated in the first epoch
  std::filesystem::remove(path);
}

TEST(TrainingOutput, ProgressLines) {
  detail::ProgressLine line;
  line.epoch = 7;
  line.epochs = 100;
  line.loss = 0.0321;
  line.learning_rate = 1e-3;
  line.errors = {{"validation", 0.0412}, {"fine", std::nan("")}};
  line.samples_per_second = 812.4;
  line.seconds_left = 65;
  EXPECT_EQ(
      detail::format(line),
      "epoch   7/100  loss 3.210e-02  validation 4.120e-02  rate 1.0e-03  812 samples/s  1:05 "
      "left");
  line.batch = 3;
  line.batches = 50;
  expect_contains(detail::format(line), "epoch   7/100  batch 3/50  loss");
  EXPECT_EQ(detail::format_duration(59.4), "59 s");
  EXPECT_EQ(detail::format_duration(7509), "2:05:09");
}

}  // namespace
}  // namespace nopal
