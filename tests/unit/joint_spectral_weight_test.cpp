// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>
#include <nopal/autograd/gradient_check.hpp>
#include <nopal/core/random.hpp>
#include <nopal/nn/spectral_weight.hpp>
#include <nopal/operators/fno.hpp>

#include "test_tools.hpp"

#include <nlohmann/json.hpp>

#include <complex>

namespace nopal {
namespace {

using nlohmann::json;
using test::expect_error;
using Complex = std::complex<double>;

SpectralWeightOptions options(Factorization kind, bool separable) {
  SpectralWeightOptions o;
  o.modes = {4, 3};
  o.in_channels = 3;
  o.out_channels = separable ? 3 : 2;
  o.factorization = kind;
  o.rank = 0.4;
  o.separable = separable;
  o.init_std = 1;
  return o;
}

Complex entry(const Tensor<double>& t, std::int64_t i) {
  return {t.data()[2 * i], t.data()[2 * i + 1]};
}

// The tensor by its definition as a sum, entry by entry, against the dense weight of each layer.
TEST(JointSpectralWeight, IsOneTensorOfAllLayers) {
  for (const auto kind : {Factorization::tucker, Factorization::cp, Factorization::tt}) {
    JointSpectralWeight<double> joint(options(kind, false), 5);
    Parameters<double> p;
    joint.append_parameters(p);
    const Shape& r = joint.ranks();
    const std::int64_t n[] = {5, 3, 2, 4, 3};
    const auto factor = [&](int axis) -> const Tensor<double>& {
      const std::size_t leading = kind == Factorization::tt ? 0 : 1;
      return axis == 0 ? p.back()->value() : p[leading + std::size_t(axis) - 1]->value();
    };
    const auto value = [&](const std::int64_t* at) {
      Complex sum = 0;
      if (kind == Factorization::cp) {
        for (std::int64_t k = 0; k < r[0]; ++k) {
          Complex term = entry(p[0]->value(), k);
          for (int a = 0; a < 5; ++a)
            term *= entry(factor(a), at[a] * r[0] + k);
          sum += term;
        }
      } else if (kind == Factorization::tucker) {
        for (std::int64_t flat = 0; flat < r.size(); ++flat) {
          Complex term = entry(p[0]->value(), flat);
          std::int64_t rest = flat;
          for (int a = 4; a >= 0; --a) {
            term *= entry(factor(a), at[a] * r[a] + rest % r[a]);
            rest /= r[a];
          }
          sum += term;
        }
      } else {
        std::vector<Complex> row{1};
        for (int a = 0; a < 5; ++a) {
          const std::int64_t right = a < 4 ? r[a] : 1;
          std::vector<Complex> next(std::size_t(right), 0);
          for (std::size_t i = 0; i < row.size(); ++i)
            for (std::int64_t k = 0; k < right; ++k)
              next[std::size_t(k)] +=
                  row[i] * entry(factor(a), (std::int64_t(i) * n[a] + at[a]) * right + k);
          row = next;
        }
        sum = row[0];
      }
      return sum;
    };
    for (std::int64_t l = 0; l < 5; ++l) {
      const auto dense = joint.layer(l).dense({4, 3}).value();  // (M1, M2, Cin, Cout, 2)
      for (std::int64_t m1 = 0; m1 < 4; ++m1)
        for (std::int64_t m2 = 0; m2 < 3; ++m2)
          for (std::int64_t i = 0; i < 3; ++i)
            for (std::int64_t o = 0; o < 2; ++o) {
              const std::int64_t at[] = {l, i, o, m1, m2};
              EXPECT_LT(std::abs(entry(dense, ((m1 * 3 + m2) * 3 + i) * 2 + o) - value(at)), 1e-12);
            }
    }
  }
}

TEST(JointSpectralWeight, GradientsAreThoseOfDifferences) {
  for (const auto kind : {Factorization::tucker, Factorization::cp, Factorization::tt})
    for (const bool separable : {false, true}) {
      JointSpectralWeight<double> joint(options(kind, separable), 3);
      Parameters<double> p;
      joint.append_parameters(p);
      Tensor<double> input({2, 4, 3, 3, 2});
      fill_normal(input, 0, 1, Random(1));
      const auto x = Variable<double>::leaf(input);
      std::vector<Variable<double>> leaves{x};
      for (const Parameter<double>* one : p)
        leaves.push_back(one->variable);
      const auto check = check_gradient([&] { return joint.layer(1).contract(x); }, leaves);
      EXPECT_LT(check.error, 1e-6) << int(kind) << separable << check.where;
    }
}

// 4 layers of 64 channels, 64 x 64 modes: 8 650 752 complex numbers a layer, at 1 %.
TEST(JointSpectralWeight, FnoCountsItsNumbers) {
  for (const json& more :
       {json{{"factorization", "tucker"}, {"rank", 0.1}}, json{{"factorization", "cp"}},
        json{{"factorization", "tt"}, {"rank", 0.3}},
        json{{"factorization", "tucker"}, {"rank", 0.1}, {"fixed_rank_modes", true}},
        json{{"factorization", "tucker"}, {"separable", true}}}) {
    json all{{"n_modes", {6, 4}},
             {"in_channels", 1},
             {"hidden_channels", 8},
             {"joint_factorization", true}};
    all.update(more);
    const auto op = make_operator<float>("fno", all);
    EXPECT_EQ(FnoOptions::from_json(all).parameter_count(), count(op->parameters())) << all;
    Tensor<float> x({1, 12, 10, 1});
    fill_normal(x, 0, 1, Random(1));
    EXPECT_TRUE(all_finite(op->forward(Variable<float>(x)).value()));
  }
}

TEST(JointSpectralWeight, BadInputIsRefused) {
  expect_error([] { JointSpectralWeight<float>(options(Factorization::dense, false), 4); },
               {"tucker, cp or tt"});
  expect_error(
      [] {
        make_operator<float>("fno", {{"n_modes", {4}}, {"joint_factorization", true}});
      },
      {"got dense"});
  expect_error(
      [] {
        make_operator<float>("fno",
                             {{"n_modes", {4}}, {"recompute", true}, {"norm", "batch_norm"}});
      },
      {"recompute must be false"});
  const JointSpectralWeight<float> joint(options(Factorization::cp, false), 4);
  expect_error([&] { joint.layer(4); }, {"layers 0 to 3, got 4"});
}

}  // namespace
}  // namespace nopal
