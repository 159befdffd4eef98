// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/io/figure.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

namespace nopal {
namespace {

constexpr Color ink = {38, 38, 44}, frame = {90, 90, 98}, grid = {226, 228, 232},
                faint = {240, 241, 244};
constexpr double title_size = 15, label_size = 11, tick_size = 10.5;

// Colours that stay apart for colour-blind readers (M. Okabe, K. Ito, "Color universal design").
constexpr Color palette[] = {{0, 114, 178},   {213, 94, 0},  {0, 158, 115},
                             {204, 121, 167}, {230, 159, 0}, {86, 180, 233}};

// Labels of an axis share their number of decimals; a power of ten is taken out of very large or
// small numbers and written once.
struct Labels {
  std::vector<std::string> text;
  std::string factor;  // "x 10^{-4}" or empty
};

Labels make_labels(const std::vector<double>& ticks) {
  Labels labels;
  double largest = 0, step = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < ticks.size(); ++i) {
    largest = std::max(largest, std::abs(ticks[i]));
    if (i > 0) step = std::min(step, ticks[i] - ticks[i - 1]);
  }
  if (!(largest > 0)) largest = 1;
  if (!std::isfinite(step) || step <= 0) step = largest;
  int power = static_cast<int>(std::floor(std::log10(largest) + 1e-9));
  if (power >= -2 && power <= 3) power = 0;
  if (power != 0) labels.factor = "x 10^{" + std::to_string(power) + "}";
  const double unit = std::pow(10.0, power);
  const int decimals =
      std::clamp(static_cast<int>(std::ceil(-std::log10(step / unit) - 1e-9)), 0, 8);
  for (const double tick : ticks) {
    char buffer[64];
    std::snprintf(buffer, sizeof buffer, "%.*f", decimals,
                  std::abs(tick) < 1e-9 * step ? 0.0 : tick / unit);
    labels.text.emplace_back(buffer);
  }
  return labels;
}

// The mean of the finite cells under a pixel when the field is finer than the picture; one cell
// otherwise, so that the resolution of the field can be seen.
double sample(const Panel& panel, double row0, double row1, double column0, double column1) {
  const auto range = [](double a, double b, int n) {
    int first = std::clamp(static_cast<int>(std::floor(a + 0.5)), 0, n - 1);
    int last = std::clamp(static_cast<int>(std::floor(b + 0.5)), first + 1, n);
    if (b - a <= 1) {
      first = std::clamp(static_cast<int>(std::floor((a + b) / 2)), 0, n - 1);
      last = first + 1;
    }
    return std::pair(first, last);
  };
  const auto [r0, r1] = range(row0, row1, panel.rows);
  const auto [c0, c1] = range(column0, column1, panel.columns);
  double sum = 0;
  for (int r = r0; r < r1; ++r)
    for (int c = c0; c < c1; ++c)
      sum += panel.values[static_cast<std::size_t>(r) * panel.columns + c];
  return sum / (double(r1 - r0) * (c1 - c0));
}

void check_panel(const Panel& panel) {
  NOPAL_CHECK(panel.rows > 0 && panel.columns > 0 &&
                  panel.values.size() == static_cast<std::size_t>(panel.rows) * panel.columns,
              "panel '", panel.title, "' of ", panel.rows, " x ", panel.columns, " got ",
              panel.values.size(), " values");
}

std::pair<double, double> limits(const Panel& panel) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const double value : panel.values) {
    if (!std::isfinite(value)) continue;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  if (low > high) low = 0, high = 1;
  if (panel.map == ColorMap::diverging) {
    high = std::max(std::abs(low), std::abs(high));
    low = -high;
  } else if (panel.map == ColorMap::magma) {
    low = std::min(low, 0.0);
  }
  low = panel.low.value_or(low);
  high = panel.high.value_or(high);
  if (!(high > low)) {
    const double half = std::max(std::abs(low) * 0.05, 1e-12);
    low -= half;
    high += half;
  }
  return {low, high};
}

