// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// The one source that knows how PETSc lays out a PC.

#include <nopal/solvers/plugin/pc_nopal.h>
#include <nopal/solvers/petsc.hpp>

#include "plugin/guard.hpp"
#include "plugin/preconditioner.hpp"

#include <petsc/private/pcimpl.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <new>
#include <string>

using nopal::detail::guard;
using nopal::detail::Precision;
using nopal::detail::Preconditioner;
using nopal::detail::PreconditionerOptions;

namespace {

enum class Fallback { none, jacobi };
const char* const fallback_names[] = {"none", "jacobi"};
// In the order of Precision, and last the choice by method and tolerance.
const char* const precision_names[] = {"single", "double", "bfloat16", "automatic"};
constexpr PetscInt automatic_precision = 3;
const char* const transfer_names[] = {"operator", "linear"};

struct Context {
  PreconditionerOptions options;
  Fallback fallback = Fallback::none;
  PetscInt precision = automatic_precision;
  std::unique_ptr<Preconditioner> preconditioner;
  bool fallen_back = false;
  bool outdated = false;         // there are solutions that the coarse space does not know
  PetscBool dcdm = PETSC_FALSE;  // set up the KSP for the deep conjugate direction method
  nopal::OwnedVec inverse_diagonal;
};

PetscClassId class_id = 0;
PetscLogEvent set_up_event = 0, apply_event = 0;

Context& context(PC pc) {
  return *static_cast<Context*>(pc->data);
}

std::string prefix_of(PC pc) {
  const char* prefix = nullptr;
  NOPAL_PETSC(PCGetOptionsPrefix(pc, &prefix));
  return prefix ? prefix : "";
}

PetscErrorCode code_for_model(const std::string& model) {
  return model == "untrained" || model == "chebyshev" || model == "pod" ||
                 std::filesystem::exists(model)
             ? PETSC_ERR_ARG_INCOMP
             : PETSC_ERR_FILE_OPEN;
}

PetscErrorCode make_preconditioner(PC pc) {
  PetscFunctionBegin;
  Context& c = context(pc);
  const MPI_Comm comm = PetscObjectComm(reinterpret_cast<PetscObject>(pc));
  Mat matrix = nullptr;
  DM dm = nullptr;
  PetscCall(PCGetOperators(pc, nullptr, &matrix));
  PetscCall(PCGetDM(pc, &dm));
  PetscCall(PetscLogEventBegin(set_up_event, pc, matrix, nullptr, nullptr));
  PetscCall(guard(comm, code_for_model(c.options.model), "PC nopal", [&] {
    c.preconditioner.reset();  // its memory is used again
    c.preconditioner = nopal::detail::make_preconditioner(matrix, dm, c.options, prefix_of(pc));
    c.options.train = 0;  // once
  }));
  c.fallen_back = c.outdated = false;
  c.inverse_diagonal.reset();
  PetscCall(PetscLogEventEnd(set_up_event, pc, matrix, nullptr, nullptr));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode set_up(PC pc) {
  PetscFunctionBegin;
  Context& c = context(pc);
  c.options.precision = c.precision == automatic_precision ? Precision::single_precision
                                                           : static_cast<Precision>(c.precision);
  PetscCall(make_preconditioner(pc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode apply_jacobi(PC pc, Vec r, Vec z) {
  PetscFunctionBegin;
  Context& c = context(pc);
  if (!c.inverse_diagonal) {
    Mat matrix = nullptr;
    PetscCall(PCGetOperators(pc, nullptr, &matrix));
    PetscCall(VecDuplicate(r, c.inverse_diagonal.receive()));
    PetscCall(MatGetDiagonal(matrix, c.inverse_diagonal));
    PetscCall(VecReciprocal(c.inverse_diagonal));
  }
  PetscCall(VecPointwiseMult(z, c.inverse_diagonal, r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

// With a fallback: whether z is finite and, for a symmetric matrix, r^T z > 0.
PetscErrorCode check_result(PC pc, Vec r, Vec z) {
  PetscFunctionBegin;
  Context& c = context(pc);
  PetscScalar product = 0;
  PetscReal norm = 0;
  PetscCall(VecDot(r, z, &product));
  PetscCall(VecNorm(r, NORM_2, &norm));
  const bool bad = !std::isfinite(PetscRealPart(product)) ||
                   (c.preconditioner->symmetric() && norm > 0 && PetscRealPart(product) <= 0);
  if (!bad || !std::isfinite(norm)) PetscFunctionReturn(PETSC_SUCCESS);
  c.fallen_back = true;
  const MPI_Comm comm = PetscObjectComm(reinterpret_cast<PetscObject>(pc));
  PetscCall(PetscFPrintf(comm, PETSC_STDERR,
                         "PC nopal: the model %s gives a result that is not %s: going on with "
                         "jacobi (-pc_nopal_fallback)\n",
                         c.options.model.c_str(),
                         std::isfinite(PetscRealPart(product)) ? "positive" : "finite"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode apply(PC pc, Vec r, Vec z) {
  PetscFunctionBegin;
  Context& c = context(pc);
  const MPI_Comm comm = PetscObjectComm(reinterpret_cast<PetscObject>(pc));
  PetscCall(PetscLogEventBegin(apply_event, pc, r, z, nullptr));
  if (!c.fallen_back) {
    PetscCall(guard(comm, PETSC_ERR_LIB, "PC nopal", [&] { c.preconditioner->apply(r, z); }));
    PetscCall(PetscLogFlops(c.preconditioner->cost().flops));
    if (c.fallback == Fallback::jacobi) PetscCall(check_result(pc, r, z));
  }
  if (c.fallen_back) PetscCall(apply_jacobi(pc, r, z));
  PetscCall(PetscLogEventEnd(apply_event, pc, r, z, nullptr));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode apply_transpose(PC pc, Vec r, Vec z) {
  PetscFunctionBegin;
  const Preconditioner& preconditioner = *context(pc).preconditioner;
  PetscCheck(
      preconditioner.linear() && preconditioner.symmetric() && preconditioner.boundary_rows() == 0,
      PetscObjectComm(reinterpret_cast<PetscObject>(pc)), PETSC_ERR_SUP,
      "PC nopal has a transpose for linear models and symmetric matrices only: use a method "
      "without it, such "
      "as -ksp_type gmres");
  PetscCall(apply(pc, r, z));
  PetscFunctionReturn(PETSC_SUCCESS);
}

// A method that is preconditioned from the left and has residuals of the preconditioned system only
// (GMRES) takes the rounding of a cycle for part of the matrix: in float its solution would be good
// to about 1e-7, whatever it reports.
PetscErrorCode choose_precision(PC pc, KSP ksp) {
  PetscFunctionBegin;
  Context& c = context(pc);
  if (c.precision != automatic_precision || c.options.precision == Precision::double_precision)
    PetscFunctionReturn(PETSC_SUCCESS);
  PetscBool exact_residuals = PETSC_FALSE;
  PetscCall(PetscObjectTypeCompareAny(reinterpret_cast<PetscObject>(ksp), &exact_residuals, KSPCG,
                                      KSPFCG, KSPPIPECG, KSPGROPPCG, KSPPIPEFCG, KSPFGMRES, KSPGCR,
                                      KSPRICHARDSON, KSPCHEBYSHEV, KSPPREONLY, ""));
  PCSide side = PC_LEFT;
  PetscReal tolerance = 0;
  PetscCall(KSPGetPCSide(ksp, &side));
  PetscCall(KSPGetTolerances(ksp, &tolerance, nullptr, nullptr, nullptr));
  if (exact_residuals || side != PC_LEFT || tolerance > 1e-6) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscInfo(pc, "in double precision for this method and tolerance\n"));
  c.options.precision = Precision::double_precision;
  PetscCall(make_preconditioner(pc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

// The deep conjugate direction method is flexible CG with two directions, see dcdm().
PetscErrorCode use_dcdm(KSP ksp) {
  PetscFunctionBegin;
  PetscCall(KSPSetType(ksp, KSPFCG));
  PetscCall(KSPFCGSetMmax(ksp, 2));
  PetscCall(KSPFCGSetTruncationType(ksp, KSP_FCD_TRUNC_TYPE_STANDARD));
  PetscCall(KSPSetNormType(ksp, KSP_NORM_UNPRECONDITIONED));
  PetscCall(KSPSetUp(ksp));  // this is the middle of a solve
  PetscFunctionReturn(PETSC_SUCCESS);
}

// Methods that keep no vector of B A in their recurrences break down with a nonlinear B, silently.
PetscErrorCode check_flexible(PC pc, KSP ksp) {
  PetscFunctionBegin;
  PetscBool flexible = PETSC_FALSE;
  PetscCall(PetscObjectTypeCompareAny(reinterpret_cast<PetscObject>(ksp), &flexible, KSPFCG,
                                      KSPFGMRES, KSPGCR, KSPPIPEFCG, KSPPIPEFGMRES, KSPPIPEGCR,
                                      KSPFBCGS, KSPRICHARDSON, KSPPREONLY, ""));
  const char* prefix = nullptr;
  PetscCall(KSPGetOptionsPrefix(ksp, &prefix));
  PetscCheck(flexible, PetscObjectComm(reinterpret_cast<PetscObject>(pc)), PETSC_ERR_ARG_INCOMP,
             "PC nopal: %s is a nonlinear network, which this method cannot have: use -%sksp_type "
             "fcg, fgmres or gcr, or -%spc_nopal_dcdm",
             context(pc).options.model.c_str(), prefix ? prefix : "", prefix ? prefix : "");
  PetscFunctionReturn(PETSC_SUCCESS);
}

// Methods that need a symmetric matrix and preconditioner do not converge with others, silently.
PetscErrorCode pre_solve(PC pc, KSP ksp, Vec, Vec) {
  PetscFunctionBegin;
  if (context(pc).dcdm) PetscCall(use_dcdm(ksp));
  if (context(pc).outdated) PetscCall(make_preconditioner(pc));
  if (context(pc).preconditioner->linear())
    PetscCall(choose_precision(pc, ksp));
  else
    PetscCall(check_flexible(pc, ksp));
  if (context(pc).preconditioner->symmetric()) PetscFunctionReturn(PETSC_SUCCESS);
  PetscBool needs = PETSC_FALSE;
  PetscCall(PetscObjectTypeCompareAny(reinterpret_cast<PetscObject>(ksp), &needs, KSPCG, KSPFCG,
                                      KSPPIPECG, KSPGROPPCG, KSPCR, KSPMINRES, KSPSYMMLQ,
                                      KSPPIPEFCG, ""));
  const char* prefix = nullptr;
  PetscCall(KSPGetOptionsPrefix(ksp, &prefix));
  PetscCheck(
      !needs, PetscObjectComm(reinterpret_cast<PetscObject>(pc)), PETSC_ERR_ARG_INCOMP,
      "PC nopal: the matrix is not symmetric, which this method needs: use -%sksp_type gmres "
      "or bcgs",
      prefix ? prefix : "");
  PetscFunctionReturn(PETSC_SUCCESS);
}

// Solutions for the coarse space of the next set-up, the latest of them.
PetscErrorCode post_solve(PC pc, KSP, Vec, Vec x) {
  PetscFunctionBegin;
  Context& c = context(pc);
  if (c.options.model != "pod") PetscFunctionReturn(PETSC_SUCCESS);
  const MPI_Comm comm = PetscObjectComm(reinterpret_cast<PetscObject>(pc));
  PetscCall(guard(comm, PETSC_ERR_LIB, "PC nopal", [&] {
    auto& kept = *c.options.solutions;
    nopal::OwnedVec copy;
    NOPAL_PETSC(VecDuplicate(x, copy.receive()));
    NOPAL_PETSC(VecCopy(x, copy));
    kept.push_back(std::move(copy));
    if (kept.size() > 2 * static_cast<std::size_t>(c.options.vectors)) kept.erase(kept.begin());
  }));
  c.outdated = true;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode reset(PC pc) {
  PetscFunctionBegin;
  Context& c = context(pc);
  c.preconditioner.reset();
  c.inverse_diagonal.reset();
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode destroy(PC pc) {
  PetscFunctionBegin;
  PetscCall(reset(pc));
  delete static_cast<Context*>(pc->data);
  pc->data = nullptr;
  PetscCall(
      PetscObjectComposeFunction(reinterpret_cast<PetscObject>(pc), "PCNopalSetModel_C", nullptr));
  PetscCall(
      PetscObjectComposeFunction(reinterpret_cast<PetscObject>(pc), "PCNopalSetGrid_C", nullptr));
  PetscCall(
      PetscObjectComposeFunction(reinterpret_cast<PetscObject>(pc), "PCNopalSetDCDM_C", nullptr));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode view(PC pc, PetscViewer viewer) {
  PetscFunctionBegin;
  const Context& c = context(pc);
  PetscBool ascii = PETSC_FALSE;
  PetscCall(
      PetscObjectTypeCompare(reinterpret_cast<PetscObject>(viewer), PETSCVIEWERASCII, &ascii));
  if (!ascii) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscViewerASCIIPrintf(viewer, "  model %s, %s precision, %s transfer\n",
                                   c.options.model.c_str(),
                                   precision_names[static_cast<int>(c.options.precision)],
                                   c.options.multigrid.transfer.c_str()));
  if (!c.preconditioner) PetscFunctionReturn(PETSC_SUCCESS);
  for (const std::string& line : c.preconditioner->description())
    PetscCall(PetscViewerASCIIPrintf(viewer, "  %s\n", line.c_str()));
  if (c.dcdm)
    PetscCall(PetscViewerASCIIPrintf(
        viewer,
        "  preset dcdm: the owning KSP is fcg with 2 directions, standard truncation and "
        "the unpreconditioned norm\n"));
  if (c.fallen_back) PetscCall(PetscViewerASCIIPrintf(viewer, "  fallen back to jacobi\n"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode set_text(nopal::PetscOptionItemsArgument PetscOptionsObject, const char* name,
                        const char* help, std::string& value) {
  PetscFunctionBegin;
  char buffer[PETSC_MAX_PATH_LEN] = "";
  PetscBool set = PETSC_FALSE;
  PetscCall(PetscOptionsString(name, help, nullptr, value.c_str(), buffer, sizeof buffer, &set));
  if (set) value = buffer;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode set_from_options(PC pc, nopal::PetscOptionItemsArgument PetscOptionsObject) {
  PetscFunctionBegin;
  Context& c = context(pc);
  PreconditionerOptions& o = c.options;
  PetscOptionsHeadBegin(PetscOptionsObject, "Learned preconditioner (nopal) options");
  PetscCall(set_text(PetscOptionsObject, "-pc_nopal_model",
                     "Model file, untrained, chebyshev or pod", o.model));
  PetscInt choice = 0;
  PetscBool set = PETSC_FALSE;
  PetscCall(PetscOptionsEList("-pc_nopal_precision", "Precision of the cycle or network", nullptr,
                              precision_names, 4, precision_names[c.precision], &c.precision,
                              nullptr));
  PetscInt sizes[3] = {0, 0, 0}, count = 3;
  PetscCall(PetscOptionsIntArray(
      "-pc_nopal_grid", "Points M,N[,P] of a matrix without DM, x first; 0: what the rows give",
      "PCNopalSetGrid", sizes, &count, &set));
  if (set) o.grid.assign(sizes, sizes + count);
  PetscBool periodic[3] = {PETSC_FALSE, PETSC_FALSE, PETSC_FALSE};
  count = 3;
  PetscCall(PetscOptionsBoolArray("-pc_nopal_periodic",
                                  "Axes of that grid that are periodic, x first", nullptr, periodic,
                                  &count, &set));
  if (set) o.periodic.assign(periodic, periodic + count);
  choice = static_cast<PetscInt>(c.fallback);
  PetscCall(PetscOptionsEList("-pc_nopal_fallback", "What to do if a model diverges", nullptr,
                              fallback_names, 2, fallback_names[choice], &choice, nullptr));
  c.fallback = static_cast<Fallback>(choice);
  choice = o.multigrid.transfer == "linear" ? 1 : 0;
  PetscCall(PetscOptionsEList("-pc_nopal_transfer", "Interpolation between levels", nullptr,
                              transfer_names, 2, transfer_names[choice], &choice, nullptr));
  o.multigrid.transfer = transfer_names[choice];
  PetscReal share = o.multigrid.semicoarsening;
  PetscCall(PetscOptionsReal("-pc_nopal_semicoarsening",
                             "Axes whose coupling is weaker than this share are not coarsened",
                             nullptr, share, &share, nullptr));
  o.multigrid.semicoarsening = share;
  PetscInt number = static_cast<PetscInt>(o.multigrid.coarsest);
  PetscCall(PetscOptionsInt("-pc_nopal_coarsest", "Points of the level that is solved directly",
                            nullptr, number, &number, nullptr));
  o.multigrid.coarsest = number;
  number = o.multigrid.max_levels;
  PetscCall(
      PetscOptionsInt("-pc_nopal_max_levels", "Levels at most", nullptr, number, &number, nullptr));
  o.multigrid.max_levels = static_cast<int>(number);
  PetscCall(PetscOptionsInt("-pc_nopal_vectors", "Vectors of a coarse space", nullptr, o.vectors,
                            &o.vectors, nullptr));
  PetscCall(PetscOptionsBool("-pc_nopal_dcdm",
                             "Deep conjugate direction method: makes the KSP fcg with 2 directions",
                             "PCNopalSetDCDM", c.dcdm, &c.dcdm, nullptr));
  PetscCall(PetscOptionsInt("-pc_nopal_train", "Steps of tuning the model to the matrix at set-up",
                            nullptr, o.train, &o.train, nullptr));
  PetscCall(set_text(PetscOptionsObject, "-pc_nopal_save", "File for the tuned model", o.save));
  PetscOptionsHeadEnd();
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode set_model(PC pc, const char model[]) {
  PetscFunctionBegin;
  context(pc).options.model = model;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode set_grid(PC pc, PetscInt dimension, const PetscInt sizes[]) {
  PetscFunctionBegin;
  PetscCheck(dimension >= 1 && dimension <= 3, PetscObjectComm(reinterpret_cast<PetscObject>(pc)),
             PETSC_ERR_ARG_OUTOFRANGE, "a grid has 1 to 3 dimensions, got %lld",
             static_cast<long long>(dimension));
  context(pc).options.grid.assign(sizes, sizes + dimension);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode set_dcdm(PC pc, PetscBool use) {
  PetscFunctionBegin;
  context(pc).dcdm = use;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode create(PC pc) {
  PetscFunctionBegin;
  PetscCall(nopal::detail::initialize_kokkos());
  pc->data = new (std::nothrow) Context;
  PetscCheck(pc->data, PETSC_COMM_SELF, PETSC_ERR_MEM, "out of memory");
  pc->ops->setup = set_up;
  pc->ops->apply = apply;
  pc->ops->applytranspose = apply_transpose;
  pc->ops->presolve = pre_solve;
  pc->ops->postsolve = post_solve;
  pc->ops->reset = reset;
  pc->ops->destroy = destroy;
  pc->ops->view = view;
  pc->ops->setfromoptions = set_from_options;
  PetscCall(PetscObjectComposeFunction(reinterpret_cast<PetscObject>(pc), "PCNopalSetModel_C",
                                       set_model));
  PetscCall(
      PetscObjectComposeFunction(reinterpret_cast<PetscObject>(pc), "PCNopalSetGrid_C", set_grid));
  PetscCall(
      PetscObjectComposeFunction(reinterpret_cast<PetscObject>(pc), "PCNopalSetDCDM_C", set_dcdm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

}  // namespace

PetscErrorCode nopal::detail::register_pc_nopal() {
  PetscFunctionBegin;
  PetscCall(PCRegister("nopal", create));
  if (class_id == 0) {
    PetscCall(PetscClassIdRegister("nopal", &class_id));
    PetscCall(PetscLogEventRegister("NopalSetUp", class_id, &set_up_event));
    PetscCall(PetscLogEventRegister("NopalApply", class_id, &apply_event));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PCNopalSetModel(PC pc, const char model[]) {
  PetscFunctionBegin;
  PetscTryMethod(pc, "PCNopalSetModel_C", (PC, const char[]), (pc, model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PCNopalSetGrid(PC pc, PetscInt dimension, const PetscInt sizes[]) {
  PetscFunctionBegin;
  PetscTryMethod(pc, "PCNopalSetGrid_C", (PC, PetscInt, const PetscInt[]), (pc, dimension, sizes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PCNopalSetDCDM(PC pc, PetscBool use) {
  PetscFunctionBegin;
  PetscTryMethod(pc, "PCNopalSetDCDM_C", (PC, PetscBool), (pc, use));
  PetscFunctionReturn(PETSC_SUCCESS);
}
