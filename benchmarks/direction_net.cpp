// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// One application of a direction network and one training step; on several ranks the field is
// divided among them, with a margin of one point a layer, and, for comparison, with one margin as
// wide as the network sees. The twin in PyTorch is peers/direction.py.

#include "benchmarks/support/machine.hpp"
#include "benchmarks/support/report.hpp"
#include "benchmarks/support/timer.hpp"

#include <nopal/comm/exchange.hpp>
#include <nopal/core/random.hpp>
#include <nopal/nn/bfloat16.hpp>
#include <nopal/operators/direction_net.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace {

using nopal::Grid;
using nopal::Shape;
using nopal::Tensor;
using nopal::Variable;

// Points that an output sees to each side, rounded up to whole blocks of the coarsest level.
std::int64_t radius(const nopal::DirectionNetOptions& o) {
  std::int64_t sum = 3 + 2 * o.head_blocks + 2 * o.tail_blocks, scale = 1;
  for (std::int64_t level = 1; level <= o.levels; ++level) {
    scale *= 2;
    sum += scale * (2 * o.coarse_blocks * (level < o.levels ? 2 : 1) + 1);
  }
  return (sum + scale - 1) / scale * scale;
}

// The boxes with a margin, but not beyond the domain, where fields are 0 anyway.
nopal::Boxes widened(const Grid& grid, std::int64_t margin) {
  nopal::Boxes boxes = grid.boxes();
  for (int a = 0; a < grid.dimension(); ++a)
    for (nopal::Range& range : boxes.ranges[static_cast<std::size_t>(a)])
      range = {std::max<std::int64_t>(0, range.begin - margin),
               std::min(grid.extents()[a], range.end + margin)};
  return boxes;
}

void run(const benchmarks::Options& options) {
  const nopal::Communicator comm = nopal::Communicator::world();
  const benchmarks::Effort effort{options.number("seconds"), 3, 1};
  nopal::DirectionNetOptions o;
  o.levels = options.integer("levels");
  o.head_blocks = options.integer("head_blocks");
  o.coarse_blocks = options.integer("coarse_blocks");
  o.tail_blocks = options.integer("tail_blocks");
  nopal::DirectionNet<float> net(o);
  const std::int64_t n = options.integer("n");
  const Grid grid({n, n, n}, {}, comm);
  const benchmarks::Peaks peaks =
      benchmarks::measure_peaks({0.5, 3, 1}, std::size_t(1) << 28, comm);
  const Tensor<float> x(grid.box().field(1, 1));
  nopal::fill_normal(x, 0, 1 / std::sqrt(std::pow(double(n), 3)), nopal::Random(1));
  const Shape whole[] = {Shape{1, n, n, n, 1}};
  const nopal::Cost cost = net.cost(whole);
  nlohmann::json results = nlohmann::json::array();
  if (comm.rank() == 0)
    std::printf("%lld parameters, %lld^3 points, %d rank(s), GEMM peak of all %.1f GFLOP/s\n",
                static_cast<long long>(nopal::count(net.parameters())), static_cast<long long>(n),
                comm.size(), 1e-9 * peaks.sgemm);
  const auto report = [&](const char* name, double flops, const std::function<void()>& work) {
    const benchmarks::Timing time = benchmarks::measure(work, effort, comm);
    if (comm.rank() == 0)
      std::printf("%-24s %9.1f ms  %6.1f GFLOP/s of useful work, %3.0f%% of the peak\n", name,
                  1e3 * time.median, 1e-9 * flops / time.median,
                  100 * flops / time.median / peaks.sgemm);
    results.push_back({{"name", name}, {"time", time.to_json()}, {"flops", flops}});
  };
  const Variable<float> input(x);
  report("margin a layer", cost.flops, [&] { net.forward(std::span(&input, 1), grid); });
  if (nopal::has_bfloat16()) {
    net.store_in_bfloat16();
    report("the same in bfloat16", cost.flops, [&] { net.forward(std::span(&input, 1), grid); });
    net.store_in_bfloat16(false);
  }
  if (comm.size() > 1) {
    const nopal::Exchange<float> halo(grid, widened(grid, radius(o)));
    const Tensor<float> wide(halo.box().field(1, 1));
    report("one wide margin", cost.flops, [&] {
      halo.start(x, wide);
      halo.finish(wide);
      const Variable<float> all(wide);
      net.forward(all);
    });
  } else {
    report("training step", 3 * cost.flops, [&] {
      for (const nopal::Parameter<float>* p : net.parameters())
        p->variable.clear_gradient();
      nopal::Tape<float> tape;
      const Variable<float> y = net.forward(input);
      tape.backward(y, x);
    });
  }
  if (comm.rank() > 0) return;
  benchmarks::write_json(options.text("json"), {{"benchmark", "direction_net"},
                                                {"environment", benchmarks::environment(comm)},
                                                {"options", options.to_json()},
                                                {"peaks", peaks.to_json()},
                                                {"results", results}});
}

}  // namespace

int main(int argc, char** argv) {
  benchmarks::Options options("Application and training step of a direction network.",
                              {{"n", "64"},
                               {"levels", "1"},
                               {"head_blocks", "1"},
                               {"coarse_blocks", "3"},
                               {"tail_blocks", "2"},
                               {"seconds", "3"},
                               {"json", ""}});
  return benchmarks::run_program(argc, argv, options, run);
}
