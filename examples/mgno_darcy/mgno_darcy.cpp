// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// A multigrid neural operator beside a Fourier neural operator of as many parameters
//
// Sample runs:  mgno_darcy
//               mpiexec -n 2 mgno_darcy
//               mgno_darcy -resolution 64 -samples 1000 -epochs 100
//
// Description:  Learns the map from a to u of
//
//                   -div(a grad u) = 1 on the unit square, u = 0 on its boundary,
//
//               for coefficients a that jump between 2 and 12 along rough lines ("Darcy rough" of
//               the MgNO paper), by both networks, trained alike. The table shows what each is good
//               at: the multigrid network is more accurate on the grid that it was trained on,
//               whose spacing its stencils belong to; the Fourier network carries over to twice as
//               many points an axis. Takes some ten seconds; nothing is written.
//
// See also:     docs/benchmarks.md, "Darcy rough": the same comparison with larger networks and ten
//               times the training, by benchmarks/darcy_rough.

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
auto make_samples(std::int64_t n, std::int64_t refine, std::int64_t first, std::int64_t count,
                  const nopal::Communicator& comm) {
  auto options = nopal::DarcyOptions::rough();
  options.resolution = n;
  options.solve_refine = refine;
  nopal::Darcy problem(options);
  return nopal::generate_in_memory<float>(problem, {count, 0, first, 0}, comm);
}

void run(const nopal::Communicator& comm) {
  const bool speaks = comm.rank() == 0;

  // 1. Options.
  std::int64_t n = 32, samples = 200, epochs = 20;
  const auto own_options = [&](nopal::PetscOptionReader& read) {
    read.integer("resolution", "points an axis in training", n, 8);
    read.integer("samples", "training samples", samples, 1);
    read.integer("epochs", "passes over the training samples", epochs, 1);
  };
  if (!nopal::read_program_options(comm, "mgno_darcy", own_options, {"darcy_ksp_", "darcy_pc_"}))
    return;

  // 2. Data: for training, for choosing the best epoch, and for the table; the last also on twice
  //    as many points an axis.
  const std::int64_t tests = 40;
  const auto training = make_samples(n, 2, 0, samples, comm);
  const auto validation = make_samples(n, 2, samples, tests, comm);
  const auto test = make_samples(n, 2, samples + tests, tests, comm);
  const auto fine = make_samples(2 * n, 1, samples + tests, tests, comm);

  // 3. Two networks of about 95,000 parameters. The multigrid one has 12 channels and four levels;
  //    what lies beyond the boundary is 0, as u is there.
  const nlohmann::json mgno = {
      {"channels", 12}, {"n_layers", 4}, {"pre", {1, 1, 1, 2}}, {"boundary", {"zero"}}};
  const nlohmann::json fno = {{"n_modes", {10, 10}}, {"hidden_channels", 14}, {"n_layers", 4}};

  // 4. The same training for both: the published recipe, shortened.
  nopal::TrainOptions options;
  options.epochs = epochs;
  options.batch = 8;
  options.loss = "h1";
  options.boundary = nopal::Boundary::one_sided;
  options.learning_rate = 2e-3;
  options.schedule = "onecycle";
  options.schedule_options = {{"pct_start", 0.2}, {"div_factor", 2}, {"final_div_factor", 100}};

  // 5. Train, judge, and print. The multigrid network warns of the finer grid.
  std::vector<std::string> table{"relative L2 errors, and seconds of an epoch"};
  for (const auto& [name, configuration] : {std::pair("mgno", mgno), std::pair("fno", fno)}) {
    nopal::Model<float> model(nopal::make_operator<float>(name, configuration),
                              nopal::fit_inputs(*training), nopal::fit_outputs(*training));
    const auto result = nopal::train<float>(model, {training, validation, {}}, options, comm);
    const auto here = nopal::evaluate(model, *test, 20, comm);
    const auto there = nopal::evaluate(model, *fine, 20, comm);
    char line[200];
    std::snprintf(line, sizeof line,
                  "%-5s %7ld parameters   %ld x %ld: %.4f   %ld x %ld: %.4f   %.2f s", name,
                  long(nopal::count(model.op().parameters())), long(n), long(n), here.relative_l2,
                  long(2 * n), long(2 * n), there.relative_l2,
                  result.history.last("seconds") / double(result.epochs));
    table.emplace_back(line);
  }
  for (const std::string& line : table)
    if (speaks) std::printf("%s\n", line.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  nopal::Runtime runtime(argc, argv);
  if (PetscInitialize(&argc, &argv, nullptr, nullptr) != PETSC_SUCCESS) return 1;
  int code = 0;
  try {
    run(nopal::Communicator::world());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "mgno_darcy: %s\n", error.what());
    code = 1;
  }
  return PetscFinalize() == PETSC_SUCCESS ? code : 1;
}
