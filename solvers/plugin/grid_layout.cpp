// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "plugin/grid_layout.hpp"

#include <nopal/solvers/bridge/grid.hpp>

namespace nopal::detail {
namespace {

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

// Points along each axis as the option gives them, with the matrix's rows for one that is 0: blocks
// of a matrix may have different sizes.
std::vector<PetscInt> complete(const std::vector<PetscInt>& option, Mat matrix,
                               const std::string& option_name) {
  PetscInt rows = 0, product = 1, open = 0;
  NOPAL_PETSC(MatGetSize(matrix, &rows, nullptr));
  for (const PetscInt n : option) {
    NOPAL_CHECK(n >= 0, "option ", option_name, ": expected positive numbers, got ", n);
    open += n == 0;
    product *= n == 0 ? 1 : n;
  }
  NOPAL_CHECK(open <= 1, "option ", option_name,
              ": one number at most may be 0, for what the rows give");
  NOPAL_CHECK(open == 0 || (product > 0 && rows % product == 0), "option ", option_name,
              ": the matrix has ", rows, " rows, no multiple of ", product);
  std::vector<PetscInt> points = option;
  for (PetscInt& n : points)
    if (n == 0) n = rows / product;
  if (open == 1) product = rows;
  NOPAL_CHECK(rows == product, "option ", option_name, ": the grid has ", product,
              " points, the matrix ", rows, " rows; there must be one unknown a point");
  return points;
}

}  // namespace

GridLayout::GridLayout(Mat matrix, DM dm, const std::vector<PetscInt>& points,
                       const std::vector<PetscBool>& periodic, const std::string& option_name)
    : matrix_(matrix) {
  const Communicator comm(comm_of(matrix));
  comm.together([&] { set_up(dm, points, periodic, option_name); });
}

// From the DM, or of ranges of rows in natural order: then a rank's box is whole planes.
void GridLayout::set_up(DM dm, const std::vector<PetscInt>& option,
                        const std::vector<PetscBool>& periodic_axes,
                        const std::string& option_name) {
  std::string why_not;
  if (option.empty()) {
    NOPAL_CHECK(fits(dm, matrix_, why_not), why_not, ": give the grid with ", option_name,
                " M,N[,P], x first, its points numbered with x fastest");
    grid_ = grid_of(dm);
    return;
  }
  const std::size_t d = option.size();
  const std::vector<PetscInt> points = complete(option, matrix_, option_name);
  Shape extents;
  std::vector<AxisRule> rules;
  PetscInt plane = 1;
  for (std::size_t a = d; a-- > 0;) {
    extents.push_back(points[a]);
    const bool periodic = a < periodic_axes.size() && periodic_axes[a];
    rules.emplace_back(periodic ? BoundaryRule::periodic : BoundaryRule::zero);
    if (a + 1 < d) plane *= points[a];
  }
  const MPI_Comm comm = comm_of(matrix_);
  const PetscInt* ranges = nullptr;
  NOPAL_PETSC(MatGetOwnershipRanges(matrix_, &ranges));
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
      MatCreateSubMatrix(matrix_, indices, indices, MAT_INITIAL_MATRIX, redistributed_.receive()));
  OwnedVec theirs;
  NOPAL_PETSC(MatCreateVecs(matrix_, theirs.receive(), nullptr));
  NOPAL_PETSC(MatCreateVecs(redistributed_, x_.receive(), b_.receive()));
  NOPAL_PETSC(VecScatterCreate(theirs, indices, b_, nullptr, scatter_.receive()));
}

void GridLayout::scatter(Vec from, Vec to, ScatterMode mode) {
  NOPAL_PETSC(VecScatterBegin(scatter_, from, to, INSERT_VALUES, mode));
  NOPAL_PETSC(VecScatterEnd(scatter_, from, to, INSERT_VALUES, mode));
}

}  // namespace nopal::detail
