// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Hypersonic flow past semi-ellipses: an operator whose basis functions follow the shape
//
// Sample runs:  fusion_semi_ellipse -semi_ellipse_cells 32 -semi_ellipse_steps 1500
//               mpiexec -n 2 fusion_semi_ellipse -semi_ellipse_cells 64 -steps 6000 -points 500
//               mpiexec -n 2 fusion_semi_ellipse -steps 30000 -points 1000
//
// Description:  36 shapes at Mach 10, 28 to train and 8 to test, by finite volumes on grids that
//               follow the shapes, as in Peyvan, Kumar, Karniadakis, arXiv 2501.01934. A
//               Fusion-DeepONet learns density, velocity and pressure as functions of the half axes
//               and the point; a DeepONet with as many numbers does the same. Beside them stand
//               methods that need grids which follow the shape, and work on numbers of cells
//               instead of points: the nearest training shape, and kernel interpolation between all
//               of them. Writes a picture of the density, a cut through the bow shock, and the
//               model.

#include <nopal/core/runtime.hpp>
#include <nopal/data/channel_statistics.hpp>
#include <nopal/io/figure.hpp>
#include <nopal/operators/deeponet.hpp>
#include <nopal/operators/fusion_deeponet.hpp>
#include <nopal/operators/kernel_ridge.hpp>
#include <nopal/operators/model.hpp>
#include <nopal/solvers/generate.hpp>
#include <nopal/solvers/options.hpp>
#include <nopal/solvers/problems/semi_ellipse.hpp>
#include <nopal/train/step_training.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace {

using nopal::SemiEllipse;
using nopal::Tensor;
using Data = nopal::FunctionData<float>;

