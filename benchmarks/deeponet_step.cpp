// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Training step and inference of a DeepONet: all pairs of a batch of functions and points, with the
// networks of the Darcy flow around a notch of Lu et al., CMAME 393, 114778, 2022. The twin in
// PyTorch is peers/deeponet.py.

#include "benchmarks/support/machine.hpp"
#include "benchmarks/support/report.hpp"

#include <nopal/operators/deeponet.hpp>
#include <nopal/train/optimizer.hpp>
#include <nopal/train/point_losses.hpp>

#include <cstdio>

namespace {

using nopal::Tensor;
using nopal::Variable;

Tensor<float> random(const nopal::Shape& shape, std::uint64_t seed) {
  const Tensor<float> x(shape);
  nopal::fill_normal(x, 0, 1, nopal::Random(seed));
  return x;
}

void run(const benchmarks::Options& options) {
  const std::int64_t batch = options.integer("batch"), points = options.integer("points");
  nopal::DeepONetOptions o;
  o.sensors = {options.integer("sensors")};
  o.dimension = 2;
  const std::int64_t width = options.integer("width"), latent = options.integer("latent");
  o.branch = {width, width, latent};
  o.trunk = {width, width, width, latent};
  o.branch_activation = o.trunk_activation = options.text("activation");
  o.bias = false;
  const nopal::DeepONet<float> op(o);
  nopal::FunctionData<float> data;
  data.functions = {random({batch, o.sensors[0]}, 1)};
  data.points = random({points, 2}, 2);
  data.values = random({batch, points, 1}, 3);
  const auto optimizer = nopal::make_optimizer<float>("adamw", {{"weight_decay", 0.0}});

  const Variable<float> inputs[] = {data.functions[0], data.points};
  const auto step = [&] {
    for (const nopal::Parameter<float>* parameter : op.parameters())
      parameter->variable.clear_gradient();
    nopal::Tape<float> tape;
    tape.backward(nopal::point_squared_error(op.forward(inputs), data,
                                             1 / static_cast<double>(batch * points)));
    optimizer->step(op.parameters(), 1e-3);
  };
  const Variable<float> one[] = {data.functions[0].slice(0, 1), data.points};
  const auto infer = [&] { op.forward(one); };

  const benchmarks::Effort effort{options.number("seconds"),
                                  static_cast<int>(options.integer("rounds")), 2};
  const double peak = options.integer("peaks") ? benchmarks::measure_peaks({0.5, 3, 1}).sgemm : 0;
  nlohmann::json results = nlohmann::json::array();
  const auto measure = [&](const char* name, std::int64_t functions,
                           const std::function<void()>& work, double passes) {
    const benchmarks::Timing timing = benchmarks::measure(work, effort);
    const nopal::Shape shapes[] = {{functions, o.sensors[0]}, {points, 2}};
    const double flops = passes * op.cost(shapes).flops;
    std::printf("deeponet %-9s batch %lld: median %.2f ms, min %.2f ms", name,
                static_cast<long long>(functions), 1e3 * timing.median, 1e3 * timing.minimum);
    if (peak > 0)
      std::printf(", %.2f GFLOP, %.0f%% of GEMM peak", 1e-9 * flops,
                  100 * flops / timing.median / peak);
    std::printf("\n");
    results.push_back(
        {{"name", name}, {"batch", functions}, {"seconds", timing.to_json()}, {"flops", flops}});
  };
  measure("step", batch, step, 3);
  measure("inference", 1, infer, 1);
  benchmarks::write_json(options.text("json"), {{"benchmark", "deeponet_step"},
                                                {"environment", benchmarks::environment()},
                                                {"options", options.to_json()},
                                                {"results", results}});
}

}  // namespace

int main(int argc, char** argv) {
  benchmarks::Options options("Training step and inference of a DeepONet on random data.",
                              {{"sensors", "101"},
                               {"width", "128"},
                               {"latent", "100"},
                               {"points", "2295"},
                               {"batch", "100"},
                               {"activation", "leaky_relu"},
                               {"seconds", "3"},
                               {"rounds", "5"},
                               {"peaks", "1"},
                               {"json", ""}});
  return benchmarks::run_program(argc, argv, options, run);
}
