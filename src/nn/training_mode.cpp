// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/nn/training_mode.hpp>

namespace nopal {
namespace {

thread_local const TrainingStep* active_step = nullptr;

}  // namespace

TrainingStep TrainingStep::of_points() const {
  TrainingStep step = *this;
  step.batch = points;
  step.first_sample = first_point;
  step.comm = point_comm;
  return step;
}

TrainingMode::TrainingMode(const TrainingStep& step) : step_(step), outer_(active_step) {
  active_step = &step_;
}

TrainingMode::~TrainingMode() {
  active_step = outer_;
}

const TrainingStep* TrainingMode::active() noexcept {
  return active_step;
}

}  // namespace nopal
