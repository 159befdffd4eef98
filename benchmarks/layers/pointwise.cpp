// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "benchmarks/layers/layer_benchmark.hpp"

#include <nopal/nn/activation.hpp>
#include <nopal/nn/batch_norm.hpp>
#include <nopal/nn/dropout.hpp>
#include <nopal/nn/linear.hpp>
#include <nopal/nn/mlp.hpp>
#include <nopal/nn/training_mode.hpp>

namespace benchmarks {
namespace {

using nopal::Cost;
using nopal::Variable;

constexpr std::int64_t width = 32;

// The second argument of a benchmark is the batch; the grid is 64 x 64.
std::int64_t points(const benchmark::State& state) {
  return state.range(0) * 64 * 64;
}

// Products of N points with I x O weights, and traffic of x, y and W.
Cost linear_cost(double n, double in, double out) {
  return {2 * n * in * out, 4 * (n * in + n * out + in * out)};
}

void linear_forward(benchmark::State& state) {
  const std::int64_t n = points(state);
  const Variable<float> x(random_tensor({n, width})), w(random_tensor({width, width}));
  const Variable<float> b(random_tensor({width}));
  run_forward(state, linear_cost(static_cast<double>(n), width, width),
              [&] { return nopal::linear(x, w, b); });
}
BENCHMARK(linear_forward)->Arg(1)->Arg(20)->Unit(benchmark::kMicrosecond);

void linear_backward(benchmark::State& state) {
  const std::int64_t n = points(state);
  const auto x = random_leaf({n, width}), w = random_leaf({width, width}), b = random_leaf({width});
  // Both products read dy; x and W are read, dx and dW written.
  const Cost once = linear_cost(static_cast<double>(n), width, width);
  run_backward(state, {2 * once.flops, once.bytes + 4.0 * static_cast<double>(n) * width},
               [&] { return nopal::linear(x, w, b); }, {x, w, b});
}
BENCHMARK(linear_backward)->Arg(1)->Arg(20)->Unit(benchmark::kMicrosecond);

// The projection of the network: 32 to 128 to 1 channels.
struct Projection {
  explicit Projection(std::int64_t n)
      : x(random_leaf({n, width})),
        weight1(random_leaf({width, hidden})),
        bias1(random_leaf({hidden})),
        weight2(random_leaf({hidden, 1})),
        bias2(random_leaf({1})) {}

  Variable<float> forward() const {
    return nopal::mlp(x, weight1, bias1, weight2, bias2, nopal::Activation::gelu);
  }
  Cost cost() const {
    const auto n = static_cast<double>(x.shape()[0]);
    return {2 * n * (width * hidden + hidden), 4 * (n * width + n + width * hidden)};
  }

  static constexpr std::int64_t hidden = 128;
  Variable<float> x, weight1, bias1, weight2, bias2;
};

void mlp_forward(benchmark::State& state) {
  const Projection layer(points(state));
  run_forward(state, layer.cost(), [&] { return layer.forward(); });
}
BENCHMARK(mlp_forward)->Arg(1)->Arg(20)->Unit(benchmark::kMicrosecond);

void mlp_backward(benchmark::State& state) {
  const Projection layer(points(state));
  const Cost once = layer.cost();
  // dx and dW of each product, and the first product again: its result was not stored.
  run_backward(state, {3 * once.flops, 2 * once.bytes}, [&] { return layer.forward(); },
               {layer.x, layer.weight1, layer.bias1, layer.weight2, layer.bias2});
}
BENCHMARK(mlp_backward)->Arg(1)->Arg(20)->Unit(benchmark::kMicrosecond);

// No flops are counted for activations: they are limited by memory on all but small arrays.
void gelu_forward(benchmark::State& state) {
  const Variable<float> x(random_tensor({points(state), width}));
  const auto size = static_cast<double>(x.value().size());
  run_forward(state, {0, 8 * size}, [&] { return activate(x, nopal::Activation::gelu); });
}
BENCHMARK(gelu_forward)->Arg(1)->Arg(20)->Unit(benchmark::kMicrosecond);

void gelu_backward(benchmark::State& state) {
  const auto x = random_leaf({points(state), width});
  const auto size = static_cast<double>(x.value().size());
  run_backward(state, {0, 12 * size}, [&] { return activate(x, nopal::Activation::gelu); }, {x});
}
BENCHMARK(gelu_backward)->Arg(1)->Arg(20)->Unit(benchmark::kMicrosecond);

void dropout_training(benchmark::State& state) {
  const nopal::TrainingMode mode({.batch = state.range(0)});
  const Variable<float> x(random_tensor({state.range(0), 64 * 64, width}));
  run_forward(state, {0, 8 * static_cast<double>(x.value().size())},
              [&] { return nopal::dropout(x, 0.1, 1); });
}
BENCHMARK(dropout_training)->Arg(1)->Arg(20)->Unit(benchmark::kMicrosecond);

struct BatchNorm {
  explicit BatchNorm(std::int64_t batch)
      : x(random_leaf({batch, 64 * 64, width})),
        scale(random_leaf({width})),
        shift(random_leaf({width})),
        mean(random_tensor({width})),
        variance(random_tensor({width})) {}

  Variable<float> forward() const { return nopal::batch_norm(x, scale, shift, mean, variance); }
  double bytes() const { return 4 * static_cast<double>(x.value().size()); }

  Variable<float> x, scale, shift;
  nopal::Tensor<float> mean, variance;
};

void batch_norm_training(benchmark::State& state) {
  const nopal::TrainingMode mode({.batch = state.range(0)});
  const BatchNorm layer(state.range(0));
  run_forward(state, {0, 2 * layer.bytes()}, [&] { return layer.forward(); });
}
BENCHMARK(batch_norm_training)->Arg(1)->Arg(20)->Unit(benchmark::kMicrosecond);

void batch_norm_backward(benchmark::State& state) {
  const nopal::TrainingMode mode({.batch = state.range(0)});
  const BatchNorm layer(state.range(0));
  run_backward(state, {0, 3 * layer.bytes()}, [&] { return layer.forward(); },
               {layer.x, layer.scale, layer.shift});
}
BENCHMARK(batch_norm_backward)->Arg(1)->Arg(20)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace benchmarks
