// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "test_tools.hpp"

#include <gtest/gtest.h>
#include <nopal/core/error.hpp>
#include <nopal/train/schedule.hpp>

#include <nlohmann/json.hpp>

#include <cmath>
#include <functional>

namespace nopal {
namespace {

using test::error_of;

using Json = nlohmann::json;

// Rates of the first batches of the first epochs.
std::vector<double> rates(const Schedule& schedule, int epochs, int batches = 1) {
  std::vector<double> result;
  for (int e = 0; e < epochs; ++e)
    for (int b = 0; b < batches; ++b)
      result.push_back(schedule.learning_rate({e, epochs, b, batches}));
  return result;
}

void expect_near(const std::vector<double>& a, const std::vector<double>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i)
    EXPECT_NEAR(a[i], b[i], 1e-14) << "entry " << i;
}

TEST(Schedule, Constant) {
  expect_near(rates(*make_schedule("constant", 0.3, {}, 9), 3), {0.3, 0.3, 0.3});
}

// 0.8 halved every second epoch; the batch within the epoch plays no part.
TEST(Schedule, Step) {
  const auto schedule = make_schedule("step", 0.8, {{"step_size", 2}, {"gamma", 0.5}}, 9);
  expect_near(rates(*schedule, 5), {0.8, 0.8, 0.4, 0.4, 0.2});
  EXPECT_EQ(schedule->learning_rate({1, 9, 7, 8}), 0.8);
  EXPECT_TRUE(std::isnan(schedule->momentum({})));
}

TEST(Schedule, Exponential) {
  expect_near(rates(*make_schedule("exponential", 1, {{"gamma", 0.5}}, 9), 4),
              {1, 0.5, 0.25, 0.125});
  const auto smooth = make_schedule("exponential", 1, {{"gamma", 0.25}, {"per_batch", true}}, 9);
  expect_near(rates(*smooth, 2, 2), {1, 0.5, 0.25, 0.125});
}

TEST(Schedule, Milestones) {
  const auto schedule =
      make_schedule("milestones", 1e-3, {{"milestones", {2, 4}}, {"factors", {0.5, 0.1}}}, 9);
  expect_near(rates(*schedule, 6), {1e-3, 1e-3, 5e-4, 5e-4, 1e-4, 1e-4});
  EXPECT_THROW(make_schedule("milestones", 1, {{"milestones", {2, 4}}, {"factors", {0.5}}}, 9),
               Error);
  EXPECT_THROW(make_schedule("milestones", 1, {{"milestones", {4, 2}}, {"factors", {0.5, 0.1}}}, 9),
               Error);
  EXPECT_EQ(make_schedule("milestones", 2, {}, 9)->learning_rate({5, 9, 0, 1}), 2);
}

TEST(Schedule, InverseTime) {
  expect_near(rates(*make_schedule("inverse_time", 1, {{"gamma", 2}, {"step_size", 4}}, 9), 5),
              {1, 1 / 1.5, 0.5, 1 / 2.5, 1 / 3.0});
  const auto smooth = make_schedule("inverse_time", 1, {{"gamma", 1}, {"per_batch", true}}, 9);
  expect_near(rates(*smooth, 2, 2), {1, 1 / 1.5, 0.5, 1 / 2.5});
}

// cos(pi e / 6): 1, sqrt(3)/2, 1/2, 0, -1/2, -sqrt(3)/2, -1, and up again after t_max.
TEST(Schedule, Cosine) {
  const auto schedule = make_schedule("cosine", 1, {{"t_max", 6}, {"eta_min", 0.2}}, 100);
  const double root = std::sqrt(3.0) / 2;
  expect_near(rates(*schedule, 8),
              {1, 0.6 + 0.4 * root, 0.8, 0.6, 0.4, 0.6 - 0.4 * root, 0.2, 0.6 - 0.4 * root});
  // t_max is the number of epochs if not given.
  expect_near(rates(*make_schedule("cosine", 2, {}, 4), 3), {2, 1 + std::sqrt(0.5), 1});
}

// torch.optim.lr_scheduler.OneCycleLR(max_lr=0.4, total_steps=10), PyTorch 1.13: all steps.
TEST(Schedule, OneCycle) {
  const std::vector<double> reference{0.016,
                                      0.208,
                                      0.4,
                                      0.38019385280538953,
                                      0.32469826157990522,
                                      0.24450480877451572,
                                      0.15549679122548429,
                                      0.075303338420094804,
                                      0.019807747194610516,
                                      1.6e-06};
  const auto schedule = make_schedule("onecycle", 0.4, {{"cycle_momentum", true}}, 5);
  expect_near(rates(*schedule, 5, 2), reference);
  expect_near(rates(*make_schedule("onecycle", 0.4, {}, 10), 10), reference);
  EXPECT_TRUE(std::isnan(make_schedule("onecycle", 0.4, {}, 10)->momentum({})));
  EXPECT_NEAR(schedule->momentum({0, 5, 0, 2}), 0.95, 1e-14);
  EXPECT_NEAR(schedule->momentum({0, 5, 1, 2}), 0.9, 1e-14);
  EXPECT_NEAR(schedule->momentum({1, 5, 0, 2}), 0.85, 1e-14);
  EXPECT_NEAR(schedule->momentum({2, 5, 0, 2}), 0.86882550990706331, 1e-14);
  EXPECT_NEAR(schedule->momentum({4, 5, 1, 2}), 0.95, 1e-14);
  // A value an epoch.
  const auto slow = make_schedule("onecycle", 0.4, {{"per_batch", false}}, 10);
  for (int e = 0; e < 10; ++e)
    for (const int batch : {0, 3})
      EXPECT_NEAR(slow->learning_rate({e, 10, batch, 4}), reference[e], 1e-14);
  // Beyond its end it stays there.
  EXPECT_NEAR(schedule->learning_rate({7, 5, 0, 2}), 1.6e-6, 1e-14);
}

// torch.optim.lr_scheduler.ReduceLROnPlateau, PyTorch 1.13, also by hand: 0.95 and 0.93 are no
// progress of 10 % over 1, so the rate halves after the third epoch; one epoch of cooldown; the
// progress at 0.5 comes after 0.91 and 0.90 have been counted.
TEST(Schedule, Plateau) {
  const Json options{
      {"factor", 0.5}, {"patience", 1}, {"cooldown", 1}, {"threshold", 0.1}, {"min_lr", 0.06}};
  const std::vector<double> errors{1, 0.95, 0.93, 0.92, 0.91, 0.90, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5};
  const std::vector<double> reference{0.4, 0.4, 0.4, 0.2,  0.2,  0.2,
                                      0.1, 0.1, 0.1, 0.06, 0.06, 0.06};
  auto schedule = make_schedule("plateau", 0.4, options, 12);
  std::vector<double> seen;
  for (const double error : errors) {
    seen.push_back(schedule->learning_rate({}));
    schedule->end_epoch(error);
    // A restored one goes on the same way, also through text.
    auto fresh = make_schedule("plateau", 0.4, options, 12);
    fresh->restore(Json::parse(schedule->state().dump()));
    schedule = std::move(fresh);
  }
  expect_near(seen, reference);
  auto bad = make_schedule("plateau", 1, {{"patience", 0}}, 3);
  bad->restore(Json::parse(bad->state().dump()));
  bad->end_epoch(std::nan(""));
  EXPECT_DOUBLE_EQ(bad->learning_rate({}), 0.1);
}

// torch.optim.lr_scheduler.LinearLR(start_factor=0.01, total_iters=4), then cosine from its start.
TEST(Schedule, WarmUp) {
  const auto schedule = make_schedule("cosine", 0.4, {{"warmup", 4}, {"t_max", 2}}, 7);
  expect_near(rates(*schedule, 7), {0.004, 0.103, 0.202, 0.301, 0.4, 0.2, 0});
  EXPECT_NEAR(schedule->learning_rate({0, 7, 1, 2}), 0.004 + 0.0495, 1e-14);
  expect_near(rates(*make_schedule("cosine", 0.4, {{"warmup", 4}, {"warmup_start", 0}}, 6), 6),
              {0, 0.1, 0.2, 0.3, 0.4, 0.2});
  // Half an epoch of two batches.
  expect_near(rates(*make_schedule("constant", 1, {{"warmup", 0.5}}, 6), 2, 2), {0.01, 1, 1, 1});
  // One cycle over what is left.
  const auto cycle = make_schedule(
      "onecycle", 0.4, {{"warmup", 2}, {"div_factor", 1}, {"final_div_factor", 250000}}, 12);
  EXPECT_NEAR(cycle->learning_rate({2, 12, 0, 1}), 0.4, 1e-14);
  EXPECT_NEAR(cycle->learning_rate({5, 12, 0, 1}), 0.38019385280538953, 1e-14);
}

TEST(Schedule, BadOptionsAreNamed) {
  EXPECT_NE(error_of([] { make_schedule("cosin", 1, {}, 1); }).find("did you mean 'cosine'"),
            std::string::npos);
  EXPECT_NE(error_of([] {
              make_schedule("cosine", 1, {{"tmax", 3}}, 1);
            }).find("'t_max'"),
            std::string::npos);
  EXPECT_NE(error_of([] {
              make_schedule("step", 1, {{"step_size", 0}}, 1);
            }).find("at least 1"),
            std::string::npos);
  EXPECT_NE(error_of([] { make_schedule("step", -1, {}, 1); }).find("got -1"), std::string::npos);
  EXPECT_EQ(make_schedule("step", 1, {{"gamma", 0.1}}, 1)->configuration().at("gamma"), 0.1);
}

}  // namespace
}  // namespace nopal
