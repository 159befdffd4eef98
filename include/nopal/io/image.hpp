// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace nopal {

/// An sRGB colour.
struct Color {
  std::uint8_t red = 0, green = 0, blue = 0;
  friend bool operator==(const Color&, const Color&) = default;
};

/// Maps from [0, 1] to colours.
enum class ColorMap {
  viridis,    ///< perceptually uniform, for values (S. van der Walt, N. Smith, matplotlib, 2015)
  diverging,  ///< blue - white - red, for signed differences (C. Brewer, ColorBrewer 2.0, "RdBu")
  magma,      ///< perceptually uniform, dark to light, for magnitudes of errors (as viridis)
};

/// The colour of `t`, clamped to [0, 1]; grey if t is not finite.
Color color_of(ColorMap map, double t);

/// A point of a picture in pixels: x to the right, y down, (0, 0) the upper left corner.
struct Pixel {
  double x = 0, y = 0;
};

/// A picture to draw on: filled rectangles, smooth lines and text; written as PNG.
class Image {
 public:
  enum class Align { left, centre, right };

  Image(int width, int height, Color background = {255, 255, 255});

  int width() const noexcept { return width_; }
  int height() const noexcept { return height_; }
  Color pixel(int x, int y) const;
  void set(int x, int y, Color color);  ///< ignored outside the picture

  /// Fills the pixels of [x, x + width) x [y, y + height).
  void fill(int x, int y, int width, int height, Color color);

  /// A smooth line through `points` with round ends, `width` pixels wide.
  void line(const std::vector<Pixel>& points, double width, Color color);

  /// Printable ASCII text with its baseline at `at`; `size` is the height of a capital letter in
  /// pixels. `^{...}` raises its contents, as in `10^{-3}`. With `upward` it is turned by 90
  /// degrees to the left.
  void text(Pixel at, std::string_view text, double size, Color color, Align align = Align::left,
            bool upward = false);

  /// Width of text() in pixels.
  static double text_width(std::string_view text, double size);

  /// Copies another picture to (x, y).
  void paste(const Image& other, int x, int y);

  /// Writes the file; an older one is replaced once the new one is complete. Not collective.
  void write_png(const std::string& path) const;

 private:
  void lines(const std::vector<std::vector<Pixel>>& lines, double width, Color color);

  int width_, height_;
  std::vector<Color> pixels_;
};

}  // namespace nopal
