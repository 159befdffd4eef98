// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Hypersonic flow past semi-ellipses on a uniform grid with a mask: the errors of operators of
// points (Fusion-DeepONet, DeepONet), of modes (POD-DeepONet), of fields (FNO, U-Net) and of kernel
// interpolation on shapes that none of them was trained on.
//
// nopal generate -problem semi_ellipse -semi_ellipse_points uniform -semi_ellipse_cells 64 -n 36
//   -resumable -out uniform.h5, then flow_operators -data uniform.h5

#include "benchmarks/support/report.hpp"

#include <nopal/core/random.hpp>
#include <nopal/data/channel_statistics.hpp>
#include <nopal/nn/elementwise.hpp>
#include <nopal/operators/deeponet.hpp>
#include <nopal/operators/fno.hpp>
#include <nopal/operators/fusion_deeponet.hpp>
#include <nopal/operators/kernel_ridge.hpp>
#include <nopal/operators/pod_deeponet.hpp>
#include <nopal/operators/unet.hpp>
#include <nopal/solvers/problems/semi_ellipse.hpp>
#include <nopal/train/point_losses.hpp>
#include <nopal/train/step_training.hpp>

#include <cstdio>

namespace {

using nopal::FunctionData;
using nopal::Tensor;
using nopal::Variable;
using Data = FunctionData<float>;

constexpr std::int64_t test_shapes = 8;

// Half axes to [0, 1], variables to [0, 1] by the ranges of the training shapes, 0 in the body.
struct Flows {
  Data training, test;
  nopal::ChannelRanges variable;
  std::int64_t n = 0;

  Tensor<float> physical(const Tensor<float>& scaled) const {
    Tensor<float> result(scaled.shape());
    for (std::int64_t i = 0; i < scaled.size(); ++i) {
      const auto c = static_cast<std::size_t>(i % 4);
      result.data()[i] =
          static_cast<float>(variable.low[c] + variable.width[c] * double(scaled.data()[i]));
    }
    return result;
  }
};

Flows load(const std::string& path) {
  const nopal::Hdf5Dataset<float> file(path);
  Flows flows;
  flows.n = file.x_shape()[0];
  nopal::SemiEllipseOptions options;
  options.cells = flows.n;
  options.points = "uniform";
  const Data all = nopal::SemiEllipse(options).as_functions(file);
  const auto order = nopal::Random(1).permutation(all.size());  // as the example has it
  const std::vector<std::int64_t> known(order.begin() + test_shapes, order.end()),
      rest(order.begin(), order.begin() + test_shapes);
  // Ranges of the flow alone: the values in the body are 0.
  const Data training = nopal::select_samples(all, known);
  std::vector<std::int64_t> outside;
  for (std::int64_t i = 0; i < training.mask.size(); ++i)
    if (training.mask.data()[i] > 0) outside.push_back(i);
  flows.variable = nopal::channel_ranges(
      nopal::select_rows(training.values.reshape({training.mask.size(), 4}), outside));
  const auto shapes = nopal::channel_ranges(training.functions[0]);
  for (std::int64_t i = 0; i < all.functions[0].size(); ++i) {
    float& value = all.functions[0].data()[i];
    const auto c = static_cast<std::size_t>(i % 2);
    value = static_cast<float>((double(value) - shapes.low[c]) / shapes.width[c]);
  }
  for (std::int64_t i = 0; i < all.values.size(); ++i) {
    float& value = all.values.data()[i];
    const auto c = static_cast<std::size_t>(i % 4);
    value = static_cast<float>(double(all.mask.data()[i / 4]) *
                               (double(value) - flows.variable.low[c]) / flows.variable.width[c]);
  }
  flows.training = nopal::select_samples(all, known);
  flows.test = nopal::select_samples(all, rest);
  return flows;
}

// Half axes and mask as channels of a field (B, n, n, 3).
Tensor<float> fields(const Data& data, std::int64_t n) {
  Tensor<float> x({data.size(), n, n, 3});
  for (std::int64_t i = 0; i < data.mask.size(); ++i) {
    const std::int64_t sample = i / (n * n);
    x.data()[3 * i] = data.functions[0].data()[2 * sample];
    x.data()[3 * i + 1] = data.functions[0].data()[2 * sample + 1];
    x.data()[3 * i + 2] = data.mask.data()[i];
  }
  return x;
}

nopal::StepOptions how(std::int64_t steps, double rate) {
  nopal::StepOptions o;
  o.steps = steps;
  o.learning_rate = rate;
  o.schedule = "cosine";
  o.progress_seconds = 60;
  return o;
}

class Comparison {
 public:
  Comparison(const Flows& flows, const benchmarks::Options& options)
      : flows_(flows),
        seed_(static_cast<std::uint64_t>(options.integer("seed"))),
        steps_(options.integer("steps")),
        field_steps_(options.integer("field_steps")),
        points_(options.integer("points")),
        only_(options.text("only")) {}

