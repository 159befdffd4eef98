// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "problem_tools.hpp"

#include <nopal/core/profile.hpp>
#include <nopal/solvers/problems/helmholtz_solver.hpp>

#include <algorithm>
#include <array>
#include <cmath>

namespace nopal {
namespace {

constexpr std::size_t gauss = 3;  // points an axis of an element
const std::array<double, gauss> gauss_point = {0.5 - std::sqrt(0.15), 0.5, 0.5 + std::sqrt(0.15)};
constexpr std::array<double, gauss> gauss_weight = {5.0 / 18, 8.0 / 18, 5.0 / 18};

// Integrals over the unit element of grad phi_a . grad phi_b, and of phi_a phi_b as one term for
// each Gauss point. Nodes: (0, 0), (0, 1), (1, 1), (1, 0), as DMDAGetElements has them.
struct Element {
  using Matrix = std::array<std::array<double, 4>, 4>;
  Matrix stiffness{};
  std::array<Matrix, gauss * gauss> mass{};

  Element() {
    for (std::size_t p = 0; p < gauss; ++p)
      for (std::size_t r = 0; r < gauss; ++r) {
        const double s = gauss_point[p], t = gauss_point[r];
        const double weight = gauss_weight[p] * gauss_weight[r];
        const std::array value = {(1 - s) * (1 - t), (1 - s) * t, s * t, s * (1 - t)};
        const std::array d1 = {t - 1, -t, t, 1 - t}, d2 = {s - 1, 1 - s, s, -s};
        for (std::size_t a = 0; a < 4; ++a)
          for (std::size_t b = 0; b < 4; ++b) {
            stiffness[a][b] += weight * (d1[a] * d1[b] + d2[a] * d2[b]);
            mass[p * gauss + r][a][b] = weight * value[a] * value[b];
          }
      }
  }
};

}  // namespace

HelmholtzSolver::HelmholtzSolver(std::int64_t cells, const Communicator& comm,
                                 const std::string& prefix)
    : cells_(cells), comm_(comm), prefix_(prefix) {
  NOPAL_CHECK(cells >= 2 && cells < 40000, "a Helmholtz grid has 2 to 40000 cells an axis, got ",
              cells);
  const MPI_Comm mpi = petsc_communicator(comm);
  const auto n = static_cast<PetscInt>(cells + 1);
  NOPAL_PETSC(DMDACreate2d(mpi, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, DMDA_STENCIL_BOX, n, n,
                           PETSC_DECIDE, PETSC_DECIDE, 1, 1, nullptr, nullptr, dmda_.receive()));
  NOPAL_PETSC(DMSetUp(dmda_));
  NOPAL_PETSC(DMDASetElementType(dmda_, DMDA_ELEMENT_Q1));
  NOPAL_PETSC(DMCreateMatrix(dmda_, matrix_.receive()));
  NOPAL_PETSC(MatSetOption(matrix_, MAT_SYMMETRIC, PETSC_TRUE));
  NOPAL_PETSC(MatSetOption(matrix_, MAT_SYMMETRY_ETERNAL, PETSC_TRUE));
  NOPAL_PETSC(DMCreateGlobalVector(dmda_, right_.receive()));
  NOPAL_PETSC(VecDuplicate(right_, solution_.receive()));
  NOPAL_PETSC(VecDuplicate(right_, residual_.receive()));
  gather_ = std::make_unique<DmdaGather>(dmda_);

  NOPAL_PETSC(KSPCreate(mpi, ksp_.receive()));
  NOPAL_PETSC(KSPSetOptionsPrefix(ksp_, prefix_.c_str()));
  NOPAL_PETSC(KSPSetType(ksp_, KSPGMRES));
  NOPAL_PETSC(KSPSetPCSide(ksp_, PC_RIGHT));
  const auto tolerance = std::max<PetscReal>(1e-12, 10 * PETSC_MACHINE_EPSILON);
  NOPAL_PETSC(KSPSetTolerances(ksp_, tolerance, 1e-50, NOPAL_PETSC_KEEP, 20));
  choose_direct_solver();
  NOPAL_PETSC(KSPSetFromOptions(ksp_));

  // A first set-up with a fixed matrix: options of inner solvers are read now and not with the
  // first sample, and the order of elimination, which may depend on values, is the same for all
  // samples.
  assemble(std::vector<double>(gauss * gauss * static_cast<std::size_t>(cells_ * cells_), -1.0));
  NOPAL_PETSC(KSPSetOperators(ksp_, matrix_, matrix_));
  NOPAL_PETSC(KSPSetUp(ksp_));
}

void HelmholtzSolver::choose_direct_solver() {
  PC pc = nullptr;
  NOPAL_PETSC(KSPGetPC(ksp_, &pc));
  const auto available = [this](MatSolverType package, MatFactorType factor) {
    PetscBool found = PETSC_FALSE;
    NOPAL_PETSC(MatGetFactorAvailable(matrix_, package, factor, &found));
    return found == PETSC_TRUE;
  };
  if (available(MATSOLVERMUMPS, MAT_FACTOR_CHOLESKY)) {
    NOPAL_PETSC(PCSetType(pc, PCCHOLESKY));
    NOPAL_PETSC(PCFactorSetMatSolverType(pc, MATSOLVERMUMPS));
    return;
  }
  NOPAL_PETSC(PCSetType(pc, PCLU));
  if (available(MATSOLVERSUPERLU_DIST, MAT_FACTOR_LU))
    NOPAL_PETSC(PCFactorSetMatSolverType(pc, MATSOLVERSUPERLU_DIST));
  else
    NOPAL_CHECK(comm_.size() == 1, "a Helmholtz problem on ", comm_.size(),
                " ranks needs a PETSc with MUMPS or SuperLU_DIST; solve each sample on one rank");
}

std::vector<double> HelmholtzSolver::gauss_points() const {
  std::vector<double> points;
  for (std::int64_t i = 0; i < cells_; ++i)
    for (const double s : gauss_point)
      points.push_back((static_cast<double>(i) + s) / static_cast<double>(cells_));
  return points;
}

void HelmholtzSolver::assemble(std::span<const double> q) {
  static const Element element;
  const double area = 1.0 / static_cast<double>(cells_) / static_cast<double>(cells_);
  const std::size_t row = gauss * static_cast<std::size_t>(cells_);
  PetscInt first1 = 0, first2 = 0, n1 = 0, n2 = 0, count = 0, corners = 0;
  const PetscInt* nodes = nullptr;
  NOPAL_PETSC(DMDAGetElementsCorners(dmda_, &first2, &first1, nullptr));
  NOPAL_PETSC(DMDAGetElementsSizes(dmda_, &n2, &n1, nullptr));
  NOPAL_PETSC(DMDAGetElements(dmda_, &count, &corners, &nodes));
  NOPAL_PETSC(MatZeroEntries(matrix_));
  const detail::PetscErrorRecorder recorder;
  for (PetscInt i = 0, e = 0; i < n1; ++i)
    for (PetscInt j = 0; j < n2; ++j, ++e) {
      std::array<PetscScalar, 16> values{};
      for (std::size_t a = 0, k = 0; a < 4; ++a)
        for (std::size_t b = 0; b < 4; ++b, ++k) {
          double value = element.stiffness[a][b];
          for (std::size_t p = 0; p < gauss; ++p)
            for (std::size_t r = 0; r < gauss; ++r) {
              const std::size_t at = (gauss * static_cast<std::size_t>(first1 + i) + p) * row +
                                     gauss * static_cast<std::size_t>(first2 + j) + r;
              value -= area * q[at] * element.mass[p * gauss + r][a][b];
            }
          values[k] = static_cast<PetscScalar>(value);
        }
      recorder.check(
          MatSetValuesLocal(matrix_, 4, nodes + 4 * e, 4, nodes + 4 * e, values.data(), ADD_VALUES),
          __FILE__, __LINE__);
    }
  NOPAL_PETSC(DMDARestoreElements(dmda_, &count, &corners, &nodes));
  NOPAL_PETSC(MatAssemblyBegin(matrix_, MAT_FINAL_ASSEMBLY));
  NOPAL_PETSC(MatAssemblyEnd(matrix_, MAT_FINAL_ASSEMBLY));
}

void HelmholtzSolver::set_right_side(std::span<const double> g) {
  const Shape owned = owned_shape(dmda_);
  const auto first = owned_first(dmda_);
  const double h = 1.0 / static_cast<double>(cells_);
  PetscScalar* values = nullptr;
  NOPAL_PETSC(VecSet(right_, 0));
  NOPAL_PETSC(VecGetArray(right_, &values));
  if (first[1] + owned[1] == cells_ + 1)
    for (std::int64_t i = 0; i < owned[0]; ++i) {
      const auto node = static_cast<std::size_t>(first[0] + i);
      double load = 0;
      if (node > 0) load += h / 6 * (g[node - 1] + 2 * g[node]);
      if (node + 1 < g.size()) load += h / 6 * (g[node + 1] + 2 * g[node]);
      values[(i + 1) * owned[1] - 1] = static_cast<PetscScalar>(load);
    }
  NOPAL_PETSC(VecRestoreArray(right_, &values));
}

// Factors of a singular matrix give a huge solution, which the residual that GMRES updates does not
// show.
void HelmholtzSolver::check_residual() {
  PetscReal tolerance = 0, residual = 0, right = 0;
  NOPAL_PETSC(KSPGetTolerances(ksp_, &tolerance, nullptr, nullptr, nullptr));
  NOPAL_PETSC(MatMult(matrix_, solution_, residual_));
  NOPAL_PETSC(VecAYPX(residual_, -1, right_));
  NOPAL_PETSC(VecNorm(residual_, NORM_2, &residual));
  NOPAL_PETSC(VecNorm(right_, NORM_2, &right));
  NOPAL_CHECK(residual <= std::max<PetscReal>(1e-8, 100 * tolerance) * right,
              "the Helmholtz problem on ", cells_, " x ", cells_,
              " cells is singular to working precision (relative residual ", residual / right,
              "): change the frequency or the grid a little");
}

void HelmholtzSolver::solve(std::span<const double> q, std::span<const double> g,
                            std::vector<double>& u) {
  const ScopedRegion region("HelmholtzSolver::solve");
  const auto n = static_cast<std::size_t>(cells_);
  NOPAL_CHECK(q.size() == gauss * gauss * n * n && g.size() == n + 1, "a Helmholtz grid of ",
              cells_, " cells an axis takes ", gauss * gauss * n * n, " values of q and ", n + 1,
              " of g, got ", q.size(), " and ", g.size());
  const auto check_finite = [](std::span<const double> values, const char* name) {
    const auto bad = std::find_if(values.begin(), values.end(),
                                  [](double value) { return !std::isfinite(value); });
    NOPAL_CHECK(bad == values.end(), "a Helmholtz solver needs finite ", name, ", got ", *bad,
                " at position ", bad - values.begin());
  };
  check_finite(q, "q");
  check_finite(g, "g");

  assemble(q);
  set_right_side(g);
  NOPAL_PETSC(KSPSetOperators(ksp_, matrix_, matrix_));
  NOPAL_PETSC(KSPSolve(ksp_, right_, solution_));
  detail::check_converged(
      ksp_, detail::concatenate("the Helmholtz solver on ", cells_, " x ", cells_, " cells"),
      prefix_);
  check_residual();
  (*gather_)(solution_, u);
}

}  // namespace nopal
