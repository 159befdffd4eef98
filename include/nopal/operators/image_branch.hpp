// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/nn/image_network.hpp>

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

namespace nopal {

class OptionReader;

/// The convolutions of a branch network that reads a function on a grid; in JSON named as here.
struct ImageBranchOptions {
  std::vector<std::int64_t> image = {};  ///< X1, ..., Xd, C of the function; empty: no convolution
  std::vector<std::int64_t> convolutions{16, 32, 64, 64};  ///< channels after each
  std::int64_t convolution_kernel = 5;
  std::int64_t convolution_stride = 1;
  std::int64_t convolution_pool = 2;  ///< mean over blocks after each convolution
  std::string convolution_activation = "relu";

  void read(OptionReader& reader);
  void write(nlohmann::json& json) const;

  bool used() const { return !image.empty(); }
  Shape extents() const { return {image.begin(), image.end()}; }
  ImageOptions network() const;
  /// What a function of `sensors` values is for the layers that follow. Error, in the name of
  /// `owner`, if it is not the image.
  std::int64_t features(std::int64_t sensors, const std::string& owner) const;
  double parameter_count() const;  ///< of the convolutions
};

}  // namespace nopal