  bool wanted(const std::string& name) const { return only_ == "all" || only_ == name; }

  void train_on_points(const std::string& name, nopal::PointOperator<float>& op, double rate) {
    nopal::FunctionBatchOptions batch;
    batch.points = op.name() == "pod_deeponet" ? 0 : points_;
    const auto result = nopal::train_steps<float>(
        op, nopal::function_loss<float>(op, flows_.training, batch), how(steps_, rate));
    report(name, nopal::predict(op, flows_.test), nopal::count(op.parameters()), steps_,
           result.seconds);
  }

  // Batches of 4 shapes; a point in the body does not count.
  void train_on_fields(const std::string& name, nopal::Operator<float>& op, double rate) {
    constexpr std::int64_t batch = 4;
    const std::int64_t count = flows_.training.size();
    const nopal::StepLoss<float> loss = [&](std::int64_t step) {
      const std::int64_t an_epoch = count / batch;
      const auto order =
          nopal::Random(seed_, static_cast<std::uint64_t>(step / an_epoch)).permutation(count);
      const auto first = order.begin() + (step % an_epoch) * batch;
      const Data part =
          nopal::select_samples(flows_.training, std::vector<std::int64_t>(first, first + batch));
      const Variable<float> y = op.forward(Variable<float>(fields(part, flows_.n)));
      return nopal::point_squared_error(nopal::reshape(y, part.values.shape()), part,
                                        1 / static_cast<double>(part.values.size()));
    };
    const auto result = nopal::train_steps<float>(op, loss, how(field_steps_, rate));
    report(name, op.forward(Variable<float>(fields(flows_.test, flows_.n))).value(),
           nopal::count(op.parameters()), field_steps_, result.seconds);
  }

  void report(const std::string& name, const Tensor<float>& prediction, std::int64_t numbers,
              std::int64_t steps, double seconds) {
    const auto errors =
        nopal::channel_errors(flows_.physical(prediction.reshape(flows_.test.values.shape())),
                              flows_.physical(flows_.test.values), flows_.test.mask);
    std::printf(
        "%-22s %9lld numbers %6lld steps %7.0f s   rho %6.2f  u %6.2f  v %6.2f  p %6.2f %%\n",
        name.c_str(), static_cast<long long>(numbers), static_cast<long long>(steps), seconds,
        100 * errors[0], 100 * errors[1], 100 * errors[2], 100 * errors[3]);
    std::fflush(stdout);
    results_.push_back({{"name", name},
                        {"numbers", numbers},
                        {"steps", steps},
                        {"seconds", seconds},
                        {"relative_l2", errors}});
  }

  std::uint64_t seed() const { return seed_; }
  const nlohmann::json& results() const { return results_; }

