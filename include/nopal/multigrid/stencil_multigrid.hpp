// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/core/profile.hpp>
#include <nopal/multigrid/smoother_network.hpp>
#include <nopal/multigrid/stencil_field.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace nopal {

/// How a multigrid cycle for a StencilField is made, but for its smoother.
struct MultigridOptions {
  /// "operator": interpolation weights from the matrix, which follow jumps of its coefficients
  /// (Alcouffe, Brandt, Dendy and Painter, 1981); "linear": of the grid alone.
  std::string transfer = "operator";
  /// The finest levels that a cycle visits once; those below are visited twice for each visit of
  /// the level above, a W-cycle, which costs little there and keeps the number of iterations from
  /// growing with the levels where coefficients jump. Not if a level has more than a third of the
  /// points of the one above: there it would cost much. Many: a V-cycle.
  int visited_once = 2;
  /// An axis is left out of coarsening while its coupling is weaker than this share of the
  /// strongest axis'; 0: all axes always.
  double semicoarsening = 0.5;
  /// Points at most on the coarsest level, which is solved directly.
  std::int64_t coarsest = 100;
  int max_levels = 30;
};

/// What came out of a set-up.
struct MultigridLevelInfo {
  Shape extents;               ///< points of the level
  int stencil = 0;             ///< entries a row of its matrix
  double spectral_radius = 0;  ///< estimate for smoother times matrix; below 2 converges
  double smoother_scale = 1;   ///< factor below 1 where the smoother had to be damped
};

/// A multigrid cycle as a preconditioner: x = B b with B linear, and symmetric if the matrix is, so
/// that conjugate gradients may use it.
///
/// Level by level x = S b is smoothed, the residual b - A x restricted, a coarse correction
/// interpolated, and smoothed again by S^T = S. Coarse matrices are Galerkin products P^T A P,
/// again with stencils of 3^d points. Rows without couplings ("boundary rows" x_i = b_i / a_ii) are
/// solved exactly first and their couplings moved to the right-hand side. Singular matrices
/// (Neumann, periodic) are solved up to their null space on the coarsest level.
///
/// Works on float or double; set-up is collective over the grid, and so is apply(). The result is
/// the same on any number of ranks to rounding.
template <class T>
class StencilMultigrid {
 public:
  /// Error, the same on all ranks: a diagonal that is zero or not finite, values that are not
  /// finite, offsets that are not of a 3^d stencil, a smoother of another dimension.
  StencilMultigrid(const StencilField<T>& matrix, const SmootherNetwork<T>& smoother,
                   const MultigridOptions& options = {});
  ~StencilMultigrid();
  StencilMultigrid(StencilMultigrid&&) noexcept;
  StencilMultigrid& operator=(StencilMultigrid&&) noexcept;

  /// x := B b, on this rank's points (n1, ..., nd) in row-major order, on the host.
  void apply(const double* b, double* x) const;
  void apply(const float* b, float* x) const;

  const Grid& grid() const;
  bool symmetric() const;                          ///< whether the matrix is, to rounding
  std::int64_t boundary_rows() const;              ///< rows without couplings, on all ranks
  std::vector<MultigridLevelInfo> levels() const;  ///< finest first
  std::int64_t memory() const;                     ///< bytes held by this rank
  Cost cost() const;                               ///< flops and least bytes of one apply()

 private:
  struct Hierarchy;
  std::unique_ptr<Hierarchy> hierarchy_;
};

}  // namespace nopal
