// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include "benchmarks/support/machine.hpp"

#include <nopal/comm/communicator.hpp>

#include <nlohmann/json.hpp>

#include <map>
#include <string>

namespace benchmarks {

/// Where and how a benchmark ran: date, commit, compiler, build type, Kokkos version and space,
/// ranks, processor.
nlohmann::json environment(const nopal::Communicator& comm = {});

/// Options of a benchmark program, `-name value` pairs with defaults; `-help` lists them.
///
/// Values are numbers unless the default is not one. An unknown name is an Error that names the
/// nearest valid one.
class Options {
 public:
  /// `defaults` holds the valid names; `description` is what `-help` prints above them.
  Options(std::string description, std::map<std::string, std::string> defaults);

  /// Reads the command line. Returns false if the program should end because of `-help`.
  bool parse(int argc, char** argv);

  const std::string& text(const std::string& name) const;
  double number(const std::string& name) const;
  std::int64_t integer(const std::string& name) const;

  nlohmann::json to_json() const { return values_; }

 private:
  std::string description_;
  std::map<std::string, std::string> values_;
};

/// Writes the report to `path`, indented; an empty path does nothing. Error if it cannot.
void write_json(const std::string& path, const nlohmann::json& report);

/// Runs `body` with MPI and Kokkos up; prints what an Error says and gives the exit code.
int run_program(int argc, char** argv, Options& options, void (*body)(const Options&));

}  // namespace benchmarks