 private:
  const Flows& flows_;
  std::uint64_t seed_;
  std::int64_t steps_, field_steps_, points_;
  std::string only_;
  nlohmann::json results_ = nlohmann::json::array();
};

void run(const benchmarks::Options& options) {
  const Flows flows = load(options.text("data"));
  const std::int64_t n = flows.n, cells = n * n, training = flows.training.size();
  Comparison compare(flows, options);
  const auto box = nopal::channel_ranges(flows.training.points);
  if (compare.wanted("fusion_deeponet")) {
    nopal::FusionDeepONetOptions o;
    o.parameter_lower = {0, 0};
    o.parameter_upper = {1, 1};
    o.features.lower = box.low;
    o.features.upper = box.high;
    nopal::FusionDeepONet<float> op(o, compare.seed());
    compare.train_on_points("fusion_deeponet", op, 2e-3);
  }
  if (compare.wanted("deeponet")) {
    nopal::DeepONetOptions o;
    o.sensors = {2};
    o.dimension = 2;
    o.out_channels = 4;
    o.branch = o.trunk = {64, 64, 64, 64};
    o.branch_activation = o.trunk_activation = "tanh";
    o.features.lower = box.low;
    o.features.upper = box.high;
    nopal::DeepONet<float> op(o, compare.seed());
    compare.train_on_points("deeponet", op, 2e-3);
  }
  if (compare.wanted("pod_deeponet")) {
    const auto basis =
        nopal::pod_basis(flows.training.values.reshape({training, cells, 4}), 0.99999);
    nopal::PodDeepONetOptions o;
    o.sensors = 2;
    o.points = cells;
    o.out_channels = 4;
    o.modes = basis.count();
    o.hidden = {64, 64, 64};
    o.activation = "tanh";
    nopal::PodDeepONet<float> op(o, compare.seed());
    op.set_basis(basis);
    compare.train_on_points("pod_deeponet", op, 2e-3);
  }
  if (compare.wanted("fno")) {
    nopal::FnoOptions o;
    o.in_channels = 3;
    o.out_channels = 4;
    o.n_modes = {options.integer("modes"), options.integer("modes")};
    o.hidden_channels = options.integer("fno_width");
    nopal::Fno<float> op(o, compare.seed());
    compare.train_on_fields("fno", op, 2e-3);
  }
  if (compare.wanted("unet")) {
    nopal::UnetOptions o;
    o.in_channels = 3;
    o.out_channels = 4;
    o.width = options.integer("unet_width");
    nopal::Unet<float> op(o, compare.seed());
    compare.train_on_fields("unet", op, 1e-3);
  }
  if (compare.wanted("kernel")) {
    nopal::KernelRidgeOptions o;
    o.samples = training;
    o.sensors = 2;
    o.points = cells;
    o.out_channels = 4;
    const auto values = flows.training.values.reshape({training, cells, 4});
    o = nopal::choose_kernel(o, flows.training.functions[0], values);
    nopal::KernelRidge<float> op(o);
    op.fit(flows.training.functions[0], values);
    compare.report("kernel (" + o.kernel + ")",
                   op.forward(Variable<float>(flows.test.functions[0])).value(),
                   static_cast<std::int64_t>(o.parameter_count()), 0, 0);
  }
  benchmarks::write_json(options.text("json"), {{"benchmark", "flow_operators"},
                                                {"environment", benchmarks::environment()},
                                                {"cells", n},
                                                {"seed", compare.seed()},
                                                {"results", compare.results()}});
}

}  // namespace

int main(int argc, char** argv) {
  benchmarks::Options options("Operators for flow past semi-ellipses on a uniform grid.",
                              {{"data", "uniform.h5"},
                               {"only", "all"},
                               {"seed", "0"},
                               {"steps", "6000"},
                               {"field_steps", "2100"},
                               {"points", "500"},
                               {"modes", "16"},
                               {"fno_width", "32"},
                               {"unet_width", "32"},
                               {"json", ""}});
  return benchmarks::run_program(argc, argv, options, run);
}
