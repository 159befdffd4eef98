// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "io/font.hpp"

#include <array>
#include <cmath>
#include <numbers>
#include <sstream>

namespace nopal::detail {
namespace {

// Commands: `M x y` starts a line, `L x y` goes on; `A cx cy rx ry from to` starts a line with an
// arc of an ellipse (degrees, counter-clockwise positive), `a` joins the arc to the current line.
struct Description {
  char character;
  double width;  // from the left edge of the drawing to its right edge
  const char* path;
};

constexpr Description descriptions[] = {
    {' ', 2.6, ""},
    {'!', 2, "M1 10 L1 3.2 M1 .2 L1 .3"},
    {'"', 4, "M1 10 L1 7.4 M3 10 L3 7.4"},
    {'#', 8, "M2.6 0 L3.8 10 M5.2 0 L6.4 10 M1 6.8 L8 6.8 M.6 3.2 L7.6 3.2"},
    {'$', 7, "A4 7.2 2.7 2.0 30 270 a4 2.9 2.9 2.3 90 -150 M4 10.8 L4 -1"},
    {'%', 10, "A2.8 7.8 1.8 2.2 0 360 A8 2.2 1.8 2.2 0 360 M8.4 10 L2.4 0"},
    {'&', 9, "M8.4 0 L2.6 6.6 a3.8 8 1.9 2 225 -45 L2 4.6 a3.6 2.6 2.7 2.6 135 315 L8.2 4.6"},
    {'\'', 2, "M1 10 L1 7.4"},
    {'(', 3.4, "A6 4.2 4.6 8 132 228"},
    {')', 3.4, "A-1.8 4.2 4.6 8 48 -48"},
    {'*', 6, "M3.2 10 L3.2 5 M1 8.7 L5.4 6.3 M5.4 8.7 L1 6.3"},
    {'+', 7.6, "M4.2 1.4 L4.2 8 M.9 4.7 L7.5 4.7"},
    {',', 2, "M1.3 .4 L.5 -1.8"},
    {'-', 4.6, "M.9 4 L4.5 4"},
    {'.', 2, "M1 .15 L1 .25"},
    {'/', 5, "M.6 -1 L5 10.6"},
    {'0', 7, "A4 5 3 5 0 360"},
    {'1', 7, "M1.7 8.2 L4.3 10 L4.3 0"},
    {'2', 7, "A3.9 7.1 2.8 2.9 165 -38 L1.1 0 L7 0"},
    {'3', 7, "A3.8 7.55 2.6 2.45 150 -90 M3 5.1 L3.8 5.1 a3.8 2.55 3.1 2.55 90 -152"},
    {'4', 7, "M5.4 0 L5.4 10 L.8 3 L7.2 3"},
    {'5', 7, "M6.4 10 L2 10 L1.5 5.4 a3.9 3.25 3 3.25 128 -148"},
    {'6', 7, "A4 3.2 3 3.2 0 360 A6.6 3.2 5.6 6.8 180 98"},
    {'7', 7, "M.9 10 L7 10 L3 0"},
    {'8', 7, "A4 7.6 2.5 2.4 0 360 A4 2.6 3 2.6 0 360"},
    {'9', 7, "A4 6.8 3 3.2 0 360 A1.4 6.8 5.6 6.8 0 -82"},
    {':', 2, "M1 .15 L1 .25 M1 6 L1 6.1"},
    {';', 2, "M1.3 .4 L.5 -1.8 M1.1 6 L1.1 6.1"},
    {'<', 7.6, "M7.4 8.2 L1 4.7 L7.4 1.2"},
    {'=', 7.6, "M.9 6.3 L7.5 6.3 M.9 3.1 L7.5 3.1"},
    {'>', 7.6, "M1 8.2 L7.4 4.7 L1 1.2"},
    {'?', 6, "A3.5 7.5 2.4 2.5 165 -50 L3.5 3.9 L3.5 3.2 M3.5 .2 L3.5 .3"},
    {'@', 11,
     "A6 4.6 2.1 2.4 0 360 M8.1 7 L8.1 3.6 a9.4 3.4 1.3 1.5 180 360 L10.7 4.6 "
     "a6 4.6 4.9 5.4 0 310"},
    {'A', 8.2, "M.4 0 L4.3 10 L8.2 0 M1.8 3.5 L6.8 3.5"},
    {'B', 7.2, "M1 5.2 L4.2 5.2 a4.2 7.6 2.5 2.4 -90 90 L1 10 L1 0 L4.3 0 a4.3 2.6 2.8 2.6 -90 90"},
    {'C', 8.2, "A5 5 4.2 5 48 312"},
    {'D', 8.2, "M1 0 L1 10 L3.7 10 a3.7 5 4.4 5 90 -90 L1 0"},
    {'E', 6.6, "M6.6 0 L1 0 L1 10 L6.6 10 M1 5.2 L5.9 5.2"},
    {'F', 6.2, "M1 0 L1 10 L6.4 10 M1 5.2 L5.7 5.2"},
    {'G', 8.6, "A5 5 4.2 5 48 318 L8.3 4.6 L5.4 4.6"},
    {'H', 7.6, "M1 0 L1 10 M7.6 0 L7.6 10 M1 5.2 L7.6 5.2"},
    {'I', 2, "M1 0 L1 10"},
    {'J', 5.4, "M5.2 10 L5.2 2.8 a2.9 2.8 2.3 2.8 0 -160"},
    {'K', 7.2, "M1 0 L1 10 M7 10 L1 3.8 M3.1 6 L7.3 0"},
    {'L', 6, "M1 10 L1 0 L6.2 0"},
    {'M', 9.2, "M1 0 L1 10 L5.1 2.4 L9.2 10 L9.2 0"},
    {'N', 7.6, "M1 0 L1 10 L7.6 0 L7.6 10"},
    {'O', 9, "A5 5 4.2 5 0 360"},
    {'P', 6.9, "M1 0 L1 10 L4.1 10 a4.1 7.2 2.8 2.8 90 -90 L1 4.4"},
    {'Q', 9, "A5 5 4.2 5 0 360 M5.8 2.6 L9 -.8"},
    {'R', 7.2, "M1 0 L1 10 L4.1 10 a4.1 7.2 2.8 2.8 90 -90 L1 4.4 M4.3 4.4 L7.2 0"},
    {'S', 7, "A4 7.5 2.8 2.5 32 270 a4 2.5 3 2.5 90 -148"},
    {'T', 7.4, "M.4 10 L7.6 10 M4 10 L4 0"},
    {'U', 7.6, "M1 10 L1 3.3 a4.3 3.3 3.3 3.3 180 360 L7.6 10"},
    {'V', 8, "M.4 10 L4.2 0 L8 10"},
    {'W', 10.8, "M.4 10 L3 0 L5.6 8.4 L8.2 0 L10.8 10"},
    {'X', 7.2, "M.7 10 L7.3 0 M7.3 10 L.7 0"},
    {'Y', 7.4, "M.4 10 L4 4.8 L7.6 10 M4 4.8 L4 0"},
    {'Z', 7, "M.9 10 L6.9 10 L.8 0 L7.1 0"},
    {'[', 3.2, "M3.2 11.4 L1 11.4 L1 -2.4 L3.2 -2.4"},
    {'\\', 5, "M.6 10.6 L5 -1"},
    {']', 3.2, "M.8 11.4 L3 11.4 L3 -2.4 L.8 -2.4"},
    {'^', 6, "M1 7 L3.4 10 L5.8 7"},
    {'_', 6, "M.4 -1.8 L6.4 -1.8"},
    {'`', 3, "M1 10.4 L2.6 8.6"},
    {'a', 6.4, "A3.7 3.5 2.8 3.5 0 360 M6.5 7 L6.5 0"},
    {'b', 6.6, "M1 10.5 L1 0 A3.9 3.5 2.9 3.5 0 360"},
    {'c', 6, "A3.9 3.5 3 3.5 46 314"},
    {'d', 6.4, "A3.7 3.5 2.8 3.5 0 360 M6.5 10.5 L6.5 0"},
    {'e', 6.6, "M1 3.7 L6.8 3.7 a3.9 3.5 2.95 3.5 4 318"},
    {'f', 4, "M1.9 0 L1.9 8.2 a4 8.2 2.1 2.3 180 82 M.4 6.8 L4 6.8"},
    {'g', 6.4, "A3.7 3.5 2.8 3.5 0 360 M6.5 7 L6.5 -.4 a3.7 -.4 2.8 2.8 0 -148"},
    {'h', 6.2, "M1 10.5 L1 0 M1 4 a3.6 4 2.6 3 180 0 L6.2 0"},
    {'i', 2, "M1 7 L1 0 M1 9.7 L1 9.8"},
    {'j', 2.6, "M1.8 7 L1.8 -.8 a.1 -.8 1.7 2.2 0 -84 M1.8 9.7 L1.8 9.8"},
    {'k', 5.8, "M1 10.5 L1 0 M5.6 7 L1 2.6 M2.8 4.3 L6 0"},
    {'l', 2, "M1 10.5 L1 0"},
    {'m', 9.8,
     "M1 7 L1 0 M1 4.4 a3.2 4.4 2.2 2.6 180 0 L5.4 0 M5.4 4.4 a7.6 4.4 2.2 2.6 180 0 "
     "L9.8 0"},
    {'n', 6.2, "M1 7 L1 0 M1 4 a3.6 4 2.6 3 180 0 L6.2 0"},
    {'o', 6.8, "A3.9 3.5 3 3.5 0 360"},
    {'p', 6.6, "M1 7 L1 -3.2 A3.9 3.5 2.9 3.5 0 360"},
    {'q', 6.4, "A3.7 3.5 2.8 3.5 0 360 M6.5 7 L6.5 -3.2"},
    {'r', 4, "M1 7 L1 0 M1 3.8 a3.4 3.8 2.4 3.2 180 76"},
    {'s', 5.4, "A3.1 5.3 2 1.7 32 270 a3.1 1.8 2.2 1.8 90 -146"},
    {'t', 4.2, "M2 9 L2 1.9 a3.7 1.9 1.7 1.9 180 284 M.4 6.8 L4.1 6.8"},
    {'u', 6.2, "M1 7 L1 3 a3.6 3 2.6 3 180 360 M6.2 7 L6.2 0"},
    {'v', 6, "M.5 7 L3.3 0 L6.1 7"},
    {'w', 8.8, "M.5 7 L2.6 0 L4.7 5.8 L6.8 0 L8.9 7"},
    {'x', 5.6, "M.6 7 L5.6 0 M5.6 7 L.6 0"},
    {'y', 6, "M.5 7 L3.4 0 M6.2 7 L2.4 -3.2 L1 -3.2"},
    {'z', 5.4, "M.7 7 L5.4 7 L.7 0 L5.6 0"},
    {'{', 4, "M4 11.4 L3 11.2 L2.4 10 L2.4 6 L1 4.5 L2.4 3 L2.4 -1 L3 -2.2 L4 -2.4"},
    {'|', 2, "M1 11.4 L1 -2.4"},
    {'}', 4, "M.6 11.4 L1.6 11.2 L2.2 10 L2.2 6 L3.6 4.5 L2.2 3 L2.2 -1 L1.6 -2.2 L.6 -2.4"},
    {'~', 7.6, "M.9 4.2 L2 5.4 L3.2 5.4 L5.2 4 L6.4 4 L7.5 5.2"},
};

constexpr Description unknown = {0, 6, "M1 0 L1 10 L6 10 L6 0 L1 0"};

Glyph parse(const Description& description) {
  constexpr double spacing = 1.7;
  Glyph glyph{description.width + spacing, {}};
  std::istringstream in(description.path);
  char command;
  while (in >> command) {
    if (command == 'M' || command == 'L') {
      Pixel p;
      in >> p.x >> p.y;
      if (command == 'M') glyph.lines.emplace_back();
      glyph.lines.back().push_back(p);
    } else {
      double cx, cy, rx, ry, from, to;
      in >> cx >> cy >> rx >> ry >> from >> to;
      if (command == 'A') glyph.lines.emplace_back();
      const int segments = std::max(4, static_cast<int>(std::abs(to - from) / 10));
      for (int i = 0; i <= segments; ++i) {
        const double angle = (from + (to - from) * i / segments) * std::numbers::pi / 180;
        glyph.lines.back().push_back({cx + rx * std::cos(angle), cy + ry * std::sin(angle)});
      }
    }
  }
  return glyph;
}

}  // namespace

const Glyph& glyph(char c) {
  static const std::array<Glyph, 128> glyphs = [] {
    std::array<Glyph, 128> table;
    table.fill(parse(unknown));
    for (const Description& description : descriptions)
      table[static_cast<unsigned char>(description.character)] = parse(description);
    return table;
  }();
  const auto code = static_cast<unsigned char>(c);
  return glyphs[code < 128 ? code : 0];
}

}  // namespace nopal::detail