constexpr std::array<const char*, 4> variables{"density", "velocity u", "velocity v", "pressure"};

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
  auto flow = nopal::SemiEllipseOptions::read(comm);
  std::int64_t steps = 800, points = 200;
  std::string path = "fusion_semi_ellipse";
  const auto own_options = [&](nopal::PetscOptionReader& read) {
    read.integer("steps", "steps of the optimiser", steps, 10);
    read.integer("points", "random points of each shape in a step", points, 10);
    read.output("out", "model and picture to write, without ending", path, ".safetensors");
  };
  if (!nopal::read_program_options(comm, "fusion_semi_ellipse", own_options)) return;

  // 2. All 36 shapes; 8 of them, chosen by chance, are for the test.
  SemiEllipse problem(flow);
  const Data all = problem.as_functions(
      *nopal::generate_in_memory<float>(problem, {SemiEllipse::designs, 0, 0, 2}, comm));
  const auto order = nopal::Random(1).permutation(SemiEllipse::designs);
  std::vector<std::int64_t> known(order.begin() + 8, order.end()),
      rest(order.begin(), order.begin() + 8);
  std::sort(known.begin(), known.end());
  std::sort(rest.begin(), rest.end());
  const Data training = nopal::select_samples(all, known), test = nopal::select_samples(all, rest);

  // 3. Scales from the training shapes: variables in [0, 1], half axes in [0, 1], and the box of
  //    the points to [-1, 1]^2.
  const auto variable = nopal::channel_ranges(training.values),
             box = nopal::channel_ranges(training.points);
  const std::vector<double>& scale = variable.width;

  // 4. The networks: three hidden layers of 64 and 64 basis functions, 37,864 and 37,828 numbers.
  nopal::FusionDeepONetOptions fused;
  fused.parameter_lower = {0.5, 0.5};
  fused.parameter_upper = {1.25, 1};
  fused.features.lower = box.low;
  fused.features.upper = box.high;
  fused.output_scale = scale;
  fused.output_shift = variable.low;
  nopal::DeepONetOptions plain;
  plain.sensors = {2};
  plain.dimension = 2;
  plain.out_channels = 4;
  plain.branch = plain.trunk = {64, 64, 64, 64};
  plain.branch_activation = plain.trunk_activation = "tanh";
  plain.features = fused.features;
  plain.output_scale = scale;
  plain.output_shift = variable.low;
  auto network = std::make_unique<nopal::FusionDeepONet<float>>(fused, 0);
  nopal::FusionDeepONet<float>& fusion = *network;
  nopal::DeepONet<float> deeponet(plain, 0);
  const double seconds = train(fusion, training, scale, steps, points, comm),
               others = train(deeponet, training, scale, steps, points, comm);
  const Tensor<float> learned = nopal::predict(fusion, test, comm, 1),
                      vanilla = nopal::predict(deeponet, test, comm, 1);
  nopal::Model<float> model(std::move(network));
  model.save(path + ".safetensors", comm);

  // 5. Methods on numbers of cells: the nearest training shape, and kernel interpolation.
  const std::int64_t n = flow.cells, cells = n * n;
  const auto axes = training.functions[0].to_vector(), wanted = test.functions[0].to_vector();
  Tensor<float> nearest(test.values.shape());
  for (std::size_t t = 0; t < rest.size(); ++t) {
    std::size_t best = 0;
    double least = 1e30;
    for (std::size_t k = 0; k < known.size(); ++k) {
      const double distance = std::hypot(double(axes[2 * k] - wanted[2 * t]) / 0.75,
                                         double(axes[2 * k + 1] - wanted[2 * t + 1]) / 0.5);
      if (distance < least) {
        least = distance;
        best = k;
      }
    }
    nearest.slice(static_cast<std::int64_t>(t) * cells, cells)
        .copy_from(training.values.slice(static_cast<std::int64_t>(best) * cells, cells));
  }
  //    The kernel and its length are chosen by leaving out one training shape after the other.
  nopal::KernelRidgeOptions kernel;
  kernel.sensors = 2;
  kernel.samples = training.size();
  kernel.points = cells;
  kernel.out_channels = 4;
  const Tensor<float> outputs = training.values.reshape({training.size(), cells, 4});
  kernel = nopal::choose_kernel(kernel, training.functions[0], outputs, scale);
  nopal::KernelRidge<float> regression(kernel);
  regression.fit(training.functions[0], outputs);
  const Tensor<float> interpolated =
      regression.forward(nopal::Variable<float>(test.functions[0])).value();

  // 6. The table.
  if (comm.rank() > 0) return;
  std::printf(
      "semi_ellipse: %ld training and %ld test shapes, %ld points each, %ld steps in %.0f and "
      "%.0f s\n",
      long(training.size()), long(test.size()), long(cells), long(steps), seconds, others);
  std::printf("%-42s", "relative L2 error, %");
  for (const char* name : variables)
    std::printf(" %10s", name);
  std::printf("\n");
  const auto row = [&](const char* name, const Tensor<float>& prediction) {
    std::printf("%-42s", name);
    for (const double error : nopal::channel_errors(prediction, test.values))
      std::printf(" %10.2f", 100 * error);
    std::printf("\n");
  };
  row("Fusion-DeepONet", learned);
  row("DeepONet", vanilla);
  row("nearest shape, by number of cell", nearest);
  row("kernel interpolation, by number of cell", interpolated);

  // 7. A shape that was not trained on: density, and the cut along the axis.
  const std::int64_t shown = 3;
  const double a = double(wanted[2 * shown]), b = double(wanted[2 * shown + 1]);
  const auto field = [&](const Tensor<float>& values, const Tensor<double>& at) {
    const nopal::euler::SteadyFlow one{
        {},
        nopal::cast<double>(values.reshape({test.size() * cells, 4}).slice(shown * cells, cells)),
        {}};
    return problem.at_points(one, a, b, at).to_vector();
  };
  const int columns = 130, rows = 2 * columns;
  std::vector<double> places;
  for (int j = 0; j < rows; ++j)
    for (int i = 0; i < columns; ++i)
      places.insert(places.end(),
                    {-2.6 + 2.6 * (i + 0.5) / columns, -2.6 + 5.2 * (j + 0.5) / rows});
  const auto grid = Tensor<double>::from_host({rows * columns, 2}, places);
  std::vector<nopal::Panel> panels;
  const auto exact = field(test.values, grid), guess = field(learned, grid);
  const auto panel = [&](const char* title, const auto& value) {
    nopal::Panel one{title, rows, columns, {}, nopal::ColorMap::viridis, {}, {}};
    for (std::size_t i = 0; i < exact.size(); i += 4)
      one.values.push_back(value(i));
    panels.push_back(one);
  };
  panel("density", [&](std::size_t i) { return exact[i]; });
  panel("Fusion-DeepONet", [&](std::size_t i) { return guess[i]; });
  panel("|error|", [&](std::size_t i) { return std::abs(guess[i] - exact[i]); });
  nopal::draw_panels(panels, "A shape that was not trained on").write_png(path + ".png");
  std::printf("picture: %s.png; along its axis:\n    x    density  learned\n", path.c_str());
  std::vector<double> line;
  for (int i = 0; i < 8; ++i)
    line.insert(line.end(), {-a - 0.02 - 0.06 * i * (b * b / a), 0.0});
  const auto at = Tensor<double>::from_host({8, 2}, line);
  const auto truth = field(test.values, at), said = field(learned, at);
  for (std::size_t i = 0; i < 8; ++i)
    std::printf("%6.2f  %7.2f  %7.2f\n", line[2 * i], truth[4 * i], said[4 * i]);
}

}  // namespace

int main(int argc, char** argv) {
  nopal::Runtime runtime(argc, argv);
  if (PetscInitialize(&argc, &argv, nullptr, nullptr) != PETSC_SUCCESS) return 1;
  int code = 0;
  try {
    run(nopal::Communicator::world());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "fusion_semi_ellipse: %s\n", error.what());
    code = 1;
  }
  return PetscFinalize() == PETSC_SUCCESS ? code : 1;
}
