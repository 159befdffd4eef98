// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Layers one by one, at the sizes of the 2021 network (64 x 64, width 32, 12 modes, batch 20).
// Options are those of google-benchmark, e.g. --benchmark_filter=spectral
// --benchmark_out=layers.json. `of_peak` is the least time that the machine needs for the work, by
// its measured GEMM rate and copy bandwidth, over the time taken; work in cache may exceed 1 where
// it is limited by bandwidth.

#include "benchmarks/layers/layer_benchmark.hpp"
#include "benchmarks/support/report.hpp"

#include <nopal/core/runtime.hpp>

#include <cstdio>

int main(int argc, char** argv) {
  nopal::Runtime runtime(argc, argv);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  try {
    benchmarks::machine_peaks = benchmarks::measure_peaks({0.1, 5, 2});
    const nlohmann::json environment = benchmarks::environment();
    for (const auto& [name, value] : environment.items())
      benchmark::AddCustomContext("nopal_" + name,
                                  value.is_string() ? value.get<std::string>() : value.dump());
    const nlohmann::json peaks = benchmarks::machine_peaks.to_json();
    for (const auto& [name, value] : peaks.items())
      benchmark::AddCustomContext("peak_" + name, value.dump());
    benchmark::RunSpecifiedBenchmarks();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
  return 0;
}
