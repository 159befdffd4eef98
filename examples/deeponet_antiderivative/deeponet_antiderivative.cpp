// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// A deep operator network that integrates functions
//
// Sample runs:  deeponet_antiderivative
//               mpiexec -n 2 deeponet_antiderivative
//               deeponet_antiderivative -problem pendulum -steps 20000
//               mpiexec -n 2 deeponet_antiderivative -samples 10000 -tests 100000 -steps 50000
//
// Description:  Learns the map from u to s of
//
//                   s'(t) = u(t) on [0, 1], s(0) = 0,
//
//               (or of s' = -s^2 + u, or of a pendulum pushed by u) from random functions u at 100
//               sensors, each with s at a single random time. Beside it stand the mean of the
//               training values, random features fitted to as many values by least squares, and
//               the Runge-Kutta method on u between the sensors. Takes some seconds; the last
//               sample run is the published one (Lu et al., Nat. Mach. Intell. 3, 2021: mean
//               squared error 9.3e-7) and takes minutes. Writes a picture and the model.

#include <nopal/core/runtime.hpp>
#include <nopal/io/figure.hpp>
#include <nopal/operators/deeponet.hpp>
#include <nopal/operators/model.hpp>
#include <nopal/operators/random_feature_operator.hpp>
#include <nopal/solvers/generate.hpp>
#include <nopal/solvers/options.hpp>
#include <nopal/solvers/problems/forced_ode.hpp>
#include <nopal/train/step_training.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace {

using Values = std::vector<float>;

double mean_squared_error(const Values& prediction, const Values& target) {
  double sum = 0;
  for (std::size_t i = 0; i < target.size(); ++i)
    sum += std::pow(double(prediction[i]) - double(target[i]), 2);
  return sum / static_cast<double>(target.size());
}

// The classical method with what the network gets: u at the sensors, straight lines between them.
Values runge_kutta(const nopal::ForcedOde& problem, double time,
                   const nopal::FunctionData<float>& data) {
  const Values u = data.functions[0].to_vector(), t = data.points.to_vector();
  const auto m = static_cast<std::size_t>(data.functions[0].extent(1));
  Values all;
  for (std::int64_t i = 0; i < data.size(); ++i) {
    const float* const sensors = &u[static_cast<std::size_t>(i) * m];
    std::vector<double> nodes;
    for (std::size_t j = 0; j + 1 < m; ++j) {
      nodes.push_back(double(sensors[j]));
      nodes.push_back((double(sensors[j]) + double(sensors[j + 1])) / 2);
    }
    nodes.push_back(double(sensors[m - 1]));
    const std::vector<double> solution = problem.solve(nodes, time);
    for (std::int64_t r = data.first_row(i); r < data.first_row(i + 1); ++r) {
      double s[2];
      problem.interpolate(solution, nodes, double(t[static_cast<std::size_t>(r)]), s);
      all.insert(all.end(), s, s + data.channels());
    }
  }
  return all;
}

