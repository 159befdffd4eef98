// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "plugin/preconditioner.hpp"

#include <nopal/solvers/bridge/grid.hpp>
#include <nopal/solvers/bridge/stencil.hpp>
#include <nopal/train/multigrid_training.hpp>

#include <algorithm>

namespace nopal::detail {
namespace {

// Points of the part of a matrix that a preconditioner is tuned to, along each axis.
constexpr std::int64_t window_points = 48;

MPI_Comm comm_of(Mat matrix) {
  return PetscObjectComm(reinterpret_cast<PetscObject>(matrix));
}

// The grid of a DMDA if it is that of the matrix; nothing otherwise.
bool fits(DM dm, Mat matrix, std::string& why_not) {
  if (!dm) {
    why_not = "the matrix has no DM";
    return false;
  }
  PetscBool is_dmda = PETSC_FALSE;
  NOPAL_PETSC(PetscObjectTypeCompare(reinterpret_cast<PetscObject>(dm), DMDA, &is_dmda));
  if (!is_dmda) {
    why_not = "the DM is no DMDA";
    return false;
  }
  PetscInt dof = 0, rows = 0, n[3] = {1, 1, 1}, own[3] = {1, 1, 1}, own_rows = 0;
  NOPAL_PETSC(DMDAGetInfo(dm, nullptr, &n[0], &n[1], &n[2], nullptr, nullptr, nullptr, &dof,
                          nullptr, nullptr, nullptr, nullptr, nullptr));
  NOPAL_PETSC(DMDAGetCorners(dm, nullptr, nullptr, nullptr, &own[0], &own[1], &own[2]));
  NOPAL_PETSC(MatGetSize(matrix, &rows, nullptr));
  NOPAL_PETSC(MatGetLocalSize(matrix, &own_rows, nullptr));
  NOPAL_CHECK(dof == 1 || rows != n[0] * n[1] * n[2] * dof, "the DMDA has ", dof,
              " unknowns a point, the model is for 1: use -pc_type fieldsplit with nopal for each "
              "field");
  if (rows == n[0] * n[1] * n[2] && dof == 1 && own_rows == own[0] * own[1] * own[2]) return true;
  why_not = concatenate("the DMDA has ", n[0], " x ", n[1], " x ", n[2], " points with ", dof,
                        " unknowns, the matrix ", rows, " rows");
  return false;
}

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

// Points along each axis as the option gives them, with the matrix's rows for one that is 0: blocks
// of a matrix may have different sizes.
std::vector<PetscInt> complete(const std::vector<PetscInt>& option, Mat matrix,
                               const std::string& prefix) {
  PetscInt rows = 0, product = 1, open = 0;
  NOPAL_PETSC(MatGetSize(matrix, &rows, nullptr));
  for (const PetscInt n : option) {
    NOPAL_CHECK(n >= 0, "option -", prefix, "pc_nopal_grid: expected positive numbers, got ", n);
    open += n == 0;
    product *= n == 0 ? 1 : n;
  }
  NOPAL_CHECK(open <= 1, "option -", prefix,
              "pc_nopal_grid: one number at most may be 0, for what the rows give");
  NOPAL_CHECK(open == 0 || (product > 0 && rows % product == 0), "option -", prefix,
              "pc_nopal_grid: the matrix has ", rows, " rows, no multiple of ", product);
  std::vector<PetscInt> points = option;
  for (PetscInt& n : points)
    if (n == 0) n = rows / product;
  if (open == 1) product = rows;
  NOPAL_CHECK(rows == product, "option -", prefix, "pc_nopal_grid: the grid has ", product,
              " points, the matrix ", rows, " rows; there must be one unknown a point");
  return points;
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

Preconditioner::Preconditioner(Mat matrix, DM dm, const PreconditionerOptions& options,
                               const std::string& prefix) {
  const Communicator comm(comm_of(matrix));
  comm.together([&] { set_up_layout(matrix, dm, options, prefix); });
  load_model(options, grid_.dimension());
  const Mat rows = redistributed_ ? redistributed_.get() : matrix;
  if (options.train > 0) tune(stencil_of<double>(rows, grid_), options);
  if (options.in_double)
    double_ = std::make_unique<StencilMultigrid<double>>(stencil_of<double>(rows, grid_),
                                                         in_double(network_), options.multigrid);
  else
    single_ = std::make_unique<StencilMultigrid<float>>(stencil_of<float>(rows, grid_), network_,
                                                        options.multigrid);
}

Preconditioner::~Preconditioner() = default;

// From the DM, or of ranges of rows in natural order: then a rank's box is whole planes.
void Preconditioner::set_up_layout(Mat matrix, DM dm, const PreconditionerOptions& options,
                                   const std::string& prefix) {
  std::string why_not;
  if (options.grid.empty()) {
    NOPAL_CHECK(fits(dm, matrix, why_not), why_not, ": give the grid with -", prefix,
                "pc_nopal_grid M,N[,P], x first, its points numbered with x fastest");
    grid_ = grid_of(dm);
    return;
  }
  const std::size_t d = options.grid.size();
  const std::vector<PetscInt> points = complete(options.grid, matrix, prefix);
  Shape extents;
  std::vector<AxisRule> rules;
  PetscInt plane = 1;
  for (std::size_t a = d; a-- > 0;) {
    extents.push_back(points[a]);
    const bool periodic = a < options.periodic.size() && options.periodic[a];
    rules.emplace_back(periodic ? BoundaryRule::periodic : BoundaryRule::zero);
    if (a + 1 < d) plane *= points[a];
  }
  const MPI_Comm comm = comm_of(matrix);
  const PetscInt* ranges = nullptr;
  NOPAL_PETSC(MatGetOwnershipRanges(matrix, &ranges));
  int size = 1, rank = 0;
  MPI_Comm_size(comm, &size);
  MPI_Comm_rank(comm, &rank);
  std::vector<std::int64_t> planes;
  bool whole = true;
  const auto plane_of = [&](int r) { return (ranges[r] + plane / 2) / plane; };
  for (int r = 0; r < size; ++r) {
    planes.push_back(plane_of(r + 1) - plane_of(r));
    whole = whole && ranges[r] % plane == 0;
  }
  std::vector<std::vector<std::int64_t>> counts{planes};
  for (std::size_t a = 1; a < d; ++a)
    counts.push_back({extents[static_cast<int>(a)]});
  grid_ = Grid(extents, rules, Communicator(comm), counts);
  if (whole) return;
  const PetscInt first = plane_of(rank) * plane,
                 count = static_cast<PetscInt>(planes[static_cast<std::size_t>(rank)]) * plane;
  PetscOwner<IS, ISDestroy> indices;
  NOPAL_PETSC(ISCreateStride(comm, count, first, 1, indices.receive()));
  NOPAL_PETSC(
      MatCreateSubMatrix(matrix, indices, indices, MAT_INITIAL_MATRIX, redistributed_.receive()));
  OwnedVec theirs;
  NOPAL_PETSC(MatCreateVecs(matrix, theirs.receive(), nullptr));
  NOPAL_PETSC(MatCreateVecs(redistributed_, x_.receive(), b_.receive()));
  NOPAL_PETSC(VecScatterCreate(theirs, indices, b_, nullptr, scatter_.receive()));
}

void Preconditioner::load_model(const PreconditionerOptions& options, int dimension) {
  if (options.model == "untrained" || options.model == "chebyshev") {
    network_ = options.model == "untrained" ? SmootherNetwork<float>::damped_jacobi(dimension)
                                            : SmootherNetwork<float>::chebyshev(dimension);
    if (options.train == 0) return;
    LearnedMultigridOptions shape;
    shape.dimension = dimension;
    model_ = std::make_unique<Model<float>>(std::make_unique<LearnedMultigrid<float>>(shape));
  } else {
    model_ = std::make_unique<Model<float>>(Model<float>::load(options.model, grid_.comm()));
  }
  const auto* op = dynamic_cast<const LearnedMultigrid<float>*>(&model_->op());
  NOPAL_CHECK(op, options.model, " holds the operator ", model_->op().name(),
              ", which is no preconditioner: give a model made by nopal train -model multigrid");
  NOPAL_CHECK(op->options().dimension == dimension, options.model, " is for ",
              op->options().dimension, " dimensions, the grid ", grid_.extents(), " has ",
              dimension, ": give a model for ", dimension);
  network_ = op->network();
  parameters_ = count(op->parameters());
}

// All ranks tune to the middle of the first rank's part, and get the same weights.
void Preconditioner::tune(const StencilField<double>& field, const PreconditionerOptions& options) {
  auto& op = dynamic_cast<LearnedMultigrid<float>&>(model_->op());
  const Communicator& comm = grid_.comm();
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

void Preconditioner::apply(Vec r, Vec z) {
  const Vec b = scatter_ ? b_.get() : r, x = scatter_ ? x_.get() : z;
  if (scatter_) {
    NOPAL_PETSC(VecScatterBegin(scatter_, r, b, INSERT_VALUES, SCATTER_FORWARD));
    NOPAL_PETSC(VecScatterEnd(scatter_, r, b, INSERT_VALUES, SCATTER_FORWARD));
  }
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
  if (scatter_) {
    NOPAL_PETSC(VecScatterBegin(scatter_, x, z, INSERT_VALUES, SCATTER_REVERSE));
    NOPAL_PETSC(VecScatterEnd(scatter_, x, z, INSERT_VALUES, SCATTER_REVERSE));
  }
}

bool Preconditioner::symmetric() const {
  return single_ ? single_->symmetric() : double_->symmetric();
}
std::int64_t Preconditioner::boundary_rows() const {
  return single_ ? single_->boundary_rows() : double_->boundary_rows();
}
std::vector<MultigridLevelInfo> Preconditioner::levels() const {
  return single_ ? single_->levels() : double_->levels();
}
std::int64_t Preconditioner::memory() const {
  return single_ ? single_->memory() : double_->memory();
}
Cost Preconditioner::cost() const {
  return single_ ? single_->cost() : double_->cost();
}

}  // namespace nopal::detail
