// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Convolutions of a learned multigrid cycle (MgNO: 3 x 3, 24 channels, scalar right-hand side), of
// wider networks and of volumes. Margins are the zeros outside the field.

#include "benchmarks/layers/layer_benchmark.hpp"

#include <nopal/nn/convolution.hpp>

namespace benchmarks {
namespace {

using nopal::ConvolutionOptions;
using nopal::Cost;
using nopal::Shape;
using nopal::Variable;

struct Case {
  Shape x, weight;
  ConvolutionOptions options;
  bool transposed = false;

  Cost cost() const {
    return transposed ? nopal::transposed_convolution_cost<float>(x, weight, options)
                      : nopal::convolution_cost<float>(x, weight, options);
  }
  Variable<float> forward(const Variable<float>& v, const Variable<float>& w) const {
    return transposed ? nopal::transposed_convolution(v, w, {}, options)
                      : nopal::convolution(v, w, {}, options);
  }
};

// Square kernel, margins so that stride 1 keeps the grid and stride 2 halves it.
Case plane(std::int64_t batch, std::int64_t n, std::int64_t in, std::int64_t out,
           std::int64_t stride = 1) {
  return {{batch, n, n, in},
          {3, 3, in, out},
          {.stride = stride, .offset = {-1, -1}, .extents = {n / stride, n / stride}}};
}

const Case smoother = plane(8, 128, 24, 24), from_scalar = plane(8, 128, 1, 24),
           to_scalar = plane(8, 128, 24, 1), restriction = plane(8, 128, 24, 24, 2),
           prolongation{{8, 64, 64, 24},
                        {4, 4, 24, 24},
                        {.stride = 2, .offset = {-1, -1}, .extents = {128, 128}},
                        true},
           coarse8 = plane(8, 8, 24, 24), coarse16 = plane(8, 16, 24, 24),
           wide = plane(4, 64, 64, 64), narrow = plane(8, 128, 8, 8), uneven = plane(8, 64, 20, 20),
           volume{{1, 48, 48, 48, 16},
                  {3, 3, 3, 16, 16},
                  {.offset = {-1, -1, -1}, .extents = {48, 48, 48}}};

void convolution_forward(benchmark::State& state, const Case& c) {
  const Variable<float> x(random_tensor(c.x)), w(random_tensor(c.weight, 2));
  run_forward(state, c.cost(), [&] { return c.forward(x, w); });
}

// One gradient alone; the gradient of the result is handed over, not copied.
void convolution_gradient(benchmark::State& state, const Case& c, bool of_kernel) {
  const Variable<float> x = of_kernel ? Variable<float>(random_tensor(c.x)) : random_leaf(c.x);
  const Variable<float> w =
      of_kernel ? random_leaf(c.weight, 2) : Variable<float>(random_tensor(c.weight, 2));
  const nopal::Tensor<float> dy = random_tensor(c.forward(x.value(), w.value()).shape(), 3);
  for (auto _ : state) {
    state.PauseTiming();
    x.clear_gradient();
    w.clear_gradient();
    {
      nopal::Tape<float> tape;
      const Variable<float> y = c.forward(x, w);
      const auto loss = nopal::record<float>(
          nopal::Tensor<float>({1}), [&](const nopal::Tensor<float>&) { y.accumulate(dy); });
      state.ResumeTiming();
      tape.backward(loss);
      Kokkos::fence();
      state.PauseTiming();
    }
    state.ResumeTiming();
  }
  set_counters(state, c.cost());
}

#define NOPAL_BENCHMARK(name)                                                        \
  BENCHMARK_CAPTURE(convolution_forward, name, name)->Unit(benchmark::kMicrosecond); \
  BENCHMARK_CAPTURE(convolution_gradient, name##_input, name, false)                 \
      ->Unit(benchmark::kMicrosecond);                                               \
  BENCHMARK_CAPTURE(convolution_gradient, name##_kernel, name, true)->Unit(benchmark::kMicrosecond)

NOPAL_BENCHMARK(smoother);
NOPAL_BENCHMARK(from_scalar);
NOPAL_BENCHMARK(to_scalar);
NOPAL_BENCHMARK(restriction);
NOPAL_BENCHMARK(prolongation);
NOPAL_BENCHMARK(coarse8);
NOPAL_BENCHMARK(coarse16);
NOPAL_BENCHMARK(wide);
NOPAL_BENCHMARK(narrow);
NOPAL_BENCHMARK(uneven);
NOPAL_BENCHMARK(volume);
#undef NOPAL_BENCHMARK

}  // namespace
}  // namespace benchmarks
