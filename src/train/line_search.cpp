// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "train/line_search.hpp"

#include <algorithm>
#include <cmath>

namespace nopal::detail {
namespace {

// Minimiser of the cubic through two points with their slopes (equation 3.59), kept away from the
// ends of the interval so that it shrinks.
double interpolate(const LinePoint& a, const LinePoint& b) {
  const double low = std::min(a.step, b.step), high = std::max(a.step, b.step);
  const double middle = 0.5 * (low + high), margin = 0.1 * (high - low);
  if (!std::isfinite(a.value + a.slope) || !std::isfinite(b.value + b.slope)) return middle;
  const double d1 = a.slope + b.slope - 3 * (a.value - b.value) / (a.step - b.step);
  const double square = d1 * d1 - a.slope * b.slope;
  if (!(square >= 0)) return middle;
  const double d2 = std::copysign(std::sqrt(square), b.step - a.step);
  const double step =
      b.step - (b.step - a.step) * (b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2);
  return std::isfinite(step) ? std::clamp(step, low + margin, high - margin) : middle;
}

}  // namespace

LinePoint strong_wolfe(const LinePoint& start, double first_step, const WolfeOptions& options,
                       const std::function<LinePoint(double)>& evaluate) {
  const auto decreases = [&](const LinePoint& x) {
    return std::isfinite(x.value) && std::isfinite(x.slope) &&
           x.value <= start.value + options.sufficient_decrease * x.step * start.slope;
  };
  const auto flat = [&](const LinePoint& x) {
    return std::abs(x.slope) <= -options.curvature * start.slope;
  };
  LinePoint best = start;
  int left = options.maximum_evaluations;
  const auto at = [&](double step) {
    --left;
    const LinePoint x = evaluate(step);
    if (decreases(x) && x.value <= best.value) best = x;
    return x;
  };

  // Bracketing: `low` is the end of lower value that decreases, the minimiser lies towards `high`.
  LinePoint low = start, high;
  double step = first_step;
  for (;;) {
    if (left <= 0) return best;
    const LinePoint x = at(step);
    if (!decreases(x) || (low.step > 0 && x.value >= low.value)) {
      high = x;
      break;
    }
    if (flat(x)) return x;
    if (x.slope >= 0) {
      high = low;
      low = x;
      break;
    }
    // Still descending: extrapolate by the cubic, between twice and ten times the step.
    const double spread = x.step - low.step;
    double next = x.step + 4 * spread;
    const double d1 = low.slope + x.slope - 3 * (low.value - x.value) / (low.step - x.step);
    const double square = d1 * d1 - low.slope * x.slope;
    if (square >= 0) {
      const double d2 = std::sqrt(square);
      const double cubic = x.step - spread * (x.slope + d2 - d1) / (x.slope - low.slope + 2 * d2);
      if (std::isfinite(cubic) && cubic > x.step) next = cubic;
    }
    step = std::clamp(next, x.step + spread, x.step + 9 * spread);
    low = x;
  }

  while (left > 0 && std::abs(high.step - low.step) > 1e-12 * std::max(low.step, high.step)) {
    const LinePoint x = at(interpolate(low, high));
    if (!decreases(x) || x.value >= low.value) {
      high = x;
      continue;
    }
    if (flat(x)) return x;
    if (x.slope * (high.step - low.step) >= 0) high = low;
    low = x;
  }
  return best;
}

}  // namespace nopal::detail
