// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/core/tensor.hpp>
#include <nopal/io/image.hpp>

#include <optional>
#include <string>
#include <vector>

namespace nopal {

/// One field of draw_panels(). As in a VTK image, the last axis points right and the first one up.
struct Panel {
  std::string title;
  int rows = 0, columns = 0;
  std::vector<double> values;  ///< rows x columns, row-major
  ColorMap map = ColorMap::viridis;
  /// Values of the ends of the colour bar; default: smallest and largest value, for a diverging map
  /// the largest magnitude on both sides.
  std::optional<double> low, high;
};

/// A panel of one channel of a field (X1, X2, C) or (X1, X2); of the middle plane of the first axis
/// of (X1, X2, X3, C).
template <class T>
Panel make_panel(const std::string& title, const Tensor<T>& field, ColorMap map = ColorMap::viridis,
                 int channel = 0);

/// Fields side by side, each with title and colour bar; `per_row` panels a row (0: all in one).
Image draw_panels(const std::vector<Panel>& panels, const std::string& title = "", int per_row = 0);

/// One line of draw_plot(); points that are not finite (or not positive on a logarithmic axis) are
/// left out.
struct Curve {
  std::string label;  ///< in the legend; none if empty
  std::vector<double> x, y;
  bool dashed = false;
};

/// What draw_plot() writes on its axes.
struct PlotOptions {
  std::string title, x_label, y_label;
  bool log_y = false;
  int width = 1000, height = 620;
};

/// Curves with axes, ticks, grid and legend.
Image draw_plot(const std::vector<Curve>& curves, const PlotOptions& options);

/// Round numbers in [low, high] for the ticks of an axis, about `count` of them: steps of 1, 2 or
/// 5 times a power of ten.
std::vector<double> round_ticks(double low, double high, int count);

}  // namespace nopal
