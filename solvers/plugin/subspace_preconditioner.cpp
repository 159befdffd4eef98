// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "plugin/subspace_preconditioner.hpp"

#include <nopal/operators/deeponet.hpp>
#include <nopal/solvers/bridge/grid.hpp>
#include <nopal/solvers/subspace.hpp>

#include <Eigen/Cholesky>

#include <cstdio>

namespace nopal::detail {
namespace {

using OwnedPC = PetscOwner<PC, PCDestroy>;

// Coordinates of a layout's points in the unit cube, x, y, z.
Tensor<double> points_of(const Grid& grid) {
  const Box box = grid.box();
  const int d = box.dimension;
  std::vector<double> points;
  for (std::int64_t i = 0; i < box.size(); ++i) {
    std::int64_t rest = i;
    std::vector<double> x(static_cast<std::size_t>(d));
    for (int a = d - 1; a >= 0; --a) {
      const std::int64_t n = grid.extents()[a];
      x[static_cast<std::size_t>(d - 1 - a)] =
          static_cast<double>(box[a].begin + rest % box[a].size()) /
          static_cast<double>(std::max<std::int64_t>(n - 1, 1));
      rest /= box[a].size();
    }
    points.insert(points.end(), x.begin(), x.end());
  }
  return Tensor<double>::from_host({box.size(), d}, points);
}

}  // namespace

struct SubspacePreconditioner::State {
  OwnedPC inner;
  std::vector<OwnedVec> w, aw;
  std::vector<Vec> w_raw, aw_raw;
  Eigen::LLT<Eigen::MatrixXd> coarse;
  OwnedVec rest, smooth;
  std::string origin;
  double rows = 0;

