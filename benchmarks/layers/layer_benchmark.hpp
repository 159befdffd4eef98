// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include "benchmarks/support/machine.hpp"

#include <benchmark/benchmark.h>
#include <nopal/autograd/variable.hpp>
#include <nopal/core/profile.hpp>
#include <nopal/core/random.hpp>

#include <functional>

namespace benchmarks {

/// The peaks of this machine, measured once when the program starts.
inline Peaks machine_peaks;

/// A leaf or constant with entries of order 1, the same in every run.
inline nopal::Tensor<float> random_tensor(const nopal::Shape& shape, std::uint64_t seed = 1) {
  const nopal::Tensor<float> x(shape);
  nopal::fill_normal(x, 0, 1, nopal::Random(seed));
  return x;
}
inline nopal::Variable<float> random_leaf(const nopal::Shape& shape, std::uint64_t seed = 1) {
  return nopal::Variable<float>::leaf(random_tensor(shape, seed));
}

/// Counters of one benchmark: rates, and the share of the peak that limits such work (`of_peak`:
/// the least time the machine needs for it over the time taken).
inline void set_counters(benchmark::State& state, const nopal::Cost& cost) {
  using benchmark::Counter;
  constexpr auto rate = Counter::kIsIterationInvariantRate;
  state.counters["flops"] = Counter(cost.flops, rate);
  state.counters["bytes"] = Counter(cost.bytes, rate, Counter::kIs1024);
  state.counters["of_peak"] = Counter(machine_peaks.floor_seconds(cost), rate);
}

/// Times `forward` without a tape.
inline void run_forward(benchmark::State& state, const nopal::Cost& cost,
                        const std::function<nopal::Variable<float>()>& forward) {
  for (auto _ : state)
    benchmark::DoNotOptimize(forward().value().data());
  set_counters(state, cost);
}

/// Times what `forward` records on a tape; the forward pass itself is not counted. `leaves` forget
/// their gradients between calls.
inline void run_backward(benchmark::State& state, const nopal::Cost& cost,
                         const std::function<nopal::Variable<float>()>& forward,
                         const std::vector<nopal::Variable<float>>& leaves) {
  const nopal::Tensor<float> seed = random_tensor(forward().shape(), 99);
  for (auto _ : state) {
    state.PauseTiming();
    for (const auto& leaf : leaves)
      leaf.clear_gradient();
    {
      nopal::Tape<float> tape;
      const nopal::Variable<float> y = forward();
      state.ResumeTiming();
      tape.backward(y, seed);
      Kokkos::fence();
      state.PauseTiming();
    }
    state.ResumeTiming();
  }
  set_counters(state, cost);
}

}  // namespace benchmarks
