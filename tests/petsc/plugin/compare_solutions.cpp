// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// compare_solutions A B [-constant]: exit code 0 if two vectors in PETSc's binary format agree to
// 1e-9 of their size, with -constant after their means are taken off.

#include <nopal/solvers/petsc.hpp>

#include <cstdio>
#include <cstring>

namespace {

nopal::OwnedVec load(const char* file, bool without_mean) {
  nopal::OwnedVec vec;
  PetscViewer viewer = nullptr;
  NOPAL_PETSC(VecCreate(PETSC_COMM_SELF, vec.receive()));
  NOPAL_PETSC(PetscViewerBinaryOpen(PETSC_COMM_SELF, file, FILE_MODE_READ, &viewer));
  NOPAL_PETSC(VecLoad(vec, viewer));
  NOPAL_PETSC(PetscViewerDestroy(&viewer));
  if (without_mean) {
    PetscScalar sum = 0;
    PetscInt size = 0;
    NOPAL_PETSC(VecSum(vec, &sum));
    NOPAL_PETSC(VecGetSize(vec, &size));
    NOPAL_PETSC(VecShift(vec, -sum / size));
  }
  return vec;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3 || PetscInitializeNoArguments() != PETSC_SUCCESS) return 2;
  int code = 1;
  try {
    const bool constant = argc > 3 && std::strcmp(argv[3], "-constant") == 0;
    const nopal::OwnedVec a = load(argv[1], constant), b = load(argv[2], constant);
    PetscReal size = 0, difference = 0;
    NOPAL_PETSC(VecNorm(a, NORM_2, &size));
    NOPAL_PETSC(VecAXPY(b, -1, a));
    NOPAL_PETSC(VecNorm(b, NORM_2, &difference));
    std::printf("relative difference %.2e\n", difference / size);
    code = difference <= 1e-9 * size ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
  }
  return PetscFinalize() == PETSC_SUCCESS ? code : 1;
}
