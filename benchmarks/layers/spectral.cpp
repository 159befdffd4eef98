// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "benchmarks/layers/layer_benchmark.hpp"

#include <nopal/nn/spectral_convolution.hpp>
#include <nopal/nn/truncated_dft.hpp>

namespace benchmarks {
namespace {

using nopal::Cost;
using nopal::Shape;
using nopal::Variable;

constexpr std::int64_t width = 32;
const Shape grid{64, 64}, modes{24, 12};

void truncated_dft_forward(benchmark::State& state) {
  const std::int64_t batch = state.range(0);
  const nopal::TruncatedDft<float> dft(grid, modes);
  const auto x = random_tensor({batch, grid[0], grid[1], width});
  const nopal::Tensor<float> spectrum({batch, modes[0], modes[1], width, 2});
  for (auto _ : state)
    dft.analyse(x, spectrum, false);
  set_counters(state, dft.cost(batch, width));
}
BENCHMARK(truncated_dft_forward)->Arg(1)->Arg(20)->Unit(benchmark::kMicrosecond);

void truncated_dft_inverse(benchmark::State& state) {
  const std::int64_t batch = state.range(0);
  const nopal::TruncatedDft<float> dft(grid, modes);
  const auto spectrum = random_tensor({batch, modes[0], modes[1], width, 2});
  const nopal::Tensor<float> x({batch, grid[0], grid[1], width});
  for (auto _ : state)
    dft.synthesise(spectrum, x, true, 0.0f);
  set_counters(state, dft.cost(batch, width));
}
BENCHMARK(truncated_dft_inverse)->Arg(1)->Arg(20)->Unit(benchmark::kMicrosecond);

nopal::SpectralWeightOptions weight_options(bool tucker) {
  nopal::SpectralWeightOptions options;
  options.modes = modes;
  options.in_channels = options.out_channels = width;
  if (tucker) {
    options.factorization = nopal::Factorization::tucker;
    options.rank = 0.42;
  }
  return options;
}

void spectral_forward(benchmark::State& state, bool tucker) {
  const std::int64_t batch = state.range(0);
  const nopal::SpectralConvolution<float> layer(weight_options(tucker));
  const Variable<float> x(random_tensor({batch, grid[0], grid[1], width}));
  run_forward(state, layer.cost(batch, grid), [&] { return layer.forward(x); });
}
BENCHMARK_CAPTURE(spectral_forward, dense, false)->Arg(1)->Arg(20)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(spectral_forward, tucker, true)->Arg(1)->Arg(20)->Unit(benchmark::kMicrosecond);

void spectral_backward(benchmark::State& state, bool tucker) {
  const std::int64_t batch = state.range(0);
  nopal::SpectralConvolution<float> layer(weight_options(tucker));
  const auto x = random_leaf({batch, grid[0], grid[1], width});
  std::vector<Variable<float>> leaves{x};
  for (const auto& parameter : layer.weight().parameters())
    leaves.push_back(parameter.variable);
  // Both transforms once more; a product for x and one for W where forward has one.
  const Cost once = layer.cost(batch, grid);
  const nopal::TruncatedDft<float> dft(grid, modes);
  const Cost transforms = dft.cost(batch, width);
  const double products = once.flops - 2 * transforms.flops;
  run_backward(
      state, {once.flops + products, 2 * once.bytes}, [&] { return layer.forward(x); }, leaves);
}
BENCHMARK_CAPTURE(spectral_backward, dense, false)->Arg(1)->Arg(20)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(spectral_backward, tucker, true)->Arg(1)->Arg(20)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace benchmarks
