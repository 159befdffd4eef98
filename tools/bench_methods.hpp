// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/solvers/problems/linear_systems.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace nopal::tools {

struct MethodSettings {
  double tolerance = 1e-8;  ///< relative, of the true residual
  std::int64_t limit = 1000;
  std::array<std::string, 4> models;      ///< trained multigrid by dimension; empty: not measured
  std::array<std::string, 4> directions;  ///< direction networks
  std::array<std::string, 4> surrogates;  ///< right-hand side to solution
};

/// One solve.
struct SolveRecord {
  std::string outcome;  ///< "converged", or why not
  std::int64_t iterations = 0;
  double set_up_seconds = 0, solve_seconds = 0;
  double memory = 0;  ///< bytes that the solver holds after the solve, on all ranks; 0: not known
  double relative_residual = 0;
};

/// Methods, in the order of a table.
std::vector<std::string> method_names();

/// A method for one system after the other: by conjugate gradients, or flexible GMRES for matrices
/// that are not positive, from a zero guess but for the methods guess_*. The solver of these and of
/// subspace_pod lives through all systems; others are made anew.
class Method {
 public:
  Method(const std::string& name, const MethodSettings& settings, const Communicator& comm);

  /// With the right-hand side of a heat step, or a random one. What is not there or fails is an
  /// outcome, no Error. Collective.
  SolveRecord solve(const LinearSystem& system, const LinearSystemOptions& options,
                    std::uint64_t seed);

 private:
  SolveRecord run(const LinearSystem& system, const LinearSystemOptions& options,
                  std::uint64_t seed);

  std::string name_;
  const MethodSettings& settings_;
  Communicator comm_;
  OwnedKSP ksp_;
  OwnedVec x_;  // the solution before
};

}  // namespace nopal::tools
