// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// The machine's peaks as nopal sees them: square products, the tall and thin products that Fourier
// neural operators consist of, and copy bandwidth. Under mpirun all ranks measure at once and the
// figures are their sum.

#include "support/report.hpp"

#include <cstdio>
#include <vector>

namespace {

struct Product {
  std::int64_t m, n, k;
  const char* where;
};

// The 2021 network at 64 x 64, width 32, 12 modes, batch 20.
const std::vector<Product> products = {
    {1024, 1024, 1024, "square: the peak"},
    {81920, 32, 32, "pointwise layer, all points"},
    {4096, 32, 32, "pointwise layer, one sample"},
    {81920, 128, 32, "projection"},
    {81920, 32, 288, "3 x 3 convolution as one product"},
    {32, 32, 81920, "weight gradient of a pointwise layer"},
    {24, 32, 64, "truncated transform of one line"},
    {20, 32, 32, "one mode, whole batch"},
};

void run(const benchmarks::Options& options) {
  const nopal::Communicator comm = nopal::Communicator::world();
  const benchmarks::Effort effort{options.number("seconds"), 5, 2};
  nlohmann::json results = nlohmann::json::array();
  if (comm.rank() == 0)
    std::printf("%-8s %8s %8s %8s %12s %8s\n", "product", "m", "n", "k", "GFLOP/s", "of peak");
  benchmarks::Peaks peaks;
  const auto measure_all = [&](const char* name, auto type, double& peak) {
    using T = decltype(type);
    for (const Product& p : products) {
      const double rate = benchmarks::gemm_rate<T>(p.m, p.n, p.k, effort, comm);
      if (peak == 0) peak = rate;
      results.push_back({{"name", name},
                         {"m", p.m},
                         {"n", p.n},
                         {"k", p.k},
                         {"where", p.where},
                         {"flops_per_second", rate},
                         {"share_of_peak", rate / peak}});
      if (comm.rank() == 0)
        std::printf("%-8s %8lld %8lld %8lld %12.1f %7.0f%%  %s\n", name,
                    static_cast<long long>(p.m), static_cast<long long>(p.n),
                    static_cast<long long>(p.k), 1e-9 * rate, 100 * rate / peak, p.where);
    }
  };
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
