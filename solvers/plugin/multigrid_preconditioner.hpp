// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/operators/learned_multigrid.hpp>
#include <nopal/operators/model.hpp>

#include "plugin/grid_layout.hpp"
#include "plugin/preconditioner.hpp"

namespace nopal::detail {

/// A multigrid cycle for a PETSc matrix, in single or double precision.
class MultigridPreconditioner : public Preconditioner {
 public:
  /// `model` is null for smoothers that are not trained. Collective.
  MultigridPreconditioner(GridLayout layout, std::unique_ptr<Model<float>> model,
                          const PreconditionerOptions& options);

  void apply(Vec r, Vec z) override;
  bool linear() const override { return true; }
  bool symmetric() const override;
  std::int64_t boundary_rows() const override;
  Cost cost() const override;
  std::vector<std::string> description() const override;

 private:
  void load_network(const PreconditionerOptions& options);
  void tune(const StencilField<double>& field, const PreconditionerOptions& options);

  GridLayout layout_;
  std::int64_t parameters_ = 0;
  std::unique_ptr<Model<float>> model_;
  SmootherNetwork<float> network_;
  std::unique_ptr<StencilMultigrid<float>> single_;
  std::unique_ptr<StencilMultigrid<double>> double_;
};

}  // namespace nopal::detail
