// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace nopal::detail {

/// Time of a training that may have been resumed.
class TrainingClock {
 public:
  TrainingClock() = default;

  /// Starts a run that goes on after `epochs_before` of `epochs` epochs and `seconds_before`.
  TrainingClock(std::int64_t epochs, std::int64_t epochs_before, double seconds_before);

  double run() const;                     ///< seconds of this run
  double total() const;                   ///< with those before
  double left(double epochs_done) const;  ///< as this run went so far; 0 before it has begun

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
  double epochs_ = 0, epochs_before_ = 0, seconds_before_ = 0;
};

/// What one line of progress says.
struct ProgressLine {
  std::int64_t epoch = 0, epochs = 0;   ///< epoch from 1
  std::int64_t batch = 0, batches = 0;  ///< 0, 0: the epoch is over
  double loss = 0, learning_rate = 0;
  std::vector<std::pair<std::string, double>> errors;  ///< relative L2 by data set; NaN: left out
  double samples_per_second = 0;
  double seconds_left = 0;
};

/// `epoch  12/100  loss 3.21e-02  validation 4.12e-02  rate 1.0e-03  812 samples/s  1:05 left`.
std::string format(const ProgressLine& line);

/// `45 s`, `3:20`, `2:05:09`.
std::string format_duration(double seconds);

}  // namespace nopal::detail
