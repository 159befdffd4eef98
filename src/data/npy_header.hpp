// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/core/shape.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace nopal::detail {

/// Shape and type ("float32", ...) of the array of an npy file.
struct NpyInfo {
  Shape shape;
  std::string type;
};

/// Bytes from the beginning of a file in which headers usually lie.
inline constexpr std::uint64_t npy_header_room = 4096;

/// From the first bytes of a file of `size` bytes. Errors as read_npy().
NpyInfo npy_info(std::string_view first, std::uint64_t size, const std::string& name);

}  // namespace nopal::detail
