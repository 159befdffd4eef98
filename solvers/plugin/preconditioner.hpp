// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/multigrid/stencil_multigrid.hpp>
#include <nopal/operators/learned_multigrid.hpp>
#include <nopal/operators/model.hpp>
#include <nopal/solvers/petsc.hpp>

#include <memory>
#include <string>
#include <vector>

namespace nopal::detail {

/// The options of a PC `nopal`.
struct PreconditionerOptions {
  std::string model = "untrained";
  bool in_double = false;
  std::vector<PetscInt> grid;       ///< x first; empty: that of the DM
  std::vector<PetscBool> periodic;  ///< x first; empty: none
  MultigridOptions multigrid;
  PetscInt train = 0;  ///< steps of tuning to the matrix
  std::string save;    ///< where to write the tuned model
};

/// A multigrid cycle for a PETSc matrix, in single or double precision.
class Preconditioner {
 public:
  /// Collective. `dm` may be null. Errors say what option to give; `prefix` is that of the PC.
  Preconditioner(Mat matrix, DM dm, const PreconditionerOptions& options,
                 const std::string& prefix);
  ~Preconditioner();

  /// z := B r. Collective.
  void apply(Vec r, Vec z);

  bool symmetric() const;
  std::int64_t boundary_rows() const;
  std::int64_t parameters() const { return parameters_; }
  std::vector<MultigridLevelInfo> levels() const;
  std::int64_t memory() const;
  Cost cost() const;

 private:
  void set_up_layout(Mat matrix, DM dm, const PreconditionerOptions& options,
                     const std::string& prefix);
  void load_model(const PreconditionerOptions& options, int dimension);
  void tune(const StencilField<double>& field, const PreconditionerOptions& options);

  std::int64_t parameters_ = 0;
  Grid grid_;

  // For rows in natural order whose ranks do not hold whole planes: the same in ranges that do.
  OwnedMat redistributed_;
  OwnedVec b_, x_;
  OwnedScatter scatter_;

  std::unique_ptr<Model<float>> model_;
  SmootherNetwork<float> network_;
  std::unique_ptr<StencilMultigrid<float>> single_;
  std::unique_ptr<StencilMultigrid<double>> double_;
};

}  // namespace nopal::detail
