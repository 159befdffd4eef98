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

/// The coefficient half way between two nodes: (a + b)/2, or 2 a b/(a + b), which keeps the flux
/// through a jump right where the jump lies half way.
enum class FaceAverage { arithmetic, harmonic };

/// Second-order solution of -div(a grad u) = f on the unit square with u = 0 on its boundary.
///
/// Nodes (i/N, j/N), i, j = 0, ..., N; h = 1/N; a_{i+1/2} the face average. At inner nodes
///
///   a_{i+1/2,j} (u_{ij} - u_{i+1,j}) + a_{i-1/2,j} (u_{ij} - u_{i-1,j})
///     + the same along the second axis = h^2 f_{ij}.
///
/// A DMDA of all (N+1)^2 nodes, conjugate gradients to a relative residual of 1e-10, and geometric
/// multigrid with Galerkin coarse operators and one symmetric SOR sweep before and after (of
/// PETSc's preconditioners the fastest found for 128 and 256 cells: half the time of Cholesky,
/// hypre or gamg, set-up included); hypre where N
/// has too few factors of 2. No part of it remembers earlier solves, so that a solution does not
/// depend on what was solved before. All of it can be changed with options under the prefix.
class DarcySolver {
 public:
  /// `cells` = N >= 2. Collective on `comm`, which the grid is spread over.
  explicit DarcySolver(std::int64_t cells, FaceAverage average = FaceAverage::arithmetic,
                       const Communicator& comm = {}, const std::string& prefix = "darcy_");

  std::int64_t cells() const noexcept { return cells_; }
  std::int64_t nodes() const noexcept { return (cells_ + 1) * (cells_ + 1); }

  /// Coefficient a > 0 and source f at all nodes, row-major, the same on all ranks; `u` receives
  /// the solution at all nodes on all ranks. Collective. Error if a is not positive and finite, or
  /// if the solver does not converge (names PETSc's reason).
  void solve(std::span<const double> a, std::span<const double> f, std::vector<double>& u);

  /// Iterations of the last solve.
  std::int64_t iterations() const noexcept { return iterations_; }

  KSP ksp() const noexcept { return ksp_; }

 private:
  void choose_preconditioner();
  void assemble(std::span<const double> a);
  void set_right_side(std::span<const double> f);

  std::int64_t cells_;
  FaceAverage average_;
  Communicator comm_;
  std::string prefix_;
  OwnedDM dmda_;
  OwnedMat matrix_;
  OwnedVec right_, solution_;
  OwnedKSP ksp_;
  std::unique_ptr<DmdaGather> gather_;
  std::int64_t iterations_ = 0;
};

}  // namespace nopal
