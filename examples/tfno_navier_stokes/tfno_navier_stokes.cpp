// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Tensorized Fourier neural operators for the Navier-Stokes equations
//
// Sample runs:  tfno_navier_stokes
//               mpiexec -n 2 tfno_navier_stokes
//               tfno_navier_stokes -samples 1000 -epochs 100 -width 32 -resolution 64
//               tfno_navier_stokes -navier_stokes_recipe forced -samples 1000 -epochs 40
//
// Description:  Learns the map from a random force to the vorticity that it has made at time T, of
// a
//               flow on a torus. The weights of a Fourier layer are most of the network's numbers;
//               here they are one dense tensor a layer, or all layers' weights together are a CP, a
//               Tucker or a tensor-train factorization of so many times fewer numbers: Kossaifi,
//               Kovachki, Azizzadenesheli, Anandkumar, TMLR 2024. Last, the trained dense weights
//               are put into factors by a singular value decomposition, and trained on. The table
//               has errors on new flows, on the grid of the training and on twice as many points an
//               axis, beside the best linear map. Takes about a minute.
//
// See also:     nopal train -model fno -fno_factorization tucker, nopal compress.

#include <nopal/core/allocator.hpp>
#include <nopal/core/runtime.hpp>
#include <nopal/io/figure.hpp>
#include <nopal/operators/baselines.hpp>
#include <nopal/operators/compression.hpp>
#include <nopal/solvers/generate.hpp>
#include <nopal/solvers/options.hpp>
#include <nopal/solvers/problems/navier_stokes.hpp>
#include <nopal/train/evaluation.hpp>
#include <nopal/train/trainer.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>

