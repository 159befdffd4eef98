// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include "options.hpp"

#include <vector>

namespace nopal::tools {

/// A subcommand: its source declares its options, does its work and returns the exit code, the same
/// on all ranks. Collective.
struct Command {
  const char* name;
  const char* summary;  ///< one line
  int (*run)(Options& options, const Communicator& comm);
};

int generate_command(Options& options, const Communicator& comm);
int convert_command(Options& options, const Communicator& comm);
int train_command(Options& options, const Communicator& comm);
int train_direction_command(Options& options, const Communicator& comm);  ///< of train, by -model
int train_multigrid_command(Options& options, const Communicator& comm);  ///< of train, by -model
int evaluate_command(Options& options, const Communicator& comm);
int predict_command(Options& options, const Communicator& comm);
int compress_command(Options& options, const Communicator& comm);
int inspect_command(Options& options, const Communicator& comm);
int bench_command(Options& options, const Communicator& comm);

/// All subcommands but `help`, in the order of a first session.
const std::vector<Command>& commands();

}  // namespace nopal::tools
