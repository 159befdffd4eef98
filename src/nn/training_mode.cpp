// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/nn/training_mode.hpp>

namespace nopal {
namespace {

thread_local const TrainingStep* active_step = nullptr;

}  // namespace

TrainingMode::TrainingMode(const TrainingStep& step) : step_(step) {
  NOPAL_CHECK(active_step == nullptr, "a TrainingMode is already active on this thread");
  active_step = &step_;
}

TrainingMode::~TrainingMode() {
  active_step = nullptr;
}

const TrainingStep* TrainingMode::active() noexcept {
  return active_step;
}

}  // namespace nopal
