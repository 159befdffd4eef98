// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Waves in a variable medium, learned by a multigrid neural operator on a divided grid
//
// Sample runs:  mgno_helmholtz
//               mpiexec -n 4 mgno_helmholtz
//               mgno_helmholtz -resolution 101 -samples 4000 -epochs 100 -channels 20
//
// Description:  Learns the map from the speed c to the wave u of
//
//                   -Lap u - (omega / c)^2 u = 0 on the unit square,
//
//               driven through the middle of one side, with zero flux through the rest: no value is
//               known anywhere on the boundary. The network's convolutions mirror the field there,
//               as zero flux wants it. Under mpiexec the ranks divide the points of each field
//               among them ("domain parallel"), with the same result. The default is a small
//               relative of the published problem, with as many points a wave but fewer waves.
//               Takes some ten seconds; nothing is written.

#include <nopal/core/runtime.hpp>
#include <nopal/operators/baselines.hpp>
#include <nopal/operators/model.hpp>
#include <nopal/solvers/generate.hpp>
#include <nopal/solvers/options.hpp>
#include <nopal/solvers/problems/helmholtz.hpp>
#include <nopal/train/evaluation.hpp>
#include <nopal/train/trainer.hpp>

#include <nlohmann/json.hpp>

#include <cstdio>

namespace {

// Mean relative L2 error of a predictor that is no Model.
template <class Predictor>
double mean_error(const Predictor& predictor, const nopal::Dataset<float>& data) {
  std::vector<std::int64_t> all;
  for (std::int64_t i = 0; i < data.size(); ++i)
    all.push_back(i);
  const nopal::Shape grid = data.x_shape();
  const nopal::Tensor<float> x({data.size(), grid[0], grid[1], 1}), y(x.shape());
  data.read(all, x, y);
  double sum = 0;
  for (const double error : nopal::relative_l2_errors(predictor.predict(x), y))
    sum += error;
  return sum / double(data.size());
}

void run(const nopal::Communicator& comm) {
  const bool speaks = comm.rank() == 0;

  // 1. Options; omega keeps the published 12.6 points a wave.
  std::int64_t n = 33, samples = 400, epochs = 20, channels = 8;
  const auto own_options = [&](nopal::PetscOptionReader& read) {
    read.integer("resolution", "points an axis", n, 8);
    read.integer("samples", "training samples", samples, 1);
    read.integer("epochs", "passes over the training samples", epochs, 1);
    read.integer("channels", "of the network", channels, 1);
  };
  if (!nopal::read_program_options(comm, "mgno_helmholtz", own_options,
                                   {"helmholtz_ksp_", "helmholtz_pc_"}))
    return;
  nopal::HelmholtzOptions problem_options;
  problem_options.resolution = n;
  problem_options.omega = 10.0 * double(n - 1);

  // 2. Data for training, for choosing the best epoch, and for the table.
  nopal::Helmholtz problem(problem_options);
  const std::int64_t tests = 50;
  const auto make = [&](std::int64_t first, std::int64_t count) {
    return nopal::generate_in_memory<float>(problem, {count, 0, first, 0}, comm);
  };
  const auto training = make(0, samples);
  const auto validation = make(samples, tests);
  const auto test = make(samples + tests, tests);

  // 3. The network: on four levels, with a layer norm after each cycle, mirrored boundaries.
  //    Normalisers by point: the wave is large where it enters.
  const nlohmann::json configuration = {{"channels", channels}, {"n_layers", 3},
                                        {"pre", {1, 1, 1, 2}},  {"boundary", {"reflect"}},
                                        {"bias", true},         {"layer_norm", "layer_norm"}};
  const auto by_point = nopal::NormaliserFit<float>::Kind::point;
  nopal::Model<float> model(nopal::make_operator<float>("mgno", configuration),
                            nopal::fit_inputs(*training, by_point),
                            nopal::fit_outputs(*training, by_point));

  // 4. Training, all ranks at the same samples.
  nopal::TrainOptions options;
  options.epochs = epochs;
  options.batch = 10;
  options.space_ranks = comm.size();
  options.loss = "h1";
  options.boundary = nopal::Boundary::one_sided;
  options.learning_rate = 3e-3;
  options.schedule = "onecycle";
  nopal::train<float>(model, {training, validation, {}}, options, comm);

  // 5. Judge, beside what costs nothing: the mean wave, and the best linear map.
  const nopal::RankGroups groups(comm, comm.size());
  const auto error = nopal::evaluate<float>(model, test, 10, groups, options.boundary);
  const nopal::LinearBaseline<float> linear(*training);
  const nopal::MeanField<float> mean(*training);
  if (!speaks) return;
  std::printf("relative L2 errors on %ld x %ld points, %ld new samples\n", long(n), long(n),
              long(tests));
  std::printf("mgno            %.4f (%ld parameters)\n", error.relative_l2,
              long(nopal::count(model.op().parameters())));
  std::printf("linear baseline %.4f (rank %ld)\n", mean_error(linear, *test), long(linear.rank()));
  std::printf("mean field      %.4f\n", mean_error(mean, *test));
}

}  // namespace

int main(int argc, char** argv) {
  nopal::Runtime runtime(argc, argv);
  if (PetscInitialize(&argc, &argv, nullptr, nullptr) != PETSC_SUCCESS) return 1;
  int code = 0;
  try {
    run(nopal::Communicator::world());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "mgno_helmholtz: %s\n", error.what());
    code = 1;
  }
  return PetscFinalize() == PETSC_SUCCESS ? code : 1;
}
