// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "bench_methods.hpp"

#include <nopal/solvers/plugin/pc_nopal.h>
#include <nopal/core/allocator.hpp>
#include <nopal/core/random.hpp>

#include <chrono>
#include <map>

#if defined(__GLIBC__)
#include <malloc.h>
#define NOPAL_HAS_MALLINFO2 __GLIBC_PREREQ(2, 33)
#else
#define NOPAL_HAS_MALLINFO2 0
#endif

namespace nopal::tools {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;
constexpr const char* prefix = "bench_";

std::string option_name(const std::string& name) {
  return std::string("-").append(prefix).append(name);
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Options in PETSc's database while this lives.
class TemporaryOptions {
 public:
  explicit TemporaryOptions(Pairs options) : options_(std::move(options)) {
    for (const auto& [name, value] : options_)
      NOPAL_PETSC(PetscOptionsSetValue(nullptr, option_name(name).c_str(), value.c_str()));
  }
  ~TemporaryOptions() {
    for (const auto& option : options_) {
      [[maybe_unused]] const PetscErrorCode code =
          PetscOptionsClearValue(nullptr, option_name(option.first).c_str());
    }
  }
  TemporaryOptions(const TemporaryOptions&) = delete;
  TemporaryOptions& operator=(const TemporaryOptions&) = delete;

 private:
  Pairs options_;
};

int levels_of(std::int64_t n) {
  int levels = 1;
  for (; n % 2 == 1 && n > 5; n = (n + 1) / 2)
    ++levels;
  return levels;
}

Pairs joined(Pairs a, const Pairs& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// PC nopal with a model, if there is one.
Pairs with_model(const std::string& model, const Pairs& more = {}) {
  return model.empty() ? Pairs{} : joined({{"pc_type", "nopal"}, {"pc_nopal_model", model}}, more);
}

bool keeps_state(const std::string& method) {
  return method.starts_with("guess_") || method == "subspace_pod";
}

// What a method needs; an empty list: it is not there for this case.
Pairs options_of(const std::string& method, const LinearSystem& system,
                 const MethodSettings& settings, const Communicator& comm) {
  PetscInt dimension = 0, n = 0;
  NOPAL_PETSC(DMDAGetInfo(system.dm, &dimension, &n, nullptr, nullptr, nullptr, nullptr, nullptr,
                          nullptr, nullptr, nullptr, nullptr, nullptr, nullptr));
  const auto d = static_cast<std::size_t>(dimension);
  const std::string& model = settings.models.at(d);
  const std::string local = system.symmetric_positive ? "icc" : "ilu";
  const Pairs icc = comm.size() > 1 ? Pairs{{"pc_type", "bjacobi"}, {"sub_pc_type", local}}
                                    : Pairs{{"pc_type", local}};
  Pairs icc_beside;
  for (const auto& [name, value] : icc)
    icc_beside.emplace_back("pc_nopal_sub_" + name, value);
  const auto guess = [&](const Pairs& more) {
    const std::string& surrogate = settings.surrogates.at(d);
    return surrogate.empty() ? Pairs{}
                             : joined(joined(icc, {{"ksp_guess_type", "nopal"},
                                                   {"ksp_guess_nopal_start", "previous"},
                                                   {"ksp_guess_nopal_rms", "1"},
                                                   {"ksp_guess_nopal_smooth", "2"},
                                                   {"ksp_guess_nopal_model", surrogate}}),
                                      more);
  };
  const std::map<std::string, Pairs> table = {
      {"none", {{"pc_type", "none"}}},
      {"jacobi", {{"pc_type", "jacobi"}}},
      {"icc", icc},
      {"gamg",
       {{"pc_type", "gamg"},
        {"pc_gamg_threshold", "0.01"},
        {"mg_levels_ksp_type", "richardson"},
        {"mg_levels_ksp_max_it", "1"},
        {"mg_levels_pc_type", "sor"}}},
      {"gamg_chebyshev", {{"pc_type", "gamg"}}},
      {"hypre",
       {{"pc_type", "hypre"},
        {"pc_hypre_type", "boomeramg"},
        {"pc_hypre_boomeramg_strong_threshold", dimension == 3 ? "0.5" : "0.25"}}},
      {"hypre_tuned",
       {{"pc_type", "hypre"},
        {"pc_hypre_type", "boomeramg"},
        {"pc_hypre_boomeramg_coarsen_type", "PMIS"},
        {"pc_hypre_boomeramg_interp_type", "ext+i"},
        {"pc_hypre_boomeramg_P_max", "4"},
        {"pc_hypre_boomeramg_agg_nl", "1"},
        {"pc_hypre_boomeramg_relax_type_all", "symmetric-SOR/Jacobi"},
        {"pc_hypre_boomeramg_strong_threshold", dimension == 3 ? "0.5" : "0.25"}}},
      {"mg", levels_of(n) < 3 ? Pairs{}
                              : Pairs{{"pc_type", "mg"},
                                      {"pc_mg_levels", std::to_string(levels_of(n))},
                                      {"pc_mg_galerkin", "both"},
                                      {"mg_levels_ksp_type", "richardson"},
                                      {"mg_levels_ksp_max_it", "1"},
                                      {"mg_levels_pc_type", "sor"},
                                      {"mg_coarse_pc_type", "redundant"},
                                      {"mg_coarse_redundant_pc_type", "svd"}}},
      {"nopal_untrained", {{"pc_type", "nopal"}, {"pc_nopal_model", "untrained"}}},
      {"nopal_chebyshev", {{"pc_type", "nopal"}, {"pc_nopal_model", "chebyshev"}}},
      {"nopal", with_model(model)},
      {"dcdm", with_model(settings.directions.at(d), {{"pc_nopal_dcdm", "1"}})},
      {"dcdm_bfloat16", with_model(settings.directions.at(d),
                                   {{"pc_nopal_dcdm", "1"}, {"pc_nopal_precision", "bfloat16"}})},
      {"subspace", with_model(settings.surrogates.at(d), icc_beside)},
      {"subspace_pod", with_model("pod", icc_beside)},
      {"guess_none", icc},
      {"guess_previous", icc},
      {"guess_pod", joined(icc, {{"ksp_guess_type", "pod"}})},
      {"guess_fischer", joined(icc, {{"ksp_guess_type", "fischer"}})},
      {"guess_nopal", guess({})},
      {"guess_nopal_pod", guess({{"ksp_guess_nopal_correction", "pod"}})}};
  return table.at(method);
}

// Normal random numbers that belong to the points, in the range of a singular matrix.
void set_right_side(const LinearSystem& system, Vec b, std::uint64_t seed) {
  PetscInt first[3] = {0, 0, 0}, count[3] = {1, 1, 1}, n[3] = {1, 1, 1};
  NOPAL_PETSC(DMDAGetInfo(system.dm, nullptr, &n[0], &n[1], &n[2], nullptr, nullptr, nullptr,
                          nullptr, nullptr, nullptr, nullptr, nullptr, nullptr));
  NOPAL_PETSC(
      DMDAGetCorners(system.dm, &first[0], &first[1], &first[2], &count[0], &count[1], &count[2]));
  const Random random(seed, 4711);
  PetscScalar* values = nullptr;
  NOPAL_PETSC(VecGetArrayWrite(b, &values));
  for (PetscInt k = 0, i = 0; k < count[2]; ++k)
    for (PetscInt j = 0; j < count[1]; ++j)
      for (PetscInt l = 0; l < count[0]; ++l, ++i)
        values[i] = random.normal(static_cast<std::uint64_t>(
            ((first[2] + k) * static_cast<std::int64_t>(n[1]) + first[1] + j) * n[0] + first[0] +
            l));
  NOPAL_PETSC(VecRestoreArrayWrite(b, &values));
  MatNullSpace space = nullptr;
  NOPAL_PETSC(MatGetNullSpace(system.matrix, &space));
  if (space) NOPAL_PETSC(MatNullSpaceRemove(space, b));
}

double relative_residual(Mat matrix, Vec b, Vec x) {
  OwnedVec r;
  PetscReal residual = 0, size = 0;
  NOPAL_PETSC(VecDuplicate(b, r.receive()));
  NOPAL_PETSC(MatMult(matrix, x, r));
  NOPAL_PETSC(VecAYPX(r, -1, b));
  NOPAL_PETSC(VecNorm(r, NORM_2, &residual));
  NOPAL_PETSC(VecNorm(b, NORM_2, &size));
  return static_cast<double>(residual / size);
}

// Bytes that are allocated now, by PETSc, hypre and nopal, on all ranks; 0 where the C library does
// not tell.
double memory_now(const Communicator& comm) {
  release_cached_memory();
  double bytes = 0;
#if NOPAL_HAS_MALLINFO2
  const auto info = mallinfo2();
  bytes = static_cast<double>(info.uordblks) + static_cast<double>(info.hblkhd);
#endif
  return comm.sum(bytes);
}

}  // namespace

std::vector<std::string> method_names() {
  return {"none",
          "jacobi",
          "icc",
          "gamg",
          "gamg_chebyshev",
          "hypre",
          "hypre_tuned",
          "mg",
          "nopal_untrained",
          "nopal_chebyshev",
          "nopal",
          "dcdm",
          "dcdm_bfloat16",
          "subspace",
          "subspace_pod",
          "guess_none",
          "guess_previous",
          "guess_pod",
          "guess_fischer",
          "guess_nopal",
          "guess_nopal_pod"};
}

Method::Method(const std::string& name, const MethodSettings& settings, const Communicator& comm)
    : name_(name), settings_(settings), comm_(comm) {}

SolveRecord Method::solve(const LinearSystem& system, const LinearSystemOptions& options,
                          std::uint64_t seed) {
  NOPAL_PETSC(nopal_register());
  SolveRecord record;
  Pairs pairs = options_of(name_, system, settings_, comm_);
  record.outcome = name_ == "nopal"            ? "no model given (-model2d, -model3d)"
                   : name_.starts_with("dcdm") ? "no model given (-direction2d, -direction3d)"
                   : name_ == "mg"             ? "not possible for this number of points"
                                               : "no model given (-surrogate2d, -surrogate3d)";
  if (pairs.empty()) return record;
  const TemporaryOptions scope(std::move(pairs));
  try {
    return run(system, options, seed);
  } catch (const Error& error) {
    record.outcome = std::string("error: ") + error.what();
    return record;
  }
}

SolveRecord Method::run(const LinearSystem& system, const LinearSystemOptions& options,
                        std::uint64_t seed) {
  SolveRecord record;
  const bool first = !x_ || !keeps_state(name_);
  OwnedVec b;
  if (!x_) NOPAL_PETSC(MatCreateVecs(system.matrix, x_.receive(), nullptr));
  NOPAL_PETSC(VecDuplicate(x_, b.receive()));
  if (options.name == "heat")
    set_heat_step(options, system.dm, options.time > 0 ? x_.get() : nullptr, b);
  else
    set_right_side(system, b, seed);
  if (first) ksp_.reset();  // its memory is not the next one's
  const double before = memory_now(comm_);
  if (first) {
    NOPAL_PETSC(KSPCreate(petsc_communicator(comm_), ksp_.receive()));
    NOPAL_PETSC(KSPSetOptionsPrefix(ksp_, prefix));
    NOPAL_PETSC(KSPSetDM(ksp_, system.dm));
    NOPAL_PETSC(ksp_ignore_dm(ksp_));
    NOPAL_PETSC(KSPSetType(ksp_, system.symmetric_positive ? KSPCG : KSPFGMRES));
    if (system.symmetric_positive) NOPAL_PETSC(KSPSetNormType(ksp_, KSP_NORM_UNPRECONDITIONED));
    NOPAL_PETSC(KSPSetTolerances(ksp_, settings_.tolerance, NOPAL_PETSC_KEEP, NOPAL_PETSC_KEEP,
                                 static_cast<PetscInt>(settings_.limit)));
  }
  NOPAL_PETSC(KSPSetOperators(ksp_, system.matrix, system.matrix));
  if (first) NOPAL_PETSC(KSPSetFromOptions(ksp_));
  const bool from_previous = name_ == "guess_previous" && options.time > 0;
  NOPAL_PETSC(KSPSetInitialGuessNonzero(ksp_, from_previous ? PETSC_TRUE : PETSC_FALSE));
  comm_.barrier();
  auto start = std::chrono::steady_clock::now();
  NOPAL_PETSC(KSPSetUp(ksp_));
  record.set_up_seconds = comm_.max(seconds_since(start));
  comm_.barrier();
  start = std::chrono::steady_clock::now();
  NOPAL_PETSC(KSPSolve(ksp_, b, x_));
  record.solve_seconds = comm_.max(seconds_since(start));
  record.memory = memory_now(comm_) - before;
  PetscInt iterations = 0;
  KSPConvergedReason reason = KSP_CONVERGED_ITERATING;
  NOPAL_PETSC(KSPGetIterationNumber(ksp_, &iterations));
  NOPAL_PETSC(KSPGetConvergedReason(ksp_, &reason));
  record.iterations = iterations;
  record.relative_residual = relative_residual(system.matrix, b, x_);
  const char* text = nullptr;
  NOPAL_PETSC(KSPGetConvergedReasonString(ksp_, &text));
  record.outcome = reason > 0
                       ? "converged"
                       : std::string(text) + " after " + std::to_string(iterations) + " iterations";
  return record;
}

}  // namespace nopal::tools
