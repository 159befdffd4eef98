// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/operators/model.hpp>

#include "plugin/grid_layout.hpp"
#include "plugin/preconditioner.hpp"

namespace nopal::detail {

/// Two levels with a coarse space W of few vectors, E = W^T A W, Q = W E^-1 W^T, and a PC M of
/// PETSc's:
///
///     B = Q + (I - Q A) M (I - A Q),
///
/// symmetric positive definite if A and M are, so that CG is legal (balancing; Mandel, Comm. Numer.
/// Meth. Eng. 9, 1993). W: the trunk basis of a DeepONet, responses of another surrogate, or POD of
/// solutions that were seen. A W is kept: an application costs one M and no product with A.
class SubspacePreconditioner : public Preconditioner {
 public:
  /// `layout` and `model` are null for POD of `options.solutions`. Collective.
  SubspacePreconditioner(std::unique_ptr<GridLayout> layout, const PreconditionerOptions& options,
                         Mat matrix, DM dm, const std::string& prefix);
  ~SubspacePreconditioner() override;

  void apply(Vec r, Vec z) override;
  bool linear() const override { return true; }
  bool symmetric() const override { return true; }
  std::int64_t boundary_rows() const override { return 0; }
  Cost cost() const override;
  std::vector<std::string> description() const override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace nopal::detail
