// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// The PETSc side of an installed nopal: makes one sample of Darcy flow.

#include <nopal/core/runtime.hpp>
#include <nopal/solvers/petsc.hpp>
#include <nopal/solvers/problems/darcy.hpp>

#include <cstdio>

int main(int argc, char** argv) {
  nopal::Runtime runtime(argc, argv);
  if (PetscInitialize(&argc, &argv, nullptr, nullptr) != PETSC_SUCCESS) return 1;
  int code = 1;
  {
    nopal::DarcyOptions options;
    options.resolution = 8;
    options.solve_refine = 2;
    nopal::Darcy darcy(options);
    const nopal::Tensor<double> a(darcy.x_shape()), u(darcy.y_shape());
    darcy.sample(0, 0, a, u);
    if (nopal::all_finite(u) && nopal::dot(u, u) > 0) {
      std::printf("consumer: all good\n");
      code = 0;
    }
  }
  return PetscFinalize() == PETSC_SUCCESS ? code : 1;
}