namespace {

using nlohmann::json;
using Model = nopal::Model<float>;
using Data = std::shared_ptr<const nopal::InMemoryDataset<float>>;

struct Row {
  std::string name;
  double numbers = 0, share = 0;  // of the Fourier layers' weights, to those that are dense
  double error = 0, fine = 0, seconds = 0, megabytes = 0;
};

// Flows first, ..., first + count - 1 on n x n points, solved on `refine` times as many.
Data flows(nopal::NavierStokesOptions options, std::int64_t n, std::int64_t refine,
           std::int64_t first, std::int64_t count, const nopal::Communicator& comm) {
  options.resolution = n;
  options.solve_refine = refine;
  nopal::NavierStokes problem(options);
  return nopal::generate_in_memory<float>(problem, {count, 0, first, 10}, comm);
}

double spectral_numbers(const Model& model) {
  double sum = 0;
  for (const auto* parameter : model.op().parameters())
    if (parameter->name.find("spectral.weight") != std::string::npos)
      sum += static_cast<double>(parameter->value().size());
  return sum;
}

void run(const nopal::Communicator& comm) {
  // 1. Options, those of the flow among them.
  auto flow = nopal::NavierStokesOptions::read(comm);
  std::int64_t n = 32, samples = 100, epochs = 15, width = 12, modes = 16;
  double rate = 5e-3;
  std::string path = "tfno_navier_stokes";
  const auto own_options = [&](nopal::PetscOptionReader& read) {
    read.integer("resolution", "points an axis in training", n, 16);
    read.integer("samples", "training flows", samples, 10);
    read.integer("epochs", "passes over them", epochs, 1);
    read.integer("width", "channels within the networks", width, 1);
    read.integer("modes", "of the Fourier layers, an axis", modes, 2);
    read.real("learning_rate", "largest step size", rate);
    read.output("out", "picture to write, without ending", path, ".png");
  };
  if (!nopal::read_program_options(comm, "tfno_navier_stokes", own_options)) return;

  // 2. Data: flows for training, others to choose the best epoch, and new ones for the test on n
  //    and on 2 n points an axis, all solved on the same grid.
  const std::int64_t tests = std::max<std::int64_t>(20, samples / 5);
  const Data training = flows(flow, n, 2, 0, samples, comm),
             validation = flows(flow, n, 2, samples, tests, comm),
             test = flows(flow, n, 2, samples + tests, tests, comm),
             fine = flows(flow, 2 * n, 1, samples + tests, tests, comm);

  // 3. Training, the same for all.
  const auto fit = [&](Model& model, std::int64_t passes) {
    nopal::TrainOptions options;
    options.epochs = passes;
    options.batch = 10;
    options.learning_rate = rate;
    options.schedule = "cosine";
    options.optimizer_options = {{"weight_decay", 1e-4}};
    nopal::train(model, {training, validation, {}}, options, comm);
  };
  std::vector<Row> rows;
  double dense_numbers = 0;
  const auto judge = [&](const std::string& name, const Model& model, double seconds) {
    const double numbers = spectral_numbers(model);
    if (rows.empty()) dense_numbers = numbers;
    rows.push_back(
        {name, static_cast<double>(nopal::count(model.op().parameters())), numbers / dense_numbers,
         nopal::evaluate(model, *test, 10, comm).relative_l2,
         nopal::evaluate(model, *fine, 10, comm).relative_l2, seconds,
         static_cast<double>(comm.max(double(nopal::memory_statistics().peak_in_use))) / 1e6});
  };

  // 4. Networks that differ in the form of their weights only.
  struct Form {
    const char *name, *factorization;
    double rank;
  };
  std::vector<Model> models;
  for (const Form& form :
       {Form{"dense", "dense", 1}, Form{"Tucker, 10 times less", "tucker", 0.1},
        Form{"Tucker, 100 times less", "tucker", 0.01}, Form{"CP, 100 times less", "cp", 0.01},
        Form{"tensor train, 100 times less", "tt", 0.01}}) {
    const bool dense = form.factorization == std::string("dense");
    json options{{"n_modes", {modes, modes}},
                 {"hidden_channels", width},
                 {"factorization", form.factorization},
                 {"rank", form.rank},
                 {"joint_factorization", !dense}};
    // First weights as large as the dense ones': the published 1 / channels^2 begins more slowly.
    if (!dense) options["spectral_init_std"] = 0.05;
    Model& model = models.emplace_back(nopal::make_operator<float>("fno", options),
                                       nopal::fit_inputs(*training), nopal::fit_outputs(*training));
    nopal::reset_peak_memory();
    const double begin = MPI_Wtime();
    fit(model, epochs);
    judge(form.name, model, (MPI_Wtime() - begin) / static_cast<double>(epochs));
  }

  // 5. The dense network's weights put into the factors of the second one: before and after
  //    training on for half as long.
  std::vector<double> errors;
  Model small = nopal::compressed(models[0], {"tucker", 0.1, true}, &errors);
  judge("dense into Tucker, 10 times less", small, 0);
  nopal::reset_peak_memory();
  const double begin = MPI_Wtime();
  const std::int64_t half = std::max<std::int64_t>(1, epochs / 2);
  fit(small, half);
  judge("  and trained on", small, (MPI_Wtime() - begin) / static_cast<double>(half));

  // 6. The best linear map, and the table.
  const nopal::LinearBaseline<float> linear(*training);
  const auto linear_errors =
      nopal::sample_errors<float>([&](const nopal::Tensor<float>& x) { return linear.predict(x); },
                                  *test, 10, nopal::Boundary::periodic, nopal::RankGroups(comm));
  double linear_error = 0;
  for (const double error : linear_errors.l2)
    linear_error += error / static_cast<double>(linear_errors.l2.size());
  if (comm.rank() > 0) return;
  std::printf(
      "%ld flows on %ld x %ld points, %ld epochs, %ld test flows\n%-34s %9s %9s %9s %10s %7s %7s\n",
      long(samples), long(n), long(n), long(epochs), long(tests), "relative L2 error, %", "numbers",
      "spectral", "error", "2x points", "s/epoch", "MB");
  for (const Row& row : rows)
    std::printf("%-34s %9.0f %9.4f %9.3f %10.3f %7.2f %7.1f\n", row.name.c_str(), row.numbers,
                row.share, 100 * row.error, 100 * row.fine, row.seconds, row.megabytes);
  std::printf("%-34s %9s %9s %9.3f\n", "linear map", "", "", 100 * linear_error);

  // 7. A test flow on the finer grid.
  const nopal::Tensor<float> x(fine->x_shape()), y(fine->y_shape());
  const auto one = [](const nopal::Tensor<float>& field) {
    return field.reshape({1, field.extent(0), field.extent(1), field.extent(2)});
  };
  fine->read(std::vector<std::int64_t>{0}, one(x), one(y));
  const auto predicted = models[2].predict(one(x)).reshape(y.shape());
  const auto wrong = predicted.clone();
  nopal::axpy(-1.0F, y, wrong);
  nopal::draw_panels(
      {nopal::make_panel("force", x, nopal::ColorMap::diverging),
       nopal::make_panel("vorticity at T", y, nopal::ColorMap::diverging),
       nopal::make_panel("Tucker, 100 times less", predicted, nopal::ColorMap::diverging),
       nopal::make_panel("its error", wrong, nopal::ColorMap::diverging)},
      "A flow that was not trained on, on twice as many points an axis")
      .write_png(path + ".png");
  std::printf("picture: %s.png\n", path.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  nopal::Runtime runtime(argc, argv);
  if (PetscInitialize(&argc, &argv, nullptr, nullptr) != PETSC_SUCCESS) return 1;
  int code = 0;
  try {
    run(nopal::Communicator::world());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tfno_navier_stokes: %s\n", error.what());
    code = 1;
  }
  return PetscFinalize() == PETSC_SUCCESS ? code : 1;
}
