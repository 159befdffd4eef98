// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Heat in plates with holes: an operator of the geometry's parameters, in space
//
// Sample runs:  multitask_plate3d
//               mpiexec -n 2 multitask_plate3d -steps 2000
//               mpiexec -n 2 multitask_plate3d -steps 10000 -points 4000
//                 -heated_plate_resolution 48 -heated_plate_h 0.08
//
// Description:  Steady heat conduction in plates with a row of 2 to 9 cooled holes at 8 heights, 64
//               designs, by finite elements on tetrahedra. Trained on 24 of them (three heights of
//               each number of holes), judged on the other 40, as in Kumar et al., Neural Networks
//               184, 2025: a DeepONet with batch norms, dropout and projected skip connections that
//               reads number and height, on random points inside of each plate. Adam, then Lion at
//               a small rate. Beside it stand the mean of the training plates, the nearest of
//               them, and linear interpolation between heights. Writes a picture, the temperature
//               of a plate for ParaView, and the model.

#include <nopal/core/runtime.hpp>
#include <nopal/io/figure.hpp>
#include <nopal/io/vtk_mesh.hpp>
#include <nopal/operators/model.hpp>
#include <nopal/operators/multitask_deeponet.hpp>
#include <nopal/solvers/generate.hpp>
#include <nopal/solvers/options.hpp>
#include <nopal/solvers/problems/heated_plate.hpp>
#include <nopal/train/point_losses.hpp>
#include <nopal/train/step_training.hpp>

#include <cmath>
#include <cstdio>
#include <numeric>

namespace {

using nopal::Tensor;
using Data = nopal::FunctionData<float>;

// |p - y| / |y| over all test plates together.
double error(const Tensor<float>& prediction, const Data& data) {
  const auto p = prediction.to_vector(), y = data.values.to_vector(), m = data.mask.to_vector();
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    difference += double(m[i]) * std::pow(double(p[i] - y[i]), 2);
    size += double(m[i]) * double(y[i]) * double(y[i]);
  }
  return std::sqrt(difference / size);
}

// The plates, interpolated between the training heights below and above, with the same number of
// holes; where one of them has a hole, the other.
Tensor<float> between_heights(const Data& all, const std::vector<std::int64_t>& test,
                              bool nearest) {
  const auto y = all.values.to_vector(), mask = all.mask.to_vector();
  const auto points = static_cast<std::size_t>(all.points.extent(0));
  const std::int64_t heights[3]{0, 3, 7};  // 0.9, 1.2, 1.6
  std::vector<float> result;
  for (const std::int64_t design : test) {
    const std::int64_t at = design % 8, row = design - at;
    const std::int64_t low = at < 3 ? heights[0] : heights[1],
                       high = at < 3 ? heights[1] : heights[2];
    double f = double(at - low) / double(high - low);
    if (nearest) f = f < 0.5 ? 0 : 1;
    for (std::size_t p = 0; p < points; ++p) {
      const auto a = static_cast<std::size_t>(row + low) * points + p,
                 b = static_cast<std::size_t>(row + high) * points + p;
      const double wa = (1 - f) * double(mask[a]) + 1e-9, wb = f * double(mask[b]) + 1e-9;
      result.push_back(static_cast<float>((wa * double(y[a]) + wb * double(y[b])) / (wa + wb)));
    }
  }
  return Tensor<float>::from_host(
      {static_cast<std::int64_t>(test.size()), static_cast<std::int64_t>(points), 1}, result);
}

