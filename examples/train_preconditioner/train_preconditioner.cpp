// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// A preconditioner trained in seconds on small matrices, and used on a large one
//
// Sample runs:  train_preconditioner
//               mpiexec -n 2 train_preconditioner
//               train_preconditioner -points 1025 -kind jumps -steps 2000
//
// Description:  Conjugate gradients for -div(k grad u) = b on the unit square, u = 0 on its
// boundary,
//               preconditioned by a multigrid cycle whose smoothers come from a small network. The
//               network is trained on random matrices of at most 32 x 32 points, without solutions:
//               cycles shall reduce random errors. It is then used on a grid it has not seen, with
//               a coefficient it has not seen, beside the cycle with damped Jacobi smoothers
//               ("untrained"). Writes train_preconditioner.safetensors, the model, which any PETSc
//               program can use: -pc_type nopal -pc_nopal_model train_preconditioner.safetensors.
//
// See also:     docs/preconditioner.md.

#include <nopal/solvers/plugin/pc_nopal.h>
#include <nopal/core/random.hpp>
#include <nopal/core/runtime.hpp>
#include <nopal/operators/model.hpp>
#include <nopal/solvers/options.hpp>
#include <nopal/solvers/problems/linear_systems.hpp>
#include <nopal/train/multigrid_training.hpp>

#include <cstdio>

namespace {

// Iterations of conjugate gradients to 1e-8 in the true residual.
long iterations(const nopal::LinearSystem& system, const std::string& model) {
  nopal::OwnedVec b, x;
  NOPAL_PETSC(MatCreateVecs(system.matrix, x.receive(), b.receive()));
  NOPAL_PETSC(VecSet(b, 1));
  nopal::OwnedKSP ksp;
  NOPAL_PETSC(KSPCreate(PETSC_COMM_WORLD, ksp.receive()));
  NOPAL_PETSC(KSPSetOperators(ksp, system.matrix, system.matrix));
  NOPAL_PETSC(KSPSetDM(ksp, system.dm));
  NOPAL_PETSC(nopal::ksp_ignore_dm(ksp));
  NOPAL_PETSC(KSPSetType(ksp, KSPCG));
  NOPAL_PETSC(KSPSetNormType(ksp, KSP_NORM_UNPRECONDITIONED));
  NOPAL_PETSC(KSPSetTolerances(ksp, 1e-8, NOPAL_PETSC_KEEP, NOPAL_PETSC_KEEP, 500));
  PC pc = nullptr;
  NOPAL_PETSC(KSPGetPC(ksp, &pc));
  NOPAL_PETSC(PCSetType(pc, "nopal"));
  NOPAL_PETSC(PCNopalSetModel(pc, model.c_str()));
  NOPAL_PETSC(KSPSolve(ksp, b, x));
  PetscInt count = 0;
  NOPAL_PETSC(KSPGetIterationNumber(ksp, &count));
  return long(count);
}

void run(const nopal::Communicator& comm) {
  const bool speaks = comm.rank() == 0;

  // 1. Options.
  std::int64_t steps = 300, points = 257;
  std::string kind = "lognormal", path = "train_preconditioner.safetensors";
  const auto own_options = [&](nopal::PetscOptionReader& read) {
    read.integer("steps", "of training", steps, 1);
    read.integer("points", "an axis of the grid that is solved on", points, 8);
    read.text("kind", "poisson, lognormal or jumps", kind);
    read.output("out", "model file to write", path);
  };
  if (!nopal::read_program_options(comm, "train_preconditioner", own_options)) return;
  NOPAL_PETSC(nopal_register());

  // 2. A network that turns the couplings of a grid point to the smoother there. It begins as a
  //    Chebyshev polynomial, already a good one.
  auto op = std::make_unique<nopal::LearnedMultigrid<float>>(nopal::LearnedMultigridOptions{});
  nopal::LearnedMultigrid<float>& multigrid = *op;
  nopal::Model<float> model(std::move(op));

  // 3. Training on matrices of all kinds, the ranks sharing the work.
  nopal::MultigridTrainOptions options;
  options.steps = steps;
  options.validation_interval = 100;
  options.progress = [](const std::string& line) { std::printf("%s\n", line.c_str()); };
  const auto result = nopal::train_multigrid(multigrid, options, comm);
  model.save(path, comm);
  if (speaks)
    std::printf("%ld weights: a cycle leaves %.3f of an error, before training %.3f\n",
                long(nopal::count(multigrid.parameters())), result.rate, result.rate_before);

  // 4. A large system, and conjugate gradients with both.
  nopal::LinearSystemOptions large;
  large.name = kind;
  large.points = points;
  const nopal::LinearSystem system = nopal::make_linear_system(large, comm);
  const long before = iterations(system, "untrained"), after = iterations(system, path);
  if (speaks)
    std::printf("%s on %ld x %ld points: %ld iterations untrained, %ld trained\n", kind.c_str(),
                long(points), long(points), before, after);
}

}  // namespace

int main(int argc, char** argv) {
  nopal::Runtime runtime(argc, argv);
  if (PetscInitialize(&argc, &argv, nullptr, nullptr) != PETSC_SUCCESS) return 1;
  int code = 0;
  try {
    run(nopal::Communicator::world());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "train_preconditioner: %s\n", error.what());
    code = 1;
  }
  return PetscFinalize() == PETSC_SUCCESS ? code : 1;
}