Image draw_panel(const Panel& panel) {
  constexpr int side = 320, margin = 14, head = 40, foot = 16, gap = 12, bar_width = 16;
  const auto [low, high] = limits(panel);
  const std::vector<double> ticks = round_ticks(low, high, 6);
  const Labels labels = make_labels(ticks);
  double label_width = Image::text_width(labels.factor, tick_size) - bar_width;
  for (const std::string& label : labels.text)
    label_width = std::max(label_width, Image::text_width(label, tick_size));

  const double aspect = std::clamp(double(panel.columns) / panel.rows, 0.25, 4.0);
  const int width =
      static_cast<int>(std::lround(aspect >= 1 ? side * std::min(aspect, 2.0) : side * aspect));
  const int height = static_cast<int>(std::lround(width / aspect));
  const int bar = margin + width + gap;
  Image image(bar + bar_width + 10 + static_cast<int>(std::ceil(label_width)) + margin,
              head + height + foot);

  image.text({margin + width / 2.0, head - 14.0}, panel.title, title_size * 0.87, ink,
             Image::Align::centre);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      // The first axis points up.
      const double row1 = (height - y) * double(panel.rows) / height;
      const double value =
          sample(panel, row1 - double(panel.rows) / height, row1, x * double(panel.columns) / width,
                 (x + 1) * double(panel.columns) / width);
      image.set(margin + x, head + y, color_of(panel.map, (value - low) / (high - low)));
    }
  for (int y = 0; y < height; ++y)
    image.fill(bar, head + y, bar_width, 1, color_of(panel.map, (height - y - 0.5) / height));

  const auto box = [&](double x0, double x1) {
    const double top = head - 0.5, bottom = head + height + 0.5;
    image.line({{x0, top}, {x1, top}, {x1, bottom}, {x0, bottom}, {x0, top}}, 1, frame);
  };
  box(margin - 0.5, margin + width + 0.5);
  box(bar - 0.5, bar + bar_width + 0.5);
  for (std::size_t i = 0; i < ticks.size(); ++i) {
    const double y = std::round(head + height * (1 - (ticks[i] - low) / (high - low)) - 0.5) + 0.5;
    image.line({{bar + bar_width + 1.0, y}, {bar + bar_width + 5.0, y}}, 1, frame);
    image.text({bar + bar_width + 9.0, y + tick_size / 2}, labels.text[i], tick_size, ink);
  }
  if (!labels.factor.empty()) image.text({double(bar), head - 9.0}, labels.factor, tick_size, ink);
  return image;
}

}  // namespace

std::vector<double> round_ticks(double low, double high, int count) {
  NOPAL_CHECK(low < high && count > 0, "ticks need low < high, got [", low, ", ", high, "]");
  const double rough = (high - low) / count, power = std::pow(10.0, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * power >= rough * (1 - 1e-9)) {
      step = factor * power;
      break;
    }
  std::vector<double> ticks;
  const double slack = 1e-9 * (high - low);
  for (double k = std::ceil((low - slack) / step); k * step <= high + slack; ++k)
    ticks.push_back(k * step);
  return ticks;
}

template <class T>
Panel make_panel(const std::string& title, const Tensor<T>& field, ColorMap map, int channel) {
  const Shape& shape = field.shape();
  NOPAL_CHECK(shape.rank() >= 2 && shape.rank() <= 4, "panel '", title,
              "' draws a field (X1, X2), (X1, X2, C) or (X1, X2, X3, C), got shape ", shape);
  const int first = shape.rank() == 4 ? 1 : 0;
  const std::int64_t channels = shape.rank() == 2 ? 1 : shape[-1];
  NOPAL_CHECK(channel >= 0 && channel < channels, "panel '", title, "': channel ", channel,
              " of a field of shape ", shape);
  Panel panel;
  panel.title = title;
  panel.map = map;
  panel.rows = static_cast<int>(shape[first]);
  panel.columns = static_cast<int>(shape[first + 1]);
  const std::vector<T> host = field.to_vector();
  const std::int64_t plane = std::int64_t(panel.rows) * panel.columns;
  const std::int64_t start = first == 1 ? shape[0] / 2 * plane : 0;
  for (std::int64_t i = start; i < start + plane; ++i)
    panel.values.push_back(host[static_cast<std::size_t>(i * channels + channel)]);
  check_panel(panel);
  return panel;
}

template Panel make_panel<float>(const std::string&, const Tensor<float>&, ColorMap, int);
template Panel make_panel<double>(const std::string&, const Tensor<double>&, ColorMap, int);

Image draw_panels(const std::vector<Panel>& panels, const std::string& title, int per_row) {
  NOPAL_CHECK(!panels.empty(), "a figure needs at least one panel");
  if (per_row <= 0) per_row = static_cast<int>(panels.size());
  std::vector<Image> images;
  for (const Panel& panel : panels) {
    check_panel(panel);
    images.push_back(draw_panel(panel));
  }
  // Columns are as wide as their widest panel, so that rows line up.
  const int rows = (static_cast<int>(images.size()) + per_row - 1) / per_row;
  std::vector<int> widths(per_row, 0), heights(rows, 0);
  for (int i = 0; i < static_cast<int>(images.size()); ++i) {
    widths[i % per_row] = std::max(widths[i % per_row], images[i].width());
    heights[i / per_row] = std::max(heights[i / per_row], images[i].height());
  }
  const int head = title.empty() ? 0 : 40;
  int width = 0, height = head;
  for (const int w : widths)
    width += w;
  for (const int h : heights)
    height += h;
  width = std::max(width, static_cast<int>(Image::text_width(title, title_size)) + 40);
  Image figure(width, height);
  if (head > 0) figure.text({width / 2.0, 30}, title, title_size, ink, Image::Align::centre);
  int y = head;
  for (int row = 0; row < rows; ++row) {
    int x = 0;
    for (int column = 0; column < per_row; ++column) {
      const std::size_t i = static_cast<std::size_t>(row) * per_row + column;
      if (i < images.size()) figure.paste(images[i], x, y);
      x += widths[column];
    }
    y += heights[row];
  }
  return figure;
}

