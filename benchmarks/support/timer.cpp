// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "benchmarks/support/timer.hpp"

#include <Kokkos_Core.hpp>
#include <nlohmann/json.hpp>
#include <nopal/core/error.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>

namespace benchmarks {

double now() {
  using Clock = std::chrono::steady_clock;
  return std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
}

double processor_now() {
  timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

nlohmann::json Timing::to_json() const {
  return {{"median", median},       {"min", minimum}, {"quartile1", quartile1},
          {"quartile3", quartile3}, {"count", count}, {"processor", processor}};
}

Timing summarise(std::vector<double> samples) {
  NOPAL_CHECK(!samples.empty(), "expected at least one timed call, got none");
  std::sort(samples.begin(), samples.end());
  const auto quantile = [&](double q) {
    const double position = q * static_cast<double>(samples.size() - 1);
    const auto below = static_cast<std::size_t>(std::floor(position));
    const std::size_t above = std::min(below + 1, samples.size() - 1);
    const double weight = position - static_cast<double>(below);
    return (1 - weight) * samples[below] + weight * samples[above];
  };
  Timing timing;
  timing.median = quantile(0.5);
  timing.minimum = samples.front();
  timing.quartile1 = quantile(0.25);
  timing.quartile3 = quantile(0.75);
  timing.count = static_cast<int>(samples.size());
  return timing;
}

Timing measure(const std::function<void()>& work, const Effort& effort,
               const nopal::Communicator& comm) {
  for (int i = 0; i < effort.warm_up; ++i)
    work();
  std::vector<double> samples, processor;
  double spent = 0;
  while (static_cast<int>(samples.size()) < effort.rounds || spent < effort.seconds) {
    Kokkos::fence();
    comm.barrier();
    const double start = now(), processor_start = processor_now();
    work();
    Kokkos::fence();
    processor.push_back(processor_now() - processor_start);
    // The maximum over ranks is the same number on all of them, so they stop together.
    samples.push_back(comm.max(now() - start));
    spent += samples.back();
  }
  Timing timing = summarise(std::move(samples));
  timing.processor = summarise(std::move(processor)).median;
  return timing;
}

}  // namespace benchmarks
