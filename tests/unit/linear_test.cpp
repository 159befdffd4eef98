// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>
#include <nopal/autograd/gradient_check.hpp>
#include <nopal/core/random.hpp>
#include <nopal/nn/elementwise.hpp>
#include <nopal/nn/linear.hpp>
#include <nopal/nn/mlp.hpp>

#include <cmath>

namespace nopal {
namespace {

constexpr Activation activations[] = {Activation::identity,   Activation::elu,  Activation::gelu,
                                      Activation::leaky_relu, Activation::relu, Activation::selu,
                                      Activation::silu,       Activation::sin,  Activation::tanh};

template <class T>
Variable<T> random_leaf(const Shape& shape, std::uint64_t stream) {
  Tensor<T> x(shape);
  fill_normal(x, 0, 1, Random(11, stream));
  return Variable<T>::leaf(x);
}

// Values by the definitions, evaluated in long double.
long double exact(Activation activation, long double x) {
  switch (activation) {
    case Activation::gelu:
      return 0.5L * x * erfcl(-x / sqrtl(2.0L));
    case Activation::elu:
      return x > 0 ? x : expm1l(x);
    case Activation::leaky_relu:
      return x > 0 ? x : 0.01L * x;
    case Activation::relu:
      return x > 0 ? x : 0;
    case Activation::selu:
      return 1.0507009873554804934193349852946L *
             (x > 0 ? x : 1.6732632423543772848170429916717L * expm1l(x));
    case Activation::sin:
      return sinl(x);
    case Activation::silu:
      return x / (1 + expl(-x));
    case Activation::tanh:
      return tanhl(x);
    default:
      return x;
  }
}

template <class T>
class ActivationTest : public testing::Test {};
using Scalars = testing::Types<float, double>;
TYPED_TEST_SUITE(ActivationTest, Scalars);

TYPED_TEST(ActivationTest, ValuesOverTheWholeRange) {
  using T = TypeParam;
  std::vector<T> points;
  for (double x = -20; x <= 20; x += 0.0173)
    points.push_back(static_cast<T>(x));
  for (double x : {0.0, 1e-30, -1e-30, 1e4, -1e4, 1e30, -1e30})
    points.push_back(static_cast<T>(x));
  const Shape shape{static_cast<std::int64_t>(points.size())};
  for (Activation activation : activations) {
    const auto y = activate<T>(Tensor<T>::from_host(shape, points), activation).value().to_vector();
    for (std::size_t i = 0; i < points.size(); ++i) {
      const auto expected = static_cast<double>(exact(activation, points[i]));
      const double tolerance = std::is_same_v<T, float> ? 3e-7 : 1e-15;
      EXPECT_NEAR(y[i], expected, tolerance * std::max(1.0, std::abs(expected)))
          << to_string(activation) << "(" << points[i] << ")";
    }
  }
}

TYPED_TEST(ActivationTest, NanStaysNan) {
  using T = TypeParam;
  // Whole vectors of the processor, and what is left of one.
  std::vector<T> values(37, T(0.5));
  for (const std::size_t i : {0U, 17U, 36U})
    values[i] = std::numeric_limits<T>::quiet_NaN();
  for (Activation activation : activations) {
    const auto x = Tensor<T>::from_host({37}, values);
    const auto y = activate(Variable<T>(x), activation).value().to_vector();
    for (std::size_t i = 0; i < y.size(); ++i)
      EXPECT_EQ(std::isnan(y[i]), std::isnan(values[i])) << to_string(activation) << i;
  }
}

TEST(Activation, Gradients) {
  for (Activation activation : activations) {
    auto x = random_leaf<double>({7, 5}, 1);
    const auto check = check_gradient([&] { return activate<double>(x, activation); }, {x});
    EXPECT_LT(check.error, 1e-6) << to_string(activation) << ": " << check.where;
  }
}

TEST(Activation, FloatSlopeEqualsDoubleSlope) {
  for (Activation activation : activations) {
    auto x = random_leaf<float>({500}, 2);
    auto x2 = Variable<double>::leaf(cast<double>(x.value()));
    Tensor<float> seed({500});
    seed.fill(1);
    {
      Tape<float> tape;
      tape.backward(activate<float>(x, activation), seed);
    }
    {
      Tape<double> tape;
      tape.backward(activate<double>(x2, activation), cast<double>(seed));
    }
    const auto dx = x.gradient().to_vector();
    const auto dx2 = x2.gradient().to_vector();
    for (std::size_t i = 0; i < 500; ++i)
      EXPECT_NEAR(dx[i], dx2[i], 1e-6) << to_string(activation);
  }
}

TEST(Activation, UnknownNameNamesTheNearest) {
  try {
    activation_from_string("gelo");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("'gelu'"), std::string::npos);
  }
}

TEST(Linear, ByHand) {
  const auto x = Tensor<double>::from_host({2, 1, 2}, {1, 2, 3, 4});
  const auto w = Tensor<double>::from_host({2, 3}, {1, 0, -1, 2, 1, 0});
  const auto b = Tensor<double>::from_host({3}, {10, 20, 30});
  EXPECT_EQ(linear<double>(x, w, b).value().to_vector(),
            (std::vector<double>{15, 22, 29, 21, 24, 27}));
  EXPECT_EQ(linear<double>(x, w, {}).value().to_vector(),
            (std::vector<double>{5, 2, -1, 11, 4, -3}));
}

TEST(Linear, Gradients) {
  auto x = random_leaf<double>({3, 5, 4, 7}, 1), w = random_leaf<double>({7, 6}, 2),
       b = random_leaf<double>({6}, 3);
  const auto check = check_gradient([&] { return linear(x, w, b); }, {x, w, b});
  EXPECT_LT(check.error, 1e-6) << check.where;
  const auto no_bias = check_gradient([&] { return linear<double>(x, w, {}); }, {x, w});
  EXPECT_LT(no_bias.error, 1e-6) << no_bias.where;
}

// What follows in the same pass is what it is alone, over more than a tile of points.
TEST(Linear, ActivationAndAddedField) {
  const Shape shape{2, 60, 50, 7};
  auto x = random_leaf<double>(shape, 1), w = random_leaf<double>({7, 6}, 2),
       b = random_leaf<double>({6}, 3), a = random_leaf<double>({2, 60, 50, 6}, 4);
  const std::vector<Variable<double>> leaves{x, w, b, a};
  const Tensor<double> seed = random_leaf<double>({2, 60, 50, 6}, 5).value();
  for (const Activation f : activations)
    for (const bool biased : {false, true}) {
      const Variable<double> bias = biased ? b : Variable<double>();
      const auto run = [&](auto&& map) {
        std::vector<Tensor<double>> result;
        Tape<double> tape;
        const Variable<double> y = map();
        tape.backward(y, seed.clone());
        result.push_back(y.value());
        for (const auto& leaf : leaves) {
          result.push_back(leaf.gradient());
          leaf.clear_gradient();
        }
        return result;
      };
      const auto at_once = run([&] { return linear(x, w, bias, f, copy(a)); });
      const auto kept = run([&] { return linear(x, w, bias, f, a); });
      const auto apart = run([&] { return activate(add(copy(a), linear(x, w, bias)), f); });
      for (std::size_t i = 0; i < apart.size(); ++i) {
        if (!apart[i].defined()) continue;
        for (const auto& mine : {at_once[i], kept[i]}) {
          Tensor<double> difference = mine.clone();
          axpy(-1.0, apart[i], difference);
          EXPECT_LE(dot(difference, difference), 1e-24 * dot(apart[i], apart[i]))
              << to_string(f) << biased << " tensor " << i;
        }
      }
    }
  EXPECT_EQ(a.value().to_vector(), random_leaf<double>({2, 60, 50, 6}, 4).value().to_vector());
}

TEST(Linear, WrongFieldToAddIsNamed) {
  EXPECT_THROW(linear<float>(Tensor<float>({2, 5}), Tensor<float>({5, 3}), {}, Activation::identity,
                             Tensor<float>({2, 4})),
               Error);
}

TEST(Linear, WrongChannelsAreNamed) {
  try {
    linear<float>(Tensor<float>({2, 5}), Tensor<float>({4, 3}), {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("(2, 5)"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("(4, 3)"), std::string::npos);
  }
}

// More points than a tile holds, so that the tiles' accumulation is tested too.
class Mlp : public testing::TestWithParam<std::int64_t> {};

TEST_P(Mlp, EqualsTwoLinears) {
  const std::int64_t out = GetParam();
  const Shape shape{2, 70, 50, 3};
  auto x = random_leaf<double>(shape, 1), w1 = random_leaf<double>({3, 40}, 2),
       b1 = random_leaf<double>({40}, 3), w2 = random_leaf<double>({40, out}, 4),
       b2 = random_leaf<double>({out}, 5);
  const std::vector<Variable<double>> leaves{x, w1, b1, w2, b2};
  Tensor<double> seed({2, 70, 50, out});
  fill_normal(seed, 0, 1, Random(11, 6));

  const auto gradients = [&](auto&& f) {
    std::vector<Tensor<double>> result;
    Tape<double> tape;
    const Variable<double> y = f();
    tape.backward(y, seed);
    result.push_back(y.value());
    for (const auto& leaf : leaves) {
      result.push_back(leaf.gradient());
      leaf.clear_gradient();
    }
    return result;
  };
  const auto fused = gradients([&] { return mlp(x, w1, b1, w2, b2, Activation::gelu); });
  const auto plain =
      gradients([&] { return linear(activate(linear(x, w1, b1), Activation::gelu), w2, b2); });
  for (std::size_t i = 0; i < fused.size(); ++i) {
    Tensor<double> difference = fused[i].clone();
    axpy(-1.0, plain[i], difference);
    EXPECT_LT(dot(difference, difference), 1e-24 * dot(plain[i], plain[i])) << "tensor " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Outputs, Mlp, testing::Values(1, 2));

// One output channel has kernels of its own; 37 hidden channels leave a remainder of 16.
TEST(MlpGradients, WithAddedField) {
  for (const std::int64_t out : {1, 5}) {
    auto x = random_leaf<double>({90, 9, 3}, 1), w1 = random_leaf<double>({3, 37}, 2),
         b1 = random_leaf<double>({37}, 3), w2 = random_leaf<double>({37, out}, 4),
         b2 = random_leaf<double>({out}, 5), s = random_leaf<double>({3, out}, 6);
    const auto f = [&] {
      return mlp(x, w1, b1, w2, b2, Activation::silu, linear<double>(x, s, {}));
    };
    const auto check = check_gradient(f, {x, w1, b1, w2, b2, s});
    EXPECT_LT(check.error, 1e-6) << check.where;
  }
}

}  // namespace
}  // namespace nopal
