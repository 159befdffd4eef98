// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/solvers/petsc.hpp>

#include <functional>
#include <vector>

namespace nopal {

/// Sets q := f(r / |r|), a search direction for the residual r.
using DirectionFunction = std::function<void(Vec unit_residual, Vec q)>;

struct DcdmOptions {
  double tolerance = 1e-4;  ///< of |r| relative to |r_0|
  int max_iterations = 100;
  /// Called with x and r before each iteration and after the last.
  std::function<void(Vec x, Vec r)> observer;
};

struct DcdmResult {
  int iterations = 0;
  bool converged = false;
  std::vector<double> residuals;  ///< |r| at first and after each iteration
};

/// The deep conjugate direction method written out as in the paper: q = f(r / |r|) made
/// A-orthogonal to the last two directions, an exact line search along it, and the residual
/// computed anew. Kaneda et al., ICML 2023 (PMLR 202:15720-15736), algorithm 1. For symmetric
/// positive (semi)definite A; from the x that is given.
///
/// The same iterates as KSPFCG with -ksp_fcg_mmax 2 -ksp_fcg_truncation_type standard
/// -ksp_norm_type unpreconditioned and f as preconditioner, which solvers should use: it saves a
/// product with A an iteration. This form is for comparison, and to record residuals. Collective.
DcdmResult dcdm(Mat matrix, Vec b, Vec x, const DirectionFunction& f, const DcdmOptions& options);

}  // namespace nopal
