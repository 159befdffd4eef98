// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>
#include <nopal/autograd/gradient_check.hpp>
#include <nopal/core/random.hpp>
#include <nopal/operators/unet.hpp>

#include "test_tools.hpp"

#include <nlohmann/json.hpp>

namespace nopal {
namespace {

using nlohmann::json;
using test::expect_error;

void set(const Parameters<double>& parameters, const std::string& name, double value) {
  for (const Parameter<double>* p : parameters)
    if (p->name == name) {
      p->value().fill(value);
      return;
    }
  FAIL() << "no parameter " << name;
}

// Two levels on a line of 4 points, kernels of one point, everything 1 channel and linear but the
// identity: x -> down x (2 x), coarse mean (3 x), up joins 5 coarse + 7 fine.
TEST(Unet, IsWhatItsFormulaSays) {
  const auto op = make_operator<double>("unet", {{"dimension", 1},
                                                 {"in_channels", 1},
                                                 {"width", 1},
                                                 {"levels", 2},
                                                 {"kernel", 1},
                                                 {"groups", 0},
                                                 {"activation", "identity"},
                                                 {"input_scale", {2.0}},
                                                 {"input_shift", {1.0}},
                                                 {"output_scale", {10.0}},
                                                 {"output_shift", {3.0}}});
  const auto& p = op->parameters();
  for (const Parameter<double>* one : p)
    one->value().fill(one->value().rank() == 1 ? 0.0 : 1.0);
  set(p, "convolution.0.weight", 2);
  set(p, "convolution.2.weight", 3);  // to two channels
  set(p, "convolution.4.weight", 5);
  set(p, "convolution.4.joined_weight", 7);
  set(p, "last.bias", 0.5);
  const auto x = Tensor<double>::from_host({1, 4, 1}, {1, 3, 5, 9});
  const auto y = op->forward(Variable<double>(x)).value().to_vector();
  const double fine[] = {0, 2, 4, 8};  // 2 (x - 1) / 2
  for (std::size_t i = 0; i < 4; ++i) {
    const double mean = i < 2 ? 1 : 6;
    // The coarse level's two channels are each 3 mean, its second convolution adds them up.
    const double coarse = 2 * 3 * mean, up = 5 * 2 * coarse + 7 * fine[i];
    EXPECT_DOUBLE_EQ(y[i], 10 * (up + 0.5) + 3) << i;
  }
}

TEST(Unet, NumbersAreCounted) {
  for (const json& options :
       {json{{"in_channels", 3}, {"out_channels", 4}, {"width", 8}, {"levels", 3}},
        json{{"dimension", 3}, {"width", 4}, {"levels", 2}, {"groups", 2}},
        json{{"dimension", 1}, {"groups", 0}, {"levels", 1}}}) {
    const auto op = make_operator<float>("unet", options);
    EXPECT_EQ(UnetOptions::from_json(options).parameter_count(), count(op->parameters()));
  }
  // Level 0: 9 (3 8 + 8 8) and back 9 (16 8 + 8 8 + 8 8); level 1: 9 (8 16 + 16 16); norms, last.
  const UnetOptions o = UnetOptions::from_json({{"width", 8}, {"levels", 2}});
  EXPECT_EQ(o.parameter_count(),
            9 * (24 + 64 + 128 + 64 + 64 + 128 + 256) + 2 * (4 * 8 + 2 * 16) + 9);
}

TEST(Unet, GradientsAreThoseOfDifferences) {
  for (const int groups : {0, 2}) {
    const auto op = make_operator<double>(
        "unet",
        {{"in_channels", 2}, {"out_channels", 2}, {"width", 2}, {"levels", 2}, {"groups", groups}},
        4);
    Tensor<double> input({2, 4, 6, 2});
    fill_normal(input, 0, 1, Random(3));
    const auto x = Variable<double>::leaf(input);
    std::vector<Variable<double>> leaves{x};
    for (const Parameter<double>* p : op->parameters())
      leaves.push_back(p->variable);
    const auto check = check_gradient([&] { return op->forward(x); }, leaves, 2, 1e-5);
    EXPECT_LT(check.error, 1e-6) << groups << " " << check.where;
  }
}

TEST(Unet, BadInputIsRefused) {
  const auto op = make_operator<float>("unet", {{"levels", 3}});
  const Variable<float> field(Tensor<float>::zeros({1, 6, 8, 3}));
  expect_error([&] { op->forward(field); }, {"multiple of 4 points an axis, got (1, 6, 8, 3)"});
  const auto make = [](const json& options) { make_operator<float>("unet", options); };
  expect_error([&] { make({{"groups", 3}}); }, {"a divisor of the width 32"});
  expect_error([&] { make({{"kernel", 2}}); }, {"an odd number"});
  expect_error([&] { make({{"input_shift", {1.0}}}); }, {"none or 3"});
  expect_error([&] { make({{"widht", 3}}); }, {"width"});
}

}  // namespace
}  // namespace nopal
