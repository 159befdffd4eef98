// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/core/error.hpp>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace nopal {

/// Reads the options of an operator, layer or optimiser from a JSON object, and refuses what it
/// does not know.
///
///     OptionReader read(json, "fno");
///     read("n_layers", options.n_layers);   // stays as it is if absent
///     read.finish();                        // Error for unknown keys, naming the nearest
class OptionReader {
 public:
  /// `json` must be an object (or null: no options); `owner` stands in messages.
  OptionReader(const nlohmann::json& json, std::string owner)
      : json_(json), owner_(std::move(owner)) {
    NOPAL_CHECK(json.is_object() || json.is_null(), owner_,
                ": the options must be a JSON object, got ", printable(json.dump()));
  }

  /// A flag, number, string, or list of numbers. Error if the JSON value is of another type or, for
  /// an integer, not exactly one of 64 bits.
  template <class T>
  void operator()(const std::string& key, T& value) {
    known_.push_back(key);
    const auto entry = json_.find(key);
    if (json_.is_null() || entry == json_.end()) return;
    NOPAL_CHECK(assign(*entry, value), owner_, ": option '", key, "' has an unusable value ",
                printable(entry->dump()), "; expected ", kind(value));
  }

  /// A string that must be one of `choices`.
  void choice(const std::string& key, std::string& value, const std::vector<std::string>& choices);

  void finish() const;

 private:
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

  const nlohmann::json& json_;
  std::string owner_;
  std::vector<std::string> known_;
};

/// The JSON value that `text`, which comes from a file, holds: an Error that begins with `where` if
/// it is not JSON or nested more than a few levels deep.
nlohmann::json parse_options(const std::string& text, const std::string& where);

/// The member of `candidates` that is closest to `word`; "" if there is none.
std::string nearest(const std::string& word, const std::vector<std::string>& candidates);

}  // namespace nopal
