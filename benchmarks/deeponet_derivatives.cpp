// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Time and memory of a step of physics-informed training: the residual s_t - D s_xx - k s^2 - u of
// a DeepONet for all pairs of functions and points, with its gradient. Derivatives of the trunk's
// basis that serve all functions, beside derivatives taken function by function with the same
// kernels. The twin in PyTorch is peers/deeponet_derivatives.py.

#include "benchmarks/support/machine.hpp"
#include "benchmarks/support/report.hpp"

#include <nopal/core/allocator.hpp>
#include <nopal/core/random.hpp>
#include <nopal/nn/elementwise.hpp>
#include <nopal/operators/deeponet.hpp>
#include <nopal/train/losses.hpp>

#include <cstdio>

namespace {

using nopal::Tensor;
using nopal::Variable;

Tensor<float> random(const nopal::Shape& shape, std::uint64_t seed) {
  const Tensor<float> x(shape);
  nopal::fill_uniform(x, 0, 1, nopal::Random(seed));
  return x;
}

void run(const benchmarks::Options& options) {
  const std::int64_t batch = options.integer("batch"), points = options.integer("points");
  const std::int64_t width = options.integer("width");
  nopal::DeepONetOptions o;
  o.sensors = {options.integer("sensors")};
  o.dimension = 2;
  o.branch = o.trunk = {width, width, width};
  o.branch_activation = o.trunk_activation = "tanh";
  const nopal::DeepONet<float> op(o);
  const Tensor<float> u = random({batch, o.sensors[0]}, 1), y = random({points, 2}, 2);
  const nopal::JetLayout layout({2, 1});

  // sum of r^2 over functions first, ..., first + count - 1, for the mean over all.
  const auto loss = [&](std::int64_t first, std::int64_t count) {
    const Variable<float> functions = u.slice(first, count);
    const auto s = op.derivatives({&functions, 1}, y, layout);
    const auto residual = nopal::linear_combination<float>(
        {{1, s[3]}, {-0.01, s[2]}, {-0.01, nopal::product(s[0], s[0])}});
    return nopal::squared_error(residual, Tensor<float>::zeros(residual.shape()),
                                1 / static_cast<float>(batch * points));
  };
  const auto step = [&](bool shared) {
    for (const nopal::Parameter<float>* parameter : op.parameters())
      parameter->variable.clear_gradient();
    nopal::Tape<float> tape;
    if (shared) {
      tape.backward(loss(0, batch));
      return;
    }
    Variable<float> sum = loss(0, 1);
    for (std::int64_t i = 1; i < batch; ++i)
      sum = nopal::add(sum, loss(i, 1));
    tape.backward(sum);
  };

  const benchmarks::Effort effort{options.number("seconds"),
                                  static_cast<int>(options.integer("rounds")), 2};
  nlohmann::json results = nlohmann::json::array();
  double time[2]{}, memory[2]{};
  for (const bool shared : {true, false}) {
    nopal::release_cached_memory();
    const std::size_t before = nopal::memory_statistics().in_use;
    nopal::reset_peak_memory();
    const benchmarks::Timing timing = benchmarks::measure([&] { step(shared); }, effort);
    const std::size_t peak = nopal::memory_statistics().peak_in_use - before;
    const char* const name = shared ? "basis, for all functions" : "function by function";
    std::printf("%-26s median %8.2f ms, min %8.2f ms, memory %8.1f MiB\n", name,
                1e3 * timing.median, 1e3 * timing.minimum, static_cast<double>(peak) / 1048576);
    results.push_back({{"name", name}, {"seconds", timing.to_json()}, {"peak_bytes", peak}});
    time[shared ? 0 : 1] = timing.median;
    memory[shared ? 0 : 1] = static_cast<double>(peak);
  }
  std::printf("ratios: time %.1f, memory %.1f\n", time[1] / time[0], memory[1] / memory[0]);
  benchmarks::write_json(options.text("json"), {{"benchmark", "deeponet_derivatives"},
                                                {"environment", benchmarks::environment()},
                                                {"options", options.to_json()},
                                                {"results", results}});
}

}  // namespace

int main(int argc, char** argv) {
  benchmarks::Options options("A step of physics-informed training of a DeepONet.",
                              {{"sensors", "101"},
                               {"width", "128"},
                               {"points", "4000"},
                               {"batch", "50"},
                               {"seconds", "3"},
                               {"rounds", "3"},
                               {"json", ""}});
  return benchmarks::run_program(argc, argv, options, run);
}
