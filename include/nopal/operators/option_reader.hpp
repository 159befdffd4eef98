// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/core/error.hpp>

#include <nlohmann/json.hpp>

#include <string>
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
                ": the options must be a JSON object, got ", json.dump());
  }

  template <class T>
  void operator()(const std::string& key, T& value) {
    known_.push_back(key);
    const auto entry = json_.find(key);
    if (json_.is_null() || entry == json_.end()) return;
    try {
      value = entry->template get<T>();
    } catch (const nlohmann::json::exception&) {
      NOPAL_CHECK(false, owner_, ": option '", key, "' has an unusable value ", entry->dump());
    }
  }

  /// A string that must be one of `choices`.
  void choice(const std::string& key, std::string& value, const std::vector<std::string>& choices);

  void finish() const;

 private:
  const nlohmann::json& json_;
  std::string owner_;
  std::vector<std::string> known_;
};

/// The member of `candidates` that is closest to `word`; "" if there is none.
std::string nearest(const std::string& word, const std::vector<std::string>& candidates);

}  // namespace nopal
