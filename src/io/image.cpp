// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/error.hpp>
#include <nopal/io/atomic_file.hpp>
#include <nopal/io/image.hpp>

#include "io/font.hpp"

#include <png.h>

#include <algorithm>
#include <cmath>
#include <span>

namespace nopal {
namespace {

// Equidistant samples of the maps; in between, sRGB values are interpolated, which deviates from
// the full tables by at most two or three of 255 levels.
constexpr Color viridis[] = {{68, 1, 84},    {71, 45, 123},  {59, 82, 139},
                             {44, 114, 142}, {33, 145, 140}, {40, 174, 128},
                             {94, 201, 98},  {173, 220, 48}, {253, 231, 37}};
constexpr Color magma[] = {{0, 0, 4},      {28, 16, 68},    {79, 18, 123},
                           {129, 37, 129}, {181, 54, 122},  {229, 80, 100},
                           {251, 135, 97}, {254, 194, 135}, {252, 253, 191}};
constexpr Color diverging[] = {{5, 48, 97},     {33, 102, 172},  {67, 147, 195},  {146, 197, 222},
                               {209, 229, 240}, {247, 247, 247}, {253, 219, 199}, {244, 165, 130},
                               {214, 96, 77},   {178, 24, 43},   {103, 0, 31}};

std::uint8_t mix(std::uint8_t a, std::uint8_t b, double t) {
  return static_cast<std::uint8_t>(std::lround(a + (double(b) - a) * t));
}

Color mix(Color a, Color b, double t) {
  return {mix(a.red, b.red, t), mix(a.green, b.green, t), mix(a.blue, b.blue, t)};
}

std::span<const Color> table(ColorMap map) {
  switch (map) {
    case ColorMap::diverging:
      return diverging;
    case ColorMap::magma:
      return magma;
    default:
      return viridis;
  }
}

double distance_to_segment(Pixel p, Pixel a, Pixel b) {
  const double dx = b.x - a.x, dy = b.y - a.y, length2 = dx * dx + dy * dy;
  const double t =
      length2 > 0 ? std::clamp(((p.x - a.x) * dx + (p.y - a.y) * dy) / length2, 0.0, 1.0) : 0.0;
  return std::hypot(p.x - a.x - t * dx, p.y - a.y - t * dy);
}

// The characters of a text with their place: raised ones are smaller.
template <class Action>
double walk(std::string_view text, Action&& action) {
  double x = 0;
  bool raised = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!raised && text.substr(i, 2) == "^{") {
      raised = true;
      ++i;
      continue;
    }
    if (raised && text[i] == '}') {
      raised = false;
      continue;
    }
    const double scale = raised ? 0.72 : 1.0;
    const detail::Glyph& glyph = detail::glyph(text[i]);
    action(glyph, x, raised ? 5.6 : 0.0, scale);
    x += glyph.advance * scale;
  }
  return x;
}

}  // namespace

Color color_of(ColorMap map, double t) {
  if (!std::isfinite(t)) return {128, 128, 128};
  const auto colors = table(map);
  const double position = std::clamp(t, 0.0, 1.0) * double(colors.size() - 1);
  const auto i = std::min(static_cast<std::size_t>(position), colors.size() - 2);
  return mix(colors[i], colors[i + 1], position - double(i));
}

Image::Image(int width, int height, Color background) : width_(width), height_(height) {
  NOPAL_CHECK(width > 0 && height > 0 && width <= 32768 && height <= 32768,
              "an image has 1 to 32768 pixels a side, got ", width, " x ", height);
  pixels_.assign(static_cast<std::size_t>(width) * height, background);
}

Color Image::pixel(int x, int y) const {
  NOPAL_CHECK(x >= 0 && x < width_ && y >= 0 && y < height_, "pixel (", x, ", ", y,
              ") is outside an image of ", width_, " x ", height_);
  return pixels_[static_cast<std::size_t>(y) * width_ + x];
}

void Image::set(int x, int y, Color color) {
  if (x >= 0 && x < width_ && y >= 0 && y < height_)
    pixels_[static_cast<std::size_t>(y) * width_ + x] = color;
}

void Image::fill(int x, int y, int width, int height, Color color) {
  for (int j = y; j < y + height; ++j)
    for (int i = x; i < x + width; ++i)
      set(i, j, color);
}

void Image::line(const std::vector<Pixel>& points, double width, Color color) {
  lines({points}, width, color);
}