void run(const nopal::Communicator& comm) {
  // 1. Options, those of the problem among them.
  const auto equation = nopal::HeatedPlateOptions::read(comm);
  std::int64_t steps = 200, points = 400;
  std::string path = "multitask_plate3d";
  const auto own_options = [&](nopal::PetscOptionReader& read) {
    read.integer("steps", "steps of the optimiser", steps, 10);
    read.integer("points", "random points of a step", points, 10);
    read.output("out", "model, mesh and picture to write, without ending", path, ".safetensors");
  };
  if (!nopal::read_program_options(comm, "multitask_plate3d", own_options)) return;

  // 2. All 64 designs; for training those at the heights 0.9, 1.2 and 1.6.
  nopal::HeatedPlate problem(equation);
  const Data all = problem.as_functions(
      *nopal::generate_in_memory<float>(problem, {nopal::HeatedPlate::designs, 0, 0, 10}, comm));
  std::vector<std::int64_t> known, rest;
  for (std::int64_t i = 0; i < nopal::HeatedPlate::designs; ++i)
    (i % 8 == 0 || i % 8 == 3 || i % 8 == 7 ? known : rest).push_back(i);
  const Data training = nopal::select_samples(all, known), test = nopal::select_samples(all, rest);

  // 3. The network: branch [2, 32, 64, 128, 128, 200], trunk [3, 32, 64, 64, 64, 128 x 5, 200] with
  //    batch norms; the box of the points becomes [-1, 1]^3.
  nopal::MultitaskDeepONetOptions options;
  options.sensors = 2;
  options.dimension = 3;
  const auto corners = training.points.to_vector();
  options.features.lower.assign(3, 0);
  options.features.upper.assign(corners.end() - 3, corners.end());
  options.branch = {32, 64, 128, 128, 200};
  options.trunk = {32, 64, 64, 64, 128, 128, 128, 128, 128, 200};
  options.branch_activation = options.trunk_activation = "silu";
  options.branch_last_activation = "selu";
  options.branch_norm = options.trunk_norm = "batch";
  options.dropout = 0.1;
  options.trunk_skip = true;
  auto network = std::make_unique<nopal::MultitaskDeepONet<float>>(options, 0);
  nopal::MultitaskDeepONet<float>& op = *network;

  // 4. Training on the mean squared error inside the plates: Adam for three quarters of the steps,
  //    then Lion. There is no set apart to choose the best step with: the last is taken.
  nopal::FunctionBatchOptions batch;
  batch.points = points;
  nopal::StepOptions how;
  how.steps = std::max<std::int64_t>(3 * steps / 4, 1);
  how.optimizer_options = {{"weight_decay", 0.0}, {"beta1", 0.9}, {"beta2", 0.95}};
  how.schedule = "cosine";
  how.schedule_options = {{"eta_min", 1e-5}};
  const auto loss = nopal::function_loss<float>(op, training, batch, comm);
  const auto adam = nopal::train_steps<float>(op, loss, how, comm);
  nopal::StepOptions then;
  then.steps = std::max<std::int64_t>(steps - how.steps, 1);
  then.optimizer = "lion";
  then.optimizer_options = nlohmann::json::object();
  then.learning_rate = 1e-5;
  then.schedule = "cosine";
  const auto shifted = [&](std::int64_t step) { return loss(step + how.steps); };
  const auto lion = nopal::train_steps<float>(op, shifted, then, comm);

  // 5. The table.
  const Tensor<float> learned = nopal::predict(op, test, comm, 8);
  const double on_training = error(nopal::predict(op, training, comm, 8), training);
  const std::int64_t count = test.points.extent(0);
  std::vector<float> mean(static_cast<std::size_t>(count)), weight(mean.size()), repeated;
  const auto y = training.values.to_vector(), m = training.mask.to_vector();
  for (std::size_t i = 0; i < y.size(); ++i) {
    mean[i % mean.size()] += y[i] * m[i];
    weight[i % mean.size()] += m[i];
  }
  for (std::size_t i = 0; i < rest.size(); ++i)
    for (std::size_t p = 0; p < mean.size(); ++p)
      repeated.push_back(mean[p] / std::max(weight[p], 1.0f));
  nopal::Model<float> model(std::move(network));
  model.save(path + ".safetensors", comm);
  if (comm.rank() > 0) return;
  std::printf("heated_plate: %ld training and %ld test designs, %ld points, %ld steps in %.0f s\n",
              long(training.size()), long(test.size()), long(count), long(steps),
              adam.seconds + lion.seconds);
  const auto row = [&](const char* name, double value) {
    std::printf("%-44s relative L2 error %7.2f%%\n", name, 100 * value);
  };
  row("multi-task DeepONet", error(learned, test));
  row("the same, on the training designs", on_training);
  row("mean of the training designs",
      error(Tensor<float>::from_host(learned.shape(), repeated), test));
  row("nearest training height", error(between_heights(all, rest, true), test));
  row("linear interpolation between heights", error(between_heights(all, rest, false), test));

  // 6. A plate for ParaView (the points of the grid inside), and its middle plane as a picture.
  const std::int64_t shown = 12;  // 5 holes
  const auto inside = test.mask.slice(shown, 1).to_vector(),
             exact = test.values.slice(shown, 1).to_vector(),
             guess = learned.slice(shown, 1).to_vector(), at = test.points.to_vector();
  std::vector<double> place;
  std::vector<float> t, p;
  for (std::size_t i = 0; i < inside.size(); ++i) {
    if (inside[i] == 0) continue;
    for (std::size_t a = 0; a < 3; ++a)
      place.push_back(double(at[3 * i + a]));
    t.push_back(exact[i]);
    p.push_back(guess[i]);
  }
  const auto n = static_cast<std::int64_t>(t.size());
  nopal::VtkMesh mesh(Tensor<double>::from_host({n, 3}, place));
  mesh.add("T", Tensor<float>::from_host({n}, t));
  mesh.add("operator", Tensor<float>::from_host({n}, p));
  mesh.write(path + ".vtu");
  const nopal::Shape grid = problem.y_shape();
  std::vector<nopal::Panel> panels;
  const auto panel = [&](const char* title, const auto& value) {
    nopal::Panel one{title, static_cast<int>(grid[1]), static_cast<int>(grid[0]),
                     {},    nopal::ColorMap::viridis,  {},
                     {}};
    for (std::int64_t j = 0; j < grid[1]; ++j)
      for (std::int64_t i = 0; i < grid[0]; ++i)
        one.values.push_back(
            value(static_cast<std::size_t>((i * grid[1] + j) * grid[2] + grid[2] / 2)));
    panels.push_back(one);
  };
  panel("T, middle plane", [&](std::size_t i) { return double(exact[i]); });
  panel("operator", [&](std::size_t i) { return double(guess[i] * inside[i]); });
  panel("|error|",
        [&](std::size_t i) { return double(inside[i] * std::abs(guess[i] - exact[i])); });
  nopal::draw_panels(panels, "A plate that was not trained on").write_png(path + ".png");
  std::printf("picture: %s.png, points: %s.vtu\n", path.c_str(), path.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  nopal::Runtime runtime(argc, argv);
  if (PetscInitialize(&argc, &argv, nullptr, nullptr) != PETSC_SUCCESS) return 1;
  int code = 0;
  try {
    run(nopal::Communicator::world());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "multitask_plate3d: %s\n", error.what());
    code = 1;
  }
  return PetscFinalize() == PETSC_SUCCESS ? code : 1;
}
