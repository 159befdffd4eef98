// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/io/option_reader.hpp>
#include <nopal/operators/image_branch.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>

namespace nopal {

void ImageBranchOptions::read(OptionReader& reader) {
  reader("image", image);
  reader("convolutions", convolutions);
  reader("convolution_kernel", convolution_kernel, 1);
  reader("convolution_stride", convolution_stride, 1);
  reader("convolution_pool", convolution_pool, 1);
  reader("convolution_activation", convolution_activation);
}

void ImageBranchOptions::write(nlohmann::json& json) const {
  json["image"] = image;
  json["convolutions"] = convolutions;
  json["convolution_kernel"] = convolution_kernel;
  json["convolution_stride"] = convolution_stride;
  json["convolution_pool"] = convolution_pool;
  json["convolution_activation"] = convolution_activation;
}

ImageOptions ImageBranchOptions::network() const {
  return {convolutions, convolution_kernel, convolution_stride, convolution_pool,
          activation_from_string(convolution_activation)};
}

std::int64_t ImageBranchOptions::features(std::int64_t sensors, const std::string& owner) const {
  if (!used()) return sensors;
  NOPAL_CHECK(
      *std::min_element(image.begin(), image.end()) >= 1 && image.size() >= 2 && image.size() <= 4,
      owner, ": 'image' expects X1, ..., Xd, C, d = 1, 2, 3, of at least 1 each");
  NOPAL_CHECK(extents().size() == sensors, owner, ": an image ", extents(), " has ",
              extents().size(), " values, 'sensors' says ", sensors);
  return ImageNetwork<float>::features(extents(), network()).size();
}

double ImageBranchOptions::parameter_count() const {
  return used() ? ImageNetwork<float>::parameter_count(extents(), network()) : 0;
}

}  // namespace nopal
