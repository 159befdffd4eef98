// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// A surrogate as initial guess in implicit time steps, beside PETSc's guesses
//
// Sample runs:  guess_time_stepping
//               mpiexec -n 2 guess_time_stepping -steps 50
//               guess_time_stepping -model guess_time_stepping.safetensors -points 128 -jump
//
// Description:  Heat with a source that moves, by backward Euler: each step solves (A + I / dt) u =
//               u_old / dt + f by conjugate gradients with incomplete Cholesky, to 1e-6 of the
//               right-hand side. A multigrid neural operator without activations, a linear map, is
//               trained to solve such systems, for right-hand sides that are random blobs. Applied
//               to the residual of the previous solution, and smoothed by two sweeps of the
//               preconditioner, it gives a guess (KSPGuess nopal); what it misses is again linear
//               in the residual, and left to PETSc's POD guess. Counted are iterations of the
//               solver; a guess of nopal costs two sweeps and the surrogate beside them, which is
//               in the seconds. Writes guess_time_stepping.png: iterations of each step, and the
//               model.
//
// See also:     docs/preconditioner.md, "Initial guesses".

#include <nopal/solvers/plugin/pc_nopal.h>
#include <nopal/core/random.hpp>
#include <nopal/core/runtime.hpp>
#include <nopal/data/dataset.hpp>
#include <nopal/io/figure.hpp>
#include <nopal/operators/model.hpp>
#include <nopal/solvers/bridge/differentiable.hpp>
#include <nopal/solvers/options.hpp>
#include <nopal/solvers/problems/linear_systems.hpp>
#include <nopal/train/direction_loss.hpp>
#include <nopal/train/step_training.hpp>
#include <nopal/train/trainer.hpp>

#include <nlohmann/json.hpp>

#include <chrono>
#include <cmath>
#include <cstdio>

