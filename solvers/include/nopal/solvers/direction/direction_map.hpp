// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/operators/direction_net.hpp>
#include <nopal/solvers/petsc.hpp>

#include <memory>

namespace nopal {

/// A direction network as a map of PETSc vectors: M(r) = |r| f(r / |r|), homogeneous whatever the
/// biases of f; with input_scale "rms", s f(r / s) with s = |r| / sqrt(n) of n unknowns.
///
/// - Obstacles: rows of the matrix that couple with no other are solved exactly, and f sees 0
///   there (and its mask, if it has one).
/// - The null space that the matrix carries is removed from the result.
/// - If r . M(r) is not positive or not finite (an ascent direction, or none), the result is r:
///   counted, see fallbacks().
///
/// Vectors are the points of `grid`, whose boxes need not fit the network's levels: points are sent
/// where they do, and grids of other sizes are continued by zeros.
template <class T>
class DirectionMap {
 public:
  /// `net` must outlive this. The matrix must be assembled (AIJ); others, such as shells, have no
  /// obstacles. Collective. Errors, the same on all ranks: another dimension, size or number of
  /// rows; obstacles that leave no unknown.
  DirectionMap(const DirectionNet<T>& net, const Grid& grid, Mat matrix);
  ~DirectionMap();

  /// z := M(r). Collective.
  void apply(Vec r, Vec z);

  std::int64_t unknowns() const;      ///< rows that are no obstacle, on all ranks
  std::int64_t obstacles() const;     ///< rows that are
  std::int64_t applications() const;  ///< so far
  std::int64_t fallbacks() const;     ///< of these, how often the result was r
  Cost cost() const;                  ///< of an application on this rank
  const Grid& network_grid() const;   ///< the points on which f is evaluated

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace nopal
