// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/io/option_reader.hpp>
#include <nopal/operators/direction_net.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace nopal {

DirectionNetOptions DirectionNetOptions::from_json(const nlohmann::json& json) {
  DirectionNetOptions o;
  OptionReader read(json, "direction_net");
  read("dimension", o.dimension, 2, 3);
  read("filters", o.filters, 1);
  read("head_blocks", o.head_blocks, 0);
  read("levels", o.levels, 1, 20);
  read("share_levels", o.share_levels);
  read("coarse_blocks", o.coarse_blocks, 0);
  read("tail_blocks", o.tail_blocks, 0);
  read("mask", o.mask);
  read("input_scale", o.input_scale);
  NOPAL_CHECK(o.input_scale == "norm" || o.input_scale == "rms",
              "direction_net: input_scale must be norm or rms, got '", o.input_scale, "'");
  read.finish();
  return o;
}

nlohmann::json DirectionNetOptions::to_json() const {
  return {{"dimension", dimension},     {"filters", filters},
          {"levels", levels},           {"share_levels", share_levels},
          {"head_blocks", head_blocks}, {"coarse_blocks", coarse_blocks},
          {"tail_blocks", tail_blocks}, {"mask", mask},
          {"input_scale", input_scale}};
}

double DirectionNetOptions::parameter_count() const {
  const auto f = static_cast<double>(filters);
  const double k = std::pow(static_cast<double>(taps), static_cast<double>(dimension));
  const std::int64_t own = share_levels ? std::min<std::int64_t>(levels, 2) : levels;
  const double inner =
      2 + 2 * static_cast<double>(head_blocks + coarse_blocks * (2 * own - 1) + tail_blocks);
  return (k * (mask ? 2 : 1) + 1) * f + inner * (k * f + 1) * f + f + 1;
}

}  // namespace nopal
