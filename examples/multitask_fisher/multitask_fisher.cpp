// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// One operator for three equations
//
// Sample runs:  multitask_fisher
//               mpiexec -n 2 multitask_fisher -samples 800
//               mpiexec -n 2 multitask_fisher -samples 3200 -tests 800 -steps 100000
//               (the published experiment, about an hour)
//
// Description:  Fisher's equation u_t = D u_xx + f(u) with three forms of f,
//
//                   a u (1 - u),   a u (1 - u^2),   a u (1 - u) exp(-b (1 - u)),
//
//               all given by the coefficients of u, ..., u^4, which enter the branch of a
//               multi-task DeepONet beside the initial state (Kumar et al., Neural Networks 184,
//               2025). The table has an error for each form, of the operator and of what is cheap:
//               the nearest training sample, linear random features, kernel ridge regression, and
//               the difference method itself on a coarse grid. Writes a picture and the model.

#include <nopal/core/runtime.hpp>
#include <nopal/io/figure.hpp>
#include <nopal/operators/kernel_ridge.hpp>
#include <nopal/operators/model.hpp>
#include <nopal/operators/multitask_deeponet.hpp>
#include <nopal/operators/random_feature_operator.hpp>
#include <nopal/solvers/generate.hpp>
#include <nopal/solvers/options.hpp>
#include <nopal/solvers/problems/fisher.hpp>
#include <nopal/train/point_losses.hpp>
#include <nopal/train/step_training.hpp>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <numeric>

namespace {

using nopal::Tensor;
using Data = nopal::FunctionData<float>;

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// Mean and deviation of each column over the rows (N, ...), from training data.
struct Columns {
  std::vector<double> mean, deviation;

