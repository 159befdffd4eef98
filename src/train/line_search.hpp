// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <functional>

namespace nopal::detail {

/// f and its derivative along the search direction at a step length.
struct LinePoint {
  double step = 0, value = 0, slope = 0;
};

struct WolfeOptions {
  double sufficient_decrease = 1e-4;  ///< c1
  double curvature = 0.9;             ///< c2
  int maximum_evaluations = 25;
};

/// Step length that fulfils the strong Wolfe conditions
///
///     f(a) <= f(0) + c1 a f'(0),   |f'(a)| <= c2 |f'(0)|.
///
/// `evaluate(a)` gives value and slope at a; values that are not finite count as too large a step.
/// `start` is the point at step 0 with negative slope. If the evaluations run out, returns the
/// lowest point with sufficient decrease, or `start` if there was none. Source: Nocedal, Wright,
/// "Numerical optimization", 2nd edition, algorithms 3.5 and 3.6.
LinePoint strong_wolfe(const LinePoint& start, double first_step, const WolfeOptions& options,
                       const std::function<LinePoint(double)>& evaluate);

}  // namespace nopal::detail
