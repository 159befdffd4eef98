// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "train/progress.hpp"

#include <cmath>
#include <cstdarg>
#include <cstdio>

namespace nopal::detail {
namespace {

[[gnu::format(printf, 1, 2)]] std::string print(const char* format, ...) {
  char text[64];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  return text;
}

}  // namespace

TrainingClock::TrainingClock(std::int64_t epochs, std::int64_t epochs_before, double seconds_before)
    : epochs_(static_cast<double>(epochs)),
      epochs_before_(static_cast<double>(epochs_before)),
      seconds_before_(seconds_before) {}

double TrainingClock::run() const {
  return std::chrono::duration<double>(Clock::now() - start_).count();
}

double TrainingClock::total() const {
  return seconds_before_ + run();
}

double TrainingClock::left(double epochs_done) const {
  const double done = epochs_done - epochs_before_;
  return done > 0 ? run() / done * (epochs_ - epochs_done) : 0;
}

std::string format_duration(double seconds) {
  const auto total = static_cast<long long>(std::llround(std::max(0.0, seconds)));
  if (total < 60) return print("%lld s", total);
  if (total < 3600) return print("%lld:%02lld", total / 60, total % 60);
  return print("%lld:%02lld:%02lld", total / 3600, total / 60 % 60, total % 60);
}

std::string format(const ProgressLine& line) {
  const int width = static_cast<int>(std::to_string(line.epochs).size());
  std::string text = print("epoch %*lld/%lld", width, static_cast<long long>(line.epoch),
                           static_cast<long long>(line.epochs));
  if (line.batches > 0)
    text += print("  batch %lld/%lld", static_cast<long long>(line.batch),
                  static_cast<long long>(line.batches));
  text += print("  loss %.3e", line.loss);
  for (const auto& [name, error] : line.errors)
    if (!std::isnan(error)) text += "  " + name + print(" %.3e", error);
  text += print("  rate %.1e  %.0f samples/s", line.learning_rate, line.samples_per_second);
  return text + "  " + format_duration(line.seconds_left) + " left";
}

}  // namespace nopal::detail
