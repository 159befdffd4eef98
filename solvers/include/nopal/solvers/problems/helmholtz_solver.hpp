// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/solvers/bridge/vec.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace nopal {

/// Solution of -Lap u - q u = 0 on the unit square with du/dn = g on the side x2 = 1 and du/dn = 0
/// on the others, by bilinear finite elements: second order.
///
/// N x N square elements, h = 1/N, nodes (i/N, j/N), i, j = 0, ..., N. For all basis functions
/// phi_a
///
///   sum_b (int grad phi_a . grad phi_b - q phi_a phi_b) u_b = int over x2 = 1 of g phi_a,
///
/// with 3 x 3 Gauss points an element and g linear between nodes. q may have any sign, so the
/// matrix is indefinite.
///
/// A DMDA of all (N+1)^2 nodes and a direct solver: MUMPS (L D L^T), else SuperLU_DIST, else, on
/// one rank only, PETSc's own LU. GMRES around it, to a relative residual of 1e-12, ends after its
/// first or second iteration unless the factors are bad. The solution does not depend on what was
/// solved before. All of it can be changed with options under the prefix.
class HelmholtzSolver {
 public:
  /// `cells` = N >= 2. Collective on `comm`, which the grid is spread over. Error if there is no
  /// direct solver for that many ranks.
  explicit HelmholtzSolver(std::int64_t cells, const Communicator& comm = {},
                           const std::string& prefix = "helmholtz_");

  std::int64_t cells() const noexcept { return cells_; }
  std::int64_t nodes() const noexcept { return (cells_ + 1) * (cells_ + 1); }

  /// Coordinates of the 3 N Gauss points of an axis, in increasing order.
  std::vector<double> gauss_points() const;

  /// q at the (3 N)^2 Gauss points, row-major, and g at the N+1 nodes of the side x2 = 1, the same
  /// on all ranks; `u` receives the solution at all nodes on all ranks. Collective. Error if q or g
  /// is not finite, if the solver does not converge (names PETSc's reason), or if the matrix is
  /// singular to working precision.
  void solve(std::span<const double> q, std::span<const double> g, std::vector<double>& u);

  KSP ksp() const noexcept { return ksp_; }

 private:
  void choose_direct_solver();
  void assemble(std::span<const double> q);
  void set_right_side(std::span<const double> g);
  void check_residual();

  std::int64_t cells_;
  Communicator comm_;
  std::string prefix_;
  OwnedDM dmda_;
  OwnedMat matrix_;
  OwnedVec right_, solution_, residual_;
  OwnedKSP ksp_;
  std::unique_ptr<DmdaGather> gather_;
};

}  // namespace nopal
