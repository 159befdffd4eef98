// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// KSPGuess `nopal`: a surrogate's solution as the initial guess of a Krylov method. The one source
// that knows how PETSc lays out a KSPGuess.

#include <nopal/solvers/plugin/pc_nopal.h>
#include <nopal/solvers/bridge/field_map.hpp>
#include <nopal/solvers/petsc.hpp>

#include "plugin/grid_layout.hpp"
#include "plugin/guard.hpp"

#include <petsc/private/kspimpl.h>

#include <cmath>
#include <memory>
#include <vector>

using nopal::FieldMap;
using nopal::OwnedVec;
using nopal::detail::GridLayout;
using nopal::detail::guard;

namespace {

enum Start { from_zero, from_previous };
const char* const start_names[] = {"zero", "previous"};
enum Correction { no_correction, pod_correction, fischer_correction };
const char* const correction_names[] = {"none", "pod", "fischer"};

struct Context {
  std::string model;
  std::vector<PetscInt> points;
  PetscInt start = from_zero, correction = no_correction;
  PetscBool rms = PETSC_FALSE;
  PetscInt smooth = 0;  // sweeps
  std::unique_ptr<GridLayout> layout;
  std::unique_ptr<FieldMap> surrogate;
  KSPGuess inner = nullptr;  // of the error of the surrogate
  OwnedVec previous, right_side, residual, guess, surrogate_guess, product, change;
  bool has_previous = false;
  PetscInt formed = 0, refused = 0;
};

PetscLogEvent form_event = 0;

Context& context(KSPGuess guess) {
  return *static_cast<Context*>(guess->data);
}

void make_surrogate(KSPGuess guess) {
  Context& c = context(guess);
  NOPAL_CHECK(!c.model.empty(), "give the surrogate with -ksp_guess_nopal_model FILE");
  DM dm = nullptr;
  const char* prefix = nullptr;
  NOPAL_PETSC(KSPGetDM(guess->ksp, &dm));
  NOPAL_PETSC(KSPGetOptionsPrefix(guess->ksp, &prefix));
  c.layout = std::make_unique<GridLayout>(
      guess->A, dm, c.points, std::vector<PetscBool>{},
      std::string("-") + (prefix ? prefix : "") + "ksp_guess_nopal_grid");
  c.surrogate = std::make_unique<FieldMap>(c.model, c.layout->grid());
  NOPAL_CHECK(c.surrogate->inputs() <= 2, c.model, " takes ", c.surrogate->inputs(),
              " input channels; a guess has the right-hand side, or a coefficient and the "
              "right-hand side");
  NOPAL_CHECK(!c.layout->redistributed(),
              "a guess for rows in natural order needs whole planes "
              "of the grid on each rank");
  for (OwnedVec* v : {&c.previous, &c.right_side, &c.residual, &c.guess, &c.surrogate_guess,
                      &c.product, &c.change})
    NOPAL_PETSC(MatCreateVecs(guess->A, v->receive(), nullptr));
}

// The coefficient that the user attached to the matrix, for surrogates that take one.
Vec coefficient_of(Mat matrix) {
  PetscObject object = nullptr;
  NOPAL_PETSC(
      PetscObjectQuery(reinterpret_cast<PetscObject>(matrix), "nopal_coefficient", &object));
  NOPAL_CHECK(object,
              "the surrogate takes a coefficient and a right-hand side: attach the "
              "coefficient, a vector, to the matrix by PetscObjectCompose(matrix, "
              "\"nopal_coefficient\", vector)");
  return reinterpret_cast<Vec>(object);
}

// x += a S(r) with the a that makes the residual smallest, so that a bad surrogate does no harm.
void add_surrogate(KSPGuess guess, Vec r, Vec x) {
  Context& c = context(guess);
  PetscReal norm = 0;
  PetscInt size = 0;
  NOPAL_PETSC(VecNorm(r, NORM_2, &norm));
  NOPAL_PETSC(VecGetSize(r, &size));
  if (!(norm > 0) || !std::isfinite(norm)) return;
  const double scale = c.rms ? norm / std::sqrt(static_cast<double>(size)) : 1;
  NOPAL_PETSC(VecCopy(r, c.right_side));
  NOPAL_PETSC(VecScale(c.right_side, 1 / scale));
  std::vector<Vec> inputs{c.right_side.get()};
  if (c.surrogate->inputs() == 2) inputs.insert(inputs.begin(), coefficient_of(guess->A));
  c.surrogate->apply(inputs, c.guess);
  // A network's errors are rough, which a residual feels more than an error: sweeps of the
  // preconditioner take them out.
  PC pc = nullptr;
  NOPAL_PETSC(KSPGetPC(guess->ksp, &pc));
  for (PetscInt sweep = 0; sweep < c.smooth; ++sweep) {
    NOPAL_PETSC(MatMult(guess->A, c.guess, c.product));
    NOPAL_PETSC(VecAYPX(c.product, -1, c.right_side));
    NOPAL_PETSC(PCApply(pc, c.product, c.change));
    NOPAL_PETSC(VecAXPY(c.guess, 1, c.change));
  }
  NOPAL_PETSC(MatMult(guess->A, c.guess, c.product));
  PetscScalar along = 0, square = 0;
  NOPAL_PETSC(VecDot(r, c.product, &along));
  NOPAL_PETSC(VecDot(c.product, c.product, &square));
  const double step = PetscRealPart(along) / PetscRealPart(square);
  ++c.formed;
  if (!std::isfinite(step)) {
    ++c.refused;
    return;
  }
  NOPAL_PETSC(VecAXPY(x, step, c.guess));
}

PetscErrorCode set_up(KSPGuess guess) {
  PetscFunctionBegin;
  Context& c = context(guess);
  const MPI_Comm comm = PetscObjectComm(reinterpret_cast<PetscObject>(guess));
  if (!c.surrogate)
    PetscCall(guard(comm, PETSC_ERR_ARG_INCOMP, "KSPGuess nopal", [&] { make_surrogate(guess); }));
  if (c.correction == no_correction) PetscFunctionReturn(PETSC_SUCCESS);
  if (!c.inner) {
    PetscCall(KSPGuessCreate(comm, &c.inner));
    PetscCall(
        KSPGuessSetType(c.inner, c.correction == pod_correction ? KSPGUESSPOD : KSPGUESSFISCHER));
    c.inner->ksp = guess->ksp;
    const char* prefix = nullptr;
    PetscCall(PetscObjectGetOptionsPrefix(reinterpret_cast<PetscObject>(guess), &prefix));
    PetscCall(PetscObjectSetOptionsPrefix(reinterpret_cast<PetscObject>(c.inner), prefix));
    PetscCall(KSPGuessSetFromOptions(c.inner));
  }
  PetscCall(KSPGuessSetUp(c.inner));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode form(KSPGuess guess, Vec b, Vec x) {
  PetscFunctionBegin;
  Context& c = context(guess);
  const MPI_Comm comm = PetscObjectComm(reinterpret_cast<PetscObject>(guess));
  PetscCall(PetscLogEventBegin(form_event, guess, b, x, nullptr));
  PetscCall(guard(comm, PETSC_ERR_LIB, "KSPGuess nopal", [&] {
    if (c.start == from_previous && c.has_previous)
      NOPAL_PETSC(VecCopy(c.previous, x));
    else
      NOPAL_PETSC(VecSet(x, 0));
    NOPAL_PETSC(MatMult(guess->A, x, c.residual));
    NOPAL_PETSC(VecAYPX(c.residual, -1, b));
    add_surrogate(guess, c.residual, x);
  }));
  if (c.inner) {
    // A e = b - A x: e by projection on what e was in solves before.
    PetscCall(VecCopy(x, c.surrogate_guess));
    PetscCall(MatMult(guess->A, x, c.residual));
    PetscCall(VecAYPX(c.residual, -1, b));
    PetscCall(VecSet(c.guess, 0));
    PetscCall(KSPGuessFormGuess(c.inner, c.residual, c.guess));
    PetscCall(VecAXPY(x, 1, c.guess));
  }
  PetscCall(PetscLogEventEnd(form_event, guess, b, x, nullptr));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode update(KSPGuess guess, Vec, Vec x) {
  PetscFunctionBegin;
  Context& c = context(guess);
  PetscCall(VecCopy(x, c.previous));
  c.has_previous = true;
  if (c.inner) {
    PetscCall(VecWAXPY(c.guess, -1, c.surrogate_guess, x));
    PetscCall(KSPGuessUpdate(c.inner, c.residual, c.guess));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode reset(KSPGuess guess) {
  PetscFunctionBegin;
  // Called when the matrix changed: the previous solution is still a guess. The inner one looks
  // itself.
  (void)guess;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode destroy(KSPGuess guess) {
  PetscFunctionBegin;
  PetscCall(KSPGuessDestroy(&context(guess).inner));
  delete static_cast<Context*>(guess->data);
  guess->data = nullptr;
  PetscCall(PetscObjectComposeFunction(reinterpret_cast<PetscObject>(guess),
                                       "KSPGuessNopalSetModel_C", nullptr));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode view(KSPGuess guess, PetscViewer viewer) {
  PetscFunctionBegin;
  const Context& c = context(guess);
  PetscBool ascii = PETSC_FALSE;
  PetscCall(
      PetscObjectTypeCompare(reinterpret_cast<PetscObject>(viewer), PETSCVIEWERASCII, &ascii));
  if (!ascii) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscViewerASCIIPrintf(
      viewer, "  surrogate %s, from %s, correction %s; %lld guesses, %lld of them not finite\n",
      c.model.c_str(), start_names[c.start], correction_names[c.correction],
      static_cast<long long>(c.formed), static_cast<long long>(c.refused)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode set_from_options(KSPGuess guess) {
  PetscFunctionBegin;
  Context& c = context(guess);
  char file[PETSC_MAX_PATH_LEN] = "";
  PetscBool set = PETSC_FALSE;
  PetscInt sizes[3] = {0, 0, 0}, count = 3;
  PetscObjectOptionsBegin(reinterpret_cast<PetscObject>(guess));
  PetscCall(PetscOptionsString("-ksp_guess_nopal_model", "Model file of the surrogate",
                               "KSPGuessNopalSetModel", c.model.c_str(), file, sizeof file, &set));
  if (set) c.model = file;
  PetscCall(PetscOptionsEList("-ksp_guess_nopal_start", "What the surrogate corrects", nullptr,
                              start_names, 2, start_names[c.start], &c.start, nullptr));
  PetscCall(PetscOptionsEList(
      "-ksp_guess_nopal_correction", "Guess of PETSc for the error of the surrogate", nullptr,
      correction_names, 3, correction_names[c.correction], &c.correction, nullptr));
  PetscCall(PetscOptionsBool("-ksp_guess_nopal_rms",
                             "The surrogate takes right-hand sides with a mean square of 1",
                             nullptr, c.rms, &c.rms, nullptr));
  PetscCall(PetscOptionsInt("-ksp_guess_nopal_smooth",
                            "Sweeps of the preconditioner on the surrogate's answer", nullptr,
                            c.smooth, &c.smooth, nullptr));
  PetscCall(PetscOptionsIntArray("-ksp_guess_nopal_grid", "Points M,N[,P] without DM, x first",
                                 nullptr, sizes, &count, &set));
  if (set) c.points.assign(sizes, sizes + count);
  PetscOptionsEnd();
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode set_model(KSPGuess guess, const char file[]) {
  PetscFunctionBegin;
  context(guess).model = file;
  context(guess).surrogate.reset();
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode create(KSPGuess guess) {
  PetscFunctionBegin;
  PetscCall(nopal::detail::initialize_kokkos());
  guess->data = new (std::nothrow) Context;
  PetscCheck(guess->data, PETSC_COMM_SELF, PETSC_ERR_MEM, "out of memory");
  guess->ops->formguess = form;
  guess->ops->update = update;
  guess->ops->setup = set_up;
  guess->ops->reset = reset;
  guess->ops->destroy = destroy;
  guess->ops->view = view;
  guess->ops->setfromoptions = set_from_options;
  PetscCall(PetscObjectComposeFunction(reinterpret_cast<PetscObject>(guess),
                                       "KSPGuessNopalSetModel_C", set_model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

}  // namespace

PetscErrorCode nopal::detail::register_guess_nopal() {
  PetscFunctionBegin;
  PetscCall(KSPGuessRegister("nopal", create));
  if (form_event == 0) {
    PetscClassId id = 0;
    PetscCall(PetscClassIdRegister("nopal_guess", &id));
    PetscCall(PetscLogEventRegister("NopalGuess", id, &form_event));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode KSPGuessNopalSetModel(KSPGuess guess, const char file[]) {
  PetscFunctionBegin;
  PetscTryMethod(guess, "KSPGuessNopalSetModel_C", (KSPGuess, const char[]), (guess, file));
  PetscFunctionReturn(PETSC_SUCCESS);
}
