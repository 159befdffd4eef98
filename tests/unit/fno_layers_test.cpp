// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>
#include <nopal/core/random.hpp>

#include <nlohmann/json.hpp>

#include <stdexcept>

#include "operators/fno_layers.hpp"

namespace nopal {
namespace {

using nlohmann::json;

const Variable<double>& parameter(const Operator<double>& op, const std::string& name) {
  for (const auto* p : op.parameters())
    if (p->name == name) return p->variable;
  throw std::out_of_range("no parameter " + name);
}

// y_n = sum_t w_t x_{n - (K - 1) / 2 + t}, zero outside: the larger half of an even kernel lies
// behind the point, as with padding "same".
TEST(FnoSkip, ConvolutionOnTheSameGrid) {
  for (const std::int64_t taps : {2, 3, 4, 5}) {
    ParameterStore<double> store(1);
    const detail::Skip<double> skip(store, "skip", "linear", 1, true, {taps});
    skip.weight.value().copy_from_host(std::vector<double>{1, 10, 100, 1000, 10000}.data());
    skip.bias.value().fill(0.5);
    const Tensor<double> x({1, 6, 1});
    const std::vector<double> values{1, 2, 3, 4, 5, 6};
    x.copy_from_host(values.data());
    const auto y = skip.forward(Variable<double>(x)).value().to_vector();
    ASSERT_EQ(y.size(), values.size());
    for (std::int64_t n = 0; n < 6; ++n) {
      double expected = 0.5, power = 1;
      for (std::int64_t t = 0; t < taps; ++t, power *= 10) {
        const std::int64_t m = n - (taps - 1) / 2 + t;
        if (m >= 0 && m < 6) expected += power * values[static_cast<std::size_t>(m)];
      }
      EXPECT_DOUBLE_EQ(y[static_cast<std::size_t>(n)], expected) << taps << " taps, point " << n;
    }
  }
}

// With weights in the middle only, a local convolution is the pointwise layer.
TEST(FnoSkip, MiddleTapAloneIsPointwise) {
  json configuration{{"n_modes", {4, 3}}, {"hidden_channels", 3}, {"n_layers", 2}};
  const auto pointwise = make_operator<double>("fno", configuration, 2);
  configuration["conv_bias_kernel"] = 3;
  const auto local = make_operator<double>("fno", configuration, 2);
  for (const auto* p : local->parameters()) {
    const Tensor<double> from = parameter(*pointwise, p->name).value();
    if (p->name.find("fno_skip.weight") == std::string::npos) {
      p->value().copy_from(from);
      continue;
    }
    ASSERT_EQ(p->value().shape(), (Shape{3, 3, 3, 3}));
    p->value().fill(0);
    p->value().reshape({9, 3, 3}).slice(4, 1).copy_from(from.reshape({1, 3, 3}));
  }
  const Tensor<double> x({2, 7, 6, 1});
  fill_normal(x, 0, 1, Random(3));
  const auto expected = pointwise->forward(Variable<double>(x)).value().to_vector();
  const auto found = local->forward(Variable<double>(x)).value().to_vector();
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i)
    EXPECT_NEAR(found[i], expected[i], 1e-12);
  const Shape shape = x.shape();
  EXPECT_GT(local->cost(std::span(&shape, 1)).flops, pointwise->cost(std::span(&shape, 1)).flops);
}

}  // namespace
}  // namespace nopal