namespace {

// An axis of a plot: values to [0, 1], and its ticks.
struct Axis {
  double low = 0, high = 1;
  bool logarithmic = false;
  std::vector<double> ticks, minor;
  std::vector<std::string> labels;

  double place(double value) const {
    return logarithmic ? std::log10(value / low) / std::log10(high / low)
                       : (value - low) / (high - low);
  }
};

Axis make_axis(double low, double high, bool logarithmic, bool tight) {
  Axis axis;
  axis.logarithmic = logarithmic;
  if (low > high) low = logarithmic ? 0.1 : 0, high = 1;
  if (!logarithmic) {
    if (low == high) {
      const double half = low == 0 ? 1 : 0.1 * std::abs(low);
      low -= half, high += half;
    }
    const double pad = tight ? 0 : 0.05 * (high - low);
    axis.low = low - pad;
    axis.high = high + pad;
    axis.ticks = round_ticks(axis.low, axis.high, 7);
    const Labels labels = make_labels(axis.ticks);
    axis.labels = labels.text;
    if (!labels.factor.empty())
      for (std::string& label : axis.labels)
        label += " " + labels.factor;
    return axis;
  }
  axis.low = low / 1.25;
  axis.high = high * 1.25;
  // Few decades: 1, 2 and 5 of each get a label, so that there are at least two.
  const double decades = std::log10(axis.high / axis.low);
  for (int power = static_cast<int>(std::floor(std::log10(axis.low))); power <= 300; ++power) {
    if (std::pow(10.0, power) > axis.high) break;
    for (int digit = 1; digit <= 9; ++digit) {
      const double value = digit * std::pow(10.0, power);
      if (value < axis.low || value > axis.high) continue;
      const bool labelled = digit == 1 || (decades < 2.5 && (digit == 2 || digit == 5));
      (labelled ? axis.ticks : axis.minor).push_back(value);
      if (!labelled) continue;
      char buffer[64];
      if (power >= -3 && power <= 3)
        std::snprintf(buffer, sizeof buffer, "%.*f", std::max(0, -power), value);
      else if (digit == 1)
        std::snprintf(buffer, sizeof buffer, "10^{%d}", power);
      else
        std::snprintf(buffer, sizeof buffer, "%d x 10^{%d}", digit, power);
      axis.labels.emplace_back(buffer);
    }
  }
  return axis;
}

// Dashes are measured along the line, so that they do not depend on where its points are.
void draw_curve(Image& image, const std::vector<Pixel>& points, bool dashed, Color color) {
  if (!dashed || points.size() < 2) {
    image.line(points, 2.4, color);
    return;
  }
  constexpr double dash = 9, period = 16;
  std::vector<Pixel> piece;
  double travelled = 0;
  for (std::size_t i = 0; i + 1 < points.size(); ++i) {
    const Pixel a = points[i], b = points[i + 1];
    const double length = std::hypot(b.x - a.x, b.y - a.y);
    double done = 0;
    while (done < length) {
      const double phase = std::fmod(travelled, period);
      const double next = std::min(length - done, (phase < dash ? dash : period) - phase + 1e-9);
      const auto at = [&](double s) {
        return Pixel{a.x + (b.x - a.x) * s / length, a.y + (b.y - a.y) * s / length};
      };
      if (phase < dash) {
        if (piece.empty()) piece.push_back(at(done));
        piece.push_back(at(done + next));
      } else if (!piece.empty()) {
        image.line(piece, 2, color);
        piece.clear();
      }
      done += next;
      travelled += next;
    }
  }
  if (!piece.empty()) image.line(piece, 2, color);
}

}  // namespace

