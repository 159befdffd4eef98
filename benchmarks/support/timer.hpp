// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/comm/communicator.hpp>

#include <nlohmann/json_fwd.hpp>

#include <functional>
#include <vector>

namespace benchmarks {

/// Seconds since an arbitrary moment, from a clock that never goes back.
double now();

/// Processor seconds that all threads of this process have used.
double processor_now();

/// Order statistics of timed calls, in seconds. On shared machines the median is the figure to
/// quote and the minimum the one that noise disturbs least.
struct Timing {
  double median = 0, minimum = 0, quartile1 = 0, quartile3 = 0;
  int count = 0;
  /// Median of the processor time of this process: what a call takes where other programs compete
  /// for the cores (a waiting rank spends it too).
  double processor = 0;

  nlohmann::json to_json() const;
};

/// The order statistics of `samples` (linear interpolation between neighbours); not empty.
Timing summarise(std::vector<double> samples);

/// How long to measure.
struct Effort {
  double seconds = 1;  ///< time to spend
  int rounds = 5;      ///< least number of timed calls
  int warm_up = 2;     ///< calls before the first timed one
};

/// Times calls of `work`. Ranks start each call together and the slowest one counts; all ranks make
/// the same number of calls. Collective over `comm`.
Timing measure(const std::function<void()>& work, const Effort& effort,
               const nopal::Communicator& comm = {});

}  // namespace benchmarks
