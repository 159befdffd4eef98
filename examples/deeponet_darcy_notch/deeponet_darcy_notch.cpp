// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Operators on the points of a PETSc mesh
//
// Sample runs:  deeponet_darcy_notch
//               mpiexec -n 2 deeponet_darcy_notch -samples 500
//               mpiexec -n 2 deeponet_darcy_notch -samples 1900 -tests 100 -steps 20000 -epochs 30
//               (the published experiment, tens of minutes)
//
// Description:  Flow in a triangle with a notch,
//
//                   -Lap u = 10,   u = g(x) on the sides of the triangle, u = 0 on the notch,
//
//               solved by finite elements on a DMPlex. The map from g to u at the points of the
//               mesh is learned by a DeepONet, by one whose basis is the proper orthogonal
//               decomposition of the training solutions, by linear random features and by kernel
//               ridge regression; and by an FNO, for which all has to be interpolated to a grid
//               and back. All see the same training data. Writes a picture, the mesh with a
//               solution for ParaView, and the models.

#include <nopal/core/runtime.hpp>
#include <nopal/io/figure.hpp>
#include <nopal/io/vtk_mesh.hpp>
#include <nopal/operators/deeponet.hpp>
#include <nopal/operators/kernel_ridge.hpp>
#include <nopal/operators/model.hpp>
#include <nopal/operators/pod_deeponet.hpp>
#include <nopal/operators/random_feature_operator.hpp>
#include <nopal/solvers/options.hpp>
#include <nopal/solvers/problems/darcy_notch.hpp>
#include <nopal/train/point_losses.hpp>
#include <nopal/train/step_training.hpp>
#include <nopal/train/trainer.hpp>

#include <chrono>
#include <cmath>
#include <cstdio>

namespace {

using nopal::Tensor;
using Data = nopal::FunctionData<float>;

// Zero mean and unit deviation over all numbers of the training data.
struct Scale {
  double mean = 0, deviation = 1;

  explicit Scale(const Tensor<float>& x) {
    double sum = 0, squares = 0;
    for (const float v : x.to_vector()) {
      sum += double(v);
      squares += double(v) * double(v);
    }
    const auto n = static_cast<double>(x.size());
    mean = sum / n;
    deviation = std::sqrt(squares / n - mean * mean);
  }
  Tensor<float> encode(const Tensor<float>& x) const {
    return map(x, 1 / deviation, -mean / deviation);
  }
  Tensor<float> decode(const Tensor<float>& x) const { return map(x, deviation, mean); }

