// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/solvers/petsc.hpp>

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

namespace nopal {

/// Reads one group of options from PETSc's database. Each call looks an option up, replaces `value`
/// if it was given, and shows it under `-help`. A value that cannot be read is an Error that names
/// option and value.
class PetscOptionReader {
 public:
  PetscOptionReader(PetscOptionItemsArgument items, std::string prefix)
      : items_(items), prefix_(std::move(prefix)) {}

  /// `name` without the dash and the group's prefix.
  void real(const std::string& name, const std::string& help, double& value);
  void integer(const std::string& name, const std::string& help, std::int64_t& value,
               std::int64_t minimum = std::numeric_limits<std::int64_t>::min());
  void boolean(const std::string& name, const std::string& help, bool& value);
  void text(const std::string& name, const std::string& help, std::string& value);

  /// A file to write, named by `value` and `ending`: Error if it cannot be written, found out
  /// before hours of work. An older file stays as it is.
  void output(const std::string& name, const std::string& help, std::string& value,
              const std::string& ending = "");

  /// One of `names`; `index` is the position in it. The Error suggests the nearest name.
  void choice(const std::string& name, const std::string& help,
              const std::vector<std::string>& names, int& index);

  /// All that was asked for, with the prefix.
  const std::vector<std::string>& names() const noexcept { return names_; }

 private:
  /// Throws unless the option was read, or was not given at all.
  void check(const std::string& name, const char* expected, PetscErrorCode code, PetscBool set);

  PetscOptionItemsArgument items_;
  std::string prefix_;
  std::vector<std::string> names_;
};

/// Reads the options `-<prefix><name>` that `action` asks for. Collective.
void read_options(const Communicator& comm, const std::string& prefix, const std::string& title,
                  const std::function<void(PetscOptionReader&)>& action);

/// read_options() for a program that has no others: an option that nobody has read so far is an
/// Error that names the nearest one, unless it is one of PETSc's own or begins with one of
/// `prefixes` (those of PETSc objects that the program makes later, such as `darcy_ksp_`). Returns
/// false if help was asked for and printed, and there is nothing more to do. Collective.
bool read_program_options(const Communicator& comm, const std::string& title,
                          const std::function<void(PetscOptionReader&)>& action,
                          const std::vector<std::string>& prefixes = {});

/// Options that PETSc (3.18 to 3.25) itself looks at only when it ends, or that take part in its
/// start before its database counts who read what; without the dash.
const std::vector<std::string>& petsc_global_options();

/// Error if the database holds an option that nobody has read, PETSc does not know and `expected`
/// refuses; suggests the nearest of PETSc's and of `known`, and ends with `hint`.
void check_unknown_options(const std::function<bool(const std::string&)>& expected,
                           const std::vector<std::string>& known, const std::string& hint);

}  // namespace nopal
