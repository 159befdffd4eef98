// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/core/error.hpp>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace nopal {

/// Reads the options of an operator, optimiser or schedule from a JSON object, and refuses what it
/// does not know.
///
///     OptionReader read(json, "adamw");
///     read("beta1", beta1_, 0, 1);          // stays as it is if absent
///     configuration_ = read.finish();       // Error for unknown keys, naming the nearest
///
/// Each error is a line `OWNER: option 'KEY' is VALUE; expected ...`.
class OptionReader {
 public:
  /// `json` must be an object (or null: no options) that outlives the reader; `owner` stands in
  /// messages.
  OptionReader(const nlohmann::json& json, std::string owner);

  /// A flag, number, string, or list of numbers. Error if the JSON value is of another type or, for
  /// an integer, not exactly one of 64 bits.
  template <class T>
  void operator()(const std::string& key, T& value) {
    if (const nlohmann::json* entry = find(key))
      check(assign(*entry, value), key, *entry, kind(value));
    used_[key] = value;
  }

  /// A number in [low, high].
  template <class T>
  void operator()(const std::string& key, T& value, std::type_identity_t<T> low,
                  std::type_identity_t<T> high = std::numeric_limits<T>::max()) {
    if (const nlohmann::json* entry = find(key))
      check(assign(*entry, value) && value >= low && value <= high, key, *entry,
            high == std::numeric_limits<T>::max()
                ? detail::concatenate(kind(value), ", at least ", low)
                : detail::concatenate(kind(value), " from ", low, " to ", high));
    used_[key] = value;
  }

  /// A string that must be one of `choices`.
  void choice(const std::string& key, std::string& value, const std::vector<std::string>& choices);

  /// All options with the values in use. Error if there are others.
  nlohmann::json finish() const;

 private:
  const nlohmann::json* find(const std::string& key) const;
  void check(bool usable, const std::string& key, const nlohmann::json& entry,
             const std::string& expected) const;

  static bool assign(const nlohmann::json& json, bool& value);
  static bool assign(const nlohmann::json& json, std::int64_t& value);
  static bool assign(const nlohmann::json& json, double& value);
  static bool assign(const nlohmann::json& json, std::string& value);
  template <class T>
  static bool assign(const nlohmann::json& json, std::vector<T>& values) {
    if (!json.is_array()) return false;
    std::vector<T> result(json.size());
    for (std::size_t i = 0; i < result.size(); ++i)
      if (!assign(json[i], result[i])) return false;
    values = std::move(result);
    return true;
  }

  static const char* kind(bool) { return "true or false"; }
  static const char* kind(std::int64_t) { return "an integer"; }
  static const char* kind(double) { return "a number"; }
  static const char* kind(const std::string&) { return "a string"; }
  static const char* kind(const std::vector<std::int64_t>&) { return "a list of integers"; }
  static const char* kind(const std::vector<double>&) { return "a list of numbers"; }
  static const char* kind(const std::vector<std::string>&) { return "a list of strings"; }

  const nlohmann::json& json_;
  std::string owner_;
  nlohmann::json used_ = nlohmann::json::object();
};

/// The JSON value that `text`, which comes from a file, holds: an Error that begins with `where` if
/// it is not JSON or nested more than a few levels deep.
nlohmann::json parse_options(const std::string& text, const std::string& where);

}  // namespace nopal
