// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// An operator for several geometries, and its transfer to a new one
//
// Sample runs:  multitask_darcy_transfer
//               mpiexec -n 2 multitask_darcy_transfer -samples 600
//               mpiexec -n 2 multitask_darcy_transfer -samples 1800 -steps 6000 -transfer_steps
//               1500
//                 -resolution 50
//               (half an hour)
//
// Description:  Darcy flow -div(k grad u) = 1 with a log-normal k on a square, a disc and a
//               triangle, u = 0 on the boundary, by finite elements on a DMPlex. A multi-task
//               DeepONet learns all three: the mask of the domain is a channel of its convolutional
//               branch and a factor of its output (Kumar et al., Neural Networks 184, 2025). Then
//               it is transferred to a square with a cross cut out, with 100 samples: first
//               convolution, dense branch and last trunk layer are trained, all others frozen. It
//               has to beat training from scratch with as many samples and steps, and what is
//               cheap: the mean of the training solutions and kernel ridge regression. Writes a
//               picture and the models.

#include <nopal/core/runtime.hpp>
#include <nopal/io/figure.hpp>
#include <nopal/operators/kernel_ridge.hpp>
#include <nopal/operators/model.hpp>
#include <nopal/operators/multitask_deeponet.hpp>
#include <nopal/solvers/generate.hpp>
#include <nopal/solvers/options.hpp>
#include <nopal/solvers/problems/darcy_domains.hpp>
#include <nopal/train/point_losses.hpp>
#include <nopal/train/step_training.hpp>

#include <cmath>
#include <cstdio>