  static Tensor<float> map(const Tensor<float>& x, double factor, double shift) {
    std::vector<float> values = x.to_vector();
    for (float& v : values)
      v = static_cast<float>(factor * double(v) + shift);
    return Tensor<float>::from_host(x.shape(), values);
  }
};

void run(const nopal::Communicator& comm) {
  // 1. Options, those of the problem among them.
  const auto equation = nopal::DarcyNotchOptions::read(comm);
  std::int64_t samples = 200, tests = 50, steps = 400, epochs = 2;
  double rate = 3e-3;
  std::string path = "deeponet_darcy_notch", activation = "gelu";
  const auto own_options = [&](nopal::PetscOptionReader& read) {
    read.integer("samples", "training samples", samples, 20);
    read.integer("tests", "test samples", tests, 1);
    read.integer("steps", "steps of the optimiser, of either DeepONet", steps, 1);
    read.integer("epochs", "epochs of the FNO; 0: none", epochs, 0);
    read.real("rate", "learning rate of either DeepONet at first", rate);
    read.text("activation", "of either DeepONet", activation);
    read.output("out", "models and pictures to write, without ending", path, ".safetensors");
  };
  if (!nopal::read_program_options(comm, "deeponet_darcy_notch", own_options)) return;

  // 2. Data at the points of the mesh, of three sets of their own.
  nopal::DarcyNotch problem(equation);
  const Data training = problem.point_data<float>(0, 0, samples, comm);
  const Data validation =
      problem.point_data<float>(1, 0, std::max<std::int64_t>(samples / 10, 20), comm);
  const Data test = problem.point_data<float>(2, 0, tests, comm);
  const std::int64_t points = test.points.extent(0), sensors = test.functions[0].extent(1);
  const Scale in(training.functions[0]), out(training.values);
  const auto scaled = [&](Data data) {
    data.functions[0] = in.encode(data.functions[0]);
    data.values = out.encode(data.values);
    return data;
  };
  const Data scaled_training = scaled(training), scaled_validation = scaled(validation),
             scaled_test = scaled(test);

  // 3. DeepONet and POD-DeepONet: Adam, the rate falling as a cosine.
  struct Row {
    std::string name;
    double numbers, seconds, error;
  };
  std::vector<Row> rows;
  std::vector<std::vector<float>> first;  // solutions of the first test sample
  const auto report = [&](const std::string& name, double numbers, double seconds,
                          const Tensor<float>& u) {
    rows.push_back({name, numbers, seconds, nopal::mean_point_error(u, test)});
    first.push_back(u.slice(0, 1).to_vector());
  };
  nopal::StepOptions how;
  how.steps = steps;
  how.learning_rate = rate;
  how.schedule = "cosine";
  how.validation_interval = std::max<std::int64_t>(steps / 40, 1);
  nopal::FunctionBatchOptions batch;
  batch.batch = 100;
  const auto train = [&](const std::string& name, const std::string& file,
                         std::unique_ptr<nopal::PointOperator<float>> op) {
    const auto result = nopal::train_steps<float>(
        *op, nopal::function_loss<float>(*op, scaled_training, batch, comm), how, comm, [&] {
          return nopal::mean_point_error(nopal::predict(*op, scaled_validation, comm),
                                         scaled_validation);
        });
    report(name, double(nopal::count(op->parameters())), result.seconds,
           out.decode(nopal::predict(*op, scaled_test, comm)));
    nopal::Model<float>(std::move(op)).save(path + "_" + file + ".safetensors", comm);
  };
  nopal::DeepONetOptions network;
  network.sensors = {sensors};
  network.dimension = 2;
  network.branch = {128, 128, 100};
  network.trunk = {128, 128, 128, 100};
  network.branch_activation = network.trunk_activation = activation;
  network.bias = false;
  network.features.lower = {0, 0};
  network.features.upper = {1, std::sqrt(3.0) / 2};
  train("DeepONet", "deeponet", std::make_unique<nopal::DeepONet<float>>(network, 0));

  const auto basis = nopal::pod_basis(scaled_training.values, 1, 20);
  nopal::PodDeepONetOptions pod;
  pod.sensors = sensors;
  pod.points = points;
  pod.modes = basis.count();
  pod.hidden = {128, 128};
  pod.activation = activation;
  auto pod_op = std::make_unique<nopal::PodDeepONet<float>>(pod, 0);
  pod_op->set_basis(basis);
  train("POD-DeepONet", "pod", std::move(pod_op));
  rows.push_back({"projection on the POD basis", double(basis.modes.size()), 0,
                  basis.projection_error(scaled_test.values)});

  // 4. Fitted baselines, in double. The map is affine: a sensor that is always 1 makes it linear.
  const auto with_one = [](const Tensor<float>& g) {
    const Tensor<float> all({g.extent(0), g.extent(1) + 1});
    for (std::int64_t i = 0; i < all.size(); ++i) {
      const std::int64_t sample = i / all.extent(1), sensor = i % all.extent(1);
      all.data()[i] = sensor < g.extent(1) ? g.data()[sample * g.extent(1) + sensor] : 1;
    }
    return nopal::cast<double>(all);
  };
  const auto u = with_one(scaled_training.functions[0]),
             v = nopal::cast<double>(scaled_training.values);
  const nopal::Variable<double> x = with_one(scaled_test.functions[0]);
  const auto fit = [&](const std::string& name, double numbers, auto& op, const auto& action) {
    const auto start = std::chrono::steady_clock::now();
    action();
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    report(name, numbers, seconds, out.decode(nopal::cast<float>(op.forward(x).value())));
  };
  nopal::RandomFeatureOptions linear;
  linear.sensors = sensors + 1;
  linear.points = points;
  linear.dimension = 2;
  linear.features = "linear";
  linear.count = sensors + 1;
  linear.trunk_count = 0;
  linear.threshold = 1e-6;
  nopal::RandomFeatureOperator<double> features(linear);
  fit("random features, linear", linear.parameter_count(), features,
      [&] { features.fit(u, v, nopal::cast<double>(training.points)); });
  nopal::KernelRidgeOptions ridge;
  ridge.samples = samples;
  ridge.sensors = sensors + 1;
  ridge.points = points;
  ridge.length = 10;
  nopal::KernelRidge<double> kernel(ridge);
  fit("kernel ridge, Matern 5/2", ridge.parameter_count(), kernel, [&] { kernel.fit(u, v); });

  // 5. FNO on a grid of the box around the triangle, with the mask as an input.
  if (epochs > 0) {
    const auto fields = [&](const Data& data) {
      const auto [a, b] = problem.as_fields(data);
      return std::make_shared<nopal::InMemoryDataset<float>>(a, b, "darcy_notch");
    };
    nopal::Model<float> model(
        nopal::make_operator<float>("fno", {{"n_modes", {8, 8}},
                                            {"in_channels", 2},
                                            {"out_channels", 1},
                                            {"hidden_channels", 32},
                                            {"n_layers", 4},
                                            {"domain_padding", {0.25, 0.25}}}));
    nopal::TrainOptions fno;
    fno.epochs = epochs;
    fno.schedule = "cosine";
    const auto start = std::chrono::steady_clock::now();
    nopal::train(model, {fields(training), fields(validation), {}}, fno, comm);
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const auto grid = problem.as_fields(test);
    report("FNO, between grid and mesh", double(nopal::count(model.op().parameters())), seconds,
           problem.at_mesh(model.predict(grid.first)));
    rows.push_back({"the same, the exact solution", 0, 0,
                    nopal::mean_point_error(problem.at_mesh(grid.second), test)});
    model.save(path + "_fno.safetensors", comm);
  }

  // 6. The table, and the mesh with a solution for ParaView.
  if (comm.rank() > 0) return;
  std::printf("darcy_notch: %ld training samples, %ld points, %ld steps\n", long(samples),
              long(points), long(steps));
  for (const Row& row : rows)
    std::printf("%-30s %8.0f numbers %7.1f s   relative L2 error %8.4f%%\n", row.name.c_str(),
                row.numbers, row.seconds, 100 * row.error);
  nopal::VtkMesh mesh(Tensor<double>::from_host({points, 2}, problem.mesh().points),
                      problem.mesh().corners, 3);
  mesh.add("u", test.values.slice(0, 1).reshape({points}));
  mesh.add("DeepONet", Tensor<float>::from_host({points}, first[0]));
  mesh.add("POD-DeepONet", Tensor<float>::from_host({points}, first[1]));
  mesh.write(path + ".vtu");

  // 7. A picture: the first test solution, and the errors.
  Data one = test;
  std::vector<nopal::Panel> panels;
  const auto panel = [&](const std::string& title, const std::vector<float>& values) {
    one.values = Tensor<float>::from_host({1, points, 1}, values);
    one.functions = {test.functions[0].slice(0, 1)};
    // The first axis of a field is x: turned, so that it points right.
    const auto field = problem.as_fields(one).second;
    const auto n = static_cast<int>(field.extent(1));
    nopal::Panel p{title, n, n, {}, nopal::ColorMap::viridis, {}, {}};
    for (int j = 0; j < n; ++j)
      for (int i = 0; i < n; ++i)
        p.values.push_back(double(field.to_vector()[static_cast<std::size_t>(i * n + j)]));
    panels.push_back(p);
  };
  const std::vector<float> exact = test.values.slice(0, 1).to_vector();
  panel("u", exact);
  const char* const names[] = {"DeepONet", "POD-DeepONet", "linear", "kernel", "FNO"};
  for (std::size_t k = 0; k < first.size(); ++k) {
    std::vector<float> error = first[k];
    for (std::size_t p = 0; p < error.size(); ++p)
      error[p] = std::abs(error[p] - exact[p]);
    panel(std::string("|error|, ") + names[k], error);
  }
  nopal::draw_panels(panels, "Flow around a notch", 3).write_png(path + ".png");
  std::printf("picture: %s.png, mesh: %s.vtu\n", path.c_str(), path.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  nopal::Runtime runtime(argc, argv);
  if (PetscInitialize(&argc, &argv, nullptr, nullptr) != PETSC_SUCCESS) return 1;
  int code = 0;
  try {
    run(nopal::Communicator::world());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "deeponet_darcy_notch: %s\n", error.what());
    code = 1;
  }
  return PetscFinalize() == PETSC_SUCCESS ? code : 1;
}
