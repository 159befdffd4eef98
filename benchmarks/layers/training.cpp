// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "benchmarks/layers/layer_benchmark.hpp"

#include <nlohmann/json.hpp>
#include <nopal/train/losses.hpp>
#include <nopal/train/optimizer.hpp>

namespace benchmarks {
namespace {

using nopal::Variable;

// All 2,368,001 parameters as one.
void adamw(benchmark::State& state) {
  constexpr std::int64_t size = 2368001;
  nopal::Parameter<float> parameter{"weight", random_leaf({size})};
  const auto optimizer = nopal::make_optimizer<float>("adamw", nlohmann::json::object());
  parameter.variable.accumulate(random_tensor({size}, 2));
  const nopal::Parameters<float> parameters{&parameter};
  for (auto _ : state)
    optimizer->step(parameters, 1e-3);
  // Parameter and two moments are read and written, the gradient read.
  set_counters(state, {0, 4.0 * 7 * size});
}
BENCHMARK(adamw)->Unit(benchmark::kMicrosecond);

template <class Loss>
void run_loss(benchmark::State& state, const Loss& loss) {
  const auto prediction = random_leaf({20, 64, 64, 1});
  const auto target = random_tensor({20, 64, 64, 1}, 2);
  for (auto _ : state) {
    prediction.clear_gradient();
    nopal::Tape<float> tape;
    tape.backward(loss(prediction, target));
  }
  // Both fields are read, the gradient is written.
  set_counters(state, {0, 4.0 * 3 * static_cast<double>(target.size())});
}

void relative_l2_and_adjoint(benchmark::State& state) {
  run_loss(state, [](const auto& p, const auto& y) { return nopal::relative_l2(p, y, 0.05f); });
}
BENCHMARK(relative_l2_and_adjoint)->Unit(benchmark::kMicrosecond);

void relative_h1_and_adjoint(benchmark::State& state) {
  run_loss(state, [](const auto& p, const auto& y) {
    return nopal::relative_h1(p, y, 0.05f, nopal::Boundary::periodic);
  });
}
BENCHMARK(relative_h1_and_adjoint)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace benchmarks
