// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/solvers/petsc.hpp>

#include <cstdint>
#include <functional>
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
  void integer(const std::string& name, const std::string& help, std::int64_t& value);
  void boolean(const std::string& name, const std::string& help, bool& value);
  void text(const std::string& name, const std::string& help, std::string& value);

  /// One of `names`; `index` is the position in it. The Error suggests the nearest name.
  void choice(const std::string& name, const std::string& help,
              const std::vector<std::string>& names, int& index);

 private:
  /// Throws unless the option was read, or was not given at all.
  void check(const std::string& name, const char* expected, PetscErrorCode code, PetscBool set);

  PetscOptionItemsArgument items_;
  std::string prefix_;
};

/// Reads the options `-<prefix><name>` that `action` asks for. Collective.
void read_options(const Communicator& comm, const std::string& prefix, const std::string& title,
                  const std::function<void(PetscOptionReader&)>& action);

}  // namespace nopal
