// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/solvers/plugin/pc_nopal.h>
#include <nopal/solvers/petsc.hpp>

#include "plugin/guard.hpp"

#include <Kokkos_Core.hpp>

namespace {

PetscErrorCode finalize_kokkos() {
  PetscFunctionBegin;
  if (Kokkos::is_initialized()) Kokkos::finalize();
  PetscFunctionReturn(PETSC_SUCCESS);
}

// PC and KSPGuess are structs whose layouts differ between versions of PETSc.
PetscErrorCode check_petsc_build() {
  PetscFunctionBegin;
  PetscInt major = 0, minor = 0;
  PetscCall(PetscGetVersionNumber(&major, &minor, nullptr, nullptr));
  PetscCheck(major == PETSC_VERSION_MAJOR && minor == PETSC_VERSION_MINOR, PETSC_COMM_SELF,
             PETSC_ERR_SUP,
             "nopal was compiled for PETSc %d.%d, this is %lld.%lld: build nopal with this PETSc",
             PETSC_VERSION_MAJOR, PETSC_VERSION_MINOR, static_cast<long long>(major),
             static_cast<long long>(minor));
  std::size_t size = 0;
  PetscBool found = PETSC_FALSE;
  PetscDataType type = PETSC_DATATYPE_UNKNOWN;
  PetscCall(PetscDataTypeFromString("scalar", &type, &found));
  if (found) PetscCall(PetscDataTypeGetSize(type, &size));
  PetscCheck(!found || size == sizeof(PetscScalar), PETSC_COMM_SELF, PETSC_ERR_SUP,
             "nopal was compiled for scalars of %zu bytes, this PETSc has %zu: build nopal with it",
             sizeof(PetscScalar), size);
  PetscCall(PetscDataTypeFromString("int", &type, &found));
  if (found) PetscCall(PetscDataTypeGetSize(type, &size));
  PetscCheck(
      !found || size == sizeof(PetscInt), PETSC_COMM_SELF, PETSC_ERR_SUP,
      "nopal was compiled for integers of %zu bytes, this PETSc has %zu: build nopal with it",
      sizeof(PetscInt), size);
  PetscFunctionReturn(PETSC_SUCCESS);
}

}  // namespace

// Whoever comes first initialises Kokkos, and ends it.
PetscErrorCode nopal::detail::initialize_kokkos() {
  PetscFunctionBegin;
  if (Kokkos::is_initialized()) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(guard(PETSC_COMM_SELF, PETSC_ERR_LIB, "nopal", [] {
    int argc = 0;
    char* none[] = {nullptr};
    char** argv = none;
    Kokkos::initialize(argc, argv);
  }));
  PetscCall(PetscRegisterFinalize(finalize_kokkos));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode nopal_register() {
  PetscFunctionBegin;
  PetscCall(check_petsc_build());
  PetscCall(nopal::detail::register_pc_nopal());
  PetscCall(nopal::detail::register_guess_nopal());
  PetscFunctionReturn(PETSC_SUCCESS);
}
