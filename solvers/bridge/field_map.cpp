// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/solvers/bridge/field_map.hpp>

namespace nopal {
namespace {

// Every rank's box the whole grid.
Boxes whole_boxes(const Grid& grid) {
  Boxes boxes = grid.boxes();
  for (int a = 0; a < grid.dimension(); ++a)
    for (Range& range : boxes.ranges[static_cast<std::size_t>(a)])
      range = {0, grid.extents()[a]};
  return boxes;
}

// Channels that the operator takes on a grid, found by asking it.
int input_channels(const Operator<float>& op, const Grid& grid, const std::string& file) {
  std::string refusal;
  for (int channels = 1; channels <= 4; ++channels) {
    Shape shape{1};
    for (int a = 0; a < grid.dimension(); ++a)
      shape.push_back(grid.extents()[a]);
    shape.push_back(channels);
    try {
      op.check_inputs(std::span(&shape, 1));
      return channels;
    } catch (const Error& error) {
      if (refusal.empty()) refusal = error.what();
    }
  }
  NOPAL_CHECK(false, file, " takes no field of one to four channels on the grid ", grid.extents(),
              ": ", refusal);
  return 0;
}

}  // namespace

FieldMap::FieldMap(const std::string& file, const Grid& grid)
    : grid_(grid), model_(std::make_unique<Model<float>>(Model<float>::load(file, grid.comm()))) {
  inputs_ = input_channels(model_->op(), grid, file);
  const std::vector<AxisRule> rules = model_->op().grid_rules();
  divided_ = grid.comm().size() > 1 && static_cast<int>(rules.size()) == grid.dimension();
  grid_ = grid_.with_rules(divided_ ? rules : std::vector<AxisRule>{});
  if (!divided_ && grid.comm().size() > 1) gather_ = Exchange<float>(grid_, whole_boxes(grid_));
}

void FieldMap::apply(const std::vector<Vec>& inputs, Vec result) {
  NOPAL_CHECK(static_cast<int>(inputs.size()) == inputs_, "a model of ", inputs_,
              " input channels got ", inputs.size(), " vectors");
  const Box box = grid_.box();
  const std::int64_t points = box.size();
  std::vector<float> mixed(static_cast<std::size_t>(points * inputs_));
  for (int c = 0; c < inputs_; ++c) {
    const PetscScalar* values = nullptr;
    NOPAL_PETSC(VecGetArrayRead(inputs[static_cast<std::size_t>(c)], &values));
    for (std::int64_t i = 0; i < points; ++i)
      mixed[static_cast<std::size_t>(i * inputs_ + c)] =
          static_cast<float>(PetscRealPart(values[i]));
    NOPAL_PETSC(VecRestoreArrayRead(inputs[static_cast<std::size_t>(c)], &values));
  }
  const Tensor<float> own = Tensor<float>::from_host(box.field(1, inputs_), mixed);
  std::vector<float> output;
  if (divided_ || grid_.comm().size() == 1) {
    output = (divided_ ? model_->predict(own, grid_) : model_->predict(own)).to_vector();
  } else {
    const Tensor<float> whole(gather_.box().field(1, inputs_));
    gather_.start(own, whole);
    gather_.finish(whole);
    const std::vector<float> all = model_->predict(whole).to_vector();
    for (std::int64_t i = 0; i < points; ++i) {
      std::int64_t rest = i, at = 0, stride = 1;
      for (int a = box.dimension - 1; a >= 0; --a) {
        at += (box[a].begin + rest % box[a].size()) * stride;
        rest /= box[a].size();
        stride *= grid_.extents()[a];
      }
      output.push_back(all[static_cast<std::size_t>(at)]);
    }
  }
  NOPAL_CHECK(static_cast<std::int64_t>(output.size()) == points,
              "a model used as a map of vectors must have one output channel");
  PetscScalar* values = nullptr;
  NOPAL_PETSC(VecGetArrayWrite(result, &values));
  for (std::int64_t i = 0; i < points; ++i)
    values[i] = output[static_cast<std::size_t>(i)];
  NOPAL_PETSC(VecRestoreArrayWrite(result, &values));
}

}  // namespace nopal
