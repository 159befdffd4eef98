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

// What a method needs; an empty list: it is not there for this case.
Pairs options_of(const std::string& method, const LinearSystem& system,
                 const MethodSettings& settings, const Communicator& comm) {
  PetscInt dimension = 0, n = 0;
  NOPAL_PETSC(DMDAGetInfo(system.dm, &dimension, &n, nullptr, nullptr, nullptr, nullptr, nullptr,
                          nullptr, nullptr, nullptr, nullptr, nullptr, nullptr));
  const std::string& model = settings.models.at(static_cast<std::size_t>(dimension));
  const std::string local = system.symmetric_positive ? "icc" : "ilu";
  const std::map<std::string, Pairs> table = {
      {"none", {{"pc_type", "none"}}},
      {"jacobi", {{"pc_type", "jacobi"}}},
      {"icc", comm.size() > 1 ? Pairs{{"pc_type", "bjacobi"}, {"sub_pc_type", local}}
                              : Pairs{{"pc_type", local}}},
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
      {"nopal", model.empty() ? Pairs{} : Pairs{{"pc_type", "nopal"}, {"pc_nopal_model", model}}}};
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

SolveRecord solve(const LinearSystem& system, std::uint64_t seed, const MethodSettings& settings,
                  const Communicator& comm) {
  SolveRecord record;
  OwnedVec b, x;
  NOPAL_PETSC(MatCreateVecs(system.matrix, x.receive(), b.receive()));
  set_right_side(system, b, seed);
  OwnedKSP ksp;
  NOPAL_PETSC(KSPCreate(petsc_communicator(comm), ksp.receive()));
  NOPAL_PETSC(KSPSetOptionsPrefix(ksp, prefix));
  NOPAL_PETSC(KSPSetOperators(ksp, system.matrix, system.matrix));
  NOPAL_PETSC(KSPSetDM(ksp, system.dm));
  NOPAL_PETSC(ksp_ignore_dm(ksp));
  NOPAL_PETSC(KSPSetType(ksp, system.symmetric_positive ? KSPCG : KSPFGMRES));
  if (system.symmetric_positive) NOPAL_PETSC(KSPSetNormType(ksp, KSP_NORM_UNPRECONDITIONED));
  NOPAL_PETSC(KSPSetTolerances(ksp, settings.tolerance, NOPAL_PETSC_KEEP, NOPAL_PETSC_KEEP,
                               static_cast<PetscInt>(settings.limit)));
  NOPAL_PETSC(KSPSetFromOptions(ksp));
  const double before = memory_now(comm);
  comm.barrier();
  auto start = std::chrono::steady_clock::now();
  NOPAL_PETSC(KSPSetUp(ksp));
  record.set_up_seconds = comm.max(seconds_since(start));
  comm.barrier();
  start = std::chrono::steady_clock::now();
  NOPAL_PETSC(KSPSolve(ksp, b, x));
  record.solve_seconds = comm.max(seconds_since(start));
  record.memory = memory_now(comm) - before;
  PetscInt iterations = 0;
  KSPConvergedReason reason = KSP_CONVERGED_ITERATING;
  NOPAL_PETSC(KSPGetIterationNumber(ksp, &iterations));
  NOPAL_PETSC(KSPGetConvergedReason(ksp, &reason));
  record.iterations = iterations;
  record.relative_residual = relative_residual(system.matrix, b, x);
  const char* text = nullptr;
  NOPAL_PETSC(KSPGetConvergedReasonString(ksp, &text));
  record.outcome = reason > 0
                       ? "converged"
                       : std::string(text) + " after " + std::to_string(iterations) + " iterations";
  return record;
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
          "nopal"};
}

SolveRecord solve_by(const std::string& method, const LinearSystem& system, std::uint64_t seed,
                     const MethodSettings& settings, const Communicator& comm) {
  NOPAL_PETSC(nopal_register());
  Pairs options = options_of(method, system, settings, comm);
  SolveRecord record;
  record.outcome = method == "nopal" ? "no model given (-model2d, -model3d)"
                                     : "not possible for this number of points";
  if (options.empty()) return record;
  const TemporaryOptions scope(std::move(options));
  try {
    return solve(system, seed, settings, comm);
  } catch (const Error& error) {
    record.outcome = std::string("error: ") + error.what();
    return record;
  }
}

}  // namespace nopal::tools