namespace {

// Conjugate gradients with incomplete Cholesky, and options of our own for the guess.
nopal::OwnedKSP make_solver(const nopal::LinearSystem& system, MPI_Comm comm, double tolerance) {
  nopal::OwnedKSP ksp;
  PC pc = nullptr;
  int ranks = 1;
  MPI_Comm_size(comm, &ranks);
  NOPAL_PETSC(KSPCreate(comm, ksp.receive()));
  NOPAL_PETSC(KSPSetOperators(ksp, system.matrix, system.matrix));
  NOPAL_PETSC(KSPSetDM(ksp, system.dm));
  NOPAL_PETSC(nopal::ksp_ignore_dm(ksp));
  NOPAL_PETSC(KSPSetType(ksp, KSPCG));
  NOPAL_PETSC(KSPSetNormType(ksp, KSP_NORM_UNPRECONDITIONED));
  NOPAL_PETSC(KSPSetTolerances(ksp, tolerance, NOPAL_PETSC_KEEP, NOPAL_PETSC_KEEP, 2000));
  NOPAL_PETSC(KSPGetPC(ksp, &pc));
  NOPAL_PETSC(PCSetType(pc, ranks > 1 ? PCBJACOBI : PCICC));
  NOPAL_PETSC(KSPSetErrorIfNotConverged(ksp, PETSC_TRUE));
  return ksp;
}

// Right-hand sides (count, n, n, 1): three blobs of random place, width and sign, mean square 1.
nopal::Tensor<float> random_blobs(std::int64_t n, std::int64_t first, std::int64_t count) {
  std::vector<float> all;
  for (std::int64_t s = first; s < first + count; ++s) {
    const nopal::Random random(11, std::uint64_t(s));
    std::vector<double> values;
    double square = 0;
    for (std::int64_t i = 0; i < n * n; ++i) {
      double sum = 0;
      for (std::uint64_t k = 0; k < 3; ++k) {
        const double dx = (double(i % n) + 0.5) / double(n) - random.uniform(4 * k),
                     dy = (double(i / n) + 0.5) / double(n) - random.uniform(4 * k + 1),
                     width = 0.05 + 0.15 * random.uniform(4 * k + 2);
        sum += random.normal(4 * k + 3) * std::exp(-(dx * dx + dy * dy) / (width * width));
      }
      values.push_back(sum);
      square += sum * sum;
    }
    for (const double value : values)
      all.push_back(float(value * std::sqrt(double(n * n) / square)));
  }
  return nopal::Tensor<float>::from_host({count, n, n, 1}, all);
}

// The solutions of these.
nopal::Tensor<float> solve_all(const nopal::LinearSystem& system, const nopal::Tensor<float>& b) {
  const nopal::OwnedKSP ksp = make_solver(system, PETSC_COMM_SELF, 1e-8);
  return nopal::solve(ksp, nopal::Variable<float>(b)).value();
}

// Trains a surrogate S of right-hand sides on pairs with solutions, by the H1 error; and then on
// the residual |b - a A S(b)| that it leaves with the best factor a, which is what a guess is for.
// The matrix is a layer of that loss. Ranks share the samples of a step.
void train(nopal::Model<float>& model, const nopal::LinearSystemOptions& options,
           std::int64_t samples, std::int64_t epochs, const nopal::Communicator& comm) {
  const nopal::LinearSystem system = make_linear_system(options, nopal::Communicator());
  const auto pairs = [&](std::int64_t first, std::int64_t count) {
    const auto b = random_blobs(options.points, first, count);
    return std::make_shared<nopal::InMemoryDataset<float>>(b, solve_all(system, b), "heat steps");
  };
  nopal::TrainOptions training;
  training.epochs = epochs;
  training.batch = 10;
  training.loss = "h1";
  training.learning_rate = 2e-3;
  training.schedule = "cosine";
  nopal::train(model, {pairs(0, samples), pairs(samples, 40), {}}, training, comm);
}

struct Row {
  std::string name, guess, correction;
  bool previous = false;  // as PETSc's own guess
  long total = 0;
  double seconds = 0;
  nopal::Curve curve;
};

void run_steps(Row& row, const nopal::LinearSystemOptions& options, std::int64_t steps, bool jump,
               const std::string& model, const nopal::Communicator& comm) {
  const nopal::LinearSystem system = make_linear_system(options, comm);
  const nopal::OwnedKSP ksp = make_solver(system, PETSC_COMM_WORLD, 1e-6);
  const auto set = [](const char* name, const std::string& value) {
    NOPAL_PETSC(PetscOptionsSetValue(nullptr, name, value.c_str()));
  };
  // The same as on a command line.
  NOPAL_PETSC(KSPSetOptionsPrefix(ksp, "heat_"));
  if (!row.guess.empty()) set("-heat_ksp_guess_type", row.guess);
  if (row.guess == "nopal") {
    set("-heat_ksp_guess_nopal_model", model);
    set("-heat_ksp_guess_nopal_start", "previous");
    set("-heat_ksp_guess_nopal_rms", "1");
    set("-heat_ksp_guess_nopal_smooth", "2");
    set("-heat_ksp_guess_nopal_correction", row.correction);
  }
  NOPAL_PETSC(KSPSetFromOptions(ksp));
  NOPAL_PETSC(PetscOptionsClearValue(nullptr, "-heat_ksp_guess_type"));
  nopal::OwnedVec u, b;
  NOPAL_PETSC(MatCreateVecs(system.matrix, u.receive(), b.receive()));
  NOPAL_PETSC(VecSet(u, 0));
  row.curve = {row.name, {}, {}};
  for (std::int64_t step = 0; step < steps; ++step) {
    nopal::LinearSystemOptions now = options;
    now.time = jump ? nopal::Random(5, 5).uniform(std::uint64_t(step)) : 0.01 * double(step);
    set_heat_step(now, system.dm, u, b);
    NOPAL_PETSC(KSPSetInitialGuessNonzero(ksp, row.previous ? PETSC_TRUE : PETSC_FALSE));
    const auto start = std::chrono::steady_clock::now();
    NOPAL_PETSC(KSPSolve(ksp, b, u));
    row.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    PetscInt count = 0;
    NOPAL_PETSC(KSPGetIterationNumber(ksp, &count));
    row.total += count;
    row.curve.x.push_back(double(step + 1));
    row.curve.y.push_back(double(count));
  }
}

void run(const nopal::Communicator& comm) {
  const bool speaks = comm.rank() == 0;

  // 1. Options.
  std::int64_t points = 64, steps = 30, samples = 300, epochs = 30;
  bool jump = false;
  std::string model_file, out = "guess_time_stepping.safetensors",
                          picture = "guess_time_stepping.png";
  nopal::LinearSystemOptions options;
  options.name = "heat";
  options.heat_number = 200;
  const auto own_options = [&](nopal::PetscOptionReader& read) {
    read.integer("points", "an axis", points, 16);
    read.integer("steps", "in time", steps, 1);
    read.real("heat_number", "time step over the square of the mesh width", options.heat_number);
    read.integer("samples", "solved pairs of the training", samples, 10);
    read.integer("epochs", "passes over them", epochs, 1);
    read.boolean("jump", "the source jumps from place to place, instead of moving", jump);
    read.text("model", "a trained model; none: train one", model_file);
    read.output("out", "model file to write", out);
    read.output("picture", "iterations of each step (PNG)", picture);
  };
  if (!nopal::read_program_options(comm, "guess_time_stepping", own_options)) return;
  NOPAL_PETSC(nopal_register());
  options.points = points;

  // 2. The surrogate: a linear multigrid neural operator from right-hand side to solution.
  double training_seconds = 0;
  if (model_file.empty()) {
    const auto start = std::chrono::steady_clock::now();
    nopal::Model<float> model(nopal::make_operator<float>("mgno", {{"channels", 12},
                                                                   {"n_layers", 2},
                                                                   {"pre", {1, 1, 1, 1, 1}},
                                                                   {"non_linearity", "identity"}}));
    train(model, options, samples, epochs, comm);
    model.save(out, comm);
    model_file = out;
    training_seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

  // 3. The same time steps with each guess.
  std::vector<Row> rows{
      {"zero", "", "none", false, 0, 0, {}},       {"previous", "", "none", true, 0, 0, {}},
      {"pod", "pod", "none", false, 0, 0, {}},     {"fischer", "fischer", "none", false, 0, 0, {}},
      {"nopal", "nopal", "none", false, 0, 0, {}}, {"nopal, pod", "nopal", "pod", false, 0, 0, {}}};
  for (Row& row : rows)
    run_steps(row, options, steps, jump, model_file, comm);

  // 4. What they took.
  if (!speaks) return;
  std::printf("%ld steps on %ld x %ld points, training %.0f s\n", long(steps), long(points),
              long(points), training_seconds);
  std::vector<nopal::Curve> curves;
  for (const Row& row : rows) {
    std::printf("  %-12s %5ld iterations  %.3f s\n", row.name.c_str(), row.total, row.seconds);
    curves.push_back(row.curve);
  }
  nopal::draw_plot(curves, {"implicit heat steps", "step", "iterations", false, 1000, 620})
      .write_png(picture);
}

}  // namespace

int main(int argc, char** argv) {
  nopal::Runtime runtime(argc, argv);
  if (PetscInitialize(&argc, &argv, nullptr, nullptr) != PETSC_SUCCESS) return 1;
  int code = 0;
  try {
    run(nopal::Communicator::world());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "guess_time_stepping: %s\n", error.what());
    code = 1;
  }
  return PetscFinalize() == PETSC_SUCCESS ? code : 1;
}
