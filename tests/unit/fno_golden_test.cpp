// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// The Fourier neural operator against neuraloperator 2.0.0.

#include "golden.hpp"

#include <regex>

namespace nopal {
namespace {

using test::Twin;

Twin twin(const std::string& ours) {
  std::smatch m;
  if (std::regex_match(ours, m, std::regex("(lifting|projection)\\.(\\d)\\.(weight|bias)")))
    return {m.str(1) + ".fcs." + m.str(2) + "." + m.str(3),
            m[3] == "weight" ? std::vector<int>{1, 0, 2} : std::vector<int>{}};
  if (std::regex_match(ours, m, std::regex("blocks\\.(\\d)\\.(.*)"))) {
    const std::string block = m.str(1), rest = m.str(2), prefix = "fno_blocks.";
    std::smatch n;
    if (rest == "spectral.bias") return {prefix + "convs." + block + ".bias", {}};
    if (rest == "spectral.weight")
      return {prefix + "convs." + block + ".weight.tensor", {2, 3, 0, 1, 4}};
    if (rest == "spectral.weight.core") return {prefix + "convs." + block + ".weight.core", {}};
    if (std::regex_match(rest, n, std::regex("spectral\\.weight\\.factor\\.(\\d)")))
      return {prefix + "convs." + block + ".weight.factors.factor_" + n.str(1), {}};
    if (rest == "fno_skip.weight")
      return {prefix + "fno_skips." + block + ".conv.weight", {1, 0, 2}};
    if (rest == "channel_mlp_skip.weight")
      return {prefix + "channel_mlp_skips." + block + ".weight", {}};
    if (std::regex_match(rest, n, std::regex("channel_mlp\\.(\\d)\\.(weight|bias)")))
      return {prefix + "channel_mlp." + block + ".fcs." + n.str(1) + "." + n.str(2),
              n[2] == "weight" ? std::vector<int>{1, 0, 2} : std::vector<int>{}};
  }
  return {};
}

void check(const std::string& name, const nlohmann::json& configuration) {
  test::check_golden(name, *make_operator<float>("fno", configuration), twin);
}

TEST(FnoGolden, Dense2d) {
  check("fno2d_dense", {{"n_modes", {8, 6}},
                        {"hidden_channels", 6},
                        {"in_channels", 2},
                        {"out_channels", 1},
                        {"n_layers", 3}});
}

TEST(FnoGolden, Tucker2d) {
  for (const char* implementation : {"factorized", "reconstructed"})
    check("tfno2d_tucker", {{"n_modes", {8, 8}},
                            {"hidden_channels", 8},
                            {"in_channels", 1},
                            {"out_channels", 2},
                            {"n_layers", 2},
                            {"factorization", "tucker"},
                            {"rank", 0.3},
                            {"implementation", implementation}});
}

}  // namespace
}  // namespace nopal
