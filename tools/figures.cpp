// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "figures.hpp"

#include "common.hpp"

#include <nopal/io/figure.hpp>
#include <nopal/io/vtk.hpp>
#include <nopal/operators/baselines.hpp>
#include <nopal/train/evaluation.hpp>

#include <algorithm>
#include <cmath>

namespace nopal::tools {
namespace {

Tensor<float> difference(const Tensor<float>& a, const Tensor<float>& b) {
  const Tensor<float> result = a.clone();
  axpy(-1.0f, b, result);
  return result;
}

Curve curve_of(const std::string& label, const Tensor<float>& field, int channel, bool dashed) {
  Curve curve{label, {}, {}, dashed};
  const std::vector<float> values = field.to_vector();
  const std::int64_t points = field.extent(0), channels = field.extent(-1);
  for (std::int64_t i = 0; i < points; ++i) {
    curve.x.push_back(static_cast<double>(i) / static_cast<double>(points));
    curve.y.push_back(values[static_cast<std::size_t>(i * channels + channel)]);
  }
  return curve;
}

std::string numbered(const std::string& name, std::int64_t channels, int channel) {
  return channels == 1 ? name : name + ", channel " + std::to_string(channel);
}

}  // namespace

void draw_learning_curve(const std::string& path, const History& history,
                         const TrainData<float>& sets, Boundary boundary) {
  const std::vector<double> epochs = history.column("epoch");
  std::vector<Curve> curves;
  curves.push_back({"training loss", epochs, history.column("loss")});
  const auto add = [&](const std::string& set, const std::string& label) {
    // Epochs without an evaluation have no value; the line goes on to the next one that has.
    Curve curve{label, {}, {}};
    const std::vector<double> values = history.column(set + "_l2");
    for (std::size_t i = 0; i < values.size(); ++i)
      if (std::isfinite(values[i])) {
        curve.x.push_back(epochs[i]);
        curve.y.push_back(values[i]);
      }
    curves.push_back(std::move(curve));
  };
  if (sets.validation) add("validation", "relative L2, validation");
  for (const auto& [name, set] : sets.evaluation)
    add(name, "relative L2, " + name);
  if (sets.validation && !epochs.empty()) {
    const auto level = [&](const std::string& label, const Predictor<float>& predict) {
      const double error =
          summarise(sample_errors(predict, *sets.validation, 16, boundary, RankGroups()).l2).mean;
      curves.push_back({label, {epochs.front(), epochs.back()}, {error, error}, true});
    };
    const MeanField<float> mean(*sets.training);
    level("mean field", [&](const Tensor<float>& x) { return mean.predict(x); });
    const LinearBaseline<float> linear(*sets.training);
    level("linear baseline", [&](const Tensor<float>& x) { return linear.predict(x); });
  }
  draw_plot(curves, {"Learning curve", "epoch", "error", true}).write_png(path);
}

void draw_prediction(const std::string& path, const std::string& title, const Tensor<float>& input,
                     const Tensor<float>& reference, const Tensor<float>& prediction) {
  if (input.rank() == 2) {
    std::vector<Curve> curves = {curve_of("input", input, 0, false)};
    for (int c = 0; c < prediction.extent(-1); ++c) {
      if (reference.defined())
        curves.push_back(
            curve_of(numbered("reference", reference.extent(-1), c), reference, c, false));
      curves.push_back(
          curve_of(numbered("prediction", prediction.extent(-1), c), prediction, c, true));
    }
    draw_plot(curves, {title, "x", "", false}).write_png(path);
    return;
  }
  std::vector<Panel> panels;
  const std::int64_t channels = prediction.extent(-1);
  for (int c = 0; c < channels; ++c) {
    panels.push_back(make_panel("input", input, ColorMap::viridis,
                                std::min(c, static_cast<int>(input.extent(-1)) - 1)));
    Panel predicted =
        make_panel(numbered("prediction", channels, c), prediction, ColorMap::viridis, c);
    if (reference.defined()) {
      Panel expected =
          make_panel(numbered("reference", channels, c), reference, ColorMap::viridis, c);
      // One scale for both, so that colours can be compared.
      const auto [low, high] = std::minmax_element(expected.values.begin(), expected.values.end());
      expected.low = predicted.low = *low;
      expected.high = predicted.high = *high;
      panels.push_back(std::move(expected));
    }
    panels.push_back(std::move(predicted));
    if (reference.defined())
      panels.push_back(make_panel("prediction - reference", difference(prediction, reference),
                                  ColorMap::diverging, c));
  }
  draw_panels(panels, title, static_cast<int>(panels.size() / static_cast<std::size_t>(channels)))
      .write_png(path);
}

void write_prediction_vtk(const std::string& path, const Tensor<float>& input,
                          const Tensor<float>& reference, const Tensor<float>& prediction) {
  const Shape points(input.shape().begin(), input.shape().end() - 1);
  std::vector<double> spacing;
  for (const std::int64_t n : points)
    spacing.push_back(1.0 / static_cast<double>(n));
  VtkImage image(points, spacing);
  image.add("input", input);
  if (reference.defined()) image.add("reference", reference);
  image.add("prediction", prediction);
  if (reference.defined()) image.add("error", difference(prediction, reference));
  image.write(path);
}

}  // namespace nopal::tools
