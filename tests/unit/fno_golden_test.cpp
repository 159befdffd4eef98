// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Outputs and gradients of neuraloperator 2.0.0 (tests/data/*.safetensors, see the metadata of the
// files): the same network with the same weights must give the same numbers.

#include <gtest/gtest.h>
#include <nopal/io/safetensors.hpp>
#include <nopal/operators/fno.hpp>

#include <nlohmann/json.hpp>

#include <cmath>
#include <regex>

namespace nopal {
namespace {

// Reorders axes: axis j of the result is axis order[j] of x.
Tensor<float> permute(const Tensor<float>& x, const std::vector<int>& order) {
  Shape shape;
  std::vector<std::int64_t> stride;
  for (int axis : order) {
    shape.push_back(x.extent(axis));
    stride.push_back(x.shape().product(axis + 1, x.rank()));
  }
  const auto entries = x.to_vector();
  std::vector<float> result;
  for (std::int64_t i = 0; i < shape.size(); ++i) {
    std::int64_t rest = i, source = 0;
    for (int j = shape.rank() - 1; j >= 0; --j) {
      source += rest % shape[j] * stride[static_cast<std::size_t>(j)];
      rest /= shape[j];
    }
    result.push_back(entries[static_cast<std::size_t>(source)]);
  }
  return Tensor<float>::from_host(shape, result);
}

// The reference's name and layout of one of our parameters.
struct Twin {
  std::string name;
  std::vector<int> order;  // empty: as it is, up to axes of size 1
};

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

double relative_error(const Tensor<float>& a, const Tensor<float>& b) {
  Tensor<float> difference = a.clone();
  axpy(-1.0f, b, difference);
  return std::sqrt(dot(difference, difference) / dot(b, b));
}

void check_golden(const std::string& name, const nlohmann::json& configuration) {
  const SafetensorsFile golden =
      read_safetensors(std::string(NOPAL_TEST_DATA) + "/" + name + ".safetensors");
  const auto tensor = [&](const std::string& key) {
    const auto entry = golden.tensors.find(key);
    if (entry == golden.tensors.end()) throw std::runtime_error("golden file has no " + key);
    return entry->second.to_tensor<float>();
  };
  const std::vector<int> channels_last{0, 2, 3, 1};

  const auto fno = make_operator<float>("fno", configuration);
  std::size_t expected = 0;
  for (const auto& [key, value] : golden.tensors)
    expected += key.rfind("param.", 0) == 0;
  ASSERT_EQ(fno->parameters().size(), expected);
  for (const Parameter<float>* p : fno->parameters()) {
    const Twin t = twin(p->name);
    ASSERT_FALSE(t.name.empty()) << p->name;
    const Tensor<float> value = tensor("param." + t.name);
    p->value().copy_from(t.order.empty() ? value : permute(value, t.order));
  }

  const auto x = Variable<float>::leaf(permute(tensor("in.x"), channels_last));
  const Tensor<float> y = permute(tensor("out.y"), channels_last);
  EXPECT_LT(relative_error(fno->forward(Variable<float>(x.value())).value(), y), 1e-5)
      << "inference";
  {
    Tape<float> tape;
    const Variable<float> output = fno->forward(x);
    EXPECT_LT(relative_error(output.value(), y), 1e-5) << "training";
    tape.backward(output, permute(tensor("in.dy"), channels_last));
  }
  EXPECT_LT(relative_error(x.gradient(), permute(tensor("grad.x"), channels_last)), 1e-4);
  for (const Parameter<float>* p : fno->parameters()) {
    const Twin t = twin(p->name);
    const Tensor<float> gradient = tensor("grad." + t.name);
    EXPECT_LT(
        relative_error(p->gradient(), t.order.empty() ? gradient : permute(gradient, t.order)),
        1e-4)
        << p->name;
  }
}

TEST(FnoGolden, Dense2d) {
  check_golden("fno2d_dense", {{"n_modes", {8, 6}},
                               {"hidden_channels", 6},
                               {"in_channels", 2},
                               {"out_channels", 1},
                               {"n_layers", 3}});
}

TEST(FnoGolden, Tucker2d) {
  for (const char* implementation : {"factorized", "reconstructed"})
    check_golden("tfno2d_tucker", {{"n_modes", {8, 8}},
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
