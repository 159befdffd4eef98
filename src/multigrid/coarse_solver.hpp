// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include "multigrid/level.hpp"

namespace nopal::detail {

/// The exact solution on the coarsest level, by the inverse of its matrix in double precision; on
/// the null space of a singular matrix, 0 (pseudo-inverse). On one rank.
template <class T>
class CoarseSolver {
 public:
  CoarseSolver() = default;
  explicit CoarseSolver(const Level<T>& level);

  /// x := A^+ b on the level's own points.
  void solve(const Level<T>& level) const;

  std::int64_t points() const { return points_; }
  std::int64_t bytes() const { return points_ * points_ * static_cast<std::int64_t>(sizeof(T)); }

 private:
  std::int64_t points_ = 0;
  std::vector<T> inverse_;
  mutable std::vector<T> b_;
};

}  // namespace nopal::detail
