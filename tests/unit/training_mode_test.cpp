// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>
#include <nopal/nn/training_mode.hpp>
#include <nopal/train/trainer.hpp>

#include "test_tools.hpp"
#include "tiny_training.hpp"

namespace nopal {
namespace {

using namespace test;

TEST(TrainingMode, IsAScope) {
  EXPECT_EQ(TrainingMode::active(), nullptr);
  {
    const TrainingMode mode({.seed = 3, .index = 4, .batch = 5});
    ASSERT_NE(TrainingMode::active(), nullptr);
    EXPECT_EQ(TrainingMode::active()->index, 4);
    {
      const TrainingStep shared{.seed = 3, .batch = 5, .points = 7, .first_point = 2};
      const TrainingMode inner(shared.of_points());
      EXPECT_EQ(TrainingMode::active()->batch, 7);
      EXPECT_EQ(TrainingMode::active()->first_sample, 2);
    }
    EXPECT_EQ(TrainingMode::active()->index, 4);
  }
  EXPECT_EQ(TrainingMode::active(), nullptr);
}

// What the trainer says of its steps: each batch of each epoch is one, line searches repeat it, and
// evaluation is inference.
TEST(TrainingMode, StepsOfATraining) {
  auto model = tiny_model<double>();
  const auto set = tiny_data<double>(7, {4});
  for (const char* optimizer : {"sgd", "lbfgs"}) {
    TrainOptions options = tiny_options(2, 3);
    options.optimizer = optimizer;
    options.seed = 11;
    const auto loss = make_loss<double>("mse");
    std::int64_t last = -1, repetitions = 0;
    train<double>(model, {set, set, {}}, options, {},
                  [&](const Variable<double>& p, const Tensor<double>& y, std::int64_t batch) {
                    const TrainingStep& step = *TrainingMode::active();
                    EXPECT_EQ(step.seed, 11u);
                    EXPECT_EQ(step.batch, batch);
                    EXPECT_EQ(step.first_sample, 0);
                    EXPECT_EQ(step.index, step.repeated ? last : last + 1);
                    last = step.index;
                    repetitions += step.repeated;
                    return loss(p, y, batch);
                  });
    EXPECT_EQ(last, 5);
    EXPECT_EQ(repetitions > 0, optimizer[0] == 'l');
  }
}

// The running statistics after a step with a line search are those of its first evaluation.
TEST(TrainingMode, LineSearchesCountOnceInRunningStatistics) {
  auto searched = noisy_model<double>(), still = noisy_model<double>();
  const TrainData<double> data{tiny_data<double>(6, {8}), nullptr, {}};
  TrainOptions options = tiny_options(1, 6);
  options.optimizer = "sgd";
  options.learning_rate = 0;
  train(still, data, options);
  options.optimizer = "lbfgs";
  options.learning_rate = 1;
  int evaluations = 0;
  const auto loss = make_loss<double>("l2");
  const auto before = values(searched);
  train<double>(searched, data, options, {},
                [&](const Variable<double>& p, const Tensor<double>& y, std::int64_t batch) {
                  ++evaluations;
                  return loss(p, y, batch);
                });
  EXPECT_GT(evaluations, 1);
  EXPECT_NE(values(searched), before);
  const auto a = searched.op().buffers(), b = still.op().buffers();
  for (std::size_t i = 0; i < a.size(); ++i)
    EXPECT_TRUE(same_bits(a[i].value.to_vector(), b[i].value.to_vector())) << a[i].name;
}

}  // namespace
}  // namespace nopal
