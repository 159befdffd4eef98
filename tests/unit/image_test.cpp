// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/io/figure.hpp>
#include <nopal/io/image.hpp>

#include <gtest/gtest.h>
#include <png.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>

namespace nopal {
namespace {

namespace fs = std::filesystem;

constexpr Color white = {255, 255, 255}, black = {0, 0, 0};

void expect_near(Color a, Color b, int tolerance) {
  EXPECT_NEAR(a.red, b.red, tolerance);
  EXPECT_NEAR(a.green, b.green, tolerance);
  EXPECT_NEAR(a.blue, b.blue, tolerance);
}

// CIE 1976 lightness of an sRGB colour, 0 to 100.
double lightness(Color c) {
  const auto linear = [](double v) {
    v /= 255;
    return v <= 0.04045 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4);
  };
  const double y = 0.2126 * linear(c.red) + 0.7152 * linear(c.green) + 0.0722 * linear(c.blue);
  return y > 0.008856 ? 116 * std::cbrt(y) - 16 : 903.3 * y;
}

// Pixels that differ from the background.
int drawn(const Image& image, Color background = white) {
  int count = 0;
  for (int y = 0; y < image.height(); ++y)
    for (int x = 0; x < image.width(); ++x)
      count += image.pixel(x, y) == background ? 0 : 1;
  return count;
}

TEST(ColorMap, PublishedColours) {
  expect_near(color_of(ColorMap::viridis, 0), {68, 1, 84}, 0);
  // Entries 26, 64 and 200 of the published table of 256.
  expect_near(color_of(ColorMap::viridis, 26 / 255.0), {72, 37, 118}, 6);
  expect_near(color_of(ColorMap::viridis, 64 / 255.0), {59, 82, 139}, 3);
  expect_near(color_of(ColorMap::viridis, 1), {253, 231, 37}, 0);
  expect_near(color_of(ColorMap::diverging, 0.5), {247, 247, 247}, 0);
  expect_near(color_of(ColorMap::diverging, 1), {103, 0, 31}, 0);
  EXPECT_EQ(color_of(ColorMap::viridis, -1), color_of(ColorMap::viridis, 0));
  EXPECT_EQ(color_of(ColorMap::viridis, 7), color_of(ColorMap::viridis, 1));
  EXPECT_EQ(color_of(ColorMap::viridis, std::nan("")), (Color{128, 128, 128}));
}

TEST(ColorMap, LightnessRisesEvenly) {
  for (const ColorMap map : {ColorMap::viridis, ColorMap::magma}) {
    const double step = (lightness(color_of(map, 1)) - lightness(color_of(map, 0))) / 16;
    for (int i = 0; i < 16; ++i) {
      const double rise =
          lightness(color_of(map, (i + 1) / 16.0)) - lightness(color_of(map, i / 16.0));
      EXPECT_GT(rise, 0.5 * step) << i;
      EXPECT_LT(rise, 1.6 * step) << i;
    }
  }
}

TEST(Image, LinesCoverWhatTheyShould) {
  Image image(20, 10);
  image.line({{2, 5}, {18, 5}}, 2, black);  // covers rows 4 and 5
  EXPECT_EQ(image.pixel(10, 4), black);
  EXPECT_EQ(image.pixel(10, 5), black);
  EXPECT_EQ(image.pixel(10, 3), white);
  EXPECT_EQ(image.pixel(10, 6), white);
  Image half(20, 10);
  half.line({{2, 5.5}, {18, 5.5}}, 2, black);  // half of rows 4 and 6
  EXPECT_EQ(half.pixel(10, 5), black);
  expect_near(half.pixel(10, 4), {128, 128, 128}, 1);
  half.line({{-50, -50}, {-40, -90}}, 3, black);  // outside: nothing happens
  half.line({}, 3, black);
}

TEST(Image, TextHasItsWidthAndPlace) {
  for (char c = '!'; c <= '~'; ++c) {
    Image image(40, 40);
    image.text({10, 25}, std::string(1, c), 14, black);
    EXPECT_GT(drawn(image), 0) << c;
    const double width = Image::text_width(std::string(1, c), 14);
    EXPECT_GT(width, 2) << c;
    for (int y = 0; y < 40; ++y)
      EXPECT_EQ(image.pixel(9 - 2, y), white) << c;
  }
  EXPECT_NEAR(Image::text_width("abab", 10), 2 * Image::text_width("ab", 10), 1e-12);
  EXPECT_NEAR(Image::text_width("10^{3}", 10),
              Image::text_width("10", 10) + 0.72 * Image::text_width("3", 10), 1e-12);
  Image right(60, 30);
  right.text({30, 20}, "left of it", 10, black, Image::Align::right);
  for (int x = 31; x < 60; ++x)
    for (int y = 0; y < 30; ++y)
      EXPECT_EQ(right.pixel(x, y), white);
}

TEST(Image, PngComesBackAsDrawn) {
  const std::string path =
      (fs::temp_directory_path() / ("nopal_image_" + std::to_string(::getpid()) + ".png")).string();
  Image image(33, 17, {1, 2, 3});
  image.fill(4, 5, 6, 7, {200, 100, 50});
  image.write_png(path);

  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  ASSERT_TRUE(png_image_begin_read_from_file(&png, path.c_str()));
  EXPECT_EQ(png.width, 33u);
  EXPECT_EQ(png.height, 17u);
  png.format = PNG_FORMAT_RGB;
  std::vector<Color> pixels(33 * 17);
  ASSERT_TRUE(png_image_finish_read(&png, nullptr, pixels.data(), 0, nullptr));
  for (int y = 0; y < 17; ++y)
    for (int x = 0; x < 33; ++x)
      EXPECT_EQ(pixels[y * 33 + x], image.pixel(x, y));

  EXPECT_THROW(image.write_png("/dev/full"), Error);
  EXPECT_THROW(image.write_png(path + "/absent/a.png"), Error);
  fs::remove(path);
  EXPECT_THROW(Image(0, 5), Error);
}

TEST(Figure, RoundTicks) {
  EXPECT_EQ(round_ticks(0, 10, 5), (std::vector<double>{0, 2, 4, 6, 8, 10}));
  EXPECT_EQ(round_ticks(-1, 1, 4), (std::vector<double>{-1, -0.5, 0, 0.5, 1}));
  const std::vector<double> small = round_ticks(0.00013, 0.00052, 4);
  ASSERT_EQ(small.size(), 4u);
  EXPECT_NEAR(small.front(), 2e-4, 1e-12);
  EXPECT_THROW(round_ticks(1, 1, 3), Error);
}

TEST(Figure, PanelShowsFirstAxisUpwardsAndSharpCells) {
  // One bright cell at row 1 (upper), column 0 (left).
  const auto field = Tensor<double>::from_host({2, 2, 1}, {0, 0, 1, 0});
  const Image image = draw_panels({make_panel("", field)});
  const Color bright = color_of(ColorMap::viridis, 1), dark = color_of(ColorMap::viridis, 0);
  // The picture starts at (14, 40) and is 320 pixels wide and high.
  EXPECT_EQ(image.pixel(14 + 80, 40 + 80), bright);
  EXPECT_EQ(image.pixel(14 + 159, 40 + 159), bright);
  EXPECT_EQ(image.pixel(14 + 160, 40 + 159), dark);
  EXPECT_EQ(image.pixel(14 + 159, 40 + 160), dark);
  EXPECT_EQ(image.pixel(14 + 240, 40 + 240), dark);
}

TEST(Figure, PanelsTakeAnyField) {
  const auto fine = Tensor<float>::zeros({700, 500, 2});
  EXPECT_NO_THROW(draw_panels({make_panel("constant", fine, ColorMap::diverging, 1)}));
  const auto volume = Tensor<float>::from_host({2, 1, 2, 1}, {1, 2, 3, 4});
  EXPECT_EQ(make_panel("plane", volume).values, (std::vector<double>{3, 4}));
  Panel broken = make_panel("nan", volume);
  broken.values[0] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_NO_THROW(draw_panels({broken, make_panel("b", volume)}, "title", 1));
  EXPECT_THROW(draw_panels({}), Error);
  EXPECT_THROW(make_panel("1-D", Tensor<float>::zeros({4})), Error);
  EXPECT_THROW(make_panel("channel", volume, ColorMap::viridis, 1), Error);
  broken.columns = 5;
  EXPECT_THROW(draw_panels({broken}), Error);
}

TEST(Figure, PlotsTakeAnyCurve) {
  PlotOptions options{"title", "x", "y", true, 600, 400};
  const Image empty = draw_plot({}, options);
  EXPECT_EQ(empty.width(), 600);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Curve curve{"c", {0, 1, 2, 3}, {1, nan, -1, 1e-9}, false};
  const Image image = draw_plot({curve, {"d", {0, 3}, {1e-3, 1e-3}, true}}, options);
  EXPECT_GT(drawn(image), drawn(empty) / 2);
  EXPECT_NO_THROW(draw_plot({{"one", {5}, {5}, true}}, {}));
  EXPECT_THROW(draw_plot({{"unequal", {5}, {5, 6}, true}}, {}), Error);
  EXPECT_THROW(draw_plot({curve}, PlotOptions{"", "", "", false, 60, 40}), Error);
}

}  // namespace
}  // namespace nopal