  explicit Columns(const Tensor<float>& x) {
    const auto n = static_cast<std::size_t>(x.extent(0));
    const std::vector<float> v = x.to_vector();
    const std::size_t width = v.size() / n;
    mean.assign(width, 0);
    deviation.assign(width, 0);
    for (std::size_t i = 0; i < v.size(); ++i)
      mean[i % width] += double(v[i]) / double(n);
    for (std::size_t i = 0; i < v.size(); ++i)
      deviation[i % width] += std::pow(double(v[i]) - mean[i % width], 2) / double(n);
    for (double& d : deviation)
      d = std::max(std::sqrt(d), 1e-6);
  }
  Tensor<float> encode(const Tensor<float>& x) const {
    std::vector<float> v = x.to_vector();
    for (std::size_t i = 0; i < v.size(); ++i)
      v[i] = float((double(v[i]) - mean[i % mean.size()]) / deviation[i % mean.size()]);
    return Tensor<float>::from_host(x.shape(), v);
  }
  Tensor<float> decode(const Tensor<float>& x) const {
    std::vector<float> v = x.to_vector();
    for (std::size_t i = 0; i < v.size(); ++i)
      v[i] = float(double(v[i]) * deviation[i % mean.size()] + mean[i % mean.size()]);
    return Tensor<float>::from_host(x.shape(), v);
  }
};

// Coefficients and initial state as one function, for what takes one only.
Tensor<float> joined(const Data& data) {
  const auto c = data.functions[0].to_vector(), u = data.functions[1].to_vector();
  const auto m = static_cast<std::size_t>(data.functions[1].extent(1));
  std::vector<float> all;
  for (std::size_t i = 0; i < static_cast<std::size_t>(data.size()); ++i) {
    all.insert(all.end(), &c[4 * i], &c[4 * i] + 4);
    all.insert(all.end(), &u[m * i], &u[m * i] + m);
    all.push_back(1);
  }
  return Tensor<float>::from_host({data.size(), static_cast<std::int64_t>(m) + 5}, all);
}

// The solution of the training sample whose input is the nearest.
Tensor<float> nearest(const Tensor<float>& known, const Tensor<float>& values,
                      const Tensor<float>& asked) {
  const auto a = known.to_vector(), b = asked.to_vector();
  const auto width = static_cast<std::size_t>(known.extent(1));
  std::vector<std::int64_t> rows;
  for (std::size_t i = 0; i < b.size(); i += width) {
    double least = INFINITY;
    std::size_t best = 0;
    for (std::size_t j = 0; j < a.size(); j += width) {
      double distance = 0;
      for (std::size_t k = 0; k < width; ++k)
        distance += std::pow(double(a[j + k] - b[i + k]), 2);
      if (distance < least) best = j / width;
      least = std::min(least, distance);
    }
    rows.push_back(static_cast<std::int64_t>(best));
  }
  return nopal::select_rows(values, rows);
}

void run(const nopal::Communicator& comm) {
  // 1. Options, those of the problem among them.
  const auto equation = nopal::FisherOptions::read(comm);
  std::int64_t samples = 400, tests = 100, steps = 200;
  std::string path = "multitask_fisher";
  const auto own_options = [&](nopal::PetscOptionReader& read) {
    read.integer("samples", "training samples", samples, 40);
    read.integer("tests", "test samples", tests, 10);
    read.integer("steps", "steps of the optimiser", steps, 1);
    read.output("out", "model and picture to write, without ending", path, ".safetensors");
  };
  if (!nopal::read_program_options(comm, "multitask_fisher", own_options)) return;

  // 2. Data, of three sets of their own: coefficients, initial states, solutions in space and time.
  nopal::Fisher problem(equation);
  const auto make = [&](std::uint64_t seed, std::int64_t count) {
    return problem.as_functions(
        *nopal::generate_in_memory<float>(problem, {count, seed, 0, 0}, comm));
  };
  const Data training = make(0, samples),
             validation = make(1, std::max<std::int64_t>(samples / 8, 40)), test = make(2, tests);
  const Columns in(training.functions[1]), out(training.values);
  const auto scaled = [&](Data data) {
    data.functions[1] = in.encode(data.functions[1]);
    data.values = out.encode(data.values);
    return data;
  };
  const Data scaled_training = scaled(training), scaled_validation = scaled(validation),
             scaled_test = scaled(test);

  // 3. The operator: branch [4 + 64, 128, 128, 300] with layer norms, trunk [2, 128, 128, 128,
  //    300]. Adam, a rate that falls by 5 % in each hundredth of the training, decay of the
  //    weights.
  nopal::MultitaskDeepONetOptions options;
  options.coefficients = 4;
  options.sensors = training.functions[1].extent(1);
  options.features.lower = {0, 0};
  options.features.upper = {1, 1};
  auto network = std::make_unique<nopal::MultitaskDeepONet<float>>(options, 0);
  nopal::MultitaskDeepONet<float>& op = *network;
  nopal::StepOptions how;
  how.steps = steps;
  how.schedule = "step";
  how.schedule_options = {{"step_size", std::max<std::int64_t>(steps / 100, 1)}, {"gamma", 0.95}};
  how.optimizer_options = {{"weight_decay", 1e-4}};
  how.validation_interval = std::max<std::int64_t>(steps / 40, 1);
  nopal::FunctionBatchOptions batch;
  batch.batch = 200;
  const auto result = nopal::train_steps<float>(
      op, nopal::function_loss<float>(op, scaled_training, batch, comm), how, comm, [&] {
        return mean(nopal::point_errors(out.decode(nopal::predict(op, scaled_validation, comm)),
                                        validation));
      });

  // 4. The table: an error for each form.
  struct Row {
    std::string name;
    double seconds;
    std::vector<double> errors;
  };
  std::vector<Row> rows;
  const auto report = [&](const std::string& name, double seconds, const Tensor<float>& u) {
    const std::vector<double> all = nopal::point_errors(u, test);
    std::vector<std::vector<double>> by_form(3);
    for (std::size_t i = 0; i < all.size(); ++i)
      by_form[static_cast<std::size_t>(nopal::Fisher::form_of(2, i))].push_back(all[i]);
    Row row{name, seconds, {}};
    for (const auto& errors : by_form)
      row.errors.push_back(errors.empty() ? NAN : mean(errors));
    row.errors.push_back(mean(all));
    rows.push_back(row);
  };
  const Tensor<float> learned = out.decode(nopal::predict(op, scaled_test, comm));
  report("multi-task DeepONet", result.seconds, learned);
  nopal::Model<float>(std::move(network)).save(path + ".safetensors", comm);
  if (comm.rank() > 0) return;

  // 5. What is cheap.
  const auto clock = [start = std::chrono::steady_clock::now()]() mutable {
    const auto now = std::chrono::steady_clock::now();
    const double seconds = std::chrono::duration<double>(now - start).count();
    start = now;
    return seconds;
  };
  auto timer = clock;
  const Tensor<float> known = joined(scaled_training), asked = joined(scaled_test);
  timer();
  const Tensor<float> copied = nearest(known, training.values, asked);
  report("nearest training sample", timer(), copied);
  const auto u = nopal::cast<double>(known), v = nopal::cast<double>(scaled_training.values);
  const nopal::Variable<double> x = nopal::cast<double>(asked);
  nopal::RandomFeatureOptions features;
  features.sensors = known.extent(1);
  features.points = training.points.extent(0);
  features.dimension = 2;
  features.features = "sin";
  features.count = std::min<std::int64_t>(samples / 2, 400);
  features.trunk_count = 0;
  features.scale = 1;
  features.threshold = 1e-6;
  nopal::RandomFeatureOperator<double> random(features);
  timer();
  random.fit(u, v, nopal::cast<double>(training.points));
  report("random features, sine", timer(),
         out.decode(nopal::cast<float>(random.forward(x).value())));
  nopal::KernelRidgeOptions ridge;
  ridge.samples = samples;
  ridge.sensors = known.extent(1);
  ridge.points = training.points.extent(0);
  ridge.length = 3;
  nopal::KernelRidge<double> kernel(ridge);
  timer();
  kernel.fit(u, v);
  report("kernel ridge, Matern 5/2", timer(),
         out.decode(nopal::cast<float>(kernel.forward(x).value())));
  // The difference method with every ninth point and one step a frame, straight lines between.
  std::vector<float> coarse;
  const auto c = test.functions[0].to_vector(), states = test.functions[1].to_vector();
  const auto m = static_cast<std::size_t>(options.sensors);
  const std::size_t stride = 9, n = (m - 1) / stride + 1,
                    frames = static_cast<std::size_t>(equation.times);
  timer();
  for (std::size_t i = 0; i < static_cast<std::size_t>(tests) && (m - 1) % stride == 0; ++i) {
    std::vector<double> initial, none(n);
    for (std::size_t k = 0; k < n; ++k)
      initial.push_back(double(states[i * m + k * stride]));
    const nopal::ReactionDiffusion method{
        equation.diffusion, 1,
        nopal::Fisher::reaction(
            {double(c[4 * i]), double(c[4 * i + 1]), double(c[4 * i + 2]), double(c[4 * i + 3])}),
        true};
    const auto r = method.solve(initial, none, equation.time, frames, 1);
    for (std::size_t k = 0; k < m; ++k)
      for (std::size_t t = 1; t <= frames; ++t) {
        const std::size_t a = std::min(k / stride, n - 2);
        const double f = double(k) / double(stride) - double(a);
        coarse.push_back(float((1 - f) * r[t * n + a] + f * r[t * n + a + 1]));
      }
  }
  if (coarse.size() == static_cast<std::size_t>(test.values.size()))
    report("differences, 8 points (a solution)", timer() / double(tests),
           Tensor<float>::from_host(test.values.shape(), coarse));

  std::printf("fisher: %ld training samples, %ld steps, relative L2 errors\n", long(samples),
              long(steps));
  std::printf("%-35s %9s %9s %9s %9s %9s\n", "method", "seconds", "u(1-u)", "u(1-u^2)", "exp",
              "all");
  for (const Row& row : rows)
    std::printf("%-35s %9.2g %8.2f%% %8.2f%% %8.2f%% %8.2f%%\n", row.name.c_str(), row.seconds,
                100 * row.errors[0], 100 * row.errors[1], 100 * row.errors[2], 100 * row.errors[3]);

  // 6. A picture: the first test sample of each form at first and at the end.
  std::vector<nopal::Curve> curves;
  std::vector<double> axis;
  for (std::size_t k = 0; k < m; ++k)
    axis.push_back(double(k) / double(m - 1));
  const char* const names[] = {"u (1 - u)", "u (1 - u^2)", "exponential"};
  for (int form = 0; form < 3; ++form)
    for (std::int64_t i = 0; i < tests; ++i) {
      if (static_cast<int>(nopal::Fisher::form_of(2, static_cast<std::uint64_t>(i))) != form)
        continue;
      const auto exact = test.values.slice(i, 1).to_vector(),
                 predicted = learned.slice(i, 1).to_vector();
      nopal::Curve solution{std::string(names[form]) + ", t = 1", axis, {}, false},
          guess{std::string(names[form]) + ", operator", axis, {}, true};
      for (std::size_t k = 0; k < m; ++k) {
        solution.y.push_back(double(exact[frames * (k + 1) - 1]));
        guess.y.push_back(double(predicted[frames * (k + 1) - 1]));
      }
      curves.push_back(solution);
      curves.push_back(guess);
      break;
    }
  nopal::draw_plot(curves, {"Fisher's equation, three reactions", "x", "u", false})
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
    std::fprintf(stderr, "multitask_fisher: %s\n", error.what());
    code = 1;
  }
  return PetscFinalize() == PETSC_SUCCESS ? code : 1;
}