Image draw_plot(const std::vector<Curve>& curves, const PlotOptions& options) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  double x_low = infinity, x_high = -infinity, y_low = infinity, y_high = -infinity;
  const auto shown = [&](double x, double y) {
    return std::isfinite(x) && std::isfinite(y) && (!options.log_y || y > 0);
  };
  for (const Curve& curve : curves) {
    NOPAL_CHECK(curve.x.size() == curve.y.size(), "curve '", curve.label, "' has ", curve.x.size(),
                " abscissas and ", curve.y.size(), " ordinates");
    for (std::size_t i = 0; i < curve.x.size(); ++i) {
      if (!shown(curve.x[i], curve.y[i])) continue;
      x_low = std::min(x_low, curve.x[i]), x_high = std::max(x_high, curve.x[i]);
      y_low = std::min(y_low, curve.y[i]), y_high = std::max(y_high, curve.y[i]);
    }
  }
  const Axis x_axis = make_axis(x_low, x_high, false, true);
  const Axis y_axis = make_axis(y_low, y_high, options.log_y, false);

  double y_labels = 0;
  for (const std::string& label : y_axis.labels)
    y_labels = std::max(y_labels, Image::text_width(label, tick_size));
  Image image(options.width, options.height);
  const int left = 24 + (options.y_label.empty() ? 0 : 26) + static_cast<int>(y_labels);
  const int right = options.width - 26, top = options.title.empty() ? 22 : 54;
  const int bottom = options.height - (options.x_label.empty() ? 34 : 62);
  NOPAL_CHECK(left + 40 < right && top + 40 < bottom, "a plot of ", options.width, " x ",
              options.height, " pixels is too small for its labels");
  const auto x_pixel = [&](double x) { return left + x_axis.place(x) * (right - left); };
  const auto y_pixel = [&](double y) { return bottom - y_axis.place(y) * (bottom - top); };
  const auto sharp = [](double v) { return std::floor(v) + 0.5; };

  for (const double tick : y_axis.minor)
    image.line({{double(left), sharp(y_pixel(tick))}, {double(right), sharp(y_pixel(tick))}}, 1,
               faint);
  for (std::size_t i = 0; i < y_axis.ticks.size(); ++i) {
    const double y = sharp(y_pixel(y_axis.ticks[i]));
    image.line({{double(left), y}, {double(right), y}}, 1, grid);
    image.text({left - 9.0, y + tick_size / 2}, y_axis.labels[i], tick_size, ink,
               Image::Align::right);
  }
  for (std::size_t i = 0; i < x_axis.ticks.size(); ++i) {
    const double x = sharp(x_pixel(x_axis.ticks[i]));
    image.line({{x, double(top)}, {x, double(bottom)}}, 1, grid);
    image.text({x, bottom + 9 + tick_size}, x_axis.labels[i], tick_size, ink, Image::Align::centre);
  }

  std::size_t number = 0;
  for (const Curve& curve : curves) {
    const Color color = palette[number++ % std::size(palette)];
    std::vector<Pixel> points;
    for (std::size_t i = 0; i < curve.x.size(); ++i)
      if (shown(curve.x[i], curve.y[i]))
        points.push_back({x_pixel(curve.x[i]), y_pixel(curve.y[i])});
    if (!points.empty()) draw_curve(image, points, curve.dashed, color);
  }
  image.line({{left + 0.5, double(top)}, {left + 0.5, bottom + 0.5}, {double(right), bottom + 0.5}},
             1.4, frame);

  double widest = 0;
  int entries = 0;
  for (const Curve& curve : curves)
    if (!curve.label.empty()) {
      widest = std::max(widest, Image::text_width(curve.label, label_size));
      ++entries;
    }
  if (entries > 0) {
    constexpr int line_height = 24, sample_length = 30;
    const int width = static_cast<int>(widest) + sample_length + 38;
    const int height = entries * line_height + 12;
    const int x = right - width - 12, y = top + 10;
    image.fill(x, y, width, height, {255, 255, 255});
    image.line({{x + 0.5, y + 0.5},
                {x + width + 0.5, y + 0.5},
                {x + width + 0.5, y + height + 0.5},
                {x + 0.5, y + height + 0.5},
                {x + 0.5, y + 0.5}},
               1, grid);
    int entry = 0;
    number = 0;
    for (const Curve& curve : curves) {
      const Color color = palette[number++ % std::size(palette)];
      if (curve.label.empty()) continue;
      const double middle = y + 6 + (entry++ + 0.5) * line_height;
      draw_curve(image, {{x + 12.0, middle}, {x + 12.0 + sample_length, middle}}, curve.dashed,
                 color);
      image.text({x + 22.0 + sample_length, middle + label_size / 2}, curve.label, label_size, ink);
    }
  }

  image.text({(left + right) / 2.0, 34}, options.title, title_size, ink, Image::Align::centre);
  image.text({(left + right) / 2.0, options.height - 16.0}, options.x_label, label_size * 1.1, ink,
             Image::Align::centre);
  image.text({20, (top + bottom) / 2.0}, options.y_label, label_size * 1.1, ink,
             Image::Align::centre, true);
  return image;
}

}  // namespace nopal
