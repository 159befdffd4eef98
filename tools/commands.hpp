// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include "options.hpp"

#include <vector>

namespace nopal::tools {

/// A subcommand: its source declares its options and does its work. Collective.
struct Command {
  const char* name;
  const char* summary;  ///< one line
  void (*run)(Options& options, const Communicator& comm);
};

void generate_command(Options& options, const Communicator& comm);
void convert_command(Options& options, const Communicator& comm);
void train_command(Options& options, const Communicator& comm);
void evaluate_command(Options& options, const Communicator& comm);
void predict_command(Options& options, const Communicator& comm);
void inspect_command(Options& options, const Communicator& comm);

/// All subcommands but `help`, in the order of a first session.
const std::vector<Command>& commands();

}  // namespace nopal::tools
