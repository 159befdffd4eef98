// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/core/shape.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace nopal::detail {

/// Largest header that the format's own implementations read.
constexpr std::uint64_t max_safetensors_header = 100'000'000;

/// A tensor as the header describes it: bytes [begin, end) of the data part.
struct SafetensorsEntry {
  std::string name, dtype;
  Shape shape;
  std::uint64_t begin = 0, end = 0;
};

struct SafetensorsHeader {
  std::vector<SafetensorsEntry> entries;  ///< in the order of the data
  std::map<std::string, std::string> metadata;
};

/// Bytes of one entry of a dtype; 0 if it is not one of the format's.
std::size_t safetensors_dtype_size(std::string_view dtype);

/// Reads the JSON header of a file whose data part has `data_size` bytes, and checks all of it:
/// afterwards every entry lies inside the data, and the entries cover it without gap or overlap.
/// `name` stands for the file in errors.
SafetensorsHeader parse_safetensors_header(std::string_view text, std::uint64_t data_size,
                                           const std::string& name);

}  // namespace nopal::detail
