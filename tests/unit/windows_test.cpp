// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>
#include <nopal/autograd/gradient_check.hpp>
#include <nopal/core/allocator.hpp>
#include <nopal/core/random.hpp>
#include <nopal/nn/elementwise.hpp>
#include <nopal/nn/linear.hpp>
#include <nopal/nn/recompute.hpp>
#include <nopal/nn/windows.hpp>

#include "test_tools.hpp"

#include <cmath>

namespace nopal {
namespace {

using test::expect_error;

Tensor<double> random(const Shape& shape, std::uint64_t seed) {
  Tensor<double> x(shape);
  fill_normal(x, 0, 1, Random(seed));
  return x;
}

TEST(Windows, AreTheirPointsInOrder) {
  const auto x = Tensor<double>::from_host({1, 3, 4, 1}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  const auto y = windows(Variable<double>(x), {2, 2}, {1, 2}, {2, 2}).value();
  EXPECT_EQ(y.shape(), Shape({4, 2, 2, 1}));
  EXPECT_EQ(y.to_vector(), (std::vector<double>{0, 1, 4, 5, 2, 3, 6, 7, 4, 5, 8, 9, 6, 7, 10, 11}));
  const auto line = windows(Variable<double>(random({2, 7, 3}, 1)), {3}, {2}, {3}).value();
  EXPECT_EQ(line.shape(), Shape({6, 3, 3}));
  EXPECT_EQ(windows(Variable<double>(random({2, 4, 4, 6, 1}, 1)), {2, 1, 3}, {2, 4, 2}, {2, 4, 2})
                .value()
                .shape(),
            Shape({12, 2, 4, 2, 1}));
}

TEST(Windows, JoinWhatLiesSideBySide) {
  const auto x = random({2, 6, 4, 3}, 2);
  const auto cut = windows(Variable<double>(x), {3, 2}, {2, 2}, {2, 2});
  EXPECT_EQ(join_windows(cut, {3, 2}).value().to_vector(), x.to_vector());
}

TEST(Windows, GradientsAreThoseOfDifferences) {
  const auto x = Variable<double>::leaf(random({2, 5, 6, 2}, 3)),
             z = Variable<double>::leaf(random({8, 2, 3, 1}, 4));
  EXPECT_LT(check_gradient([&] { return windows(x, {2, 3}, {2, 1}, {3, 4}); }, {x}).error, 1e-8);
  EXPECT_LT(check_gradient([&] { return join_windows(z, {2, 2}); }, {z}).error, 1e-8);
}

TEST(Windows, BadInputIsRefused) {
  const Variable<double> x(random({1, 4, 4, 1}, 1));
  expect_error([&] { windows(x, {2, 2}, {2, 3}, {2, 2}); }, {"do not fit the 4 points of axis 1"});
  expect_error([&] { windows(x, {2}, {2}, {2}); }, {"(1, 4, 4, 1)"});
  expect_error([&] { join_windows(x, {2, 2}); }, {"(2, 2) windows a sample"});
}

// The same values and gradients in any pieces, and less that the tape holds.
TEST(Recomputed, IsTheFunction) {
  const auto x = Variable<double>::leaf(random({5, 3}, 1)),
             w = Variable<double>::leaf(random({3, 4}, 2)),
             b = Variable<double>::leaf(random({4}, 3)),
             v = Variable<double>::leaf(random({4, 2}, 4));
  const std::function<Variable<double>(const Variable<double>&)> f =
      [&](const Variable<double>& in) {
        return linear(linear(in, w, b, Activation::gelu), v, {}, Activation::tanh);
      };
  const auto run = [&](const std::function<Variable<double>()>& forward) {
    for (const auto& leaf : {x, w, b, v})
      leaf.clear_gradient();
    Tape<double> tape;
    const auto y = forward();
    const auto records = tape.size();
    tape.backward(y, random({5, 2}, 5));
    std::vector<std::vector<double>> all{y.value().to_vector()};
    for (const auto& leaf : {x, w, b, v})
      all.push_back(leaf.gradient().to_vector());
    return std::pair(all, records);
  };
  const auto [plain, records] = run([&] { return f(x); });
  for (const std::int64_t piece : {0, 1, 2, 5, 9}) {
    const auto [again, fewer] = run([&] { return recomputed(f, x, piece); });
    EXPECT_EQ(fewer, 1U);
    EXPECT_GT(records, fewer);
    for (std::size_t i = 0; i < plain.size(); ++i)
      for (std::size_t k = 0; k < plain[i].size(); ++k)
        EXPECT_NEAR(again[i][k], plain[i][k], 1e-13) << piece << " " << i;
  }
  // A gradient in x that is there already is added to.
  const auto u = Variable<double>::leaf(random({3, 2}, 6));
  EXPECT_LT(
      check_gradient([&] { return linear(x, u, {}, Activation::identity, recomputed(f, x, 2)); },
                     {x, u, w})
          .error,
      1e-6);
  EXPECT_EQ(recomputed(f, x, 2).value().to_vector(), f(x).value().to_vector());
}

// Kept in bfloat16, it is the function of the rounded x, and so are its gradients.
TEST(Recomputed, KeepsHalfTheBytes) {
  // 1 + 2^-8 lies between 1 and 1 + 2^-7, the tie goes to the even 1; the others have 8 bits.
  const auto x = Variable<float>::leaf(
      Tensor<float>::from_host({1, 5}, {1.00390625F, -2.015625F, 3.0e20F, 1.01171875F, 0.0F}));
  const std::vector<float> rounded{1.0F, -2.015625F, 3.0e20F, 1.015625F, 0.0F};
  const std::function<Variable<float>(const Variable<float>&)> f = [](const Variable<float>& in) {
    return product(in, in);
  };
  {
    Tape<float> tape;
    const auto y = recomputed(f, x, 0, FieldStorage::bfloat16);
    for (const std::size_t i : {0, 1, 3, 4})
      EXPECT_EQ(y.value().to_vector()[i], rounded[i] * rounded[i]);
    const Tensor<float> ones({1, 5});
    ones.fill(1);
    tape.backward(y, ones);
  }
  for (const std::size_t i : {0, 1, 3, 4})
    EXPECT_EQ(x.gradient().to_vector()[i], 2 * rounded[i]);
  EXPECT_NEAR(x.gradient().to_vector()[2], 6e20F, 6e20F * std::ldexp(1.0F, -8));

  // What a chain of ten pieces keeps.
  const auto kept = [&](FieldStorage storage) {
    const auto source = Variable<float>::leaf(Tensor<float>::zeros({1, 1 << 16}));
    Tape<float> tape;
    const std::size_t before = memory_statistics().in_use;
    Variable<float> y = source;
    for (int i = 0; i < 10; ++i)
      y = recomputed(f, y, 0, storage);
    return static_cast<double>(memory_statistics().in_use - before) / (4.0 * (1 << 16));
  };
  EXPECT_NEAR(kept(FieldStorage::full), 10, 0.2);
  EXPECT_NEAR(kept(FieldStorage::bfloat16), 10 * 0.5 + 1, 0.2);
}

}  // namespace
}  // namespace nopal
