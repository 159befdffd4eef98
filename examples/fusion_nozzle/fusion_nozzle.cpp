// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Flow through converging-diverging nozzles: five variables as functions of the shape
//
// Sample runs:  fusion_nozzle -nozzle_cells 32 -nozzle_steps 800
//               mpiexec -n 2 fusion_nozzle -steps 10000 -points 500
//
// Description:  60 plane nozzles, 42 to train and 18 to test, as many as in Peyvan, Kumar,
//               Karniadakis, arXiv 2501.01934; solved by finite volumes on grids that follow the
//               wall. A Fusion-DeepONet learns density, velocity, pressure and temperature as
//               functions of the inlet's and the exit's height, the place of the throat, and the
//               point; a DeepONet with about as many numbers does the same. Beside them stand
//               quasi-one-dimensional theory, the nearest training nozzle, and kernel interpolation
//               between all of them, both by numbers of cells. Writes a picture of the pressure,
//               the Mach number along the axis, and the model.

#include <nopal/core/runtime.hpp>
#include <nopal/data/channel_statistics.hpp>
#include <nopal/io/figure.hpp>
#include <nopal/operators/deeponet.hpp>
#include <nopal/operators/fusion_deeponet.hpp>
#include <nopal/operators/kernel_ridge.hpp>
#include <nopal/operators/model.hpp>
#include <nopal/solvers/generate.hpp>
#include <nopal/solvers/options.hpp>
#include <nopal/solvers/problems/nozzle.hpp>
#include <nopal/train/step_training.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace {

using nopal::Nozzle;
using nopal::Tensor;
using Data = nopal::FunctionData<float>;

// The same training for both networks: mean squares of variables scaled to [0, 1].
double train(nopal::PointOperator<float>& op, const Data& data, const std::vector<double>& scale,
             std::int64_t steps, std::int64_t points, const nopal::Communicator& comm) {
  nopal::FunctionBatchOptions batch;
  batch.points = points;
  for (const double s : scale)
    batch.variable_weights.push_back(1 / (s * s));
  nopal::StepOptions how;
  how.steps = steps;
  how.learning_rate = 2e-3;
  how.schedule = "cosine";
  return nopal::train_steps<float>(op, nopal::function_loss<float>(op, data, batch, comm), how,
                                   comm)
      .seconds;
}

