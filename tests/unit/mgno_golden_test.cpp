// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// The multigrid neural operator against the authors' code, class MgNO_DC.

#include "golden.hpp"

#include <regex>

namespace nopal {
namespace {

using test::Twin;

Twin twin(const std::string& ours) {
  const std::vector<int> convolution{2, 3, 1, 0}, transposed{2, 3, 0, 1}, linear{1, 0, 2, 3};
  std::smatch m;
  if (ours == "head.weight") return {"linear.weight", linear};
  if (std::regex_match(ours, m, std::regex("layers\\.(\\d)\\.skip\\.(weight|bias)")))
    return {"linear_list." + m.str(1) + "." + m.str(2),
            m[2] == "weight" ? linear : std::vector<int>{}};
  if (!std::regex_match(ours, m,
                        std::regex("layers\\.(\\d)\\.cycle\\.levels\\.(\\d)\\.(.*)\\.weight")))
    return {};
  const std::string prefix = "conv_list." + m.str(1) + ".", kind = m.str(3);
  const int level = std::stoi(m.str(2));
  const auto layer = [](int l) { return "layer" + std::to_string(l) + "."; };
  if (kind == "p") return {prefix + "RTlayers." + m.str(2) + ".weight", transposed};
  if (kind == "r") return {prefix + layer(level + 1) + "0.R.weight", convolution};
  if (kind == "pi") return {prefix + layer(level + 1) + "0.Pi.weight", convolution};
  // The restriction counts as step 0 of the reference's coarse levels.
  const int step = kind[kind.size() - 3] - '0';
  const std::string matrix = kind.back() == 's' ? "S" : "A";
  if (kind.starts_with("post"))
    return {
        prefix + "post_smooth_" + layer(level) + std::to_string(step) + "." + matrix + ".weight",
        convolution};
  return {prefix + layer(level) + std::to_string(level == 0 ? step : step + 1) + "." + matrix +
              ".weight",
          convolution};
}

TEST(MgnoGolden, DarcyNetwork) {
  test::check_golden(
      "mgno_dc",
      *make_operator<float>(
          "mgno", {{"channels", 4}, {"n_layers", 2}, {"pre", {1, 1, 2}}, {"post", {0, 1, 0}}}),
      twin);
}

}  // namespace
}  // namespace nopal
