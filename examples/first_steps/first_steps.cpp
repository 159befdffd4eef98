// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// The example of README.md, which shows this file from here on.

#include <nopal/core/random.hpp>
#include <nopal/core/runtime.hpp>
#include <nopal/train/evaluation.hpp>
#include <nopal/train/trainer.hpp>

#include <cmath>
#include <cstdio>

// N pairs of periodic functions on n points: random f, and u with u - u'' / (2 pi)^2 = f.
auto pairs(std::int64_t N, std::int64_t n, std::uint64_t seed) {
  const nopal::Random amplitude(seed, 0), phase(seed, 1);
  std::vector<float> f(N * n), u(N * n);
  for (std::int64_t i = 0; i < N * n; ++i)
    for (std::int64_t k = 1; k <= 5; ++k) {
      const std::int64_t id = i / n * 8 + k, x = i % n;
      const double angle = double(k * x) / double(n) + phase.uniform(id);
      const double wave = amplitude.normal(id) * std::cos(2 * M_PI * angle);
      f[i] += float(wave);
      u[i] += float(wave / double(1 + k * k));
    }
  return std::make_shared<nopal::InMemoryDataset<float>>(
      nopal::Tensor<float>::from_host({N, n, 1}, f), nopal::Tensor<float>::from_host({N, n, 1}, u));
}

int main(int argc, char** argv) {
  nopal::Runtime runtime(argc, argv);              // MPI and Kokkos, unless they run already
  const auto comm = nopal::Communicator::world();  // run it under mpiexec: same result

  nopal::Model<float> model(nopal::make_operator<float>(
      "fno", {{"n_modes", {16}}, {"hidden_channels", 16}, {"n_layers", 2}}));
  nopal::TrainOptions options;
  options.epochs = 20;
  options.learning_rate = 5e-3;
  options.schedule = "cosine";
  nopal::train<float>(model, {pairs(400, 64, 1), nullptr, {}}, options, comm);
  model.save("first_steps.safetensors", comm);

  for (const std::int64_t n : {64, 256}) {  // a learned operator takes any grid
    const auto error = nopal::evaluate(model, *pairs(100, n, 2), 20, comm);
    if (comm.rank() == 0) std::printf("%3ld points: relative error %.4f\n", n, error.relative_l2);
  }
}
