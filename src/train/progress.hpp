// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace nopal::detail {

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
