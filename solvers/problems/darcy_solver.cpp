// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "problem_tools.hpp"

#include <nopal/core/profile.hpp>
#include <nopal/solvers/problems/darcy_solver.hpp>

#include <algorithm>
#include <array>
#include <cmath>

namespace nopal {
namespace {

// Coarsening stops at about 32 cells an axis, where a direct solve is cheaper than more levels, and
// must stop where the coarsest grid cannot give every rank a point.
constexpr std::int64_t coarsest_cells = 32;
// With a coarsest grid above this, its direct solve would cost more than the rest.
constexpr std::int64_t largest_direct_cells = 128;

struct Coarsening {
  PetscInt levels = 1;
  std::int64_t cells;
};

Coarsening coarsening(std::int64_t cells, int ranks) {
  Coarsening result{1, cells};
  const std::int64_t least = std::max<std::int64_t>(coarsest_cells, 2 * ranks);
  while (result.cells % 2 == 0 && result.cells / 2 >= least) {
    result.cells /= 2;
    ++result.levels;
  }
  return result;
}

}  // namespace

DarcySolver::DarcySolver(std::int64_t cells, FaceAverage average, const Communicator& comm,
                         const std::string& prefix)
    : cells_(cells), average_(average), comm_(comm), prefix_(prefix) {
  NOPAL_CHECK(cells >= 2 && cells < 40000, "a Darcy grid has 2 to 40000 cells an axis, got ",
              cells);
  const MPI_Comm mpi = petsc_communicator(comm);
  const auto n = static_cast<PetscInt>(cells + 1);
  NOPAL_PETSC(DMDACreate2d(mpi, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, DMDA_STENCIL_STAR, n, n,
                           PETSC_DECIDE, PETSC_DECIDE, 1, 1, nullptr, nullptr, dmda_.receive()));
  NOPAL_PETSC(DMSetUp(dmda_));
  NOPAL_PETSC(DMCreateMatrix(dmda_, matrix_.receive()));
  NOPAL_PETSC(DMCreateGlobalVector(dmda_, right_.receive()));
  NOPAL_PETSC(VecDuplicate(right_, solution_.receive()));
  gather_ = std::make_unique<DmdaGather>(dmda_);

  NOPAL_PETSC(KSPCreate(mpi, ksp_.receive()));
  NOPAL_PETSC(KSPSetOptionsPrefix(ksp_, prefix_.c_str()));
  NOPAL_PETSC(KSPSetDM(ksp_, dmda_));
  NOPAL_PETSC(ksp_ignore_dm(ksp_));
  NOPAL_PETSC(KSPSetType(ksp_, KSPCG));
  const auto tolerance = std::max<PetscReal>(1e-10, 10 * PETSC_MACHINE_EPSILON);
  NOPAL_PETSC(KSPSetTolerances(ksp_, tolerance, 1e-50, NOPAL_PETSC_KEEP, 500));
  choose_preconditioner();
  NOPAL_PETSC(KSPSetFromOptions(ksp_));

  // A first set-up, so that the options of inner solvers are read (and a mistake in them is found)
  // now and not with the first sample.
  assemble(std::vector<double>(static_cast<std::size_t>(nodes()), 1.0));
  NOPAL_PETSC(KSPSetOperators(ksp_, matrix_, matrix_));
  NOPAL_PETSC(KSPSetUp(ksp_));
}

void DarcySolver::choose_preconditioner() {
  PC pc = nullptr;
  NOPAL_PETSC(KSPGetPC(ksp_, &pc));
  const Coarsening grids = coarsening(cells_, comm_.size());
  PetscInt levels = grids.levels;
  PetscBool given = PETSC_FALSE;
  NOPAL_PETSC(PetscOptionsGetInt(nullptr, prefix_.c_str(), "-pc_mg_levels", &levels, &given));
  if (grids.cells > largest_direct_cells && !given) {
#if defined(PETSC_HAVE_HYPRE)
    NOPAL_PETSC(PCSetType(pc, PCHYPRE));
    NOPAL_PETSC(PCHYPRESetType(pc, "boomeramg"));
#else
    NOPAL_PETSC(PCSetType(pc, PCGAMG));
#endif
    return;
  }
  NOPAL_PETSC(PCSetType(pc, PCMG));
  NOPAL_PETSC(PCMGSetLevels(pc, levels, nullptr));
  NOPAL_PETSC(PCMGSetGalerkin(pc, PC_MG_GALERKIN_BOTH));
  // PETSc's own default, Chebyshev with estimated eigenvalues, draws random numbers in each set-up:
  // slower here, and a solution would depend on what was solved before.
  for (PetscInt level = 1; level < levels; ++level) {
    KSP smoother = nullptr;
    PC sweep = nullptr;
    NOPAL_PETSC(PCMGGetSmoother(pc, level, &smoother));
    NOPAL_PETSC(KSPSetType(smoother, KSPRICHARDSON));
    NOPAL_PETSC(
        KSPSetTolerances(smoother, NOPAL_PETSC_KEEP, NOPAL_PETSC_KEEP, NOPAL_PETSC_KEEP, 1));
    NOPAL_PETSC(KSPGetPC(smoother, &sweep));
    NOPAL_PETSC(PCSetType(sweep, PCSOR));
  }
}

// Boundary nodes are kept as rows of their own, decoupled on both sides so that the matrix stays
// symmetric; their diagonal has the size of its neighbours' for the sake of the coarse operators.
void DarcySolver::assemble(std::span<const double> a) {
  const auto average = [this](double p, double q) {
    return average_ == FaceAverage::arithmetic ? 0.5 * (p + q) : 2 * p * q / (p + q);
  };
  const auto n = cells_ + 1;
  const auto node = [n](std::int64_t i, std::int64_t j) {
    return static_cast<std::size_t>(i * n + j);
  };
  const auto boundary = [this](std::int64_t i, std::int64_t j) {
    return i == 0 || j == 0 || i == cells_ || j == cells_;
  };
  const Shape owned = owned_shape(dmda_), ghosted = ghosted_shape(dmda_);
  const auto first = owned_first(dmda_), ghost = ghosted_first(dmda_);
  const auto local = [&](std::int64_t i, std::int64_t j) {
    return static_cast<PetscInt>((i - ghost[0]) * ghosted[1] + j - ghost[1]);
  };
  const detail::PetscErrorRecorder recorder;
  constexpr std::array<std::array<int, 2>, 4> neighbours = {{{-1, 0}, {0, -1}, {0, 1}, {1, 0}}};
  for (std::int64_t i = first[0]; i < first[0] + owned[0]; ++i)
    for (std::int64_t j = first[1]; j < first[1] + owned[1]; ++j) {
      std::array<PetscInt, 5> columns{};
      std::array<PetscScalar, 5> values{};
      PetscInt count = 0;
      double diagonal = 0;
      const PetscInt row = local(i, j);
      if (boundary(i, j)) {
        diagonal = 4 * a[node(i, j)];
      } else {
        for (const auto& [di, dj] : neighbours) {
          const double face = average(a[node(i, j)], a[node(i + di, j + dj)]);
          diagonal += face;
          if (boundary(i + di, j + dj)) continue;
          columns[static_cast<std::size_t>(count)] = local(i + di, j + dj);
          values[static_cast<std::size_t>(count++)] = static_cast<PetscScalar>(-face);
        }
      }
      columns[static_cast<std::size_t>(count)] = row;
      values[static_cast<std::size_t>(count++)] = static_cast<PetscScalar>(diagonal);
      recorder.check(
          MatSetValuesLocal(matrix_, 1, &row, count, columns.data(), values.data(), INSERT_VALUES),
          __FILE__, __LINE__);
    }
  NOPAL_PETSC(MatAssemblyBegin(matrix_, MAT_FINAL_ASSEMBLY));
  NOPAL_PETSC(MatAssemblyEnd(matrix_, MAT_FINAL_ASSEMBLY));
}

void DarcySolver::set_right_side(std::span<const double> f) {
  const Shape owned = owned_shape(dmda_);
  const auto first = owned_first(dmda_);
  const double area = 1.0 / static_cast<double>(cells_) / static_cast<double>(cells_);
  PetscScalar* values = nullptr;
  NOPAL_PETSC(VecGetArrayWrite(right_, &values));
  std::size_t k = 0;
  for (std::int64_t i = first[0]; i < first[0] + owned[0]; ++i)
    for (std::int64_t j = first[1]; j < first[1] + owned[1]; ++j) {
      const bool boundary = i == 0 || j == 0 || i == cells_ || j == cells_;
      const double source = f[static_cast<std::size_t>(i * (cells_ + 1) + j)];
      values[k++] = static_cast<PetscScalar>(boundary ? 0.0 : area * source);
    }
  NOPAL_PETSC(VecRestoreArrayWrite(right_, &values));
}

void DarcySolver::solve(std::span<const double> a, std::span<const double> f,
                        std::vector<double>& u) {
  const ScopedRegion region("DarcySolver::solve");
  const auto expected = static_cast<std::size_t>(nodes());
  NOPAL_CHECK(a.size() == expected && f.size() == expected, "a Darcy grid of ", cells_,
              " cells an axis has ", expected, " nodes, got ", a.size(),
              " values of the coefficient and ", f.size(), " of the source");
  const auto bad =
      std::find_if(a.begin(), a.end(), [](double v) { return !(v > 0) || !std::isfinite(v); });
  NOPAL_CHECK(bad == a.end(), "the Darcy coefficient must be positive and finite, got ", *bad,
              " at node ", bad - a.begin());

  assemble(a);
  set_right_side(f);
  NOPAL_PETSC(KSPSetOperators(ksp_, matrix_, matrix_));
  NOPAL_PETSC(KSPSolve(ksp_, right_, solution_));
  iterations_ = detail::check_converged(
      ksp_, detail::concatenate("the Darcy solver on ", cells_, " x ", cells_, " cells"), prefix_);
  (*gather_)(solution_, u);
}

}  // namespace nopal
