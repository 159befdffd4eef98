// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// check_fields MODEL FILE N: FILE holds a field and what a program in Fortran, whose ranks divided
// it, got for it, two arrays (N, N) of doubles. The C++ interface must give the same on the whole.

#include <nopal/core/runtime.hpp>
#include <nopal/operators/model.hpp>

#include <cmath>
#include <cstdio>
#include <fstream>

int main(int argc, char** argv) {
  nopal::Runtime runtime(argc, argv);
  if (argc != 4) return std::fprintf(stderr, "usage: check_fields MODEL FILE N\n"), 2;
  const std::int64_t n = std::stoll(argv[3]);
  const auto numbers = static_cast<std::size_t>(n * n);
  std::vector<double> x(numbers), y(numbers), whole(numbers);
  std::ifstream in(argv[2], std::ios::binary);
  const auto read = [&](std::vector<double>& field) {
    in.read(reinterpret_cast<char*>(field.data()),
            static_cast<std::streamsize>(numbers * sizeof(double)));
  };
  read(x), read(y);
  if (!in) return std::fprintf(stderr, "%s: too short\n", argv[2]), 1;
  // Fortran's first index is the fastest.
  const auto at = [&](std::int64_t i, std::int64_t j) {
    return static_cast<std::size_t>(i + n * j);
  };
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < n; ++j)
      whole[static_cast<std::size_t>(i * n + j)] = x[at(i, j)];
  const auto model = nopal::Model<double>::load(argv[1]);
  const std::vector<double> expected =
      model.predict(nopal::Tensor<double>::from_host({1, n, n, 1}, whole)).to_vector();
  double difference = 0, size = 0;
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < n; ++j) {
      const double right = expected[static_cast<std::size_t>(i * n + j)];
      difference = std::max(difference, std::abs(y[at(i, j)] - right));
      size = std::max(size, std::abs(right));
    }
  std::printf("largest difference %.2e of fields up to %.3f\n", difference, size);
  return difference <= 1e-12 * size && size > 0 ? 0 : 1;
}
