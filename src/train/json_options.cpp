// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "train/json_options.hpp"

#include <nopal/core/error.hpp>

#include <algorithm>

namespace nopal::detail {

JsonOptions::JsonOptions(std::string owner, const nlohmann::json& options)
    : owner_(std::move(owner)), given_(options) {
  if (given_.is_null()) given_ = nlohmann::json::object();
  NOPAL_CHECK(given_.is_object(), "expected an object of options of ", owner_, ", got ",
              given_.dump());
}

const nlohmann::json* JsonOptions::find(const std::string& name, const nlohmann::json& standard) {
  used_[name] = standard;
  const auto found = given_.find(name);
  if (found == given_.end()) return nullptr;
  used_[name] = *found;
  return &*found;
}

double JsonOptions::number(const std::string& name, double standard, double low, double high) {
  const nlohmann::json* value = find(name, standard);
  if (!value) return standard;
  NOPAL_CHECK(value->is_number(), "option \"", name, "\" of ", owner_, ": expected a number, got ",
              value->dump());
  const double x = value->get<double>();
  NOPAL_CHECK(x >= low && x <= high, "option \"", name, "\" of ", owner_,
              ": expected a number from ", low, " to ", high, ", got ", x);
  used_[name] = x;
  return x;
}

std::int64_t JsonOptions::integer(const std::string& name, std::int64_t standard,
                                  std::int64_t low) {
  const nlohmann::json* value = find(name, standard);
  if (!value) return standard;
  NOPAL_CHECK(value->is_number_integer(), "option \"", name, "\" of ", owner_,
              ": expected an integer, got ", value->dump());
  const auto x = value->get<std::int64_t>();
  NOPAL_CHECK(x >= low, "option \"", name, "\" of ", owner_, ": expected at least ", low, ", got ",
              x);
  return x;
}

bool JsonOptions::flag(const std::string& name, bool standard) {
  const nlohmann::json* value = find(name, standard);
  if (!value) return standard;
  NOPAL_CHECK(value->is_boolean(), "option \"", name, "\" of ", owner_,
              ": expected true or false, got ", value->dump());
  return value->get<bool>();
}

std::string JsonOptions::choice(const std::string& name, const std::string& standard,
                                const std::vector<std::string>& choices) {
  const nlohmann::json* value = find(name, standard);
  if (!value) return standard;
  NOPAL_CHECK(value->is_string(), "option \"", name, "\" of ", owner_, ": expected a text, got ",
              value->dump());
  auto x = value->get<std::string>();
  NOPAL_CHECK(std::find(choices.begin(), choices.end(), x) != choices.end(), "option \"", name,
              "\" of ", owner_, ": unknown value \"", x, "\";", suggestion(x, choices));
  return x;
}

nlohmann::json JsonOptions::finish() const {
  std::vector<std::string> known;
  for (const auto& entry : used_.items())
    known.push_back(entry.key());
  for (const auto& entry : given_.items())
    NOPAL_CHECK(used_.contains(entry.key()), "unknown option \"", entry.key(), "\" of ", owner_,
                ";", suggestion(entry.key(), known));
  return used_;
}

std::string suggestion(const std::string& word, const std::vector<std::string>& known) {
  if (known.empty()) return " there are none";
  const auto nearest =
      std::min_element(known.begin(), known.end(), [&](const std::string& a, const std::string& b) {
        return edit_distance(word, a) < edit_distance(word, b);
      });
  std::string text = " did you mean \"" + *nearest + "\"? known:";
  for (std::size_t i = 0; i < known.size(); ++i)
    text += (i ? ", " : " ") + known[i];
  return text;
}

}  // namespace nopal::detail
