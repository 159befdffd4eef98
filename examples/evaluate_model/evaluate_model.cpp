// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Uses a trained model: load the file, hand it a field, get a field
//
// Sample runs:  evaluate_model fno_darcy.safetensors
//               evaluate_model fno_darcy.safetensors 128
//
// Description:  What a simulation does with a surrogate in every time step. The field is memory of
//               the simulation itself, wrapped as a tensor without a copy; the output is written
//               where the simulation wants it; after the first call nothing is allocated. Here the
//               field is a checkerboard of 2 x 2 cells on n x n points, with the two values of the
//               coefficient in Darcy flow, 12 and 3, and the model is the one that
//               examples/fno_darcy writes. Needs no PETSc.

#include <nopal/core/allocator.hpp>
#include <nopal/core/runtime.hpp>
#include <nopal/operators/model.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace {

void run(const char* path, std::int64_t n) {
  // 1. The model: weights, configuration and normalisers are all in the file.
  const auto model = nopal::Model<float>::load(path);
  std::printf("%s with %ld parameters\n", model.op().name().c_str(),
              long(nopal::count(model.op().parameters())));

  // 2. The simulation's own memory, row-major, here one field of one channel: (1, n, n, 1).
  const auto points = static_cast<std::size_t>(n * n);
  std::vector<float> coefficient(points), pressure(points);
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < n; ++j)
      coefficient[static_cast<std::size_t>(i * n + j)] = (2 * i < n) == (2 * j < n) ? 12.0f : 3.0f;

  // 3. Tensors of that memory. (On a GPU build, copy with copy_from_host() instead.)
  const auto x = nopal::Tensor<float>::wrap(coefficient.data(), {1, n, n, 1});
  const auto y = nopal::Tensor<float>::wrap(pressure.data(), {1, n, n, 1});

  // 4. Predict, as often as needed.
  model.predict(x, y);
  const auto before = nopal::memory_statistics().system_allocations;
  const auto start = std::chrono::steady_clock::now();
  const int calls = 20;
  for (int call = 0; call < calls; ++call)
    model.predict(x, y);
  const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;

  // 5. The output is in the simulation's memory.
  std::printf("largest pressure on %ld x %ld points: %.5f\n", long(n), long(n),
              double(*std::max_element(pressure.begin(), pressure.end())));
  std::printf("%.2f ms a call, %ld allocations in %d calls\n", time.count() / calls,
              long(nopal::memory_statistics().system_allocations - before), calls);
}

}  // namespace

int main(int argc, char** argv) {
  nopal::Runtime runtime(argc, argv);
  if (argc < 2) {
    std::fprintf(stderr, "usage: evaluate_model MODEL.safetensors [POINTS]\n");
    return 1;
  }
  try {
    run(argv[1], argc > 2 ? std::atol(argv[2]) : 32);
  } catch (const nopal::Error& error) {
    std::fprintf(stderr, "evaluate_model: %s\n", error.what());
    return 1;
  }
  return 0;
}
