// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/solvers/petsc.hpp>

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

namespace nopal::test {

/// Options of PETSc's database for the life of this object, on all ranks.
class ScopedOptions {
 public:
  ScopedOptions(std::initializer_list<std::pair<std::string, std::string>> options)
      : options_(options) {
    for (const auto& [name, value] : options_)
      NOPAL_PETSC(PetscOptionsSetValue(nullptr, name.c_str(), value.c_str()));
  }
  ~ScopedOptions() {
    for (const auto& option : options_)
      NOPAL_PETSC(PetscOptionsClearValue(nullptr, option.first.c_str()));
  }
  ScopedOptions(const ScopedOptions&) = delete;
  ScopedOptions& operator=(const ScopedOptions&) = delete;

 private:
  std::vector<std::pair<std::string, std::string>> options_;
};

/// The message of the nopal::Error that `action` throws.
template <class Action>
std::string message_of(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace nopal::test
