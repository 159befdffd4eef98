// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include "paths.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace nopal::tools {

/// The options of one subcommand, declared before anything is done.
///
/// Each call below declares one option of PETSc's database and returns its value. ready() then
/// ends the declarations: it prints the help if that was asked for, and is an Error if an option of
/// the database is not declared (naming the nearest one), has a value that cannot be read, or is
/// required and absent. Until ready() returns true no value may be relied on. Collective: all ranks
/// declare the same.
///
///     const std::string out = options.required("out", "FILE", "data file to write");
///     const std::int64_t n = options.integer("n", 1000, "number of samples", 1);
///     if (!options.ready()) return;
class Options {
 public:
  /// `arguments` are the words behind the subcommand; those that are neither an option nor the
  /// value of one are positional.
  Options(std::string command, std::string summary, const std::vector<std::string>& arguments,
          bool help, const Communicator& comm);

  /// The word behind the subcommand that is not an option (`nopal inspect FILE`). To be declared
  /// after the flags: PETSc takes the word behind one for its value (`nopal inspect -json FILE`).
  std::string positional(const std::string& name, const std::string& help, bool required = true);

  std::string text(const std::string& name, const std::string& fallback,
                   const std::string& placeholder, const std::string& help);
  std::string required(const std::string& name, const std::string& placeholder,
                       const std::string& help);
  /// A list with commas; a name with commas is one item if a file of that name exists.
  std::vector<std::string> texts(const std::string& name, const std::string& placeholder,
                                 const std::string& help, bool required = false);
  std::string choice(const std::string& name, const std::string& fallback,
                     const std::vector<std::string>& choices, const std::string& help);
  std::int64_t integer(const std::string& name, std::int64_t fallback, const std::string& help,
                       std::int64_t minimum = std::numeric_limits<std::int64_t>::min());
  std::vector<std::int64_t> integers(const std::string& name, const std::string& help);
  double real(const std::string& name, double fallback, const std::string& help,
              double minimum = -std::numeric_limits<double>::infinity());
  bool flag(const std::string& name, bool fallback, const std::string& help);

  /// One option `-<prefix><key>` for each entry of the JSON object `defaults`, of the type of its
  /// value; lists take commas. Returns only what was given: the rest keeps its default.
  nlohmann::json configuration(const std::string& prefix, const nlohmann::json& defaults,
                               const std::string& title);

  /// The value of an option before it is declared; empty if it was not given.
  static std::string peek(const std::string& name);

  /// Adds an option that somebody else reads (a PDE problem, by PETSc's own calls), for help and
  /// suggestions; a hidden one is suggested only.
  void declare(const std::string& name, const std::string& fallback, const std::string& help,
               bool hidden);
  /// Options with this prefix that are not declared belong to PETSc objects, which read them later;
  /// check_unused() is then to be called once they have.
  void allow_prefix(const std::string& prefix) { prefixes_.push_back(prefix); }
  /// A heading in the help.
  void section(const std::string& title);
  /// A paragraph at the end of the help.
  void note(const std::string& text) { notes_.push_back(text); }

  /// Records a problem with the options, reported by ready() unless there is an earlier one or an
  /// unknown option.
  void fail(const std::string& message);
  /// A problem that keeps other options from being declared, which would then count as unknown: an
  /// Error at once, unless help was asked for.
  void fail_at_once(const std::string& message);

  bool help_requested() const noexcept { return help_; }

  /// See above; false if the help was printed and there is nothing to do.
  bool ready();

  /// Error, before anything is written, if two of these files and those of PETSc's own options are
  /// the same (check_distinct), or if an output cannot be written. Collective.
  void check_files(std::vector<NamedPath> inputs, std::vector<NamedPath> outputs) const;

  /// Error if any option of the database was read by nobody.
  void check_unused() const { check_unknown(true); }

 private:
  struct Entry {
    std::string name, placeholder, fallback, help;
    bool hidden = false;
  };

  std::optional<std::string> find(const std::string& name, const std::string& placeholder,
                                  const std::string& fallback, const std::string& help);
  void check_unknown(bool strict) const;
  void print_help() const;

  std::string command_, summary_;
  bool help_;
  Communicator comm_;
  std::vector<std::string> arguments_;
  std::vector<std::string> words_;  ///< positional words not asked for yet
  std::vector<std::pair<std::string, std::string>> flag_words_;  ///< flags and what followed them
  std::vector<Entry> entries_;                                   ///< a section has only `help`
  std::vector<std::string> positionals_, prefixes_, notes_;
  std::string error_;
};

}  // namespace nopal::tools
