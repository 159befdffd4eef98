// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/operators/option_reader.hpp>

#include <algorithm>
#include <limits>

namespace nopal {

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
  std::string list;
  for (const auto& choice : choices)
    list += (list.empty() ? "" : ", ") + choice;
  NOPAL_CHECK(std::find(choices.begin(), choices.end(), value) != choices.end(), owner_,
              ": option '", key, "' is '", printable(value), "'; did you mean '",
              nearest(value, choices), "'? (", list, ")");
}

void OptionReader::finish() const {
  if (json_.is_null()) return;
  for (const auto& [key, value] : json_.items())
    NOPAL_CHECK(std::find(known_.begin(), known_.end(), key) != known_.end(), owner_,
                ": unknown option '", printable(key), "'; did you mean '", nearest(key, known_),
                "'?");
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
  nlohmann::json json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  NOPAL_CHECK(!json.is_discarded(), where, " is not JSON");
  return json;
}

std::string nearest(const std::string& word, const std::vector<std::string>& candidates) {
  const auto best = std::min_element(candidates.begin(), candidates.end(),
                                     [&](const std::string& a, const std::string& b) {
                                       return edit_distance(word, a) < edit_distance(word, b);
                                     });
  return best == candidates.end() ? "" : *best;
}

}  // namespace nopal
