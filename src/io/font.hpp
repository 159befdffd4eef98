// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/io/image.hpp>

#include <vector>

namespace nopal::detail {

/// A letter as lines; y up, baseline 0, capital height 10, x height 7, descenders to -3.
struct Glyph {
  double advance;
  std::vector<std::vector<Pixel>> lines;
};

/// The glyph of an ASCII character; a box for any other.
const Glyph& glyph(char c);

}  // namespace nopal::detail
