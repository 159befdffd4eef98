// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include "multigrid/level.hpp"

namespace nopal::detail {

/// The matrix as the hierarchy takes it, with a positive diagonal where it had a negative one, and
/// without the rows whose solution is known beforehand.
template <class T>
class FinestLevel {
 public:
  /// Sets the grid, layout, matrix and scale of `level`. Errors as of StencilMultigrid.
  FinestLevel(const StencilField<T>& field, Level<T>& level);

  /// Puts b in the place of the level's right-hand side, without what known rows take from others.
  /// Collective.
  template <class From>
  void load(const From* b, const Level<T>& level) const;

  /// The solution, known rows included.
  template <class To>
  void store(const Level<T>& level, const To* b, To* x) const;

  /// Whether rows were divided by their diagonal: then the solution is not symmetric in b.
  bool rows_scaled() const { return row_factors_.defined(); }

  /// Rows without couplings among this rank's points.
  std::int64_t known_rows() const { return static_cast<std::int64_t>(own_known_.size()); }

 private:
  struct Known {
    std::ptrdiff_t point;
    T inverse;  // of the diagonal
  };
  struct Coupling {
    std::ptrdiff_t row, known;
    T factor;  // of the right-hand side of the known row
  };
  struct OwnKnown {
    std::int64_t index;  // among the rank's own points
    double inverse;
  };

  void copy_values(const StencilField<T>& field, Level<T>& level);
  void set_row_sums(const StencilField<T>& field, const T* values, const Level<T>& level);
  void find_known(Level<T>& level);
  void remove_known(Level<T>& level, const std::vector<std::ptrdiff_t>& points);
  void set_symmetry(Level<T>& level) const;
  bool scaling_helps(const Level<T>& level) const;
  void scale_rows(Level<T>& level);

  T sign_ = 1;
  Tensor<T> row_factors_;  // of a matrix that is not symmetric
  Tensor<T> sums_;         // of rows, until the matrix takes them over
  std::vector<Known> known_;
  std::vector<Coupling> couplings_;
  std::vector<OwnKnown> own_known_;
};

/// The mean of a stencil and its transpose, or the stencil itself if it is symmetric.
template <class T>
StencilMatrix<T> symmetric_part(const StencilMatrix<T>& matrix, const LevelLayout& layout);

}  // namespace nopal::detail
