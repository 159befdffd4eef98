// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Maps between functions on a circle, of Lu et al., CMAME 393, 114778, 2022: advection I (a square
// wave on 40 points, half a period later, with noise in the inputs if asked for) and Burgers'
// equation with viscosity 0.1 on 128 points. DeepONet, POD-DeepONet and FNO beside random features,
// kernel ridge and the projection on the POD basis.

#include "benchmarks/support/report.hpp"

#include <nopal/operators/deeponet.hpp>
#include <nopal/operators/kernel_ridge.hpp>
#include <nopal/operators/pod_deeponet.hpp>
#include <nopal/operators/random_feature_operator.hpp>
#include <nopal/solvers/generate.hpp>
#include <nopal/solvers/problems/advection.hpp>
#include <nopal/solvers/problems/burgers.hpp>
#include <nopal/train/evaluation.hpp>
#include <nopal/train/point_losses.hpp>
#include <nopal/train/step_training.hpp>
#include <nopal/train/trainer.hpp>

#include <chrono>
#include <cstdio>

namespace {

using nopal::Tensor;

struct Set {
  std::shared_ptr<const nopal::Dataset<float>> fields;
  nopal::FunctionData<float> points;
};

// The samples of a seed, on every rank.
Set make_set(nopal::Problem& problem, std::uint64_t seed, std::int64_t samples,
             const nopal::Communicator& comm) {
  Set set;
  set.fields = nopal::generate_in_memory<float>(problem, {samples, seed, 0, 0}, comm);
  // Without the end, which is the start.
  std::vector<double> x = nopal::equally_spaced(0, 1, problem.x_shape()[0] + 1);
  x.pop_back();
  set.points = nopal::as_function_data(*set.fields, nopal::product_points<float>({x}));
  return set;
}

class Comparison {
 public:
  Comparison(const benchmarks::Options& options, const nopal::Communicator& comm)
      : options_(options), comm_(comm) {
    burgers_ = options.text("problem") == "burgers";
    NOPAL_CHECK(burgers_ || options.text("problem") == "advection", "unknown problem '",
                options.text("problem"), "'; expected advection or burgers");
    std::unique_ptr<nopal::Problem> problem;
    if (burgers_) {
      problem = std::make_unique<nopal::Burgers>(nopal::BurgersOptions{});
    } else {
      nopal::AdvectionOptions wave;
      wave.noise = options.number("noise");
      problem = std::make_unique<nopal::Advection>(wave);
    }
    points_ = problem->x_shape()[0];
    training_ = make_set(*problem, 0, 1000, comm_);
    validation_ = make_set(*problem, 1, 200, comm_);
    test_ = make_set(*problem, 2, burgers_ ? 200 : 1000, comm_);
  }

  void run() {
    if (comm_.rank() == 0)
      std::printf("%-34s %10s %9s %12s\n", "method", "seconds", "numbers", "relative L2");
    const auto seed = static_cast<std::uint64_t>(options_.integer("seed"));
    const auto& data = training_.points;
    const auto basis =
        burgers_ ? nopal::pod_basis(data.values, 1, 32) : nopal::pod_basis(data.values, 0.9999);
    report("projection on the POD basis", 0, double(basis.modes.size()),
           basis.projection_error(test_.points.values));
    fit_baselines();

    nopal::PodDeepONetOptions pod;
    pod.sensors = pod.points = points_;
    pod.modes = basis.count();
    pod.hidden = burgers_ ? std::vector<std::int64_t>{128, 128} : std::vector<std::int64_t>{512};
    pod.activation = options_.text("pod_activation");
    nopal::PodDeepONet<float> pod_op(pod, seed);
    pod_op.set_basis(basis);
    train("POD-DeepONet", pod_op, options_.integer("pod_steps"), 0);

    nopal::DeepONetOptions network;
    network.sensors = {points_};
    network.branch =
        burgers_ ? std::vector<std::int64_t>(5, 128) : std::vector<std::int64_t>(2, 512);
    if (burgers_) network.branch.pop_back();
    network.trunk = std::vector<std::int64_t>(3, burgers_ ? 128 : 512);
    network.branch_activation = network.trunk_activation = options_.text("activation");
    if (options_.integer("harmonics") > 0)
      network.features.harmonics = {options_.integer("harmonics")};
    nopal::DeepONet<float> op(network, seed);
    train("DeepONet", op, options_.integer("deeponet_steps"), options_.integer("batch"));
    train_fno(seed);
    if (comm_.rank() == 0)
      benchmarks::write_json(options_.text("json"),
                             {{"environment", benchmarks::environment(comm_)},
                              {"options", options_.to_json()},
                              {"results", rows_}});
  }

