// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "benchmarks/support/machine.hpp"

#include <nlohmann/json.hpp>
#include <nopal/core/blas.hpp>
#include <nopal/core/random.hpp>
#include <nopal/core/tensor.hpp>

#include <cblas.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

namespace benchmarks {

nlohmann::json Peaks::to_json() const {
  return {{"sgemm_flops", sgemm}, {"dgemm_flops", dgemm}, {"copy_bytes", copy}};
}

double Peaks::floor_seconds(const nopal::Cost& cost) const {
  return std::max(cost.flops / sgemm, cost.bytes / copy);
}

const std::vector<Product> products = {
    {1024, 1024, 1024, "square"},
    {81920, 32, 32, "pointwise layer, all points"},
    {4096, 32, 32, "pointwise layer, one sample"},
    {81920, 128, 32, "projection"},
    {81920, 32, 288, "3 x 3 convolution as one product"},
    {32, 32, 81920, "weight gradient of a pointwise layer"},
    {24, 32, 64, "truncated transform of one line"},
    {20, 32, 32, "one mode, whole batch"},
};

template <class T>
double gemm_rate(std::int64_t m, std::int64_t n, std::int64_t k, const Effort& effort,
                 const nopal::Communicator& comm) {
  const nopal::Tensor<T> a(nopal::Shape{m, k}), b(nopal::Shape{k, n}), c(nopal::Shape{m, n});
  nopal::fill_uniform(a, -1, 1, nopal::Random(1));
  nopal::fill_uniform(b, -1, 1, nopal::Random(2));
  const Timing timing = measure(
      [&] {
        nopal::gemm(nopal::Op::none, nopal::Op::none, m, n, k, T(1), a.data(), k, b.data(), n, T(0),
                    c.data(), n);
      },
      effort, comm);
  const double flops =
      2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  return comm.size() * flops / timing.minimum;
}

template double gemm_rate<float>(std::int64_t, std::int64_t, std::int64_t, const Effort&,
                                 const nopal::Communicator&);
template double gemm_rate<double>(std::int64_t, std::int64_t, std::int64_t, const Effort&,
                                  const nopal::Communicator&);

double copy_rate(std::size_t bytes, const Effort& effort, const nopal::Communicator& comm) {
  using View = Kokkos::View<double*, nopal::MemorySpace>;
  const std::size_t n = bytes / sizeof(double);
  const View x("x", n), y("y", n);
  Kokkos::deep_copy(x, 1.0);
  const Timing loop = measure(
      [&] {
        Kokkos::parallel_for(
            "benchmarks::copy", Kokkos::RangePolicy<nopal::ExecutionSpace>(0, n),
            KOKKOS_LAMBDA(const std::size_t i) { y(i) = x(i); });
      },
      effort, comm);
  const Timing deep_copy = measure([&] { Kokkos::deep_copy(y, x); }, effort, comm);
  return comm.size() * 2.0 * static_cast<double>(n * sizeof(double)) /
         std::min(loop.minimum, deep_copy.minimum);
}

Peaks measure_peaks(const Effort& effort, std::size_t bytes, const nopal::Communicator& comm) {
  Peaks peaks;
  for (const Product& p : products) {
    if (std::max({p.m, p.n, p.k}) > 4096) continue;
    peaks.sgemm = std::max(peaks.sgemm, gemm_rate<float>(p.m, p.n, p.k, effort, comm));
    peaks.dgemm = std::max(peaks.dgemm, gemm_rate<double>(p.m, p.n, p.k, effort, comm));
  }
  peaks.copy = copy_rate(bytes, effort, comm);
  nopal::release_cached_memory();
  return peaks;
}

std::string blas_core() {
#ifdef OPENBLAS_VERSION
  return openblas_get_corename();
#else
  return "";
#endif
}

ProcessMemory process_memory() {
  ProcessMemory memory;
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    std::istringstream words(line);
    std::string name;
    double kibibytes = 0;
    words >> name >> kibibytes;
    if (name == "VmRSS:") memory.resident = 1024 * kibibytes;
    if (name == "VmHWM:") memory.high_water = 1024 * kibibytes;
  }
  return memory;
}

}  // namespace benchmarks
