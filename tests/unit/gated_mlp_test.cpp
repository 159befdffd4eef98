// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// The pointwise part of an FNO block in one pass, against its pieces.

#include <gtest/gtest.h>
#include <nopal/autograd/gradient_check.hpp>
#include <nopal/core/allocator.hpp>
#include <nopal/nn/elementwise.hpp>
#include <nopal/nn/gated_mlp.hpp>
#include <nopal/nn/mlp.hpp>
#include <nopal/nn/soft_gating.hpp>

#include "grid_test_tools.hpp"
#include "test_tools.hpp"

namespace nopal {
namespace {

using test::expect_error;
using test::random_field;

template <class T>
struct Parts {
  Variable<T> z, x, gate, w1, b1, w2, b2;

  Parts(std::int64_t rows, std::int64_t c, std::int64_t hidden)
      : z(leaf({rows, c}, 1)),
        x(leaf({rows, c}, 2)),
        gate(leaf({c}, 3)),
        w1(leaf({c, hidden}, 4)),
        b1(leaf({hidden}, 5)),
        w2(leaf({hidden, c}, 6)),
        b2(leaf({c}, 7)) {}

  static Variable<T> leaf(const Shape& shape, std::uint64_t seed) {
    return Variable<T>::leaf(random_field<T>(shape, seed));
  }
  std::vector<Variable<T>> all() const { return {z, x, gate, w1, b1, w2, b2}; }

  Variable<T> fused(bool gated, bool inner, bool outer, Activation f = Activation::gelu) const {
    return gated_mlp(z, x, gated ? gate : Variable<T>(), w1, b1, w2, b2, f, inner, outer);
  }
  Variable<T> pieces(bool gated, bool inner, bool outer, Activation f = Activation::gelu) const {
    const Variable<T> a = inner ? activate(copy(z), f) : z;
    const Variable<T> skip = gated ? soft_gating(x, gate) : copy(x);
    const Variable<T> y = mlp(a, w1, b1, w2, b2, f, skip);
    return outer ? activate(y, f) : y;
  }
};

// Rows that are one tile, several, and a part of one.
TEST(GatedMlp, IsTheSumOfItsPieces) {
  for (const std::int64_t rows : {1, 37, 5003})
    for (const bool gated : {false, true})
      for (const bool inner : {false, true})
        for (const bool outer : {false, true}) {
          const Parts<double> p(rows, 6, 3);
          const auto dy = random_field<double>({rows, 6}, 9);
          const auto run = [&](const auto& forward) {
            for (const auto& leaf : p.all())
              leaf.clear_gradient();
            Tape<double> tape;
            const Variable<double> y = forward();
            std::vector<Tensor<double>> result{y.value().clone()};
            tape.backward(y, dy);
            for (const auto& leaf : p.all())
              if (leaf.gradient().defined()) result.push_back(leaf.gradient().clone());
            return result;
          };
          const auto a = run([&] { return p.fused(gated, inner, outer); });
          const auto b = run([&] { return p.pieces(gated, inner, outer); });
          ASSERT_EQ(a.size(), gated ? 8U : 7U);
          ASSERT_EQ(a.size(), b.size());
          for (std::size_t i = 0; i < a.size(); ++i)
            EXPECT_LT(test::relative_difference(a[i], b[i], Communicator()), 1e-13)
                << rows << gated << inner << outer << i;
        }
}

TEST(GatedMlp, GradientsAreThoseOfDifferences) {
  for (const Activation f : {Activation::gelu, Activation::tanh, Activation::silu}) {
    const Parts<double> p(5, 4, 3);
    const auto check =
        check_gradient([&] { return p.fused(true, true, true, f); }, p.all(), 2, 1e-5);
    EXPECT_LT(check.error, 1e-6) << to_string(f) << " " << check.where;
  }
  // z and x the same variable: both gradients add up.
  const Parts<double> p(5, 4, 3);
  const auto check = check_gradient(
      [&] {
        return gated_mlp(p.x, p.x, p.gate, p.w1, p.b1, p.w2, p.b2, Activation::gelu, true, true);
      },
      {p.x, p.gate, p.w1}, 2, 1e-5);
  EXPECT_LT(check.error, 1e-6) << check.where;
}

// Training keeps the inputs and the result; inference makes the result where z is.
TEST(GatedMlp, KeepsInputsAlone) {
  const Parts<float> p(1 << 16, 16, 8);
  const double field = 4.0 * 16 * (1 << 16);
  {
    Tape<float> tape;
    reset_peak_memory();
    const auto before = static_cast<double>(memory_statistics().in_use);
    const auto y = p.fused(true, true, true);
    EXPECT_LT(static_cast<double>(memory_statistics().in_use) - before, 1.1 * field);
    EXPECT_LT(static_cast<double>(memory_statistics().peak_in_use) - before, 1.5 * field);
    tape.backward(y, y.value().clone());
  }
  Tensor<float> z({1 << 16, 16});
  z.fill(1);
  const float* const memory = z.data();
  const auto y = gated_mlp(Variable<float>(std::move(z)), Variable<float>(p.x.value()),
                           Variable<float>(p.gate.value()), Variable<float>(p.w1.value()),
                           Variable<float>(p.b1.value()), Variable<float>(p.w2.value()),
                           Variable<float>(p.b2.value()), Activation::gelu, true, true);
  EXPECT_EQ(y.value().data(), memory);
}

TEST(GatedMlp, BadInputIsRefused) {
  const Parts<float> p(3, 4, 2), q(5, 4, 2), wide(3, 6, 2);
  const auto make = [&](const Variable<float>& x, const Variable<float>& gate,
                        const Variable<float>& w2) {
    gated_mlp(p.z, x, gate, p.w1, p.b1, w2, p.b2, Activation::gelu, true, true);
  };
  expect_error([&] { make(q.x, p.gate, p.w2); }, {"(3, 4)", "(5, 4)"});
  expect_error([&] { make(p.x, wide.gate, p.w2); }, {"gate of shape (6)"});
  expect_error([&] { make(p.x, p.gate, wide.w2); }, {"weights (4, 2) and (2, 6)"});
}

}  // namespace
}  // namespace nopal
