// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/nn/image_network.hpp>

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

namespace nopal {

class OptionReader;

/// The convolutions of a branch network that reads a function on a grid: x_0 the function, x_l =
/// mean over blocks of f(c_l(x_(l-1)) + b_l), l = 1, ..., L, and all numbers of x_L go on to the
/// dense layers. Options of an operator, in JSON on the level of the others and named as here. All
/// local. Source: the branches of Lu et al., CMAME 393, 114778, 2022 (Darcy flow), and Kumar et
/// al., Neural Networks 184, 107113, 2025; see ImageNetwork for layers and parameters.
struct ImageBranchOptions {
  /// X1, ..., Xd, C of the function, d = 1, 2, 3, whose X1 ... Xd C values are the sensors, last
  /// axis fastest; empty: no convolution.
  std::vector<std::int64_t> image = {};
  std::vector<std::int64_t> convolutions{16, 32, 64, 64};  ///< channels after each
  std::int64_t convolution_kernel = 5;  ///< taps an axis, odd; zeros beyond the sides
  std::int64_t convolution_stride = 1;  ///< Xi points become Xi / stride, rounded up
  std::int64_t convolution_pool = 2;    ///< mean over so many points an axis after each; 1: none
  std::string convolution_activation = "relu";  ///< f

  /// Takes the options above that are given. Error, naming the option, for a value of a wrong kind
  /// or below 1.
  void read(OptionReader& reader);
  void write(nlohmann::json& json) const;  ///< adds all of them

  bool used() const { return !image.empty(); }
  Shape extents() const { return {image.begin(), image.end()}; }  ///< (X1, ..., Xd, C)

  /// The same for ImageNetwork. Error if there is no such activation.
  ImageOptions network() const;

  /// How many numbers a function of `sensors` values is for the dense layers: `sensors` without an
  /// image. Error, in the name of `owner`, if the image has another number of values, or is too
  /// small for its convolutions and means.
  std::int64_t features(std::int64_t sensors, const std::string& owner) const;

  double parameter_count() const;  ///< of the convolutions; 0 without an image
};

}  // namespace nopal
