// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace nopal {

/// Value f(u) and slope f'(u) of a reaction.
using Reaction = std::function<void(double u, double& value, double& slope)>;

/// s_t = D s_xx + f(s) + q(x) on [0, length], from an initial state, with s = 0 or s_x = 0 at both
/// ends.
struct ReactionDiffusion {
  double diffusion = 0.01;  ///< D
  double length = 1;
  Reaction reaction;
  bool no_flux = false;  ///< s_x = 0 at the ends instead of s = 0

  /// s at the end of each of `outputs` intervals of equal length up to `time`, each made of `steps`
  /// steps: rows (outputs + 1, n), the first of which is the initial state. `initial` and `source`
  /// at n equally spaced points, ends included.
  ///
  /// Second-order differences in space and the trapezoidal rule in time, its equations solved by
  /// Newton's method to rounding. Error if Newton's method does not converge: take more steps.
  std::vector<double> solve(std::span<const double> initial, std::span<const double> source,
                            double time, std::int64_t outputs, std::int64_t steps) const;
};

}  // namespace nopal
