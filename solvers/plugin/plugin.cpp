// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// What PETSc calls after loading libnopal_petsc.so (-dll_append): named after the file.

#include <nopal/solvers/plugin/pc_nopal.h>
#include <nopal/solvers/petsc.hpp>

PETSC_EXTERN PetscErrorCode PetscDLLibraryRegister_nopal_petsc(void);

PETSC_EXTERN PetscErrorCode PetscDLLibraryRegister_nopal_petsc(void) {
  PetscFunctionBegin;
  PetscCall(nopal_register());
  PetscFunctionReturn(PETSC_SUCCESS);
}