void Image::lines(const std::vector<std::vector<Pixel>>& lines, double width, Color color) {
  const double reach = width / 2 + 1;
  int left = width_, right = -1, top = height_, bottom = -1;
  for (const auto& line : lines)
    for (const Pixel& p : line) {
      left = std::min(left, static_cast<int>(std::floor(p.x - reach)));
      right = std::max(right, static_cast<int>(std::ceil(p.x + reach)));
      top = std::min(top, static_cast<int>(std::floor(p.y - reach)));
      bottom = std::max(bottom, static_cast<int>(std::ceil(p.y + reach)));
    }
  left = std::max(left, 0);
  top = std::max(top, 0);
  right = std::min(right, width_ - 1);
  bottom = std::min(bottom, height_ - 1);
  if (left > right || top > bottom) return;

  // Coverage of each pixel is the largest over all segments, so that joints are not drawn twice.
  const int columns = right - left + 1;
  std::vector<float> coverage(static_cast<std::size_t>(columns) * (bottom - top + 1), 0.0f);
  const auto add = [&](Pixel a, Pixel b) {
    const int x0 = std::max(left, static_cast<int>(std::floor(std::min(a.x, b.x) - reach)));
    const int x1 = std::min(right, static_cast<int>(std::ceil(std::max(a.x, b.x) + reach)));
    const int y0 = std::max(top, static_cast<int>(std::floor(std::min(a.y, b.y) - reach)));
    const int y1 = std::min(bottom, static_cast<int>(std::ceil(std::max(a.y, b.y) + reach)));
    for (int y = y0; y <= y1; ++y)
      for (int x = x0; x <= x1; ++x) {
        const double distance = distance_to_segment({x + 0.5, y + 0.5}, a, b);
        const auto value = static_cast<float>(std::clamp(width / 2 + 0.5 - distance, 0.0, 1.0));
        float& cell = coverage[static_cast<std::size_t>(y - top) * columns + (x - left)];
        cell = std::max(cell, value);
      }
  };
  for (const auto& line : lines)
    for (std::size_t i = 0; i < line.size(); ++i)
      if (i + 1 < line.size() || line.size() == 1)
        add(line[i], line[std::min(i + 1, line.size() - 1)]);
  for (int y = top; y <= bottom; ++y)
    for (int x = left; x <= right; ++x) {
      const float value = coverage[static_cast<std::size_t>(y - top) * columns + (x - left)];
      Color& target = pixels_[static_cast<std::size_t>(y) * width_ + x];
      if (value > 0) target = mix(target, color, value);
    }
}

void Image::text(Pixel at, std::string_view text, double size, Color color, Align align,
                 bool upward) {
  const double unit = size / 10, width = text_width(text, size);
  const double shift = align == Align::left ? 0 : align == Align::centre ? -width / 2 : -width;
  std::vector<std::vector<Pixel>> drawing;
  walk(text, [&](const detail::Glyph& glyph, double x, double raise, double scale) {
    for (const auto& line : glyph.lines) {
      auto& points = drawing.emplace_back();
      for (const Pixel& p : line) {
        const double along = shift + (x + p.x * scale) * unit, up = (raise + p.y * scale) * unit;
        points.push_back(upward ? Pixel{at.x - up, at.y - along} : Pixel{at.x + along, at.y - up});
      }
    }
  });
  lines(drawing, std::max(1.0, 1.15 * unit), color);
}

double Image::text_width(std::string_view text, double size) {
  return walk(text, [](const detail::Glyph&, double, double, double) {}) * size / 10;
}

void Image::paste(const Image& other, int x, int y) {
  for (int j = 0; j < other.height_; ++j)
    for (int i = 0; i < other.width_; ++i)
      set(x + i, y + j, other.pixels_[static_cast<std::size_t>(j) * other.width_ + i]);
}

void Image::write_png(const std::string& path) const {
  static_assert(sizeof(Color) == 3, "pixels are handed to libpng as they lie");
  png_image description{};
  description.version = PNG_IMAGE_VERSION;
  description.width = static_cast<png_uint_32>(width_);
  description.height = static_cast<png_uint_32>(height_);
  description.format = PNG_FORMAT_RGB;
  std::string file(PNG_IMAGE_PNG_SIZE_MAX(description), '\0');
  png_alloc_size_t size = file.size();
  NOPAL_CHECK(
      png_image_write_to_memory(&description, file.data(), &size, 0, pixels_.data(), 0, nullptr),
      "cannot encode ", path, " as PNG: ", description.message);
  write_file_atomically(path, std::string_view(file).substr(0, size));
}

}  // namespace nopal
