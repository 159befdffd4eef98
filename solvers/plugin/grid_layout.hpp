// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/comm/grid.hpp>
#include <nopal/solvers/petsc.hpp>

#include <string>
#include <vector>

namespace nopal::detail {

/// The grid on whose points a matrix acts: that of a DMDA, or rows in natural order whose extents
/// an option gives.
class GridLayout {
 public:
  /// `points` x first, empty: those of `dm`, which may be null; `periodic` axes of the points.
  /// Collective. Errors, the same on all ranks, say what option to give, by its name
  /// with the prefix.
  GridLayout(Mat matrix, DM dm, const std::vector<PetscInt>& points,
             const std::vector<PetscBool>& periodic, const std::string& option_name);

  const Grid& grid() const { return grid_; }

  /// The matrix on the boxes of the grid: the one given, or the same in other ranges of rows.
  Mat rows() const { return redistributed_ ? redistributed_.get() : matrix_; }

  bool redistributed() const { return static_cast<bool>(scatter_.get()); }

  /// Calls action(b, x) with r's entries on the boxes of the grid, and puts x into z.
  template <class Action>
  void apply(Vec r, Vec z, const Action& action) {
    if (!scatter_) return action(r, z);
    scatter(r, b_, SCATTER_FORWARD);
    action(b_.get(), x_.get());
    scatter(x_, z, SCATTER_REVERSE);
  }

 private:
  void set_up(DM dm, const std::vector<PetscInt>& points, const std::vector<PetscBool>& periodic,
              const std::string& option_name);
  void scatter(Vec from, Vec to, ScatterMode mode);

  Mat matrix_;
  Grid grid_;

  // For rows in natural order whose ranks do not hold whole planes: the same in ranges that do.
  OwnedMat redistributed_;
  OwnedVec b_, x_;
  OwnedScatter scatter_;
};

}  // namespace nopal::detail
