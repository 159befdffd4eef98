// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/error.hpp>
#include <nopal/solvers/problems/reaction_diffusion.hpp>

#include <algorithm>
#include <cmath>

namespace nopal {
namespace {

constexpr int max_newton = 30;

// Solves a tridiagonal system in place: lower and upper neighbours have the same coupling but for
// the ends, where `end` factors it (no flux: the neighbour beyond an end mirrors the one inside).
void solve_tridiagonal(double coupling, double end, std::vector<double>& diagonal,
                       std::vector<double>& x) {
  const std::size_t n = x.size();
  const auto lower = [&](std::size_t i) { return i + 1 == n ? coupling * end : coupling; };
  const auto upper = [&](std::size_t i) { return i == 0 ? coupling * end : coupling; };
  for (std::size_t i = 1; i < n; ++i) {
    const double factor = lower(i) / diagonal[i - 1];
    diagonal[i] -= factor * upper(i - 1);
    x[i] -= factor * x[i - 1];
  }
  x[n - 1] /= diagonal[n - 1];
  for (std::size_t i = n - 1; i-- > 0;)
    x[i] = (x[i] - upper(i) * x[i + 1]) / diagonal[i];
}

}  // namespace

std::vector<double> ReactionDiffusion::solve(std::span<const double> initial,
                                             std::span<const double> source, double time,
                                             std::int64_t outputs, std::int64_t steps) const {
  const std::size_t n = initial.size();
  NOPAL_CHECK(
      n >= 3 && source.size() == n && outputs >= 1 && steps >= 1 && time > 0,
      "reaction-diffusion: expected at least 3 points, as many of the source, an output, a ",
      "step and a time above 0, got ", n, " points, ", source.size(), " of the source, ", outputs,
      " outputs, ", steps, " steps and the time ", time);
  const double h = length / static_cast<double>(n - 1);
  const double dt = time / static_cast<double>(outputs * steps), r = diffusion / (h * h);
  // Unknowns: all points, or those between the ends.
  const std::size_t first = no_flux ? 0 : 1, count = no_flux ? n : n - 2;
  std::vector<double> s(initial.begin(), initial.end()), f(n), next, residual(count),
      diagonal(count), rows(s);
  if (!no_flux) s[0] = s[n - 1] = 0;
  std::copy(s.begin(), s.end(), rows.begin());
  double slope = 0;
  const auto right_hand_side = [&](const std::vector<double>& v, std::size_t i) {
    const double low = i == 0 ? v[1] : v[i - 1], high = i + 1 == n ? v[n - 2] : v[i + 1];
    double value = 0;
    reaction(v[i], value, slope);
    return r * (low - 2 * v[i] + high) + value + source[i];
  };
  for (std::int64_t step = 0; step < outputs * steps; ++step) {
    for (std::size_t i = first; i < first + count; ++i)
      f[i] = right_hand_side(s, i);
    next = s;
    double change = 0, before = INFINITY;
    for (int newton = 0;; ++newton) {
      double largest = 0;
      for (std::size_t k = 0; k < count; ++k) {
        const std::size_t i = first + k;
        residual[k] = s[i] + dt / 2 * (f[i] + right_hand_side(next, i)) - next[i];
        diagonal[k] = 1 + dt / 2 * (2 * r - slope);
      }
      solve_tridiagonal(-dt / 2 * r, no_flux ? 2 : 1, diagonal, residual);
      change = 0;
      for (std::size_t k = 0; k < count; ++k) {
        next[first + k] += residual[k];
        change = std::max(change, std::abs(residual[k]));
        largest = std::max(largest, std::abs(next[first + k]));
      }
      // To rounding: the changes are small and no longer fall.
      if (change <= 1e-12 * (largest + 1e-300) || (change <= 1e-9 * largest && change >= before))
        break;
      before = change;
      NOPAL_CHECK(std::isfinite(change) && newton < max_newton,
                  "reaction-diffusion: Newton's method does not converge in step ", step + 1,
                  " of length ", dt, " (last change ", change, "); take more steps");
    }
    s.swap(next);
    if ((step + 1) % steps == 0) rows.insert(rows.end(), s.begin(), s.end());
  }
  return rows;
}

}  // namespace nopal
