// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// A surrogate as initial guess of Newton's method, and so of each implicit time step.

#include <nopal/solvers/plugin/pc_nopal.h>
#include <nopal/solvers/bridge/field_map.hpp>
#include <nopal/solvers/bridge/grid.hpp>
#include <nopal/solvers/petsc.hpp>

#include "plugin/guard.hpp"

#include <cmath>
#include <memory>

using nopal::FieldMap;
using nopal::OwnedVec;
using nopal::detail::guard;

namespace {

constexpr const char* what = "nopal's initial guess";
constexpr const char* key = "nopal_initial_guess";

struct Surrogate {
  explicit Surrogate(const char file[], DM dm) : map(file, nopal::grid_of(dm)) {
    NOPAL_CHECK(map.inputs() == 1, file, " takes ", map.inputs(),
                " input channels; the initial guess of a nonlinear solver has one, the state");
  }
  FieldMap map;
  OwnedVec guess, residual;
};

PetscReal residual_norm(SNES snes, Vec x, Vec f) {
  PetscReal norm = 0;
  NOPAL_PETSC(SNESComputeFunction(snes, x, f));
  NOPAL_PETSC(VecNorm(f, NORM_2, &norm));
  return norm;
}

// x := S(x) if that makes the residual smaller.
PetscErrorCode form(SNES snes, Vec x, void* data) {
  PetscFunctionBegin;
  Surrogate& s = *static_cast<Surrogate*>(data);
  PetscCall(guard(PetscObjectComm(reinterpret_cast<PetscObject>(snes)), PETSC_ERR_LIB, what, [&] {
    if (!s.guess) {
      NOPAL_PETSC(VecDuplicate(x, s.guess.receive()));
      NOPAL_PETSC(VecDuplicate(x, s.residual.receive()));
    }
    s.map.apply({x}, s.guess);
    const PetscReal before = residual_norm(snes, x, s.residual),
                    after = residual_norm(snes, s.guess, s.residual);
    if (std::isfinite(after) && after < before) NOPAL_PETSC(VecCopy(s.guess, x));
  }));
  PetscFunctionReturn(PETSC_SUCCESS);
}

#if PETSC_VERSION_LT(3, 23, 0)
PetscErrorCode destroy(void* data) {
  delete static_cast<Surrogate*>(data);
  return PETSC_SUCCESS;
}
#else
PetscErrorCode destroy(void** data) {
  delete static_cast<Surrogate*>(*data);
  return PETSC_SUCCESS;
}
#endif

}  // namespace

PetscErrorCode SNESNopalSetInitialGuess(SNES snes, const char file[]) {
  PetscFunctionBegin;
  PetscCall(nopal::detail::initialize_kokkos());
  const MPI_Comm comm = PetscObjectComm(reinterpret_cast<PetscObject>(snes));
  DM dm = nullptr;
  PetscCall(SNESGetDM(snes, &dm));
  Surrogate* surrogate = nullptr;
  PetscCall(guard(comm, PETSC_ERR_ARG_INCOMP, what,
                  [&] { surrogate = std::make_unique<Surrogate>(file, dm).release(); }));
  // The solver keeps it alive.
  PetscContainer container = nullptr;
  PetscCall(PetscContainerCreate(comm, &container));
  PetscCall(PetscContainerSetPointer(container, surrogate));
  PetscCall(PetscContainerSetUserDestroy(container, destroy));
  PetscCall(PetscObjectCompose(reinterpret_cast<PetscObject>(snes), key,
                               reinterpret_cast<PetscObject>(container)));
  PetscCall(PetscContainerDestroy(&container));
  PetscCall(SNESSetComputeInitialGuess(snes, form, surrogate));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TSNopalSetInitialGuess(TS ts, const char file[]) {
  PetscFunctionBegin;
  SNES snes = nullptr;
  PetscCall(TSGetSNES(ts, &snes));
  PetscCall(SNESNopalSetInitialGuess(snes, file));
  PetscFunctionReturn(PETSC_SUCCESS);
}
