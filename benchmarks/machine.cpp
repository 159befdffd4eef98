// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// The machine's peaks as nopal sees them: square products, the tall and thin products that Fourier
// neural operators consist of, and copy bandwidth. Under mpirun all ranks measure at once and the
// figures are their sum.

#include "benchmarks/support/report.hpp"

#include <algorithm>
#include <cstdio>
#include <vector>

namespace {

void run(const benchmarks::Options& options) {
  const nopal::Communicator comm = nopal::Communicator::world();
  const benchmarks::Effort effort{options.number("seconds"), 5, 2};
  nlohmann::json results = nlohmann::json::array();
  benchmarks::Peaks peaks;
  const auto measure_all = [&](const char* name, auto type, double& peak) {
    using T = decltype(type);
    std::vector<double> rates;
    for (const benchmarks::Product& p : benchmarks::products)
      rates.push_back(benchmarks::gemm_rate<T>(p.m, p.n, p.k, effort, comm));
    peak = *std::max_element(rates.begin(), rates.end());
    for (std::size_t i = 0; i < rates.size(); ++i) {
      const benchmarks::Product& p = benchmarks::products[i];
      results.push_back({{"name", name},
                         {"m", p.m},
                         {"n", p.n},
                         {"k", p.k},
                         {"where", p.where},
                         {"flops_per_second", rates[i]},
                         {"share_of_peak", rates[i] / peak}});
      if (comm.rank() == 0)
        std::printf("%-8s %8lld %8lld %8lld %12.1f %7.0f%%  %s\n", name,
                    static_cast<long long>(p.m), static_cast<long long>(p.n),
                    static_cast<long long>(p.k), 1e-9 * rates[i], 100 * rates[i] / peak, p.where);
    }
  };
  if (comm.rank() == 0)
    std::printf("BLAS kernels: %s\n%-8s %8s %8s %8s %12s %8s\n", benchmarks::blas_core().c_str(),
                "product", "m", "n", "k", "GFLOP/s", "of peak");
  measure_all("sgemm", float(), peaks.sgemm);
  measure_all("dgemm", double(), peaks.dgemm);
  const auto bytes = static_cast<std::size_t>(options.integer("megabytes")) << 20;
  peaks.copy = benchmarks::copy_rate(bytes, effort, comm);
  if (comm.rank() != 0) return;
  std::printf("copy     %lld MiB arrays: %.1f GB/s, reading and writing counted\n",
              static_cast<long long>(bytes >> 20), 1e-9 * peaks.copy);
  benchmarks::write_json(options.text("json"), {{"benchmark", "machine"},
                                                {"environment", benchmarks::environment(comm)},
                                                {"options", options.to_json()},
                                                {"peaks", peaks.to_json()},
                                                {"results", results}});
}

}  // namespace

int main(int argc, char** argv) {
  benchmarks::Options options("Measures GEMM rates and copy bandwidth of this machine.",
                              {{"seconds", "0.5"}, {"megabytes", "512"}, {"json", ""}});
  return benchmarks::run_program(argc, argv, options, run);
}