  std::vector<OwnedVec> columns(GridLayout* layout, const PreconditionerOptions& o, DM dm,
                                Vec like) {
    std::vector<OwnedVec> columns;
    if (!layout) {
      origin = concatenate("POD of ", o.solutions->size(), " solutions");
      for (const OwnedVec& solution : *o.solutions) {
        OwnedVec copy;
        NOPAL_PETSC(VecDuplicate(solution, copy.receive()));
        NOPAL_PETSC(VecCopy(solution, copy));
        columns.push_back(std::move(copy));
      }
      return columns;
    }
    NOPAL_CHECK(!layout->redistributed(), "a coarse space for rows in natural order needs whole ",
                "planes of the grid on each rank");
    const auto model = Model<float>::load(o.model, layout->grid().comm());
    if (const auto* op = dynamic_cast<const DeepONet<float>*>(&model.op())) {
      origin = "trunk basis";
      return trunk_vectors(*op, o.grid.empty() ? grid_points(dm) : points_of(layout->grid()), like);
    }
    origin = "responses";
    FieldMap surrogate(o.model, layout->grid());
    return response_vectors(surrogate, 2 * o.vectors, 1, like);
  }
};

SubspacePreconditioner::SubspacePreconditioner(std::unique_ptr<GridLayout> layout,
                                               const PreconditionerOptions& o, Mat matrix, DM dm,
                                               const std::string& prefix)
    : state_(std::make_unique<State>()) {
  State& s = *state_;
  const Communicator comm = communicator_of(matrix);
  NOPAL_PETSC(PCCreate(comm.mpi(), s.inner.receive()));
  NOPAL_PETSC(PCSetOptionsPrefix(s.inner, (prefix + "pc_nopal_sub_").c_str()));
  NOPAL_PETSC(PCSetOperators(s.inner, matrix, matrix));
  NOPAL_PETSC(PCSetType(s.inner, PCJACOBI));
  if (dm) NOPAL_PETSC(PCSetDM(s.inner, dm));
  NOPAL_PETSC(PCSetFromOptions(s.inner));
  NOPAL_PETSC(PCSetUp(s.inner));
  NOPAL_PETSC(MatCreateVecs(matrix, s.rest.receive(), s.smooth.receive()));
  PetscInt rows = 0;
  NOPAL_PETSC(VecGetLocalSize(s.rest, &rows));
  s.rows = static_cast<double>(rows);
  if (!layout && o.solutions->empty()) {  // the first solve of a sequence
    s.origin = "POD of no solutions yet";
    return;
  }
  s.w = leading_vectors(s.columns(layout.get(), o, dm, s.rest), o.vectors);
  const auto k = static_cast<Eigen::Index>(s.w.size());
  Eigen::MatrixXd energy(k, k);
  for (const OwnedVec& w : s.w) {
    OwnedVec product;
    NOPAL_PETSC(VecDuplicate(w, product.receive()));
    NOPAL_PETSC(MatMult(matrix, w, product));
    s.aw.push_back(std::move(product));
  }
  s.w_raw.assign(s.w.begin(), s.w.end());
  s.aw_raw.assign(s.aw.begin(), s.aw.end());
  std::vector<PetscScalar> column(s.w.size());
  for (Eigen::Index j = 0; j < k; ++j) {
    NOPAL_PETSC(VecMDot(s.aw_raw[static_cast<std::size_t>(j)], static_cast<PetscInt>(k),
                        s.w_raw.data(), column.data()));
    for (Eigen::Index i = 0; i < k; ++i)
      energy(i, j) = PetscRealPart(column[static_cast<std::size_t>(i)]);
  }
  const double asymmetry = (energy - energy.transpose()).norm(), size = energy.norm();
  NOPAL_CHECK(asymmetry <= 1e-8 * size,
              "a coarse space: the matrix is not symmetric, W^T A W "
              "differs from its transpose by ",
              asymmetry / size, " of its size");
  s.coarse.compute(0.5 * (energy + energy.transpose()));
  NOPAL_CHECK(
      s.coarse.info() == Eigen::Success &&
          s.coarse.matrixL().toDenseMatrix().diagonal().minCoeff() > 1e-12 * std::sqrt(size),
      "a coarse space: W^T A W is not positive definite; is the matrix, and does its null "
      "space meet the coarse space?");
}

SubspacePreconditioner::~SubspacePreconditioner() = default;

void SubspacePreconditioner::apply(Vec r, Vec z) {
  State& s = *state_;
  const auto k = static_cast<PetscInt>(s.w.size());
  if (k == 0) {
    NOPAL_PETSC(PCApply(s.inner, r, z));
    return;
  }
  // c = E^-1 W^T r, z = W c + (y - W E^-1 (A W)^T y), y = M (r - A W c).
  Eigen::VectorXd c(k), d(k);
  NOPAL_PETSC(VecMDot(r, k, s.w_raw.data(), c.data()));
  c = s.coarse.solve(c);
  NOPAL_PETSC(VecCopy(r, s.rest));
  const Eigen::VectorXd minus = -c;
  NOPAL_PETSC(VecMAXPY(s.rest, k, minus.data(), s.aw_raw.data()));
  NOPAL_PETSC(PCApply(s.inner, s.rest, s.smooth));
  NOPAL_PETSC(VecMDot(s.smooth, k, s.aw_raw.data(), d.data()));
  c -= s.coarse.solve(d);
  NOPAL_PETSC(VecCopy(s.smooth, z));
  NOPAL_PETSC(VecMAXPY(z, k, c.data(), s.w_raw.data()));
}

Cost SubspacePreconditioner::cost() const {
  const auto k = static_cast<double>(state_->w.size());
  return {8 * k * state_->rows, 8 * 4 * k * state_->rows};
}

std::vector<std::string> SubspacePreconditioner::description() const {
  PCType type = nullptr;
  NOPAL_PETSC(PCGetType(state_->inner, &type));
  char line[200];
  std::snprintf(line, sizeof line, "coarse space of %zu vectors (%s), beside it %s",
                state_->w.size(), state_->origin.c_str(), type ? type : "none");
  return {line};
}

}  // namespace nopal::detail