void run(const nopal::Communicator& comm) {
  // 1. Options.
  const std::vector<std::string> names{"antiderivative", "nonlinear_ode", "pendulum"};
  int kind = 0;
  std::int64_t samples = 2000, tests = 2000, steps = 3000;
  std::string path = "deeponet_antiderivative";
  const auto own_options = [&](nopal::PetscOptionReader& read) {
    read.choice("problem", "the equation", names, kind);
    read.integer("samples", "training functions, with one value each", samples, 1);
    read.integer("tests", "test functions, with one value each", tests, 1);
    read.integer("steps", "steps of the optimiser, on all data at once", steps, 1);
    read.output("out", "model and picture to write, without ending", path, ".safetensors");
  };
  if (!nopal::read_program_options(comm, "deeponet_antiderivative", own_options)) return;

  // 2. Data: functions of three sets of their own for training, to choose the best step, and to
  //    judge; each with the solution at one random time.
  nopal::ForcedOdeOptions equation;
  equation.kind = static_cast<nopal::ForcedOdeKind>(kind);
  nopal::ForcedOde problem(equation, comm);
  const auto training = problem.point_data<float>(0, 0, samples, 1);
  const auto validation =
      problem.point_data<float>(1, 0, std::max<std::int64_t>(samples / 5, 1), 1);
  const auto test = problem.point_data<float>(2, 0, tests, 1);
  const Values target = test.values.to_vector();

  // 3. The network: the branch reads u at the sensors, the trunk the time.
  nopal::DeepONetOptions options;
  options.out_channels = problem.variables();
  auto network = std::make_unique<nopal::DeepONet<float>>(options, 0);
  nopal::DeepONet<float>& op = *network;

  // 4. Training: Adam on the mean squared error of all values at once.
  nopal::StepOptions how;
  how.steps = steps;
  how.validation_interval = 100;
  const auto result = nopal::train_steps<float>(
      op, nopal::function_loss<float>(op, training, {}, comm), how, comm, [&] {
        return mean_squared_error(nopal::predict(op, validation, comm).to_vector(),
                                  validation.values.to_vector());
      });
  const Values learned = nopal::predict(op, test, comm).to_vector();

  // 5. What it has to beat. Random features need the values of a function at common times: as many
  //    values as above, of fewer functions.
  double mean = 0;
  for (const float s : training.values.to_vector())
    mean += double(s) / static_cast<double>(training.values.size());
  nopal::ForcedOde alone(equation);
  const auto aligned = nopal::generate_in_memory<double>(
      alone, {std::max<std::int64_t>(samples / equation.sensors, 5), 3, 0, 0}, comm);
  std::vector<std::int64_t> all(static_cast<std::size_t>(aligned->size()));
  for (std::size_t i = 0; i < all.size(); ++i)
    all[i] = static_cast<std::int64_t>(i);
  const nopal::Tensor<double> u({aligned->size(), equation.sensors, 1});
  const nopal::Tensor<double> s({aligned->size(), equation.sensors, problem.variables()});
  aligned->read(all, u, s);
  std::vector<double> times;
  for (std::int64_t i = 0; i < equation.sensors; ++i)
    times.push_back(equation.time * double(i) / double(equation.sensors - 1));
  nopal::RandomFeatureOptions features;
  features.out_channels = problem.variables();
  features.features = kind == 0 ? "linear" : "sin";
  features.count = kind == 0 ? 100 : 400;
  nopal::RandomFeatureOperator<double> random(features);
  const auto points = nopal::Tensor<double>::from_host({equation.sensors, 1}, times);
  random.fit(u, s, points);
  Values fitted;
  for (std::int64_t i = 0; i < test.size(); ++i) {
    const nopal::Variable<double> inputs[] = {nopal::cast<double>(test.functions[0].slice(i, 1)),
                                              nopal::cast<double>(test.points.slice(i, 1))};
    for (const double value : random.forward(inputs).value().to_vector())
      fitted.push_back(static_cast<float>(value));
  }

  // 6. The table.
  nopal::Model<float> model(std::move(network));
  model.save(path + ".safetensors", comm);
  if (comm.rank() > 0) return;
  std::printf("%s: %ld training functions, %ld steps in %.0f s (best: %ld)\n",
              problem.name().c_str(), long(samples), long(steps), result.seconds,
              long(result.best_step));
  const auto row = [&](const char* name, const Values& prediction) {
    std::printf("%-34s mean squared error %.2e\n", name, mean_squared_error(prediction, target));
  };
  row("mean of the training values", Values(target.size(), static_cast<float>(mean)));
  row("deep operator network", learned);
  row("random features, least squares", fitted);
  row("Runge-Kutta between the sensors", runge_kutta(problem, equation.time, test));

  // 7. A picture: the first test function and its image at all sensors.
  nopal::FunctionData<float> first = nopal::select_samples(test, std::vector<std::int64_t>{0});
  first.points = nopal::cast<float>(points);
  first.offsets = {0, equation.sensors};
  first.values = nopal::Tensor<float>({equation.sensors, problem.variables()});
  const auto curve = [&](const char* label, const Values& values, std::int64_t variables) {
    nopal::Curve line{label, times, {}, label != std::string("exact")};
    for (std::size_t i = 0; i < values.size(); i += static_cast<std::size_t>(variables))
      line.y.push_back(double(values[i]));
    return line;
  };
  const auto& saved = dynamic_cast<nopal::PointOperator<float>&>(model.op());
  nopal::draw_plot({curve("u", first.functions[0].to_vector(), 1),
                    curve("exact", runge_kutta(problem, equation.time, first), first.channels()),
                    curve("network", nopal::predict(saved, first).to_vector(), first.channels())},
                   {problem.name(), "t", "", false})
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
    std::fprintf(stderr, "deeponet_antiderivative: %s\n", error.what());
    code = 1;
  }
  return PetscFinalize() == PETSC_SUCCESS ? code : 1;
}
