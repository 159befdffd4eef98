// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Surrogates as initial guesses, and coarse spaces made of them. The surrogates are linear maps
// that are fitted exactly, so that what they do is known.

#include "petsc/petsc_test_tools.hpp"
#include "test_tools.hpp"

#include <gtest/gtest.h>
#include <nopal/solvers/plugin/pc_nopal.h>
#include <nopal/core/random.hpp>
#include <nopal/operators/deeponet.hpp>
#include <nopal/operators/kernel_ridge.hpp>
#include <nopal/operators/model.hpp>
#include <nopal/solvers/bridge/grid.hpp>
#include <nopal/solvers/problems/linear_systems.hpp>
#include <nopal/solvers/subspace.hpp>

#include <cmath>

namespace {

using nopal::Communicator;
using nopal::LinearSystem;
using nopal::OwnedVec;
using nopal::Tensor;
using nopal::test::message_of;
using nopal::test::ScopedOptions;
using nopal::test::ScratchFolder;

constexpr std::int64_t n = 10, points = n * n;

LinearSystem poisson(double shift = 0, MPI_Comm comm = PETSC_COMM_WORLD) {
  nopal::LinearSystemOptions o;
  o.points = n;
  LinearSystem system = make_linear_system(o, Communicator(comm));
  if (shift != 0) NOPAL_PETSC(MatShift(system.matrix, shift));
  return system;
}

// The inverse of (A + shift I) / scale as a model: kernel ridge with a linear kernel, fitted to all
// unit vectors. With `coefficient` behind a first channel that it ignores.
std::string save_inverse(const std::string& file, double shift = 0, double scale = 1,
                         bool coefficient = false) {
  const Communicator world = Communicator::world();
  const std::int64_t channels = coefficient ? 2 : 1;
  const LinearSystem system = poisson(shift, PETSC_COMM_SELF);
  OwnedVec b, x;
  nopal::OwnedKSP ksp;
  NOPAL_PETSC(MatCreateVecs(system.matrix, x.receive(), b.receive()));
  NOPAL_PETSC(KSPCreate(PETSC_COMM_SELF, ksp.receive()));
  NOPAL_PETSC(KSPSetOperators(ksp, system.matrix, system.matrix));
  NOPAL_PETSC(KSPSetTolerances(ksp, 1e-12, NOPAL_PETSC_KEEP, NOPAL_PETSC_KEEP, NOPAL_PETSC_KEEP));
  std::vector<float> u(static_cast<std::size_t>(points * points * channels), 0), v;
  for (PetscInt i = 0; i < points; ++i) {
    NOPAL_PETSC(VecSet(b, 0));
    NOPAL_PETSC(VecSetValue(b, i, 1, INSERT_VALUES));
    NOPAL_PETSC(VecAssemblyBegin(b));
    NOPAL_PETSC(VecAssemblyEnd(b));
    NOPAL_PETSC(KSPSolve(ksp, b, x));
    const PetscScalar* values = nullptr;
    NOPAL_PETSC(VecGetArrayRead(x, &values));
    for (PetscInt j = 0; j < points; ++j)
      v.push_back(static_cast<float>(scale * values[j]));
    NOPAL_PETSC(VecRestoreArrayRead(x, &values));
    u[static_cast<std::size_t>((i * points + i) * channels + channels - 1)] = 1;
  }
  auto op = std::make_unique<nopal::KernelRidge<float>>(
      nopal::KernelRidgeOptions{points, points * channels, points, 1, "linear", 1, 1e-12});
  op->fit(Tensor<float>::from_host({points, points * channels}, u),
          Tensor<float>::from_host({points, points, 1}, v));
  nopal::Model<float>(std::move(op)).save(file, world);
  return file;
}

// Smooth, and another at each time.
OwnedVec right_side(const LinearSystem& system, double time) {
  OwnedVec b;
  PetscInt first[2] = {0, 0}, count[2] = {1, 1};
  PetscScalar* values = nullptr;
  NOPAL_PETSC(DMCreateGlobalVector(system.dm, b.receive()));
  NOPAL_PETSC(
      DMDAGetCorners(system.dm, &first[0], &first[1], nullptr, &count[0], &count[1], nullptr));
  NOPAL_PETSC(VecGetArrayWrite(b, &values));
  for (PetscInt j = 0, k = 0; j < count[1]; ++j)
    for (PetscInt i = 0; i < count[0]; ++i, ++k)
      values[k] =
          1 + std::sin(0.5 * (first[0] + i) + 3 * time) * std::cos(0.3 * (first[1] + j) - time);
  NOPAL_PETSC(VecRestoreArrayWrite(b, &values));
  return b;
}

nopal::OwnedKSP make_solver(const LinearSystem& system, const char* pc_type = PCNONE) {
  NOPAL_PETSC(nopal_register());
  nopal::OwnedKSP ksp;
  NOPAL_PETSC(
      KSPCreate(PetscObjectComm(reinterpret_cast<PetscObject>(system.dm.get())), ksp.receive()));
  NOPAL_PETSC(KSPSetOperators(ksp, system.matrix, system.matrix));
  NOPAL_PETSC(KSPSetDM(ksp, system.dm));
  NOPAL_PETSC(nopal::ksp_ignore_dm(ksp));
  NOPAL_PETSC(KSPSetType(ksp, KSPCG));
  NOPAL_PETSC(KSPSetNormType(ksp, KSP_NORM_UNPRECONDITIONED));
  NOPAL_PETSC(KSPSetTolerances(ksp, 1e-6, NOPAL_PETSC_KEEP, NOPAL_PETSC_KEEP, 500));
  PC pc = nullptr;
  NOPAL_PETSC(KSPGetPC(ksp, &pc));
  NOPAL_PETSC(PCSetType(pc, pc_type));
  NOPAL_PETSC(KSPSetFromOptions(ksp));
  return ksp;
}

struct Solved {
  PetscInt iterations = 0;
  PetscReal first_residual = 0, residual = 0;  // relative to b
};

Solved solve(KSP ksp, const LinearSystem& system, Vec b) {
  PetscReal history[600] = {}, size = 0;
  OwnedVec x, r;
  NOPAL_PETSC(VecDuplicate(b, x.receive()));
  NOPAL_PETSC(VecDuplicate(b, r.receive()));
  NOPAL_PETSC(KSPSetResidualHistory(ksp, history, 600, PETSC_TRUE));
  NOPAL_PETSC(KSPSolve(ksp, b, x));
  Solved s;
  NOPAL_PETSC(KSPGetIterationNumber(ksp, &s.iterations));
  NOPAL_PETSC(MatMult(system.matrix, x, r));
  NOPAL_PETSC(VecAYPX(r, -1, b));
  NOPAL_PETSC(VecNorm(r, NORM_2, &s.residual));
  NOPAL_PETSC(VecNorm(b, NORM_2, &size));
  s.residual /= size;
  s.first_residual = history[0] / size;
  NOPAL_PETSC(KSPSetResidualHistory(ksp, nullptr, 0, PETSC_TRUE));
  return s;
}

TEST(KspGuess, AnExactSurrogateLeavesNothingToDo) {
  const ScratchFolder folder(Communicator::world());
  const LinearSystem system = poisson();
  const OwnedVec b = right_side(system, 0);
  const Solved without = solve(make_solver(system), system, b);
  EXPECT_GT(without.iterations, 10);
  // The size of its answer does not matter: the best factor is taken.
  for (const double scale : {1.0, 0.01}) {
    const std::string file = save_inverse(folder / "inverse", 0, scale);
    const ScopedOptions options{{"-ksp_guess_type", "nopal"}, {"-ksp_guess_nopal_model", file}};
    const Solved with = solve(make_solver(system), system, b);
    EXPECT_LT(with.first_residual, 1e-4) << scale;
    EXPECT_LT(with.iterations, without.iterations / 2);
    EXPECT_LT(with.residual, 1.01e-6);
  }
  const std::string file = save_inverse(folder / "two", 0, 1, true);
  const ScopedOptions options{{"-ksp_guess_type", "nopal"},
                              {"-ksp_guess_nopal_model", file},
                              {"-ksp_guess_nopal_rms", "1"}};
  EXPECT_NE(message_of([&] { solve(make_solver(system), system, b); }).find("nopal_coefficient"),
            std::string::npos);
  NOPAL_PETSC(PetscObjectCompose(reinterpret_cast<PetscObject>(system.matrix.get()),
                                 "nopal_coefficient",
                                 reinterpret_cast<PetscObject>(right_side(system, 1).get())));
  EXPECT_LT(solve(make_solver(system), system, b).first_residual, 1e-4);
}

// A surrogate of another matrix: worse, but never worse than no guess; what it misses is learned
// by POD from solve to solve.
TEST(KspGuess, CorrectionsAndPreviousSolutionsHelpABadSurrogate) {
  const ScratchFolder folder(Communicator::world());
  const std::string file = save_inverse(folder / "shifted", 0.5);
  const auto total = [&](const std::vector<std::pair<std::string, std::string>>& more) {
    std::vector<std::pair<std::string, std::string>> options{{"-ksp_guess_type", "nopal"},
                                                             {"-ksp_guess_nopal_model", file}};
    options.insert(options.end(), more.begin(), more.end());
    const ScopedOptions scope(options);
    const LinearSystem system = poisson();
    const nopal::OwnedKSP ksp = make_solver(system);
    PetscInt sum = 0;
    for (int step = 0; step < 12; ++step) {
      const OwnedVec b = right_side(system, 0.02 * step);
      const Solved s = solve(ksp, system, b);
      EXPECT_LE(s.first_residual, 1.0 + 1e-12);
      EXPECT_LT(s.residual, 1.01e-6);
      sum += s.iterations;
    }
    return sum;
  };
  const PetscInt plain = total({}), previous = total({{"-ksp_guess_nopal_start", "previous"}}),
                 pod = total({{"-ksp_guess_nopal_correction", "pod"}}),
                 none = total({{"-ksp_guess_type", "pod"}, {"-options_left", "0"}});
  EXPECT_LT(previous, plain);
  EXPECT_LT(pod, 0.7 * plain);
  EXPECT_LE(pod, none);
}

TEST(KspGuess, ViewAndBadInput) {
  const ScratchFolder folder(Communicator::world());
  const LinearSystem system = poisson();
  const OwnedVec b = right_side(system, 0);
  const auto refusal = [&](const ScopedOptions&) {
    return message_of([&] { solve(make_solver(system), system, b); });
  };
  const auto contains = [](const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  contains(refusal({{"-ksp_guess_type", "nopal"}}), "-ksp_guess_nopal_model FILE");
  contains(refusal({{"-ksp_guess_type", "nopal"}, {"-ksp_guess_nopal_model", folder / "absent"}}),
           "cannot read");
  const std::string file = save_inverse(folder / "inverse");
  contains(refusal({{"-ksp_guess_type", "nopal"},
                    {"-ksp_guess_nopal_model", file},
                    {"-ksp_guess_nopal_grid", "10,11"}}),
           "option -ksp_guess_nopal_grid: the grid has 110 points");
  nopal::LinearSystemOptions o;
  o.points = n + 1;
  const LinearSystem other = make_linear_system(o, Communicator::world());
  const ScopedOptions options{{"-ksp_guess_type", "nopal"}, {"-ksp_guess_nopal_model", file}};
  contains(message_of([&] { solve(make_solver(other), other, right_side(other, 0)); }),
           "takes no field of one to four channels");
}

struct Nonlinear {
  const LinearSystem* system;
  Vec b;
};

PetscErrorCode residual(SNES, Vec x, Vec f, void* data) {
  PetscFunctionBegin;
  const auto& p = *static_cast<Nonlinear*>(data);
  PetscCall(MatMult(p.system->matrix, x, f));
  PetscCall(VecAXPY(f, -1, p.b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode jacobian(SNES, Vec, Mat, Mat, void*) {
  return PETSC_SUCCESS;
}

// F(x) = A x - b with x = b at first: S(b) is the solution.
TEST(SnesGuess, BeginsWithTheSurrogateIfThatIsBetter) {
  const ScratchFolder folder(Communicator::world());
  const std::string file = save_inverse(folder / "inverse");
  const LinearSystem system = poisson();
  const OwnedVec b = right_side(system, 0);
  OwnedVec x;
  NOPAL_PETSC(VecDuplicate(b, x.receive()));
  const auto iterations = [&](bool guess) {
    nopal::PetscOwner<SNES, SNESDestroy> snes;
    NOPAL_PETSC(SNESCreate(PETSC_COMM_WORLD, snes.receive()));
    Nonlinear data{&system, b};
    NOPAL_PETSC(SNESSetDM(snes, system.dm));
    NOPAL_PETSC(SNESSetFunction(snes, nullptr, residual, &data));
    NOPAL_PETSC(SNESSetJacobian(snes, system.matrix, system.matrix, jacobian, &data));
    NOPAL_PETSC(
        SNESSetTolerances(snes, 1e-2, 1e-8, NOPAL_PETSC_KEEP, NOPAL_PETSC_KEEP, NOPAL_PETSC_KEEP));
    if (guess) NOPAL_PETSC(SNESNopalSetInitialGuess(snes, file.c_str()));
    NOPAL_PETSC(SNESSolve(snes, nullptr, x));
    PetscInt count = 0;
    NOPAL_PETSC(SNESGetIterationNumber(snes, &count));
    return count;
  };
  NOPAL_PETSC(VecCopy(b, x));
  EXPECT_EQ(iterations(false), 1);
  NOPAL_PETSC(VecCopy(b, x));
  EXPECT_EQ(iterations(true), 0);
  // Now x is the solution, and S(x) is not.
  EXPECT_EQ(iterations(true), 0);
}

// Backward Euler for u' = -A u: S = (I + dt A)^-1, up to a factor.
TEST(TsGuess, SolvesTheStep) {
  const ScratchFolder folder(Communicator::world());
  constexpr double dt = 0.5;
  const std::string file = save_inverse(folder / "step", 1 / dt, 1 / dt);
  const LinearSystem system = poisson();
  nopal::OwnedMat minus;
  NOPAL_PETSC(MatDuplicate(system.matrix, MAT_COPY_VALUES, minus.receive()));
  NOPAL_PETSC(MatScale(minus, -1));
  const auto residual_at_first = [&](bool guess) {
    nopal::OwnedTS ts;
    NOPAL_PETSC(TSCreate(PETSC_COMM_WORLD, ts.receive()));
    NOPAL_PETSC(TSSetDM(ts, system.dm));
    NOPAL_PETSC(TSSetProblemType(ts, TS_NONLINEAR));
    NOPAL_PETSC(TSSetRHSFunction(ts, nullptr, TSComputeRHSFunctionLinear, nullptr));
    NOPAL_PETSC(TSSetRHSJacobian(ts, minus, minus, TSComputeRHSJacobianConstant, nullptr));
    NOPAL_PETSC(TSSetType(ts, TSBEULER));
    NOPAL_PETSC(TSSetTimeStep(ts, dt));
    NOPAL_PETSC(TSSetMaxSteps(ts, 3));
    NOPAL_PETSC(TSSetExactFinalTime(ts, TS_EXACTFINALTIME_STEPOVER));
    SNES snes = nullptr;
    NOPAL_PETSC(TSGetSNES(ts, &snes));
    if (guess) NOPAL_PETSC(TSNopalSetInitialGuess(ts, file.c_str()));
    PetscReal history[50] = {};
    NOPAL_PETSC(SNESSetConvergenceHistory(snes, history, nullptr, 50, PETSC_TRUE));
    OwnedVec u = right_side(system, 0);
    NOPAL_PETSC(TSSolve(ts, u));
    return history[0];
  };
  EXPECT_LT(residual_at_first(true), 1e-4 * residual_at_first(false));
}

// B of a PC, from its action.
double dot_with(PC pc, Vec x, Vec y) {
  OwnedVec z;
  PetscScalar result = 0;
  NOPAL_PETSC(VecDuplicate(x, z.receive()));
  NOPAL_PETSC(PCApply(pc, y, z));
  NOPAL_PETSC(VecDot(x, z, &result));
  return PetscRealPart(result);
}

std::string save_deeponet(const std::string& file) {
  nopal::DeepONetOptions o;
  o.sensors = {points};
  o.dimension = 2;
  o.branch = {8, 12};
  o.trunk = {16, 12};
  o.trunk_activation = "tanh";
  nopal::Model<float>(std::make_unique<nopal::DeepONet<float>>(o, 1))
      .save(file, Communicator::world());
  return file;
}

TEST(Subspace, IsSymmetricPositiveAndExactOnTheSpace) {
  const ScratchFolder folder(Communicator::world());
  const LinearSystem system = poisson();
  for (const std::string& file :
       {save_deeponet(folder / "deeponet"), save_inverse(folder / "inverse")}) {
    const ScopedOptions options{{"-pc_nopal_model", file}, {"-pc_nopal_vectors", "6"}};
    const nopal::OwnedKSP ksp = make_solver(system, "nopal");
    NOPAL_PETSC(KSPSetUp(ksp));
    PC pc = nullptr;
    NOPAL_PETSC(KSPGetPC(ksp, &pc));
    const OwnedVec x = right_side(system, 0.3), y = right_side(system, 2);
    EXPECT_NEAR(dot_with(pc, x, y), dot_with(pc, y, x), 1e-9 * std::abs(dot_with(pc, x, x)));
    EXPECT_GT(dot_with(pc, x, x), 0);
    // With r = A w, w of the space: B r = w.
    std::vector<OwnedVec> columns;
    if (file == folder / "deeponet") {
      const auto model = nopal::Model<float>::load(file, Communicator::world());
      columns = trunk_vectors(dynamic_cast<const nopal::DeepONet<float>&>(model.op()),
                              nopal::grid_points(system.dm), x);
    } else {
      nopal::FieldMap map(file, nopal::grid_of(system.dm));
      columns = response_vectors(map, 12, 1, x);
    }
    const std::vector<OwnedVec> space = leading_vectors(columns, 6);
    EXPECT_EQ(space.size(), 6);
    OwnedVec r, z;
    NOPAL_PETSC(VecDuplicate(x, r.receive()));
    NOPAL_PETSC(VecDuplicate(x, z.receive()));
    for (const OwnedVec& w : space) {
      NOPAL_PETSC(MatMult(system.matrix, w, r));
      NOPAL_PETSC(PCApply(pc, r, z));
      NOPAL_PETSC(VecAXPY(z, -1, w));
      PetscReal error = 1;
      NOPAL_PETSC(VecNorm(z, NORM_2, &error));
      EXPECT_LT(error, 1e-9);
    }
    const Solved with = solve(ksp, system, x);
    const Solved without = solve(make_solver(system, PCJACOBI), system, x);
    EXPECT_LT(with.iterations, without.iterations);
    EXPECT_LT(with.residual, 1.01e-6);
    // The same space as PETSc's deflation takes it.
    const nopal::OwnedMat matrix = columns_of(space);
    PetscInt rows = 0, count = 0;
    NOPAL_PETSC(MatGetSize(matrix, &rows, &count));
    EXPECT_EQ(rows, points);
    EXPECT_EQ(count, 6);
  }
}

// Right-hand sides of three dimensions: after three solves there is nothing new.
TEST(Subspace, PodOfPastSolutions) {
  const LinearSystem system = poisson();
  const ScopedOptions options{{"-pc_nopal_model", "pod"}, {"-pc_nopal_vectors", "5"}};
  const nopal::OwnedKSP ksp = make_solver(system, "nopal");
  std::vector<PetscInt> iterations;
  for (int k = 0; k < 5; ++k) {
    const OwnedVec b = right_side(system, 0);
    for (int j = 1; j < 3; ++j) {
      const OwnedVec more = right_side(system, j);
      NOPAL_PETSC(VecAXPY(b, std::sin(1.0 + 5 * k + 3 * j), more));
    }
    const Solved s = solve(ksp, system, b);
    EXPECT_LT(s.residual, 1.01e-6);
    iterations.push_back(s.iterations);
  }
  EXPECT_GT(iterations[0], 10);
  EXPECT_LE(iterations[3], 3);
  EXPECT_LE(iterations[4], 3);
}

TEST(Subspace, BadInputIsRefused) {
  const ScratchFolder folder(Communicator::world());
  const auto contains = [](const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  const std::string file = save_deeponet(folder / "deeponet");
  {
    const LinearSystem system = poisson(-3);  // indefinite
    const ScopedOptions options{{"-pc_nopal_model", file}};
    contains(
        message_of([&] { solve(make_solver(system, "nopal"), system, right_side(system, 0)); }),
        "not positive definite");
  }
  const LinearSystem system = poisson();
  const ScopedOptions options{{"-pc_nopal_model", file}, {"-pc_nopal_vectors", "0"}};
  contains(message_of([&] { solve(make_solver(system, "nopal"), system, right_side(system, 0)); }),
           "at least one vector");
}

}  // namespace
