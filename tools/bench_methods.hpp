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
  std::array<std::string, 4> models;  ///< trained model by dimension; empty: not measured
};

/// One solve from a zero guess.
struct SolveRecord {
  std::string outcome;  ///< "converged", or why not
  std::int64_t iterations = 0;
  double set_up_seconds = 0, solve_seconds = 0;
  double memory = 0;  ///< bytes that the solver holds after the solve, on all ranks; 0: not known
  double relative_residual = 0;
};

/// Preconditioners, in the order of a table.
std::vector<std::string> method_names();

/// Solves with a random right-hand side by conjugate gradients, or flexible GMRES for matrices that
/// are not positive, and the preconditioner of a name. A method that is not there or fails is an
/// outcome, no Error. Collective.
SolveRecord solve_by(const std::string& method, const LinearSystem& system, std::uint64_t seed,
                     const MethodSettings& settings, const Communicator& comm);

}  // namespace nopal::tools
