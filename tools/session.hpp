// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

namespace nopal::tools {

/// Runs `nopal SUBCOMMAND ...`: brings up MPI, PETSc and Kokkos, runs the subcommand, and returns
/// the exit code, the same on all ranks. Errors are one line on standard error from one rank.
int run(int argc, char** argv);

}  // namespace nopal::tools
