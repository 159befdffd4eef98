// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/comm/exchange.hpp>
#include <nopal/operators/model.hpp>
#include <nopal/solvers/petsc.hpp>

#include <memory>
#include <string>
#include <vector>

namespace nopal {

/// A model of fields as a map of PETSc vectors: y := S(x_1, ..., x_c), a channel each, in physical
/// units. Vectors are the points of `grid`, one unknown a point.
///
/// Operators that work on divided fields do so; for others each rank evaluates the whole field. In
/// single precision.
class FieldMap {
 public:
  /// Collective. Errors, the same on all ranks: the file, an operator that takes no field of these
  /// points.
  FieldMap(const std::string& file, const Grid& grid);

  /// Input channels c.
  int inputs() const noexcept { return inputs_; }
  const Model<float>& model() const noexcept { return *model_; }
  const Grid& grid() const noexcept { return grid_; }

  /// Collective. Error if the number of inputs is not inputs().
  void apply(const std::vector<Vec>& inputs, Vec result);

 private:
  Grid grid_;
  std::unique_ptr<Model<float>> model_;
  int inputs_ = 0;
  bool divided_ = false;
  Exchange<float> gather_;
};

}  // namespace nopal
