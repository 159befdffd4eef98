// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/train/multigrid_training.hpp>

#include <gtest/gtest.h>

#include <cmath>

namespace {

using nopal::Communicator;
using nopal::LearnedMultigrid;

// More ranks than matrices of a step among them.
TEST(MultigridTraining, IsTheSameOnAnyNumberOfRanks) {
  nopal::LearnedMultigridOptions shape;
  shape.hidden = 4;
  nopal::MultigridTrainOptions options;
  options.steps = 20;
  options.batch = 3;
  options.matrices = 5;
  options.validation = 3;
  options.points = 20;
  options.validation_interval = 5;
  LearnedMultigrid<float> one(shape, 1), many(shape, 1);
  const auto alone = nopal::train_multigrid(one, options);
  const auto together = nopal::train_multigrid(many, options, Communicator::world());
  EXPECT_NEAR(alone.rate, together.rate, 1e-9);
  EXPECT_EQ(alone.best_step, together.best_step);
  EXPECT_LT(alone.rate, alone.rate_before);
  for (std::size_t p = 0; p < one.parameters().size(); ++p) {
    const auto x = one.parameters()[p]->value().to_vector();
    const auto y = many.parameters()[p]->value().to_vector();
    for (std::size_t i = 0; i < x.size(); ++i)
      EXPECT_NEAR(x[i], y[i], 1e-6);
  }
}

}  // namespace
