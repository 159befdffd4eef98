// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "petsc/petsc_test_tools.hpp"
#include "test_tools.hpp"

#include <gtest/gtest.h>
#include <nopal/solvers/plugin/pc_nopal.h>
#include <nopal/operators/learned_multigrid.hpp>
#include <nopal/operators/model.hpp>
#include <nopal/solvers/petsc.hpp>

#include <cmath>
#include <limits>

namespace {

using nopal::Communicator;
using nopal::test::message_of;
using nopal::test::ScopedOptions;
using nopal::test::ScratchFolder;

// -div(k grad u) on a DMDA or, without it, on rows in natural order.
struct Problem {
  nopal::OwnedDM dm;
  nopal::OwnedMat matrix;
  nopal::OwnedKSP ksp;
  nopal::OwnedVec b, x;
};

double coefficient(PetscInt i, PetscInt j) {
  return (i / 5 + j / 7) % 2 ? 100 : 1;
}

Problem make_problem(PetscInt m, PetscInt n, bool with_dm, double drift = 0,
                     MPI_Comm comm = PETSC_COMM_WORLD) {
  NOPAL_PETSC(nopal_register());
  Problem p;
  if (with_dm) {
    NOPAL_PETSC(DMDACreate2d(comm, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, DMDA_STENCIL_STAR, m, n,
                             PETSC_DECIDE, PETSC_DECIDE, 1, 1, nullptr, nullptr, p.dm.receive()));
    NOPAL_PETSC(DMSetUp(p.dm));
    NOPAL_PETSC(DMCreateMatrix(p.dm, p.matrix.receive()));
  } else {
    NOPAL_PETSC(MatCreateAIJ(comm, PETSC_DECIDE, PETSC_DECIDE, m * n, m * n, 5, nullptr, 5, nullptr,
                             p.matrix.receive()));
  }
  AO order = nullptr;
  if (with_dm) NOPAL_PETSC(DMDAGetAO(p.dm, &order));
  PetscInt first = 0, end = 0;
  NOPAL_PETSC(MatGetOwnershipRange(p.matrix, &first, &end));
  for (PetscInt row = first; row < end; ++row) {
    PetscInt point = row;
    if (order) NOPAL_PETSC(AOPetscToApplication(order, 1, &point));
    const PetscInt i = point % m, j = point / m;
    PetscScalar diagonal = 0;
    const PetscInt di[4] = {-1, 1, 0, 0}, dj[4] = {0, 0, -1, 1};
    for (int k = 0; k < 4; ++k) {
      const PetscInt i2 = i + di[k], j2 = j + dj[k];
      const bool inside = i2 >= 0 && i2 < m && j2 >= 0 && j2 < n;
      const double here = coefficient(i, j), there = inside ? coefficient(i2, j2) : here;
      const PetscScalar c = 2 * here * there / (here + there) * (k == 0 ? 1 + drift : 1);
      diagonal += c;
      if (!inside) continue;
      PetscInt column = j2 * m + i2;
      if (order) NOPAL_PETSC(AOApplicationToPetsc(order, 1, &column));
      const PetscScalar minus = -c;
      NOPAL_PETSC(MatSetValues(p.matrix, 1, &row, 1, &column, &minus, INSERT_VALUES));
    }
    NOPAL_PETSC(MatSetValues(p.matrix, 1, &row, 1, &row, &diagonal, INSERT_VALUES));
  }
  NOPAL_PETSC(MatAssemblyBegin(p.matrix, MAT_FINAL_ASSEMBLY));
  NOPAL_PETSC(MatAssemblyEnd(p.matrix, MAT_FINAL_ASSEMBLY));
  NOPAL_PETSC(MatCreateVecs(p.matrix, p.x.receive(), p.b.receive()));
  for (PetscInt row = first; row < end; ++row) {
    PetscInt point = row;
    if (order) NOPAL_PETSC(AOPetscToApplication(order, 1, &point));
    NOPAL_PETSC(VecSetValue(p.b, row, std::sin(3.0 + point * point % 977), INSERT_VALUES));
  }
  NOPAL_PETSC(VecAssemblyBegin(p.b));
  NOPAL_PETSC(VecAssemblyEnd(p.b));
  NOPAL_PETSC(KSPCreate(comm, p.ksp.receive()));
  NOPAL_PETSC(KSPSetOperators(p.ksp, p.matrix, p.matrix));
  if (with_dm) {
    NOPAL_PETSC(KSPSetDM(p.ksp, p.dm));
    NOPAL_PETSC(nopal::ksp_ignore_dm(p.ksp));
  }
  NOPAL_PETSC(KSPSetType(p.ksp, KSPCG));
  NOPAL_PETSC(KSPSetTolerances(p.ksp, 1e-9, NOPAL_PETSC_KEEP, NOPAL_PETSC_KEEP, 60));
  PC pc = nullptr;
  NOPAL_PETSC(KSPGetPC(p.ksp, &pc));
  NOPAL_PETSC(PCSetType(pc, "nopal"));
  return p;
}

// Iterations, or the negative reason of a failure.
PetscInt solve(const Problem& p) {
  NOPAL_PETSC(KSPSetFromOptions(p.ksp));
  NOPAL_PETSC(KSPSolve(p.ksp, p.b, p.x));
  PetscInt iterations = 0;
  KSPConvergedReason reason = KSP_CONVERGED_ITERATING;
  NOPAL_PETSC(KSPGetIterationNumber(p.ksp, &iterations));
  NOPAL_PETSC(KSPGetConvergedReason(p.ksp, &reason));
  return reason > 0 ? iterations : static_cast<PetscInt>(reason);
}

double relative_residual(const Problem& p) {
  nopal::OwnedVec r;
  NOPAL_PETSC(VecDuplicate(p.b, r.receive()));
  NOPAL_PETSC(MatMult(p.matrix, p.x, r));
  NOPAL_PETSC(VecAYPX(r, -1, p.b));
  PetscReal residual = 0, size = 0;
  NOPAL_PETSC(VecNorm(r, NORM_2, &residual));
  NOPAL_PETSC(VecNorm(p.b, NORM_2, &size));
  return residual / size;
}

// The same numbers of iterations everywhere: they were counted on one rank.
TEST(PcNopal, SolvesWithAndWithoutDm) {
  for (const bool with_dm : {true, false}) {
    const Problem p = make_problem(61, 83, with_dm);
    const ScopedOptions options =
        with_dm ? ScopedOptions{} : ScopedOptions{{"-pc_nopal_grid", "61,83"}};
    EXPECT_EQ(solve(p), 12) << with_dm;
    EXPECT_LT(relative_residual(p), 1e-7);
  }
  const Problem p = make_problem(61, 83, true);
  const ScopedOptions options{{"-pc_nopal_model", "chebyshev"}, {"-pc_nopal_precision", "double"}};
  EXPECT_EQ(solve(p), 9);
}

TEST(PcNopal, HasTheSameResidualsOnAnyNumberOfRanks) {
  const auto history = [](MPI_Comm comm, bool with_dm) {
    const Problem p = make_problem(90, 101, with_dm, 0, comm);
    std::vector<PetscReal> residuals(100);
    NOPAL_PETSC(KSPSetResidualHistory(p.ksp, residuals.data(), 100, PETSC_TRUE));
    NOPAL_PETSC(KSPSetNormType(p.ksp, KSP_NORM_UNPRECONDITIONED));
    const PetscInt iterations = solve(p);
    EXPECT_GT(iterations, 5);
    residuals.resize(static_cast<std::size_t>(std::max<PetscInt>(iterations, 0)) + 1);
    return residuals;
  };
  for (const bool with_dm : {true, false}) {
    const ScopedOptions options =
        with_dm ? ScopedOptions{} : ScopedOptions{{"-pc_nopal_grid", "90,101"}};
    const auto alone = history(PETSC_COMM_SELF, with_dm);
    const auto together = history(PETSC_COMM_WORLD, with_dm);
    ASSERT_EQ(alone.size(), together.size());
    for (std::size_t i = 0; i < alone.size(); ++i)
      EXPECT_NEAR(alone[i], together[i], 1e-5 * alone[0]) << i;
    for (std::size_t i = 0; i + 2 < alone.size(); ++i)
      EXPECT_NEAR(alone[i] / together[i], 1, 1e-3) << i;
  }
}

TEST(PcNopal, IsSetUpOnceAMatrix) {
  const Problem p = make_problem(40, 30, true);
  EXPECT_GT(solve(p), 0);
  PetscLogEvent event = 0;
  NOPAL_PETSC(PetscLogDefaultBegin());
  NOPAL_PETSC(PetscLogEventGetId("NopalSetUp", &event));
  const auto count = [&] {
    PetscEventPerfInfo info;
    NOPAL_PETSC(PetscLogEventGetPerfInfo(PETSC_DETERMINE, event, &info));
    return info.count;
  };
  const int before = count();
  EXPECT_GT(solve(p), 0);
  EXPECT_EQ(count(), before);
  NOPAL_PETSC(MatScale(p.matrix, 2));
  EXPECT_GT(solve(p), 0);
  EXPECT_EQ(count(), before + 1);
  EXPECT_LT(relative_residual(p), 1e-7);
}

TEST(PcNopal, WorksWithinOtherPreconditioners) {
  const std::vector<std::vector<std::pair<std::string, std::string>>> nested = {
      {{"-pc_type", "composite"},
       {"-pc_composite_type", "multiplicative"},
       {"-pc_composite_pcs", "nopal,jacobi"},
       {"-ksp_type", "gmres"}},
      {{"-pc_type", "ksp"}, {"-ksp_ksp_type", "preonly"}, {"-ksp_pc_type", "nopal"}}};
  for (const auto& options : nested) {
    const Problem p = make_problem(40, 33, true);
    const ScopedOptions all(options);
    EXPECT_GT(solve(p), 0) << options[0].second;
    EXPECT_LT(relative_residual(p), 1e-5);
  }
}

// As a smoother the cycle is as good as on its own, and blocks of whole planes are grids, too.
TEST(PcNopal, WorksInLevelsAndBlocks) {
  {
    const Problem p = make_problem(65, 65, true);
    const ScopedOptions options{{"-pc_type", "mg"},
                                {"-pc_mg_levels", "2"},
                                {"-pc_mg_galerkin", "both"},
                                {"-mg_levels_pc_type", "nopal"},
                                {"-mg_levels_ksp_type", "richardson"},
                                {"-mg_levels_ksp_max_it", "1"}};
    const PetscInt iterations = solve(p);
    EXPECT_GT(iterations, 0);
    EXPECT_LE(iterations, 12);
    EXPECT_LT(relative_residual(p), 1e-7);
  }
  for (const char* type : {"bjacobi", "asm"}) {
    const auto iterations = [&](const char* block) {
      const Problem p = make_problem(40, 12 * Communicator::world().size(), false);
      const ScopedOptions options{
          {"-pc_type", type},        {"-sub_pc_type", block}, {"-sub_pc_nopal_grid", "40,0"},
          {"-pc_asm_type", "basic"}, {"-ksp_max_it", "200"},  {"-options_left", "0"}};
      const PetscInt result = solve(p);
      EXPECT_LT(relative_residual(p), 1e-7);
      return result;
    };
    const PetscInt exact = iterations("lu"), cycles = iterations("nopal");
    EXPECT_GT(exact, 0) << type;
    EXPECT_GT(cycles, 0) << type;
    EXPECT_LE(cycles, exact + std::max<PetscInt>(12, exact)) << type;
  }
}

TEST(PcNopal, TunesToTheMatrixAndSaves) {
  const ScratchFolder folder(Communicator::world());
  const std::string file = folder / "tuned.safetensors";
  PetscInt tuned = 0;
  {
    const Problem p = make_problem(60, 50, true);
    const ScopedOptions options{{"-pc_nopal_train", "30"}, {"-pc_nopal_save", file}};
    tuned = solve(p);
    EXPECT_GT(tuned, 0);
    EXPECT_LT(tuned, 12);  // as many as without
  }
  const Problem p = make_problem(60, 50, true);
  const ScopedOptions options{{"-pc_nopal_model", file}};
  EXPECT_EQ(solve(p), tuned);
}

// Weights that are no numbers, or turn the direction round.
void save_model(const std::string& file, int dimension, float bias) {
  nopal::LearnedMultigridOptions options;
  options.dimension = dimension;
  options.hidden = 0;
  auto op = std::make_unique<nopal::LearnedMultigrid<float>>(options);
  op->network().bias.fill(bias);
  nopal::Model<float>(std::move(op)).save(file, Communicator::world());
}

TEST(PcNopal, DivergenceIsAPetscReason) {
  const ScratchFolder folder(Communicator::world());
  for (const float bias : {std::numeric_limits<float>::quiet_NaN(), -100.0F}) {
    const std::string file = folder / "bad.safetensors";
    save_model(file, 2, bias);
    {
      const Problem p = make_problem(40, 33, true);
      const ScopedOptions options{{"-pc_nopal_model", file}};
      EXPECT_LT(solve(p), 0);
    }
    const Problem p = make_problem(40, 33, true);
    const ScopedOptions options{
        {"-pc_nopal_model", file}, {"-pc_nopal_fallback", "jacobi"}, {"-ksp_max_it", "2000"}};
    testing::internal::CaptureStderr();
    EXPECT_GT(solve(p), 60);
    const std::string said = testing::internal::GetCapturedStderr();
    if (Communicator::world().rank() == 0) {
      EXPECT_NE(said.find("going on with jacobi"), std::string::npos);
    }
    EXPECT_LT(relative_residual(p), 1e-6);
  }
}

std::string refusal(const Problem& p, const ScopedOptions&) {
  return message_of([&] { solve(p); });
}

TEST(PcNopal, BadInputIsRefusedWithAdvice) {
  const ScratchFolder folder(Communicator::world());
  const auto contains = [](const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  contains(refusal(make_problem(20, 20, true), {{"-pc_nopal_model", folder / "absent"}}),
           "cannot read");
  nopal::test::write_file(folder / "broken", "nonsense");
  contains(refusal(make_problem(20, 20, true), {{"-pc_nopal_model", folder / "broken"}}),
           "safetensors");
  save_model(folder / "three", 3, 1);
  contains(refusal(make_problem(20, 20, true), {{"-pc_nopal_model", folder / "three"}}),
           "is for 3 dimensions");
  contains(refusal(make_problem(20, 20, false), {}), "give the grid with -pc_nopal_grid");
  contains(refusal(make_problem(20, 20, false), {{"-pc_nopal_grid", "20,21"}}),
           "the grid has 420 points, the matrix 400 rows");
  contains(refusal(make_problem(20, 20, false), {{"-pc_nopal_grid", "100,4"}}),
           "is the grid (4, 100) that of the matrix?");
  contains(refusal(make_problem(20, 20, false), {{"-pc_nopal_grid", "0,0"}}), "one number at most");
  contains(refusal(make_problem(20, 20, false), {{"-pc_nopal_grid", "19,0"}}),
           "the matrix has 400 rows, no multiple of 19");
  contains(refusal(make_problem(20, 20, true, 0.5), {}), "use -ksp_type gmres");
  {
    const Problem p = make_problem(20, 20, true);
    NOPAL_PETSC(MatSetOption(p.matrix, MAT_NEW_NONZERO_LOCATION_ERR, PETSC_FALSE));
    PetscInt row = 0;
    NOPAL_PETSC(MatGetOwnershipRange(p.matrix, &row, nullptr));
    NOPAL_PETSC(MatSetValue(p.matrix, row, row, 0, INSERT_VALUES));
    NOPAL_PETSC(MatAssemblyBegin(p.matrix, MAT_FINAL_ASSEMBLY));
    NOPAL_PETSC(MatAssemblyEnd(p.matrix, MAT_FINAL_ASSEMBLY));
    contains(refusal(p, {}), "zero on its diagonal at grid point");
    NOPAL_PETSC(MatSetValue(p.matrix, row, row, std::nan(""), INSERT_VALUES));
    NOPAL_PETSC(MatAssemblyBegin(p.matrix, MAT_FINAL_ASSEMBLY));
    NOPAL_PETSC(MatAssemblyEnd(p.matrix, MAT_FINAL_ASSEMBLY));
    contains(refusal(p, {}), "not finite");
  }
}

// Nonsymmetric by a drift: fine with a method for it.
TEST(PcNopal, NonsymmetricMatricesTakeGmres) {
  const Problem p = make_problem(40, 40, true, 0.2);
  const ScopedOptions options{{"-ksp_type", "gmres"}};
  EXPECT_GT(solve(p), 0);
  EXPECT_LT(relative_residual(p), 1e-4);  // GMRES looks at the preconditioned one
}

}  // namespace
