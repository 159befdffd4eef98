// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nlohmann/json.hpp>

#include <string>

namespace nopal {

/// JSON as text, on one line or indented. Bytes that are not UTF-8, which names of files and in
/// files may hold, become the replacement character instead of an exception.
template <class Json>
std::string json_text(const Json& json, int indent = -1) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace nopal
