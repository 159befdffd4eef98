// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>
#include <nopal/autograd/gradient_check.hpp>
#include <nopal/core/random.hpp>
#include <nopal/nn/spectral_weight.hpp>

#include <cmath>
#include <complex>

namespace nopal {
namespace {

using F = Factorization;

// Ranks that TensorLy's rules give for weights of published networks.
TEST(FactorizationRanks, PublishedNetworks) {
  EXPECT_EQ(factorization_ranks(F::tucker, {64, 64, 64, 33}, 0.1), (Shape{36, 36, 36, 19}));
  EXPECT_EQ(factorization_ranks(F::tucker, {64, 64, 64, 33}, 0.01), (Shape{20, 20, 20, 10}));
  EXPECT_EQ(factorization_ranks(F::tucker, {24, 24, 16, 9}, 0.1), (Shape{13, 13, 9, 5}));
  EXPECT_EQ(factorization_ranks(F::tucker, {8, 8, 8, 5}, 0.3), (Shape{6, 6, 6, 4}));
  EXPECT_EQ(factorization_ranks(F::cp, {64, 64, 64, 33}, 0.1), (Shape{3845}));
  EXPECT_EQ(factorization_ranks(F::tt, {64, 64, 64, 33}, 0.1), (Shape{87, 87, 66}));
  EXPECT_EQ(factorization_ranks(F::tucker, {8, 8, 8, 5}, 0.3, {2, 3})[2], 8);
  EXPECT_THROW(factorization_ranks(F::cp, {4, 4, 3}, 0), Error);
}

std::vector<SpectralWeightOptions> all_kinds(const Shape& modes) {
  std::vector<SpectralWeightOptions> result;
  for (const F f : {F::dense, F::tucker, F::cp, F::tt})
    for (const bool separable : {false, true}) {
      SpectralWeightOptions o;
      o.modes = modes;
      o.in_channels = 5;
      o.out_channels = separable ? 5 : 3;
      o.factorization = f;
      o.rank = 0.6;
      o.separable = separable;
      o.seed = 7;
      result.push_back(o);
    }
  return result;
}

Shape spectrum_shape(const Shape& active, std::int64_t channels) {
  Shape shape{2};
  for (auto k : active)
    shape.push_back(k);
  shape.push_back(channels);
  shape.push_back(2);
  return shape;
}

// contract() by factors and by the dense weight, against the sum in the definition.
TEST(SpectralWeight, ContractEqualsTheDefinition) {
  struct Case {
    Shape modes, active;
  };
  for (const auto& [modes, active] :
       {Case{{5}, {3}}, Case{{6, 4}, {6, 4}}, Case{{6, 4}, {3, 2}}, Case{{4, 3, 3}, {2, 3, 2}}})
    for (auto o : all_kinds(modes))
      for (const auto how : {Implementation::factorized, Implementation::reconstructed}) {
        o.implementation = how;
        const SpectralWeight<double> weight(o);
        Tensor<double> x(spectrum_shape(active, o.in_channels));
        fill_normal(x, 0, 1, Random(1));
        const auto y = weight.contract(Variable<double>(x)).value().to_vector();
        const auto w = weight.dense(active).value().to_vector(), xs = x.to_vector();
        const auto number = [](const std::vector<double>& t, std::int64_t i) {
          const auto entry = static_cast<std::size_t>(2 * i);
          return std::complex<double>(t[entry], t[entry + 1]);
        };
        const std::int64_t count = active.size(), in = o.in_channels, out = o.out_channels;
        for (std::int64_t b = 0; b < 2; ++b)
          for (std::int64_t k = 0; k < count; ++k)
            for (std::int64_t c = 0; c < out; ++c) {
              std::complex<double> sum = 0;
              if (o.separable)
                sum = number(xs, (b * count + k) * in + c) * number(w, k * in + c);
              else
                for (std::int64_t i = 0; i < in; ++i)
                  sum += number(xs, (b * count + k) * in + i) * number(w, (k * in + i) * out + c);
              ASSERT_LT(std::abs(number(y, (b * count + k) * out + c) - sum), 1e-12)
                  << modes << active << int(o.factorization) << o.separable << int(how);
            }
      }
}

// Fewer active modes take the weights of the same frequencies.
TEST(SpectralWeight, ActiveModesKeepTheirFrequencies) {
  for (const auto& o : all_kinds({6, 4})) {
    const SpectralWeight<double> weight(o);
    const auto all = weight.dense({6, 4}).value().to_vector();
    const auto some = weight.dense({3, 2}).value().to_vector();
    const std::size_t block = all.size() / 24;  // numbers a mode
    for (std::size_t k1 = 0; k1 < 3; ++k1)      // frequencies -1, 0, 1 of -3, ..., 2
      for (std::size_t k2 = 0; k2 < 2; ++k2)
        for (std::size_t i = 0; i < block; ++i)
          ASSERT_NEAR(some[(k1 * 2 + k2) * block + i], all[((k1 + 2) * 4 + k2) * block + i], 1e-14);
  }
}

TEST(SpectralWeight, GradientsOfFactorsAndInput) {
  for (auto o : all_kinds({4, 3}))
    for (const auto how : {Implementation::factorized, Implementation::reconstructed}) {
      o.implementation = how;
      const SpectralWeight<double> weight(o);
      Tensor<double> x(spectrum_shape({3, 2}, o.in_channels));
      fill_normal(x, 0, 1, Random(1));
      std::vector<Variable<double>> leaves{Variable<double>::leaf(x)};
      for (const auto& p : weight.parameters())
        leaves.push_back(p.variable);
      const auto check = check_gradient([&] { return weight.contract(leaves[0]); }, leaves);
      EXPECT_LT(check.error, 1e-6) << int(o.factorization) << o.separable << " " << check.where;
    }
}

// The entries of the reconstructed weight have the standard deviation asked for.
TEST(SpectralWeight, InitialStandardDeviation) {
  for (const F f : {F::dense, F::tucker}) {
    SpectralWeightOptions o;
    o.modes = {12, 7};
    o.in_channels = o.out_channels = 24;
    o.factorization = f;
    o.rank = 0.5;
    const SpectralWeight<double> weight(o);
    const Tensor<double> w = weight.dense({12, 7}).value();
    const double entries = static_cast<double>(w.size()) / 2;
    EXPECT_NEAR(std::sqrt(dot(w, w) / entries), std::sqrt(2.0 / 48), 0.1 * std::sqrt(2.0 / 48));
  }
}

TEST(SpectralWeight, BadOptionsAndInputs) {
  SpectralWeightOptions o;
  o.modes = {4, 3};
  o.in_channels = 2;
  o.out_channels = 3;
  const SpectralWeight<float> weight(o);
  EXPECT_THROW(weight.contract(Variable<float>(Tensor<float>({1, 4, 3, 3, 2}))), Error);
  EXPECT_THROW(weight.contract(Variable<float>(Tensor<float>({1, 5, 3, 2, 2}))), Error);
  o.separable = true;
  EXPECT_THROW(SpectralWeight<float>{o}, Error);
}

}  // namespace
}  // namespace nopal
