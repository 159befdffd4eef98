// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Writes a data file of a given size for benchmarks/large_data: on n x n points of the unit torus
// f, a sum of waves, and u with u - Laplace u / (2 pi)^2 = f.

#include "benchmarks/support/report.hpp"

#include <nopal/core/random.hpp>
#include <nopal/data/dataset.hpp>

#include <cmath>
#include <numbers>
#include <vector>

namespace {

void run(const benchmarks::Options& options) {
  const std::int64_t n = options.integer("n");
  const std::int64_t samples = options.integer("mb") * 1000000 / (2 * n * n * 4);
  nopal::Hdf5Writer<float> file(options.text("out"), samples, {n, n, 1}, {n, n, 1});
  const auto points = static_cast<std::size_t>(n);
  std::vector<float> f(points * points), u(f.size());
  std::vector<double> c(points), s(points);
  for (std::int64_t sample = 0; sample < samples; ++sample) {
    const nopal::Random random(0, static_cast<std::uint64_t>(sample));
    std::fill(f.begin(), f.end(), 0.0f);
    std::fill(u.begin(), u.end(), 0.0f);
    for (std::uint64_t wave = 0; wave < 6; ++wave) {
      const auto k = static_cast<double>(1 + random.bits(4 * wave) % 6),
                 l = static_cast<double>(1 + random.bits(4 * wave + 1) % 6);
      const double amplitude = random.normal(4 * wave + 2);
      const double phase = 2 * std::numbers::pi * random.uniform(4 * wave + 3);
      for (std::size_t i = 0; i < points; ++i) {
        const double angle = 2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(n);
        c[i] = std::cos(k * angle + phase);
        s[i] = std::cos(l * angle);
      }
      for (std::size_t i = 0; i < points; ++i)
        for (std::size_t j = 0; j < points; ++j) {
          const double value = amplitude * c[i] * s[j];
          f[i * points + j] += static_cast<float>(value);
          u[i * points + j] += static_cast<float>(value / (1 + k * k + l * l));
        }
    }
    file.write(sample, nopal::Tensor<float>::from_host({1, n, n, 1}, f),
               nopal::Tensor<float>::from_host({1, n, n, 1}, u));
  }
  file.close();
}

}  // namespace

int main(int argc, char** argv) {
  benchmarks::Options options("A data file of a given size.",
                              {{"n", "128"}, {"mb", "2000"}, {"out", "data.h5"}});
  return benchmarks::run_program(argc, argv, options, run);
}
