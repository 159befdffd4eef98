// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/nn/grid_convolution.hpp>
#include <nopal/nn/initialisation.hpp>

#include <string>
#include <vector>

namespace nopal {

/// Options of a multigrid cycle. Levels are counted from the finest, 0; lists that have an entry a
/// level or a transfer between levels are as long as that or have one entry for all.
struct MultigridCycleOptions {
  int dimension = 2;
  std::int64_t in_channels = 1;       ///< F, of the right-hand side f
  std::int64_t out_channels = 1;      ///< C, of the solution u
  bool growing_channels = false;      ///< level l has (l + 1) F and (l + 1) C channels
  std::vector<std::int64_t> pre{1};   ///< smoothing steps before the coarser levels, a level
  std::vector<std::int64_t> post{0};  ///< and after them; all 0: a backslash cycle
  std::int64_t visits = 1;            ///< of the next coarser level: 1 V cycle, 2 W cycle
  std::int64_t kernel = 3;            ///< points of A, S, R and Pi an axis; odd
  std::int64_t transfer_padding = 1;  ///< of R, Pi and P; 0: coarse points are 2 i + 1
  std::vector<std::int64_t> prolongation_kernel{4};  ///< of P, a transfer

  /// What goes to a coarser level. "rhs": f' = R f and u' = Pi u. "residual": f' = R (f - A u) and
  /// u' = 0, multigrid's own way and the paper's; then there is no Pi, but an A for the residual.
  std::string restriction = "rhs";
  /// Smoothing steps of a level that have the same weights: "none", "operator" (one A, also for the
  /// residual) or "smoother" (one A and one S).
  std::string sharing = "none";
  bool bias = false;            ///< of A and S
  bool first_operator = false;  ///< also the very first step has an A, although u = 0 there
  bool norm = false;            ///< layer norm of u after each prolongation
  Shape norm_points;  ///< grid whose points have a scale and shift each; empty: one a channel

  std::int64_t levels() const { return static_cast<std::int64_t>(pre.size()); }
  std::int64_t channels(std::int64_t base, std::int64_t level) const {
    return growing_channels ? base * (level + 1) : base;
  }

  /// Points of each level along an axis that has `n` on the finest, until none is left.
  std::vector<std::int64_t> extents(std::int64_t n) const;
};

/// The grids of a cycle's levels and the convolutions on and between them, for one finest grid. The
/// coarse levels are on fewer ranks where boxes would have fewer than `least_points` points along
/// an axis. Holds no weights: cycles with equal levels, kernels and paddings share one.
template <class T>
struct MultigridGrids {
  /// Collective. Error if the grid has too few points for the levels.
  MultigridGrids(const Grid& finest, const MultigridCycleOptions& options,
                 std::int64_t least_points = 4);

  std::vector<Grid> grids;                          ///< of each level
  std::vector<GridConvolution<T>> smooth;           ///< A and S of each level
  std::vector<GridConvolution<T>> restrict_to;      ///< R and Pi to level l + 1
  std::vector<GridConvolution<T>> prolongate_from;  ///< P from level l + 1
};

/// u = W f, one multigrid cycle with learned kernels and u = 0 to start with; Algorithm 1 of He,
/// Liu, Xu, "MgNO: efficient parameterization of linear operators via multigrid", ICLR 2024:
///
///     smoothing step:  u <- u + S (f - A u)
///     to level l + 1:  f' = R f, u' = Pi u                 (see `restriction`)
///     from there:      u <- u + P u'
///
/// A: C to F channels and S: F to C on each level, R and Pi convolutions with stride 2, P a
/// transposed one. Beyond the domain fields follow the grid's boundary rules, in transfers too. W
/// is linear without bias and norm.
template <class T>
class MultigridCycle {
 public:
  MultigridCycle() = default;

  /// Weights are made in `store` with names that begin with `name`.
  MultigridCycle(ParameterStore<T>& store, const std::string& name,
                 const MultigridCycleOptions& options);

  /// f (B, n1, ..., nd, F) on this rank's box of the finest grid, u (B, n1, ..., nd, C).
  /// Collective.
  Variable<T> operator()(const MultigridGrids<T>& grids, const Variable<T>& f) const;

  /// Work of one call on this rank.
  Cost cost(const MultigridGrids<T>& grids, std::int64_t batch) const;

  /// Number of weights, computed without making them.
  static double parameter_count(const MultigridCycleOptions& options);

 private:
  struct Step {
    Variable<T> a, a_bias, s, s_bias;
  };
  struct Level {
    std::vector<Step> pre, post;
    Variable<T> residual, residual_bias;  // A of the residual
    Variable<T> r, pi, p;                 // to and from the next level
    Variable<T> norm_scale, norm_shift;
  };

  std::int64_t visits_below(std::size_t level) const;
  Variable<T> visit(const MultigridGrids<T>& grids, std::size_t level, const Variable<T>& f,
                    Variable<T> u) const;
  Variable<T> residual(const MultigridGrids<T>& grids, std::size_t level, const Variable<T>& a,
                       const Variable<T>& bias, const Variable<T>& f, const Variable<T>& u) const;

  MultigridCycleOptions options_;
  std::vector<Level> levels_;
};

}  // namespace nopal
