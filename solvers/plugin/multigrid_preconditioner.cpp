// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "plugin/multigrid_preconditioner.hpp"

#include <nopal/solvers/bridge/stencil.hpp>
#include <nopal/train/multigrid_training.hpp>

#include <algorithm>
#include <cstdio>

namespace nopal::detail {
namespace {

// Points of the part of a matrix that a preconditioner is tuned to, along each axis.
constexpr std::int64_t window_points = 48;

// The part of a stencil field around the middle of a rank's box, as a matrix of its own: couplings
// that lead out are those to known values.
StencilField<double> window(const StencilField<double>& field) {
  const Box box = field.grid.box();
  const int d = box.dimension;
  Shape n, first;
  for (int a = 0; a < d; ++a) {
    n.push_back(std::min(window_points, box[a].size()));
    first.push_back((box[a].size() - n[a]) / 2);
  }
  StencilField<double> part{Grid(n), field.offsets, {}, Tensor<double>({n.size()})};
  const auto count = static_cast<std::int64_t>(field.offsets.size());
  part.values = Tensor<double>::zeros({count, n.size()});
  const std::int64_t points = box.size();
  for (std::int64_t i = 0; i < n.size(); ++i) {
    std::array<std::int64_t, 3> at{};
    std::int64_t rest = i, from = 0, stride = 1;
    for (int a = d - 1; a >= 0; --a) {
      at[static_cast<std::size_t>(a)] = rest % n[a];
      from += (first[a] + rest % n[a]) * stride;
      rest /= n[a];
      stride *= box[a].size();
    }
    double& sum = part.row_sums.data()[i];
    sum = field.row_sums.data()[from];
    for (std::int64_t k = 0; k < count; ++k) {
      const double value = field.values.data()[k * points + from];
      bool inside = true;
      for (int a = 0; a < d; ++a) {
        const std::int64_t to =
            at[static_cast<std::size_t>(a)] +
            field.offsets[static_cast<std::size_t>(k)][static_cast<std::size_t>(a)];
        inside = inside && to >= 0 && to < n[a];
      }
      if (inside)
        part.values.data()[k * n.size() + i] = value;
      else
        sum -= value;
    }
  }
  return part;
}

SmootherNetwork<double> in_double(const SmootherNetwork<float>& network) {
  SmootherNetwork<double> result;
  result.dimension = network.dimension;
  result.bias = cast<double>(network.bias);
  result.linear = cast<double>(network.linear);
  if (network.hidden() == 0) return result;
  result.weight1 = cast<double>(network.weight1);
  result.bias1 = cast<double>(network.bias1);
  result.weight2 = cast<double>(network.weight2);
  return result;
}

}  // namespace

MultigridPreconditioner::MultigridPreconditioner(GridLayout layout,
                                                 std::unique_ptr<Model<float>> model,
                                                 const PreconditionerOptions& options)
    : layout_(std::move(layout)), model_(std::move(model)) {
  load_network(options);
  const Mat rows = layout_.rows();
  const Grid& grid = layout_.grid();
  if (options.train > 0) tune(stencil_of<double>(rows, grid), options);
  if (options.precision == Precision::double_precision)
    double_ = std::make_unique<StencilMultigrid<double>>(stencil_of<double>(rows, grid),
                                                         in_double(network_), options.multigrid);
  else
    single_ = std::make_unique<StencilMultigrid<float>>(stencil_of<float>(rows, grid), network_,
                                                        options.multigrid);
}

void MultigridPreconditioner::load_network(const PreconditionerOptions& options) {
  const int dimension = layout_.grid().dimension();
  if (!model_) {
    network_ = options.model == "untrained" ? SmootherNetwork<float>::damped_jacobi(dimension)
                                            : SmootherNetwork<float>::chebyshev(dimension);
    if (options.train == 0) return;
    LearnedMultigridOptions shape;
    shape.dimension = dimension;
    model_ = std::make_unique<Model<float>>(std::make_unique<LearnedMultigrid<float>>(shape));
  }
  const auto& op = dynamic_cast<const LearnedMultigrid<float>&>(model_->op());
  NOPAL_CHECK(op.options().dimension == dimension, options.model, " is for ",
              op.options().dimension, " dimensions, the grid ", layout_.grid().extents(), " has ",
              dimension, ": give a model for ", dimension);
  network_ = op.network();
  parameters_ = count(op.parameters());
}

// All ranks tune to the middle of the first rank's part, and get the same weights.
void MultigridPreconditioner::tune(const StencilField<double>& field,
                                   const PreconditionerOptions& options) {
  auto& op = dynamic_cast<LearnedMultigrid<float>&>(model_->op());
  const Communicator& comm = layout_.grid().comm();
  comm.together([&] {
    if (comm.rank() > 0) return;
    MultigridTrainOptions training;
    training.steps = options.train;
    tune_multigrid(op, window(field), training);
  });
  for (const Parameter<float>* parameter : op.parameters())
    comm.broadcast(parameter->value());
  network_ = op.network();
  parameters_ = count(op.parameters());
  if (!options.save.empty()) model_->save(options.save, comm);
}

void MultigridPreconditioner::apply(Vec r, Vec z) {
  layout_.apply(r, z, [&](Vec b, Vec x) {
    const PetscScalar* from = nullptr;
    PetscScalar* to = nullptr;
    NOPAL_PETSC(VecGetArrayRead(b, &from));
    NOPAL_PETSC(VecGetArrayWrite(x, &to));
    if (single_)
      single_->apply(from, to);
    else
      double_->apply(from, to);
    NOPAL_PETSC(VecRestoreArrayWrite(x, &to));
    NOPAL_PETSC(VecRestoreArrayRead(b, &from));
  });
}

bool MultigridPreconditioner::symmetric() const {
  return single_ ? single_->symmetric() : double_->symmetric();
}
std::int64_t MultigridPreconditioner::boundary_rows() const {
  return single_ ? single_->boundary_rows() : double_->boundary_rows();
}
Cost MultigridPreconditioner::cost() const {
  return single_ ? single_->cost() : double_->cost();
}

std::vector<std::string> MultigridPreconditioner::description() const {
  const std::int64_t memory = single_ ? single_->memory() : double_->memory();
  char line[200];
  std::snprintf(line, sizeof line,
                "%lld parameters, %s matrix with %lld boundary rows, %.3g MB on rank 0",
                static_cast<long long>(parameters_), symmetric() ? "symmetric" : "nonsymmetric",
                static_cast<long long>(boundary_rows()), static_cast<double>(memory) * 1e-6);
  std::vector<std::string> lines{line};
  int number = 0;
  for (const MultigridLevelInfo& level : single_ ? single_->levels() : double_->levels()) {
    std::string points;
    for (const std::int64_t n : level.extents)
      points += (points.empty() ? "" : " x ") + std::to_string(n);
    std::snprintf(line, sizeof line,
                  "level %d: %s points, stencil of %d, smoother times matrix at most %.3g%s",
                  number++, points.c_str(), level.stencil, level.spectral_radius,
                  level.smoother_scale < 1 ? ", damped" : "");
    lines.emplace_back(line);
  }
  return lines;
}

}  // namespace nopal::detail