namespace {

using nopal::Tensor;
using Data = nopal::FunctionData<float>;

// log k divided by its deviation, u by that of the training solutions inside.
Data scaled(Data data, double log_k, double u) {
  std::vector<float> x = data.functions[0].to_vector(), y = data.values.to_vector();
  for (std::size_t i = 0; i < x.size(); i += 2)
    x[i] = static_cast<float>(double(x[i]) / log_k);
  for (float& value : y)
    value = static_cast<float>(double(value) / u);
  data.functions[0] = Tensor<float>::from_host(data.functions[0].shape(), x);
  data.values = Tensor<float>::from_host(data.values.shape(), y);
  return data;
}

void run(const nopal::Communicator& comm) {
  // 1. Options.
  std::int64_t samples = 100, steps = 60, target = 100, transfer_steps = 40, tests = 40;
  std::string path = "multitask_darcy_transfer";
  nopal::DarcyDomainsOptions darcy = nopal::DarcyDomainsOptions::read(comm);
  std::int64_t resolution = 32;
  const auto own_options = [&](nopal::PetscOptionReader& read) {
    read.integer("samples", "training samples of all three domains", samples, 20);
    read.integer("steps", "steps of the optimiser on them", steps, 1);
    read.integer("target", "training samples of the new domain", target, 10);
    read.integer("transfer_steps", "steps on them, of either way", transfer_steps, 1);
    read.integer("tests", "test samples of either", tests, 1);
    read.integer("resolution", "points an axis", resolution, 16);
    read.output("out", "models and picture to write, without ending", path, ".safetensors");
  };
  if (!nopal::read_program_options(comm, "multitask_darcy_transfer", own_options)) return;

  // 2. Data: sets of their own for training, to choose the best step, and to judge.
  darcy.resolution = resolution;
  const auto make = [&](nopal::DarcyDomain domain, std::uint64_t seed, std::int64_t count) {
    darcy.domain = domain;
    nopal::DarcyDomains problem(darcy);
    return problem.as_functions(
        *nopal::generate_in_memory<float>(problem, {count, seed, 0, 0}, comm));
  };
  using Domain = nopal::DarcyDomain;
  const Data raw = make(Domain::mixed, 0, samples);
  double squares = 0, inside = 0;
  const auto u = raw.values.to_vector(), mask = raw.mask.to_vector();
  for (std::size_t i = 0; i < u.size(); ++i) {
    squares += double(u[i]) * double(u[i]);
    inside += double(mask[i]);
  }
  const double size = std::sqrt(squares / inside);
  const auto set = [&](Domain domain, std::uint64_t seed, std::int64_t count) {
    return scaled(make(domain, seed, count), darcy.deviation, size);
  };
  const Data training = scaled(raw, darcy.deviation, size),
             validation = set(Domain::mixed, 1, std::max<std::int64_t>(tests / 2, 20)),
             test = set(Domain::mixed, 2, tests);
  const Data new_training = set(Domain::cross, 10, target),
             new_validation = set(Domain::cross, 11, 20), new_test = set(Domain::cross, 12, tests);

  // 3. The operator for square, disc and triangle. The published networks, with a convolution less
  //    where a field has few points.
  nopal::MultitaskDeepONetOptions options;
  options.sensors = 2 * resolution * resolution;
  options.image.image = {resolution, resolution, 2};
  options.image.convolutions = {16, 32, 64, 64};
  options.mask = true;
  options.features.lower = {0, 0};
  options.features.upper = {1, 1};
  options.branch = {128, 128, 150};
  options.branch_activation = "tanh";
  options.branch_norm = "none";
  options.trunk = {64, 128, 128, 128, 150};
  nopal::MultitaskDeepONet<float> op(options, 0);
  const auto train = [&](nopal::PointOperator<float>& which, const Data& data, const Data& check,
                         std::int64_t count, double rate, const char* loss,
                         const std::vector<std::string>& trainable) {
    nopal::StepOptions how;
    how.steps = count;
    how.learning_rate = rate;
    how.schedule = "cosine";
    how.validation_interval = std::max<std::int64_t>(count / 20, 1);
    how.trainable = trainable;
    nopal::FunctionBatchOptions batch;
    batch.batch = 50;
    batch.loss = loss;
    return nopal::train_steps<float>(
        which, nopal::function_loss<float>(which, data, batch, comm), how, comm,
        [&] { return nopal::mean_point_error(nopal::predict(which, check, comm), check); });
  };
  const auto source = train(op, training, validation, steps, 1e-3, "l2", {});

  // 4. To the square with a cross: the transferred operator as it is, after training a part of it,
  //    and a new one, with the same samples and steps.
  struct Row {
    std::string name;
    double seconds, error;
  };
  std::vector<Row> rows;
  const auto report = [&](const std::string& name, double seconds, const Tensor<float>& prediction,
                          const Data& data) {
    rows.push_back({name, seconds, nopal::mean_point_error(prediction, data)});
  };
  report("square, disc, triangle: operator", source.seconds, nopal::predict(op, test, comm), test);
  report("cross: operator, not transferred", 0, nopal::predict(op, new_test, comm), new_test);
  nopal::MultitaskDeepONet<float> fresh(options, 1);
  const auto scratch = train(fresh, new_training, new_validation, transfer_steps, 1e-3, "l2", {});
  const auto transfer =
      train(op, new_training, new_validation, transfer_steps, 5e-4, "l2",
            {"image.0", "branch", "trunk." + std::to_string(options.trunk.size() - 1)});
  const Tensor<float> transferred = nopal::predict(op, new_test, comm),
                      alone = nopal::predict(fresh, new_test, comm);
  report("cross: transferred, frozen but for a part", transfer.seconds, transferred, new_test);
  report("cross: from scratch, same budget", scratch.seconds, alone, new_test);

  // 5. What is cheap.
  const std::int64_t points = new_test.points.extent(0);
  std::vector<float> mean(static_cast<std::size_t>(points)), all;
  const auto v = new_training.values.to_vector();
  for (std::size_t i = 0; i < v.size(); ++i)
    mean[i % mean.size()] += v[i] / static_cast<float>(target);
  for (std::int64_t i = 0; i < tests; ++i)
    all.insert(all.end(), mean.begin(), mean.end());
  report("cross: mean of the training solutions", 0,
         Tensor<float>::from_host(new_test.values.shape(), all), new_test);
  // Of the deviations from the mean; the nugget with the least error on the validation samples.
  std::vector<double> deviations(v.begin(), v.end());
  for (std::size_t i = 0; i < deviations.size(); ++i)
    deviations[i] -= double(mean[i % mean.size()]);
  double least = INFINITY;
  Tensor<float> best;
  for (const double nugget : {1e-6, 1e-4, 1e-2, 1.0}) {
    nopal::KernelRidgeOptions ridge;
    ridge.samples = target;
    ridge.sensors = options.sensors;
    ridge.points = points;
    ridge.length = 3;
    ridge.nugget = nugget;
    nopal::KernelRidge<double> kernel(ridge);
    kernel.fit(nopal::cast<double>(new_training.functions[0]),
               Tensor<double>::from_host(new_training.values.shape(), deviations));
    const auto predict = [&](const Data& data) {
      const nopal::Variable<double> x = nopal::cast<double>(data.functions[0]);
      std::vector<float> result = nopal::cast<float>(kernel.forward(x).value()).to_vector();
      for (std::size_t i = 0; i < result.size(); ++i)
        result[i] += mean[i % mean.size()];
      return Tensor<float>::from_host(data.values.shape(), result);
    };
    const double error = nopal::mean_point_error(predict(new_validation), new_validation);
    if (error < least) best = predict(new_test);
    least = std::min(least, error);
  }
  report("cross: kernel ridge, Matern 5/2", 0, best, new_test);

  // 6. The table.
  if (comm.rank() == 0) {
    std::printf("darcy_domains: %ld samples, %ld steps; cross: %ld samples, %ld steps\n",
                long(samples), long(steps), long(target), long(transfer_steps));
    for (const Row& row : rows)
      std::printf("%-42s %7.1f s   relative L2 error %7.2f%%\n", row.name.c_str(), row.seconds,
                  100 * row.error);

    // 7. A picture of the first test sample.
    std::vector<nopal::Panel> panels;
    const auto panel = [&](const std::string& title, const std::vector<float>& values) {
      const auto n = static_cast<int>(resolution);
      nopal::Panel p{title, n, n, {}, nopal::ColorMap::viridis, {}, {}};
      for (int j = 0; j < n; ++j)
        for (int i = 0; i < n; ++i)
          p.values.push_back(double(values[static_cast<std::size_t>(i * n + j)]));
      panels.push_back(p);
    };
    const auto exact = new_test.values.slice(0, 1).to_vector();
    std::vector<float> log_k;
    const auto x = new_test.functions[0].slice(0, 1).to_vector();
    for (std::size_t i = 0; i < x.size(); i += 2)
      log_k.push_back(x[i] * x[i + 1]);
    panel("log k", log_k);
    panel("u", exact);
    panel("transferred", transferred.slice(0, 1).to_vector());
    panel("from scratch", alone.slice(0, 1).to_vector());
    nopal::draw_panels(panels, "Darcy flow around a cross").write_png(path + ".png");
  }
  nopal::Model<float> model(std::make_unique<nopal::MultitaskDeepONet<float>>(options, 0));
  const auto from = nopal::state_tensors<float>(op), to = nopal::state_tensors<float>(model.op());
  for (std::size_t i = 0; i < from.size(); ++i)
    to[i].value.copy_from(from[i].value);
  model.save(path + ".safetensors", comm);
  if (comm.rank() == 0) std::printf("picture: %s.png\n", path.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  nopal::Runtime runtime(argc, argv);
  if (PetscInitialize(&argc, &argv, nullptr, nullptr) != PETSC_SUCCESS) return 1;
  int code = 0;
  try {
    run(nopal::Communicator::world());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "multitask_darcy_transfer: %s\n", error.what());
    code = 1;
  }
  return PetscFinalize() == PETSC_SUCCESS ? code : 1;
}
