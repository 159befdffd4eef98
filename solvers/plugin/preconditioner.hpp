// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/core/profile.hpp>
#include <nopal/multigrid/stencil_multigrid.hpp>
#include <nopal/solvers/petsc.hpp>

#include <memory>
#include <string>
#include <vector>

namespace nopal::detail {

/// Of networks and cycles; bfloat16 of the fields of a direction network, see Bfloat16Field.
enum class Precision { single_precision, double_precision, bfloat16 };

/// The options of a PC `nopal`.
struct PreconditionerOptions {
  std::string model = "untrained";
  Precision precision = Precision::single_precision;
  std::vector<PetscInt> grid;       ///< x first; empty: that of the DM
  std::vector<PetscBool> periodic;  ///< x first; empty: none
  MultigridOptions multigrid;
  PetscInt train = 0;     ///< steps of tuning to the matrix
  std::string save;       ///< where to write the tuned model
  PetscInt vectors = 20;  ///< of a coarse space
  /// Of solves before, for the model "pod".
  std::shared_ptr<std::vector<OwnedVec>> solutions = std::make_shared<std::vector<OwnedVec>>();
};

/// What a PC `nopal` does, which depends on the model.
class Preconditioner {
 public:
  Preconditioner() = default;
  virtual ~Preconditioner() = default;
  Preconditioner(const Preconditioner&) = delete;
  Preconditioner& operator=(const Preconditioner&) = delete;

  /// z := B r. Collective.
  virtual void apply(Vec r, Vec z) = 0;

  virtual bool linear() const = 0;     ///< in r: may be used by any Krylov method
  virtual bool symmetric() const = 0;  ///< B of a symmetric matrix
  virtual std::int64_t boundary_rows() const = 0;
  virtual Cost cost() const = 0;                             ///< of apply() on this rank
  virtual std::vector<std::string> description() const = 0;  ///< lines for -ksp_view
};

/// What the model asks for. Collective. `dm` may be null. Errors say what option to give; `prefix`
/// is that of the PC.
std::unique_ptr<Preconditioner> make_preconditioner(Mat matrix, DM dm,
                                                    const PreconditionerOptions& options,
                                                    const std::string& prefix);

}  // namespace nopal::detail
