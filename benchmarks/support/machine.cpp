// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "support/machine.hpp"

#include <nlohmann/json.hpp>
#include <nopal/core/blas.hpp>
#include <nopal/core/random.hpp>
#include <nopal/core/tensor.hpp>

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
  const Timing timing = measure(
      [&] {
        Kokkos::parallel_for(
            "benchmarks::copy", Kokkos::RangePolicy<nopal::ExecutionSpace>(0, n),
            KOKKOS_LAMBDA(const std::size_t i) { y(i) = x(i); });
      },
      effort, comm);
  return comm.size() * 2.0 * static_cast<double>(n * sizeof(double)) / timing.minimum;
}

Peaks measure_peaks(const Effort& effort, std::size_t bytes, const nopal::Communicator& comm) {
  Peaks peaks;
  peaks.sgemm = gemm_rate<float>(1024, 1024, 1024, effort, comm);
  peaks.dgemm = gemm_rate<double>(1024, 1024, 1024, effort, comm);
  peaks.copy = copy_rate(bytes, effort, comm);
  nopal::release_cached_memory();
  return peaks;
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
