// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/solvers/petsc.hpp>

#include <new>
#include <string>

namespace nopal::detail {

/// Runs C++ that may throw, from PETSc, which must not see an exception. An error of nopal's gets
/// the given code; messages begin with `what`.
template <class Action>
PetscErrorCode guard(MPI_Comm comm, PetscErrorCode code, const char* what, const Action& action) {
  PetscFunctionBegin;
  std::string message;
  try {
    action();
    PetscFunctionReturn(PETSC_SUCCESS);
  } catch (const std::bad_alloc&) {
    code = PETSC_ERR_MEM;
    message = "out of memory";
  } catch (const std::exception& error) {
    message = error.what();
  } catch (...) {
    message = "an exception of unknown type";
  }
  SETERRQ(comm, code, "%s: %s", what, message.c_str());
}

/// Kokkos, if nobody has initialised it yet; PetscFinalize() ends it then.
PetscErrorCode initialize_kokkos();

/// Defined beside what they register.
PetscErrorCode register_pc_nopal();
PetscErrorCode register_guess_nopal();

}  // namespace nopal::detail
