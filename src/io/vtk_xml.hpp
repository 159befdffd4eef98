// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <bit>
#include <string>

namespace nopal::detail {

static_assert(std::endian::native == std::endian::little,
              "VTK files are written in the machine's byte order, declared as little endian");

/// Text for an attribute: names come from users.
inline std::string escape_xml(const std::string& text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

}  // namespace nopal::detail
