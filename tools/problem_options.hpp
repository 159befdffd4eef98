// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include "options.hpp"

#include <nopal/solvers/problems/problem.hpp>

#include <memory>
#include <string>

namespace nopal::tools {

/// Whether PETSc's database has `-name`.
bool has_option(const std::string& name);

/// Puts `-name value` into PETSc's database.
void set_option(const std::string& name, const std::string& value);

/// The problem with its options from the database; declares in `options` those that it reads
/// (`-<name>_...`), for help and suggestions, and allows those of its PETSc objects. A value that
/// is not allowed is reported by options.ready(); the problem is null then. Collective.
std::unique_ptr<Problem> make_problem_from_options(Options& options, const std::string& name,
                                                   const Communicator& comm);

}  // namespace nopal::tools