 private:
  void report(const std::string& name, double seconds, double numbers, double error) {
    if (comm_.rank() == 0)
      std::printf("%-34s %10.1f %9.0f %11.4f%%\n", name.c_str(), seconds, numbers, 100 * error);
    rows_.push_back(
        {{"method", name}, {"seconds", seconds}, {"numbers", numbers}, {"relative_l2", error}});
  }

  void fit_baselines() {
    const auto u = nopal::cast<double>(training_.points.functions[0]);
    const auto v = nopal::cast<double>(training_.points.values);
    const auto x = nopal::cast<double>(test_.points.functions[0]);
    const auto error = [&](const nopal::Operator<double>& op) {
      return nopal::mean_point_error(nopal::cast<float>(op.forward(x).value()), test_.points);
    };
    const auto clock = std::chrono::steady_clock::now();
    const auto seconds = [&] {
      return std::chrono::duration<double>(std::chrono::steady_clock::now() - clock).count();
    };
    nopal::RandomFeatureOptions linear;
    linear.sensors = linear.points = points_;
    linear.features = "linear";
    linear.count = points_;
    linear.trunk_count = 0;
    linear.threshold = 1e-12;
    nopal::RandomFeatureOperator<double> random(linear);
    random.fit(u, v, nopal::cast<double>(training_.points.points));
    report("random features, linear", seconds(), linear.parameter_count(), error(random));
    nopal::KernelRidgeOptions ridge;
    ridge.samples = 1000;
    ridge.sensors = ridge.points = points_;
    ridge.length = 10;
    nopal::KernelRidge<double> kernel(ridge);
    kernel.fit(u, v);
    report("kernel ridge, Matern 5/2", seconds(), ridge.parameter_count(), error(kernel));
  }

  // Adam, the rate falling as a cosine.
  void train(const std::string& name, nopal::PointOperator<float>& op, std::int64_t steps,
             std::int64_t functions) {
    if (steps == 0) return;
    nopal::StepOptions how;
    how.steps = steps;
    how.schedule = "cosine";
    how.learning_rate = options_.number("rate");
    how.validation_interval = 250;
    nopal::FunctionBatchOptions batch;
    batch.loss = options_.text("loss");
    batch.batch = functions;
    const auto result = nopal::train_steps<float>(
        op, nopal::function_loss<float>(op, training_.points, batch, comm_), how, comm_, [&] {
          return nopal::mean_point_error(nopal::predict(op, validation_.points, comm_),
                                         validation_.points);
        });
    report(name, result.seconds, double(nopal::count(op.parameters())),
           nopal::mean_point_error(nopal::predict(op, test_.points, comm_), test_.points));
  }

  void train_fno(std::uint64_t seed) {
    if (options_.integer("epochs") == 0) return;
    nopal::Model<float> model(nopal::make_operator<float>(
        "fno", {{"n_modes", {32}}, {"hidden_channels", burgers_ ? 64 : 32}, {"n_layers", 4}},
        seed));
    nopal::TrainOptions how;
    how.epochs = options_.integer("epochs");
    how.schedule = "cosine";
    const auto start = std::chrono::steady_clock::now();
    nopal::train(model, {training_.fields, validation_.fields, {}}, how, comm_);
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    report("FNO", seconds, double(nopal::count(model.op().parameters())),
           nopal::evaluate(model, *test_.fields, 100, comm_).relative_l2);
  }

  const benchmarks::Options& options_;
  nopal::Communicator comm_;
  bool burgers_ = false;
  std::int64_t points_ = 0;
  Set training_, validation_, test_;
  nlohmann::json rows_ = nlohmann::json::array();
};

void run(const benchmarks::Options& options) {
  Comparison(options, nopal::Communicator::world()).run();
}

}  // namespace

int main(int argc, char** argv) {
  benchmarks::Options options("Operators that learn maps between periodic functions.",
                              {{"problem", "advection"},
                               {"noise", "0"},
                               {"pod_steps", "30000"},
                               {"pod_activation", "elu"},
                               {"deeponet_steps", "30000"},
                               {"activation", "elu"},
                               {"harmonics", "0"},
                               {"batch", "100"},
                               {"loss", "mse"},
                               {"rate", "1e-3"},
                               {"epochs", "200"},
                               {"seed", "0"},
                               {"json", ""}});
  return benchmarks::run_program(argc, argv, options, run);
}
