// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/operators/model.hpp>
#include <nopal/solvers/direction/direction_map.hpp>

#include "plugin/grid_layout.hpp"
#include "plugin/preconditioner.hpp"

namespace nopal::detail {

/// A direction network as preconditioner, see DirectionMap. Not linear: for flexible methods.
template <class T>
class DirectionPreconditioner : public Preconditioner {
 public:
  /// Collective.
  DirectionPreconditioner(GridLayout layout, std::unique_ptr<Model<T>> model, Mat matrix);

  void apply(Vec r, Vec z) override;
  bool linear() const override { return false; }
  bool symmetric() const override { return symmetric_; }
  std::int64_t boundary_rows() const override { return map_->obstacles(); }
  Cost cost() const override { return map_->cost(); }
  std::vector<std::string> description() const override;

 private:
  GridLayout layout_;
  std::unique_ptr<Model<T>> model_;
  std::unique_ptr<DirectionMap<T>> map_;
  MatNullSpace null_space_ = nullptr;  // of a matrix that is in other ranges of rows here
  bool symmetric_ = true;
};

}  // namespace nopal::detail
