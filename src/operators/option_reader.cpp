// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/operators/option_reader.hpp>

#include <algorithm>

namespace nopal {

void OptionReader::choice(const std::string& key, std::string& value,
                          const std::vector<std::string>& choices) {
  (*this)(key, value);
  std::string list;
  for (const auto& choice : choices)
    list += (list.empty() ? "" : ", ") + choice;
  NOPAL_CHECK(std::find(choices.begin(), choices.end(), value) != choices.end(), owner_,
              ": option '", key, "' is '", value, "'; did you mean '", nearest(value, choices),
              "'? (", list, ")");
}

void OptionReader::finish() const {
  if (json_.is_null()) return;
  for (const auto& [key, value] : json_.items())
    NOPAL_CHECK(std::find(known_.begin(), known_.end(), key) != known_.end(), owner_,
                ": unknown option '", key, "'; did you mean '", nearest(key, known_), "'?");
}

std::string nearest(const std::string& word, const std::vector<std::string>& candidates) {
  const auto best = std::min_element(candidates.begin(), candidates.end(),
                                     [&](const std::string& a, const std::string& b) {
                                       return edit_distance(word, a) < edit_distance(word, b);
                                     });
  return best == candidates.end() ? "" : *best;
}

}  // namespace nopal
