// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Fourier layers and operators on divided fields against one rank: outputs and gradients, on uneven
// and empty boxes, and what they send.

#include "grid_test_tools.hpp"
#include "test_tools.hpp"

#include <gtest/gtest.h>
#include <nopal/nn/norm.hpp>
#include <nopal/nn/spectral_convolution.hpp>
#include <nopal/train/trainer.hpp>

#include <nlohmann/json.hpp>

namespace {

using namespace nopal;
using nlohmann::json;
using test::expect_error;
using test::output_and_gradients;
using test::part;
using test::random_field;
using test::relative_difference;

const Communicator& world() {
  static const Communicator comm = Communicator::world();
  return comm;
}

std::vector<AxisRule> periodic(int d) {
  return std::vector<AxisRule>(static_cast<std::size_t>(d), AxisRule(BoundaryRule::periodic));
}

// Boxes as they come, and uneven ones: all but one of the ranks along the first axis, one of them
// with nothing.
std::vector<Grid> grids(const Shape& extents) {
  std::vector<Grid> all{Grid(extents, periodic(extents.rank()), world())};
  std::vector<std::vector<std::int64_t>> counts;
  for (int a = 0; a < extents.rank(); ++a) {
    auto& axis = counts.emplace_back();
    const int ranks = a == 0 ? world().size() : 1;
    std::int64_t rest = extents[a];
    for (int r = 0; r + 1 < ranks; ++r) {
      axis.push_back(r == 1 ? 0 : std::min<std::int64_t>(rest, 3 + 2 * r));
      rest -= axis.back();
    }
    axis.push_back(rest);
  }
  all.emplace_back(extents, periodic(extents.rank()), world(), counts);
  return all;
}

template <class T>
double norm(const Tensor<T>& x) {
  double sum = 0;
  for (const T value : x.to_vector())
    sum += double(value) * double(value);
  return std::sqrt(sum);
}

template <class T>
void expect_equal(const json& options, const Shape& extents, double tolerance) {
  const auto op = make_operator<T>("fno", options, 3);
  const auto whole = random_field<T>(Box::whole(extents).field(2, 2), 1),
             dy = random_field<T>(Box::whole(extents).field(2, 1), 2);
  const auto alone = output_and_gradients(*op, whole, dy, Grid(extents, periodic(extents.rank())));
  for (const Grid& grid : grids(extents)) {
    const auto mine =
        output_and_gradients(*op, part(whole, grid.box()), part(dy, grid.box()), grid);
    for (std::size_t i = 0; i < 2; ++i)
      EXPECT_LT(relative_difference(mine[i], part(alone[i], grid.box()), world()), tolerance)
          << options << extents << i;
    for (std::size_t i = 2; i < mine.size(); ++i) {
      world().sum(mine[i]);
      // What an instance norm takes away again has a gradient of 0, but for rounding.
      if (options.value("norm", "") == "instance_norm" && norm(alone[i]) < 1e-12) {
        EXPECT_LT(norm(mine[i]), 1e-12);
        continue;
      }
      EXPECT_LT(relative_difference(mine[i], alone[i], Communicator()), tolerance)
          << options << extents << op->parameters()[i - 2]->name;
    }
  }
}

json base(const std::vector<std::int64_t>& modes) {
  return {{"n_modes", modes},        {"in_channels", 2},  {"hidden_channels", 5},
          {"n_layers", 2},           {"out_channels", 1}, {"lifting_channel_ratio", 1},
          {"projection_channels", 4}};
}

json with(json options, const json& more) {
  options.update(more);
  return options;
}

TEST(FnoOnRanks, IsTheSameAsOnOne) {
  expect_equal<double>(base({6}), {19}, 1e-12);
  expect_equal<double>(base({4, 6}), {13, 10}, 1e-12);
  expect_equal<double>(base({8, 6}), {8, 11}, 1e-12);  // all that the first axis has
  expect_equal<double>(base({4, 2, 4}), {9, 4, 6}, 1e-12);
  expect_equal<float>(base({4, 6}), {13, 10}, 1e-5);
}

TEST(FnoOnRanks, SoAreItsVariants) {
  const json b = base({4, 6});
  for (const json& more :
       {json{{"factorization", "tucker"}, {"rank", 0.4}}, json{{"factorization", "cp"}},
        json{{"separable", true}}, json{{"norm", "group_norm"}}, json{{"norm", "instance_norm"}},
        json{{"domain_padding", {0.2}}}, json{{"preactivation", true}, {"stabilizer", "tanh"}},
        json{{"domain_padding", {0.1, 0.3}}, {"domain_padding_mode", "one-sided"}},
        json{{"positional_embedding", "grid_inclusive"}}, json{{"recompute", true}},
        json{{"factorization", "tt"}, {"joint_factorization", true}}, json{{"layout", "2021"}}})
    expect_equal<double>(with(b, more), {13, 10}, 1e-11);
}

TEST(FnoOnRanks, GroupNormIsOfAllPoints) {
  const auto whole = random_field<double>({2, 7, 5, 4}, 1),
             dy = random_field<double>({2, 7, 5, 4}, 2);
  const Grid grid({7, 5}, periodic(2), world());
  const auto scale = Variable<double>::leaf(random_field<double>({4}, 3)),
             shift = Variable<double>::leaf(random_field<double>({4}, 4));
  const auto run = [&](const Tensor<double>& x, const Tensor<double>& d, const Communicator& comm) {
    const auto leaf = Variable<double>::leaf(x);
    scale.clear_gradient();
    Tape<double> tape;
    const auto y = group_norm(leaf, 2, scale, shift, comm);
    tape.backward(y, d.clone());
    return std::vector<Tensor<double>>{y.value().clone(), leaf.gradient().clone(),
                                       scale.gradient().clone()};
  };
  const auto alone = run(whole, dy, {});
  const auto mine = run(part(whole, grid.box()), part(dy, grid.box()), world());
  for (std::size_t i = 0; i < 2; ++i)
    EXPECT_LT(relative_difference(mine[i], part(alone[i], grid.box()), world()), 1e-13);
  world().sum(mine[2]);
  EXPECT_LT(relative_difference(mine[2], alone[2], Communicator()), 1e-13);
}

// What a rank hands over for sums is the spectrum, forward and back, on any grid.
TEST(FnoOnRanks, WhatIsSentDoesNotGrowWithTheGrid) {
  SpectralWeightOptions o;
  o.modes = {6, 4};
  o.in_channels = 3;
  o.out_channels = 5;
  const SpectralConvolution<float> layer(o);
  for (const std::int64_t n : {16, 32, 64}) {
    const Grid grid({n, n}, periodic(2), world());
    const auto x = Variable<float>::leaf(random_field<float>(grid.box().field(2, 3), 1));
    const std::int64_t before = Communicator::bytes_summed();
    Tape<float> tape;
    const auto y = layer.forward(x, {}, grid);
    const std::int64_t forward = Communicator::bytes_summed() - before;
    tape.backward(y, random_field<float>(grid.box().field(2, 5), 2));
    const std::int64_t both = Communicator::bytes_summed() - before;
    const std::int64_t spectrum = world().size() > 1 ? 2 * 2 * 6 * 4 * 3 * 4 : 0;
    EXPECT_EQ(forward, spectrum) << n;
    EXPECT_EQ(both, 2 * spectrum) << n;
  }
}

TEST(FnoOnRanks, BadInputIsRefused) {
  if (world().size() == 1) return;
  const Grid grid({8, 8}, periodic(2), world());
  const Variable<float> x(Tensor<float>::zeros(grid.box().field(1, 2))),
      wrong(Tensor<float>::zeros({1, 3, 3, 2}));
  const auto op = make_operator<float>("fno", base({4, 4}));
  expect_error([&] { op->forward(std::span(&wrong, 1), grid); },
               {"this rank's box", "(1, 3, 3, 2)"});
  for (const json& more : {json{{"norm", "batch_norm"}}, json{{"conv_bias_kernel", 3}}}) {
    const auto other = make_operator<float>("fno", with(base({4, 4}), more));
    expect_error([&] { other->forward(std::span(&x, 1), grid); }, {"divided among ranks"});
  }
}

}  // namespace