void run(const nopal::Communicator& comm) {
  // 1. Options, those of the problem among them.
  const auto flow = nopal::NozzleOptions::read(comm);
  std::int64_t steps = 2000, points = 100, seed = 0;
  std::string path = "fusion_nozzle";
  const auto own_options = [&](nopal::PetscOptionReader& read) {
    read.integer("steps", "steps of the optimiser", steps, 10);
    read.integer("points", "random points of each nozzle in a step", points, 10);
    read.integer("seed", "of the weights", seed, 0);
    read.output("out", "model and picture to write, without ending", path, ".safetensors");
  };
  if (!nopal::read_program_options(comm, "fusion_nozzle", own_options)) return;

  // 2. All 60 nozzles; 18 of them, chosen by chance, are for the test.
  Nozzle problem(flow);
  const Data all = problem.as_functions(
      *nopal::generate_in_memory<float>(problem, {Nozzle::designs, 0, 0, 2}, comm));
  const auto order = nopal::Random(1).permutation(Nozzle::designs);
  const std::vector<std::int64_t> known(order.begin() + 18, order.end()),
      rest(order.begin(), order.begin() + 18);
  const Data training = nopal::select_samples(all, known), test = nopal::select_samples(all, rest);

  // 3. Scales from the training nozzles.
  const auto variable = nopal::channel_ranges(training.values),
             box = nopal::channel_ranges(training.points),
             shapes = nopal::channel_ranges(training.functions[0]);

  // 4. The networks: three hidden layers of 64, and 64 basis functions.
  nopal::FusionDeepONetOptions fused;
  fused.parameters = 3;
  fused.out_channels = 5;
  fused.parameter_lower = shapes.low;
  fused.parameter_upper = shapes.high;
  fused.features.lower = box.low;
  fused.features.upper = box.high;
  fused.output_scale = variable.width;
  fused.output_shift = variable.low;
  nopal::DeepONetOptions plain;
  plain.sensors = {3};
  plain.dimension = 2;
  plain.out_channels = 5;
  plain.branch = plain.trunk = {64, 64, 64, 64};
  plain.branch_activation = plain.trunk_activation = "tanh";
  plain.features = fused.features;
  plain.output_scale = variable.width;
  plain.output_shift = variable.low;
  const auto start = static_cast<std::uint64_t>(seed);
  auto network = std::make_unique<nopal::FusionDeepONet<float>>(fused, start);
  nopal::FusionDeepONet<float>& fusion = *network;
  nopal::DeepONet<float> deeponet(plain, start);
  const double seconds = train(fusion, training, variable.width, steps, points, comm),
               others = train(deeponet, training, variable.width, steps, points, comm);
  const Tensor<float> learned = nopal::predict(fusion, test, comm, 1),
                      vanilla = nopal::predict(deeponet, test, comm, 1);
  const auto numbers = nopal::count(fusion.parameters());
  nopal::Model<float> model(std::move(network));
  model.save(path + ".safetensors", comm);

  // 5. Theory, and methods on numbers of cells: the nearest training nozzle, kernel interpolation
  //    (the kernel and its length by leaving out one training nozzle after the other).
  const std::int64_t n = flow.cells, cells = n * n / 4;
  Tensor<float> theory(test.values.shape()), nearest(test.values.shape());
  for (std::size_t t = 0; t < rest.size(); ++t) {
    const auto shape = Nozzle::shape_of(static_cast<std::uint64_t>(rest[t]));
    const auto first = static_cast<std::int64_t>(t) * cells;
    for (std::int64_t k = first; k < first + cells; ++k) {
      const auto w = problem.one_dimensional(shape, double(test.points.data()[2 * k]));
      const double state[] = {w.rho, w.u, 0, w.p, 1.4 * w.p / w.rho};
      std::copy(state, state + 5, theory.data() + 5 * k);
    }
    const auto distance = [&](std::int64_t other) {
      const auto there = Nozzle::shape_of(static_cast<std::uint64_t>(other));
      double sum = 0;
      for (std::size_t a = 0; a < 3; ++a)
        sum += std::pow((there[a] - shape[a]) / shapes.width[a], 2);
      return sum;
    };
    const auto best = std::min_element(known.begin(), known.end(),
                                       [&](auto a, auto b) { return distance(a) < distance(b); });
    nearest.slice(first, cells)
        .copy_from(training.values.slice((best - known.begin()) * cells, cells));
  }
  nopal::KernelRidgeOptions kernel;
  kernel.sensors = 3;
  kernel.samples = training.size();
  kernel.points = cells;
  kernel.out_channels = 5;
  const Tensor<float> outputs = training.values.reshape({training.size(), cells, 5});
  kernel = nopal::choose_kernel(kernel, training.functions[0], outputs, variable.width);
  nopal::KernelRidge<float> regression(kernel);
  regression.fit(training.functions[0], outputs);
  const Tensor<float> interpolated =
      regression.forward(nopal::Variable<float>(test.functions[0])).value();

  // 6. The table.
  if (comm.rank() > 0) return;
  std::printf(
      "nozzle: %ld training and %ld test shapes, %ld points each, %ld steps of %ld and %ld numbers "
      "in %.0f and %.0f s\n",
      long(training.size()), long(test.size()), long(cells), long(steps), long(numbers),
      long(nopal::count(deeponet.parameters())), seconds, others);
  std::printf("%-42s", "relative L2 error, %");
  for (const char* name : {"density", "velocity u", "velocity v", "pressure", "temperature"})
    std::printf(" %11s", name);
  std::printf("\n");
  const auto row = [&](const std::string& name, const Tensor<float>& prediction) {
    std::printf("%-42s", name.c_str());
    for (const double error : nopal::channel_errors(prediction, test.values))
      std::printf(" %11.2f", 100 * error);
    std::printf("\n");
  };
  row("Fusion-DeepONet", learned);
  row("DeepONet", vanilla);
  row("quasi-one-dimensional theory", theory);
  row("nearest nozzle, by number of cell", nearest);
  row("kernel interpolation, by number of cell", interpolated);

  // 7. A nozzle that was not trained on: its pressure, and the Mach number along its axis.
  const std::int64_t shown = 2;
  const auto shape = Nozzle::shape_of(static_cast<std::uint64_t>(rest[shown]));
  const auto field = [&](const Tensor<float>& values, const Tensor<double>& at) {
    const auto own = values.reshape({test.size() * cells, 5}).slice(shown * cells, cells);
    return problem.at_points(nopal::cast<double>(own), shape, at).to_vector();
  };
  const int columns = 320, rows = 160;
  std::vector<double> places;
  for (int j = 0; j < rows; ++j)
    for (int i = 0; i < columns; ++i)
      places.insert(places.end(),
                    {flow.length * (i + 0.5) / columns, 0.5 * flow.length * (j + 0.5) / rows});
  const auto grid = Tensor<double>::from_host({rows * columns, 2}, places);
  const auto exact = field(test.values, grid), guess = field(learned, grid);
  std::vector<nopal::Panel> panels;
  const auto panel = [&](const char* title, const auto& value) {
    nopal::Panel one{title, rows, columns, {}, nopal::ColorMap::viridis, {}, {}};
    for (std::size_t i = 3; i < exact.size(); i += 5)
      one.values.push_back(value(i));
    panels.push_back(one);
  };
  panel("pressure", [&](std::size_t i) { return exact[i]; });
  panel("Fusion-DeepONet", [&](std::size_t i) { return guess[i]; });
  panel("|error|", [&](std::size_t i) { return std::abs(guess[i] - exact[i]); });
  nopal::draw_panels(panels, "A nozzle that was not trained on", 1).write_png(path + ".png");
  std::printf("picture: %s.png; Mach number along its axis:\n    x   solver  learned   theory\n",
              path.c_str());
  std::vector<double> line;
  for (int i = 0; i < 10; ++i)
    line.insert(line.end(), {flow.length * (i + 0.5) / 10, 0.0});
  const auto at = Tensor<double>::from_host({10, 2}, line);
  const auto truth = field(test.values, at), said = field(learned, at), simple = field(theory, at);
  const auto mach = [](const double* w) { return w[1] / std::sqrt(w[4]); };
  for (std::size_t i = 0; i < 10; ++i)
    std::printf("%5.2f  %7.3f  %7.3f  %7.3f\n", line[2 * i], mach(&truth[5 * i]),
                mach(&said[5 * i]), mach(&simple[5 * i]));
}

}  // namespace

int main(int argc, char** argv) {
  nopal::Runtime runtime(argc, argv);
  if (PetscInitialize(&argc, &argv, nullptr, nullptr) != PETSC_SUCCESS) return 1;
  int code = 0;
  try {
    run(nopal::Communicator::world());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "fusion_nozzle: %s\n", error.what());
    code = 1;
  }
  return PetscFinalize() == PETSC_SUCCESS ? code : 1;
}
