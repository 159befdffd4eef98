// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include "paths.hpp"

#include <string>
#include <vector>

namespace nopal::tools {

/// The files that options in `arguments` tell PETSc to read.
std::vector<NamedPath> petsc_inputs(const std::vector<std::string>& arguments);

/// The files that options in PETSc's database tell it to write when it ends.
std::vector<NamedPath> petsc_outputs();

/// PETSc for a subcommand, on all ranks. MPI is brought up before it and stays.
///
/// PETSc's errors are not printed any more: they become nopal::Error. A program that fails leaves
/// PETSc as it is: in its end it would write files, of which one may be what is wrong.
class PetscSession {
 public:
  /// Initialises PETSc with the options of `arguments`, the words behind the subcommand, and those
  /// of its own sources. Error, on all ranks where PETSc itself notices it on all of them, if they
  /// cannot be used, or if they name a file that PETSc could not write at the end. Collective.
  PetscSession(const std::string& program, const std::vector<std::string>& arguments,
               const Communicator& comm);
  PetscSession(const PetscSession&) = delete;
  PetscSession& operator=(const PetscSession&) = delete;

  /// Finalises PETSc, which may be asked to write files or tables then (-log_view). Error if it
  /// cannot. Collective.
  void end();

 private:
  std::vector<std::string> words_;
  std::vector<char*> pointers_;  // to the words: PETSc keeps them
};

}  // namespace nopal::tools
