// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/solvers/euler/finite_volume.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numbers>
#include <vector>

namespace nopal::euler::test {

inline const Communicator& world() {
  static const Communicator comm = Communicator::world();
  return comm;
}

inline Boundaries all_sides(const BoundaryRule& rule) {
  return {rule, rule, rule, rule};
}

/// A wavy grid of the unit square, alike at opposite sides.
inline Point wavy(double x, double y) {
  using std::numbers::pi;
  return {x + 0.04 * std::sin(2 * pi * y) * std::sin(2 * pi * x),
          y + 0.05 * std::sin(2 * pi * x) * std::sin(4 * pi * y)};
}

/// `solve` gives the state that a communicator's ranks compute: here all of them against one. Sums
/// are over faces or elements, in one order, so that even the bits are the same.
inline void expect_same_on_all_ranks(
    const std::function<std::vector<double>(const Communicator&)>& norms) {
  const auto alone = norms(Communicator()), together = norms(world());
  EXPECT_NEAR(together[0], alone[0], 1e-13 * alone[0]);
  EXPECT_EQ(together[1], alone[1]);
}

/// The sum and the largest of the entries' sizes.
inline std::vector<double> norms_of(Vec state) {
  std::vector<double> norms;
  for (const NormType type : {NORM_1, NORM_INFINITY}) {
    PetscReal norm = 0;
    NOPAL_PETSC(VecNorm(state, type, &norm));
    norms.push_back(norm);
  }
  return norms;
}

}  // namespace nopal::euler::test
