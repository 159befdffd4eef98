// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// A sequence of systems whose coefficient changes from step to step, as in a simulation
//
// Sample runs:  time_stepping_sequence
//               mpiexec -n 2 time_stepping_sequence -points 513 -steps 50
//               time_stepping_sequence -model models/multigrid2d.safetensors -other gamg
//
// Description:  In each time step a simulation solves -div(k grad p) = b with the k of that moment,
//               here exp of moving waves, contrast 1e4. The matrix is new each time, so a
//               preconditioner has to be set up anew, and a costly set-up counts as much as the
//               iterations. The program solves all steps with nopal and with another preconditioner
//               of PETSc, and prints iterations and seconds of both.
//
// See also:     nopal bench solve -cases lognormal2d -sequence 50.

#include <nopal/solvers/plugin/pc_nopal.h>
#include <nopal/core/random.hpp>
#include <nopal/core/runtime.hpp>
#include <nopal/solvers/options.hpp>
#include <nopal/solvers/problems/linear_systems.hpp>

#include <chrono>
#include <cstdio>

namespace {

struct Work {
  long iterations = 0;
  double seconds = 0;
};

// Conjugate gradients whose solver lives through all steps.
class Solver {
 public:
  Solver(const std::string& type, const std::string& model) {
    NOPAL_PETSC(KSPCreate(PETSC_COMM_WORLD, ksp_.receive()));
    NOPAL_PETSC(KSPSetType(ksp_, KSPCG));
    NOPAL_PETSC(KSPSetNormType(ksp_, KSP_NORM_UNPRECONDITIONED));
    NOPAL_PETSC(KSPSetTolerances(ksp_, 1e-8, NOPAL_PETSC_KEEP, NOPAL_PETSC_KEEP, 500));
    PC pc = nullptr;
    NOPAL_PETSC(KSPGetPC(ksp_, &pc));
    NOPAL_PETSC(PCSetType(pc, type.c_str()));
    NOPAL_PETSC(PCNopalSetModel(pc, model.c_str()));  // of no effect on other types
  }

  void solve(const nopal::LinearSystem& system, Vec b, Vec x) {
    NOPAL_PETSC(KSPSetDM(ksp_, system.dm));
    NOPAL_PETSC(nopal::ksp_ignore_dm(ksp_));
    NOPAL_PETSC(KSPSetOperators(ksp_, system.matrix, system.matrix));
    const auto start = std::chrono::steady_clock::now();
    NOPAL_PETSC(KSPSolve(ksp_, b, x));
    work_.seconds +=
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    PetscInt count = 0;
    NOPAL_PETSC(KSPGetIterationNumber(ksp_, &count));
    work_.iterations += long(count);
  }

  const Work& work() const { return work_; }

 private:
  nopal::OwnedKSP ksp_;
  Work work_;
};

void run(const nopal::Communicator& comm) {
  // 1. Options.
  std::int64_t points = 129, steps = 10;
  std::string model = "chebyshev", other = "hypre";
  const auto own_options = [&](nopal::PetscOptionReader& read) {
    read.integer("points", "an axis", points, 8);
    read.integer("steps", "in time", steps, 1);
    read.text("model", "of nopal: a file, chebyshev or untrained", model);
    read.text("other", "type of PC to compare with", other);
  };
  if (!nopal::read_program_options(comm, "time_stepping_sequence", own_options,
                                   {"pc_", "mg_", "sub_"}))
    return;
  NOPAL_PETSC(nopal_register());

  // 2. The two solvers.
  Solver learned("nopal", model), classical(other, model);

  // 3. Time steps: a new matrix, and both solve with it from a zero guess.
  for (std::int64_t step = 0; step < steps; ++step) {
    nopal::LinearSystemOptions options;
    options.name = "lognormal";
    options.points = points;
    options.time = 0.05 * double(step);
    const nopal::LinearSystem system = nopal::make_linear_system(options, comm);
    nopal::OwnedVec b, x;
    NOPAL_PETSC(MatCreateVecs(system.matrix, x.receive(), b.receive()));
    NOPAL_PETSC(VecSet(b, 1));
    learned.solve(system, b, x);
    classical.solve(system, b, x);
  }

  // 4. What they took.
  if (comm.rank() > 0) return;
  const auto print = [&](const char* name, const Work& work) {
    std::printf("%-8s %4ld iterations in %ld steps, %.3f s\n", name, work.iterations, long(steps),
                work.seconds);
  };
  print("nopal", learned.work());
  print(other.c_str(), classical.work());
}

}  // namespace

int main(int argc, char** argv) {
  nopal::Runtime runtime(argc, argv);
  if (PetscInitialize(&argc, &argv, nullptr, nullptr) != PETSC_SUCCESS) return 1;
  int code = 0;
  try {
    run(nopal::Communicator::world());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "time_stepping_sequence: %s\n", error.what());
    code = 1;
  }
  return PetscFinalize() == PETSC_SUCCESS ? code : 1;
}
