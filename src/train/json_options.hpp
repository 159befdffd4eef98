// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace nopal::detail {

/// Reads named options of an object and collects them, defaults included; everything wrong is an
/// Error that names the owner and the option.
class JsonOptions {
 public:
  /// `owner` is what the options belong to, e.g. "adamw".
  JsonOptions(std::string owner, const nlohmann::json& options);

  /// A number in [low, high].
  double number(const std::string& name, double standard, double low, double high);
  std::int64_t integer(const std::string& name, std::int64_t standard, std::int64_t low);
  bool flag(const std::string& name, bool standard);
  std::string choice(const std::string& name, const std::string& standard,
                     const std::vector<std::string>& choices);

  /// All options with the values in use. Error if an option was given that nobody read; names the
  /// nearest one.
  nlohmann::json finish() const;

 private:
  const nlohmann::json* find(const std::string& name, const nlohmann::json& standard);

  std::string owner_;
  nlohmann::json given_, used_ = nlohmann::json::object();
};

/// ` did you mean "x"?` for the entry of `known` nearest to `word`, and the whole list.
std::string suggestion(const std::string& word, const std::vector<std::string>& known);

}  // namespace nopal::detail
