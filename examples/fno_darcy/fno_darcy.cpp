// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// A Fourier neural operator for Darcy flow, from the PDE solver to the trained model
//
// Sample runs:  fno_darcy
//               mpiexec -n 2 fno_darcy
//               fno_darcy -samples 500 -epochs 60 -darcy_coefficient lognormal
//               fno_darcy -resolution 64 -out darcy64.safetensors
//
// Description:  Learns the map from a to u of
//
//                   -div(a grad u) = 1 on the unit square, u = 0 on its boundary,
//
//               where a takes two values, split by the zero line of a random field. PETSc solves
//               the equation for the training pairs; the network sees them on n x n points; the
//               trained model is saved, loaded, and judged on new samples at n x n and, without
//               retraining, at 2n x 2n points. Takes a few
//               seconds; nothing but the model is written.
//
// See also:     examples/evaluate_model, which uses the saved model without PETSc.

#include <nopal/core/runtime.hpp>
#include <nopal/operators/model.hpp>
#include <nopal/solvers/generate.hpp>
#include <nopal/solvers/options.hpp>
#include <nopal/solvers/problems/darcy.hpp>
#include <nopal/train/evaluation.hpp>
#include <nopal/train/trainer.hpp>

#include <nlohmann/json.hpp>

#include <cstdio>

namespace {

// Samples first, ..., first + count - 1 on n x n points, drawn and solved on `refine` times as many
// cells an axis.
auto make_samples(nopal::DarcyOptions options, std::int64_t n, std::int64_t refine,
                  std::int64_t first, std::int64_t count, const nopal::Communicator& comm) {
  options.resolution = n;
  options.solve_refine = refine;
  nopal::Darcy problem(options);
  return nopal::generate_in_memory<float>(problem, {count, 0, first, 0}, comm);
}

void run(const nopal::Communicator& comm) {
  const bool speaks = comm.rank() == 0;

  // 1. Options: our own, and those of the problem (-darcy_coefficient and so on, see -help).
  std::int64_t n = 32, samples = 200, epochs = 25;
  std::string path = "fno_darcy.safetensors";
  const auto own_options = [&](nopal::PetscOptionReader& read) {
    read.integer("resolution", "points an axis in training", n, 8);
    read.integer("samples", "training samples", samples, 1);
    read.integer("epochs", "passes over the training samples", epochs, 1);
    read.output("out", "model file to write", path);
  };
  const auto darcy = nopal::DarcyOptions::read(comm);
  if (!nopal::read_program_options(comm, "fno_darcy", own_options, {"darcy_ksp_", "darcy_pc_"}))
    return;

  // 2. Data: training samples, and new ones on the same and on twice as many points an axis. All
  //    are solved on the finer grid, so that both test sets show the same fields.
  const std::int64_t tests = 40;
  const auto training = make_samples(darcy, n, 2, 0, samples, comm);
  const auto test = make_samples(darcy, n, 2, samples, tests, comm);
  const auto fine = make_samples(darcy, 2 * n, 1, samples, tests, comm);

  // 3. A model: normalisers fitted on the training data, and a Fourier neural operator.
  const nlohmann::json configuration = {
      {"n_modes", {12, 12}}, {"hidden_channels", 16}, {"n_layers", 3}};
  nopal::Model<float> model(nopal::make_operator<float>("fno", configuration),
                            nopal::fit_inputs(*training), nopal::fit_outputs(*training));

  // 4. Training: AdamW on the relative L2 error, the learning rate following a cosine.
  nopal::TrainOptions options;
  options.epochs = epochs;
  options.batch = 20;
  options.learning_rate = 5e-3;
  options.schedule = "cosine";
  nopal::train(model, {training, nullptr, {}}, options, comm);

  // 5. Save, and use what was saved.
  model.save(path, comm);
  const auto loaded = nopal::Model<float>::load(path, comm);

  // 6. Judge.
  const auto coarse_error = nopal::evaluate(loaded, *test, 20, comm);
  const auto fine_error = nopal::evaluate(loaded, *fine, 20, comm);
  if (!speaks) return;
  std::printf("relative L2 error on %ld x %ld points: %.4f\n", long(n), long(n),
              coarse_error.relative_l2);
  std::printf("relative L2 error on %ld x %ld points: %.4f (not trained at this resolution)\n",
              long(2 * n), long(2 * n), fine_error.relative_l2);
  std::printf("model: %s\n", path.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  nopal::Runtime runtime(argc, argv);
  if (PetscInitialize(&argc, &argv, nullptr, nullptr) != PETSC_SUCCESS) return 1;
  int code = 0;
  try {
    run(nopal::Communicator::world());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "fno_darcy: %s\n", error.what());
    code = 1;
  }
  return PetscFinalize() == PETSC_SUCCESS ? code : 1;
}
