// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/train/trainer.hpp>

#include <cstdint>
#include <string>

namespace nopal::tools {

/// Draws loss and errors over the epochs, with the mean-field predictor and the linear baseline on
/// the validation data as dashed lines. One rank.
void draw_learning_curve(const std::string& path, const History& history,
                         const TrainData<float>& sets, Boundary boundary);

/// A row of panels each; pictures have at most 32768 pixels a side.
constexpr std::int64_t most_channels_drawn = 64;

/// Draws input, reference, prediction and error of one sample (1-D: as curves) into
/// `<folder>/<name>.png`. Tensors without the sample axis; `reference` may be undefined. One rank.
void draw_prediction(const std::string& path, const std::string& title, const Tensor<float>& input,
                     const Tensor<float>& reference, const Tensor<float>& prediction);

/// The same fields as a VTK image.
void write_prediction_vtk(const std::string& path, const Tensor<float>& input,
                          const Tensor<float>& reference, const Tensor<float>& prediction);

}  // namespace nopal::tools
