// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Training step and inference of a Fusion-DeepONet on points of each shape's own, and steps with
// derivative-enhanced losses. The twin in PyTorch is peers/fusion_deeponet.py.

#include "benchmarks/support/machine.hpp"
#include "benchmarks/support/report.hpp"

#include <nopal/operators/fusion_deeponet.hpp>
#include <nopal/train/derivative_loss.hpp>
#include <nopal/train/optimizer.hpp>
#include <nopal/train/point_losses.hpp>

#include <cstdio>

namespace {

using nopal::Tensor;
using nopal::Variable;

Tensor<float> random(const nopal::Shape& shape, std::uint64_t seed) {
  Tensor<float> x(shape);
  nopal::fill_normal(x, 0, 1, nopal::Random(seed));
  return x;
}

void run(const benchmarks::Options& options) {
  const std::int64_t shapes = options.integer("shapes"), points = options.integer("points");
  nopal::FusionDeepONetOptions o;
  o.width = o.latent = options.integer("width");
  o.layers = options.integer("layers");
  const nopal::FusionDeepONet<float> op(o);
  nopal::FunctionData<float> data;
  data.functions = {random({shapes, o.parameters}, 1)};
  data.points = random({shapes * points, o.dimension}, 2);
  data.values = random({shapes * points, o.out_channels}, 3);
  for (std::int64_t b = 0; b <= shapes; ++b)
    data.offsets.push_back(b * points);
  const auto optimizer = nopal::make_optimizer<float>("adamw", {{"weight_decay", 0.0}});

  const Variable<float> parameters(data.functions[0]), where(data.points);
  const auto step = [&] {
    for (const nopal::Parameter<float>* parameter : op.parameters())
      parameter->variable.clear_gradient();
    nopal::Tape<float> tape;
    tape.backward(
        nopal::point_squared_error(op.forward_rows(std::span(&parameters, 1), where, data.offsets),
                                   data, 1 / static_cast<double>(data.values.size())));
    optimizer->step(op.parameters(), 1e-3);
  };
  const auto infer = [&] { op.forward_rows(std::span(&parameters, 1), where, data.offsets); };

  const benchmarks::Effort effort{options.number("seconds"),
                                  static_cast<int>(options.integer("rounds")), 2};
  const double peak = options.integer("peaks") ? benchmarks::measure_peaks({0.5, 3, 1}).sgemm : 0;
  const nopal::Shape sizes[] = {{shapes, o.parameters}, {points, o.dimension}};
  nlohmann::json results = nlohmann::json::array();
  const auto measure = [&](const char* name, const std::function<void()>& work, double passes) {
    const benchmarks::Timing timing = benchmarks::measure(work, effort);
    const double flops = passes * op.cost(sizes).flops;
    std::printf("fusion_deeponet %-14s %lld x %lld points: median %.2f ms, min %.2f ms", name,
                static_cast<long long>(shapes), static_cast<long long>(points), 1e3 * timing.median,
                1e3 * timing.minimum);
    if (peak > 0)
      std::printf(", %.2f GFLOP, %.0f%% of GEMM peak", 1e-9 * flops,
                  100 * flops / timing.median / peak);
    std::printf("\n");
    results.push_back(
        {{"name", name}, {"batch", shapes}, {"seconds", timing.to_json()}, {"flops", flops}});
  };
  measure("step", step, 3);
  measure("inference", infer, 1);
  // Steps with derivatives in the loss, of all points: what they cost beside the first.
  for (const char* kind : {"differences", "least_squares", "tangents"}) {
    const auto loss = nopal::derivative_enhanced_loss<float>(op, data, {}, {kind, 1e-4, 40});
    measure(
        kind,
        [&] {
          for (const nopal::Parameter<float>* parameter : op.parameters())
            parameter->variable.clear_gradient();
          nopal::Tape<float> tape;
          tape.backward(loss(0));
          optimizer->step(op.parameters(), 1e-3);
        },
        kind == std::string("tangents") ? 9 : 3);
  }
  benchmarks::write_json(options.text("json"), {{"benchmark", "fusion_deeponet"},
                                                {"environment", benchmarks::environment()},
                                                {"options", options.to_json()},
                                                {"results", results}});
}

}  // namespace

int main(int argc, char** argv) {
  benchmarks::Options options("Training step and inference of a Fusion-DeepONet on random data.",
                              {{"shapes", "28"},
                               {"points", "1000"},
                               {"width", "64"},
                               {"layers", "3"},
                               {"seconds", "3"},
                               {"rounds", "5"},
                               {"peaks", "1"},
                               {"json", ""}});
  return benchmarks::run_program(argc, argv, options, run);
}
