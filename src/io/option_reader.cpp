// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/io/json_text.hpp>
#include <nopal/io/option_reader.hpp>

#include <algorithm>
#include <limits>

namespace nopal {

OptionReader::OptionReader(const nlohmann::json& json, std::string owner)
    : json_(json), owner_(std::move(owner)) {
  NOPAL_CHECK(json.is_object() || json.is_null(), owner_,
              ": the options must be a JSON object, got ", printable(json_text(json)));
}

const nlohmann::json* OptionReader::find(const std::string& key) const {
  const auto entry = json_.find(key);  // the end for null
  return entry == json_.end() ? nullptr : &*entry;
}

void OptionReader::check(bool usable, const std::string& key, const nlohmann::json& entry,
                         const std::string& expected) const {
  NOPAL_CHECK(usable, owner_, ": option '", key, "' is ", printable(json_text(entry)),
              "; expected ", expected);
}

bool OptionReader::assign(const nlohmann::json& json, bool& value) {
  if (!json.is_boolean()) return false;
  value = json.get<bool>();
  return true;
}

bool OptionReader::assign(const nlohmann::json& json, std::int64_t& value) {
  if (!json.is_number_integer()) return false;
  if (json.is_number_unsigned() &&
      json.get<std::uint64_t>() > std::uint64_t(std::numeric_limits<std::int64_t>::max()))
    return false;
  value = json.get<std::int64_t>();
  return true;
}

bool OptionReader::assign(const nlohmann::json& json, double& value) {
  if (!json.is_number()) return false;
  value = json.get<double>();
  return true;
}

bool OptionReader::assign(const nlohmann::json& json, std::string& value) {
  if (!json.is_string()) return false;
  value = json.get<std::string>();
  return true;
}

void OptionReader::choice(const std::string& key, std::string& value,
                          const std::vector<std::string>& choices) {
  (*this)(key, value);
  NOPAL_CHECK(std::find(choices.begin(), choices.end(), value) != choices.end(), owner_,
              ": option '", key, "' is '", printable(value), "'", suggestion(value, choices));
}

nlohmann::json OptionReader::finish() const {
  std::vector<std::string> known;
  for (const auto& entry : used_.items())
    known.push_back(entry.key());
  if (json_.is_object())
    for (const auto& [key, value] : json_.items()) {
      // Of commands that name options of several operators: fno_n_modes.
      const std::string prefix = owner_ + "_";
      const std::string plain = key.starts_with(prefix) ? key.substr(prefix.size()) : key;
      NOPAL_CHECK(used_.contains(key), owner_, ": unknown option '", printable(key),
                  "'; did you mean '", nearest(plain, known), "'?");
    }
  return used_;
}

nlohmann::json parse_options(const std::string& text, const std::string& where) {
  // Other code walks over a value by recursion, and the text may be of any depth.
  constexpr int deepest = 16;
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      NOPAL_CHECK(++depth <= deepest, where, " is nested too deeply");
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  try {
    return nlohmann::json::parse(text);
  } catch (const nlohmann::json::parse_error& error) {
    const std::size_t at = error.byte > 0 ? std::min(error.byte - 1, text.size()) : 0;
    NOPAL_CHECK(false, where, " is not JSON, from character ", at + 1, " on: ",
                at < text.size() ? printable(text.substr(at, 20)) : std::string("it ends there"));
  }
}

}  // namespace nopal
