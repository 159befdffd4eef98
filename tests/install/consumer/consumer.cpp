// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// What the smallest program that uses an installed nopal does: tensors, a product, versions.

#include <nopal/core/blas.hpp>
#include <nopal/core/runtime.hpp>
#include <nopal/core/tensor.hpp>

#include <cstdio>

int main(int argc, char** argv) {
  nopal::Runtime runtime(argc, argv);
  std::printf("nopal %s, %s\n", nopal::version(), nopal::build_configuration().c_str());

  const auto a = nopal::Tensor<float>::from_host({2, 2}, {1, 2, 3, 4});
  const nopal::Tensor<float> c({2, 2});
  nopal::gemm(nopal::Op::none, nopal::Op::transpose, 2, 2, 2, 1.0f, a.data(), 2, a.data(), 2, 0.0f,
              c.data(), 2);
  if (c.to_vector() != std::vector<float>{5, 11, 11, 25}) {
    std::printf("wrong product\n");
    return 1;
  }
  std::printf("consumer: all good\n");
  return 0;
}
