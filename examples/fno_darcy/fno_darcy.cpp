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

struct Samples {
  nopal::Tensor<float> x, y;  // (count, n, n, 1)

  std::shared_ptr<const nopal::Dataset<float>> dataset() const {
    return std::make_shared<nopal::InMemoryDataset<float>>(x, y, "Darcy flow");
  }
};

// Samples first, ..., first + count - 1 on n x n points, drawn and solved on N x N cells.
Samples make_samples(nopal::DarcyOptions options, std::int64_t n, std::int64_t N,
                     std::int64_t first, std::int64_t count, const nopal::Communicator& comm) {
  options.resolution = n;
  options.solve_refine = N / n;
  nopal::Darcy problem(options);
  const Samples samples{nopal::Tensor<float>::zeros({count, n, n, 1}),
                        nopal::Tensor<float>::zeros({count, n, n, 1})};
  nopal::GenerateOptions which;
  which.samples = count;
  which.first = first;
  which.progress_seconds = 0;
  nopal::generate<float>(
      problem, which,
      [&](std::int64_t at, const nopal::Tensor<float>& a, const nopal::Tensor<float>& u) {
        samples.x.slice(at, a.extent(0)).copy_from(a);
        samples.y.slice(at, u.extent(0)).copy_from(u);
      },
      comm);
  // Each rank made a part and left the rest 0; the sum gives every rank all samples.
  comm.sum(samples.x);
  comm.sum(samples.y);
  return samples;
}

void run(const nopal::Communicator& comm) {
  const bool speaks = comm.rank() == 0;

  // 1. Options: our own, and those of the problem (-darcy_coefficient and so on, see -help).
  std::int64_t n = 32, samples = 200, epochs = 25;
  std::string path = "fno_darcy.safetensors";
  nopal::read_options(comm, "", "fno_darcy", [&](nopal::PetscOptionReader& read) {
    read.integer("resolution", "points an axis in training", n);
    read.integer("samples", "training samples", samples);
    read.integer("epochs", "passes over the training samples", epochs);
    read.text("out", "model file to write", path);
  });
  const auto darcy = nopal::DarcyOptions::read(comm);

  // 2. Data: training samples, and new ones on the same and on twice as many points an axis. All
  //    are solved on the finer grid, so that both test sets show the same fields.
  const std::int64_t tests = 40;
  const Samples training = make_samples(darcy, n, 2 * n, 0, samples, comm);
  const Samples test = make_samples(darcy, n, 2 * n, samples, tests, comm);
  const Samples fine = make_samples(darcy, 2 * n, 2 * n, samples, tests, comm);

  // 3. A model: normalisers fitted on the training data, and a Fourier neural operator.
  nopal::NormaliserFit<float> input, output;
  input.add(training.x);
  output.add(training.y);
  const nlohmann::json configuration = {
      {"n_modes", {12, 12}}, {"hidden_channels", 16}, {"n_layers", 3}};
  nopal::Model<float> model(nopal::make_operator<float>("fno", configuration), input.finish(),
                            output.finish());

  // 4. Training: AdamW on the relative L2 error, the learning rate following a cosine.
  nopal::TrainOptions options;
  options.epochs = epochs;
  options.batch = 20;
  options.learning_rate = 5e-3;
  options.schedule = "cosine";
  options.progress = [&](const std::string& line) {
    if (speaks) std::printf("%s\n", line.c_str());
  };
  nopal::train(model, {training.dataset(), nullptr, {}}, options, comm);

  // 5. Save, and use what was saved.
  model.save(path, comm);
  const auto loaded = nopal::Model<float>::load(path, comm);

  // 6. Judge.
  const auto coarse_error = nopal::evaluate(loaded, *test.dataset(), 20, comm);
  const auto fine_error = nopal::evaluate(loaded, *fine.dataset(), 20, comm);
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
