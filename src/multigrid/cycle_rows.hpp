// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include "multigrid/interpolation_weights.hpp"
#include "multigrid/stencil_rows.hpp"

namespace nopal::detail {

/// The steps of a cycle on a level, row by row; a slab is what has one index along the slowest
/// axis.
template <class T>
class CycleRows {
 public:
  CycleRows() = default;

  /// `coarse` is the next level, null on the last. Levels must outlive this and keep their tensors.
  CycleRows(const Level<T>& level, const Level<T>* coarse);

  /// x := S b, r := b - A x, and if there is a coarse level its b := P^T r; slab by slab, so that
  /// what one step writes is in the cache for the next.
  void pre_smooth() const;

  /// With `correct` x := x + P x of the coarse level, r := b - A x; then x := x + S r.
  void post_smooth(bool correct) const;

  void smooth(std::int64_t slab) const;              ///< x := S b
  void residual(std::int64_t slab) const;            ///< r := b - A x
  void smooth_again(std::int64_t slab) const;        ///< x := x + S r
  void restrict_to(std::int64_t coarse_slab) const;  ///< b of the coarse level := P^T r
  void interpolate(std::int64_t slab) const;         ///< x := x + P x of the coarse level

  Range slabs() const { return level_->layout.work[outer_]; }
  Range coarse_slabs() const { return coarse_->layout.own[outer_]; }

  /// y := A x for all rows of work.
  void multiply(const T* x, T* y) const;
  /// y := S x for all rows of work.
  void smooth(const T* x, T* y) const;

 private:
  template <class Action>
  void rows_of(std::int64_t slab, const std::array<Range, 3>& box, const Action& action) const;

  /// The last slab of r that a coarse slab needs.
  std::int64_t last_needed(std::int64_t coarse_slab) const;

  const Level<T>* level_ = nullptr;
  const Level<T>* coarse_ = nullptr;
  std::size_t outer_ = 0;
  RowStencil<T> matrix_, smoother_;
  CoarseMap map_;
};

}  // namespace nopal::detail
