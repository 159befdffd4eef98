// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "test_tools.hpp"

#include <gtest/gtest.h>
#include <nopal/core/random.hpp>
#include <nopal/train/optimizer.hpp>

#include "train/line_search.hpp"
#include "train/optimizers.hpp"

#include <nlohmann/json.hpp>

#include <cmath>
#include <limits>

namespace nopal {
namespace {

using test::error_of;

using Json = nlohmann::json;

template <class T>
Parameter<T> make_parameter(const std::string& name, const std::vector<T>& values,
                            bool is_complex = false) {
  const auto size = static_cast<std::int64_t>(values.size());
  const Shape shape = is_complex ? Shape{size / 2, 2} : Shape{size};
  return {name, Variable<T>::leaf(Tensor<T>::from_host(shape, values)), is_complex};
}

template <class T>
void set_gradient(const Parameter<T>& parameter, const std::vector<T>& values) {
  parameter.variable.clear_gradient();
  parameter.variable.accumulate(Tensor<T>::from_host(parameter.value().shape(), values));
}

// Gradients of step t = 1, 2, ... that the reference numbers were made with.
template <class T>
std::vector<T> gradient_of_step(double t) {
  return {T(0.3 * t - 1), T(-0.2 * t), T(0.05 * t * t - 0.4), T(1 / t)};
}

template <class T>
std::vector<T> run(const std::string& name, const Json& options, bool is_complex, int first = 1,
                   int last = 5, std::vector<T> values = {T(0.5), T(-1.2), T(3), T(0.1)},
                   std::map<std::string, Tensor<T>>* state = nullptr) {
  auto p = make_parameter<T>("p", values, is_complex);
  const auto optimizer = make_optimizer<T>(name, options);
  if (state && !state->empty()) optimizer->restore(*state);
  for (int t = first; t <= last; ++t) {
    set_gradient(p, gradient_of_step<T>(t));
    optimizer->step({&p}, 0.02);
  }
  if (state) *state = optimizer->state();
  return p.value().to_vector();
}

void expect_near(const std::vector<double>& a, const std::vector<double>& b, double tolerance) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i)
    EXPECT_NEAR(a[i], b[i], tolerance) << "entry " << i;
}

const Json adam{{"beta1", 0.8}, {"beta2", 0.95}, {"epsilon", 1e-3}, {"weight_decay", 0.1}};

// Five steps of torch.optim.AdamW (PyTorch 1.13) in double.
TEST(AdamW, AgreesWithPyTorch) {
  Json options = adam;
  options.update({{"complex_moment", "split"}, {"corrected_epsilon", true}, {"decay_first", true}});
  const std::vector<double> reference{0.5556352868771608, -1.0895761192751858, 3.00521734070988,
                                      0.013749191704630018};
  expect_near(run<double>("adamw", options, false), reference, 1e-14);
  expect_near(run<double>("adamw", options, true), reference, 1e-14);
}

// Five steps of torch.optim.Adam (PyTorch 1.13) with its weight decay, in double.
TEST(AdamW, CoupledDecayIsThatOfAdam) {
  Json options = adam;
  options.update(
      {{"complex_moment", "split"}, {"corrected_epsilon", true}, {"coupled_decay", true}});
  const std::vector<double> reference{0.5550409971115186, -1.099904896562338, 2.961327382470947,
                                      0.014254563814928328};
  expect_near(run<double>("adamw", options, false), reference, 1e-14);
  expect_near(run<double>("adamw", options, true), reference, 1e-14);
}

// The recursion m, v, p of the header, evaluated in Python on complex numbers.
TEST(AdamW, JointMomentOfComplexEntries) {
  expect_near(run<double>("adamw", adam, true),
              {0.5452660242143261, -1.12689177077344, 2.9773939138227408, 0.022607907779160975},
              1e-14);
}

// First step by hand: m / (1 - beta1) = g and sqrt(v / (1 - beta2)) = |g|, so p moves by
// eta g / (|g| + epsilon / sqrt(1 - beta2)), and then shrinks by 1 - eta lambda.
TEST(AdamW, FirstStepByHand) {
  auto p = make_parameter<double>("p", {1, 2, 3, 4}, true);
  set_gradient<double>(p, {3, 4, 0, -2});
  make_optimizer<double>("adamw", adam)->step({&p}, 0.5);
  const double e = 1e-3 / std::sqrt(0.05), decay = 1 - 0.05;
  expect_near(p.value().to_vector(),
              {(1 - 0.5 * 3 / (5 + e)) * decay, (2 - 0.5 * 4 / (5 + e)) * decay, 3 * decay,
               (4 + 0.5 * 2 / (2 + e)) * decay},
              1e-14);
}

TEST(AdamW, MissingGradientCountsAsZero) {
  auto p = make_parameter<double>("p", {1, 2});
  auto q = make_parameter<double>("q", {1, 2});
  set_gradient<double>(p, {0, 0});
  const auto optimizer = make_optimizer<double>("adamw", adam);
  optimizer->step({&p, &q}, 0.1);
  EXPECT_EQ(p.value().to_vector(), q.value().to_vector());
  EXPECT_EQ(p.value().to_vector()[0], 0.99);
}

// Pieces of 4096 entries and what is left over all take part.
TEST(AdamW, LongTensors) {
  for (const bool is_complex : {false, true}) {
    const int n = 20002;
    auto p = make_parameter<float>("p", std::vector<float>(n, 1.0f), is_complex);
    set_gradient<float>(p, std::vector<float>(n, 0.5f));
    make_optimizer<float>("adamw", Json::object())->step({&p}, 0.25);
    const float expected = is_complex ? 1 - 0.25f / std::sqrt(2.0f) : 0.75f;
    for (const float x : p.value().to_vector())
      ASSERT_NEAR(x, expected, 2e-5);
  }
}

// torch.optim.SGD with lr 0.02 and weight decay 0.1 in double.
TEST(Sgd, AgreesWithPyTorch) {
  Json options{{"weight_decay", 0.1}};
  expect_near(run<double>("sgd", options, false),
              {0.5048603995282082, -1.1282076642878975, 2.955059971984016, 0.05359336606101013},
              1e-14);
  options["momentum"] = 0.9;
  expect_near(run<double>("sgd", options, false),
              {0.558949852673808, -1.0421948971762176, 2.9287300701952157, -0.049548568285229876},
              1e-14);
  options["nesterov"] = true;
  expect_near(run<double>("sgd", options, true),
              {0.5574128362976704, -0.9867657237403111, 2.891040778870657, -0.08013607769446998},
              1e-14);
}

// Two steps by hand: c = 0.1 g, then 0.9 m + 0.1 g with m = 0.01 g of the first step; signs only.
TEST(Lion, StepsByHand) {
  auto p = make_parameter<double>("p", {1, -2, 3, 4});
  const auto optimizer = make_optimizer<double>("lion", {{"weight_decay", 0.5}});
  set_gradient<double>(p, {3, -0.001, 0, 1});
  optimizer->step({&p}, 0.1);
  expect_near(p.value().to_vector(), {1 - 0.15, -2 + 0.2, 3 - 0.15, 4 - 0.3}, 1e-15);
  // m = 0.01 g: c = 0.009 g + 0.1 g2 changes its sign where g2 is large enough.
  const std::vector<double> before = p.value().to_vector();
  set_gradient<double>(p, {-0.1, 0.001, -1, -0.2});
  optimizer->step({&p}, 0.1);
  const std::vector<double> signs{1, 1, -1, -1};
  std::vector<double> expected;
  for (std::size_t i = 0; i < 4; ++i)
    expected.push_back(before[i] - 0.1 * (signs[i] + 0.5 * before[i]));
  expect_near(p.value().to_vector(), expected, 1e-15);
}

// Interrupted after two steps and restored into a new optimizer: the same bits.
TEST(Optimizers, RestoredStateGoesOnExactly) {
  for (const auto& [name, options] :
       std::vector<std::pair<std::string, Json>>{{"adamw", adam},
                                                 {"adamw", {{"complex_moment", "split"}}},
                                                 {"sgd", {{"momentum", 0.9}}},
                                                 {"lion", {{"weight_decay", 0.1}}},
                                                 {"sgd", Json::object()}}) {
    std::map<std::string, Tensor<float>> state;
    const auto half = run<float>(name, options, true, 1, 2, {0.5f, -1.2f, 3, 0.1f}, &state);
    for (auto& [key, tensor] : state)
      tensor = tensor.clone();
    EXPECT_EQ(run<float>(name, options, true, 3, 5, half, &state),
              run<float>(name, options, true, 1, 5))
        << name;
  }
}

TEST(Optimizers, CountsAreExactInFloat) {
  for (const std::uint64_t count :
       {std::uint64_t(0), std::uint64_t(16777217), (std::uint64_t(1) << 53) + 1,
        std::numeric_limits<std::uint64_t>::max()})
    EXPECT_EQ(detail::decode_count(detail::encode_count<float>(count)), count);
}

TEST(Optimizers, MomentumOfSchedules) {
  auto p = make_parameter<double>("p", {0});
  const auto optimizer = make_optimizer<double>("sgd", Json::object());
  for (const double momentum : {0.5, 0.25}) {
    optimizer->set_momentum(momentum);
    set_gradient<double>(p, {1});
    optimizer->step({&p}, 1);
  }
  EXPECT_EQ(p.value().item(), -(1 + 1.25));
}

TEST(Optimizers, Clipping) {
  auto p = make_parameter<double>("p", {0, 0});
  auto q = make_parameter<double>("q", {0, 0, 0});
  set_gradient<double>(p, {3, 0});
  set_gradient<double>(q, {0, -4, 0});
  auto r = make_parameter<double>("r", {0});  // no gradient
  const Parameters<double> all{&p, &q, &r};
  EXPECT_DOUBLE_EQ(gradient_norm(all), 5);
  clip_gradients_by_norm(all, 5, 10);
  EXPECT_EQ(p.gradient().to_vector(), (std::vector<double>{3, 0}));
  clip_gradients_by_norm(all, 5, 1);
  expect_near(p.gradient().to_vector(), {0.6, 0}, 1e-15);
  expect_near(q.gradient().to_vector(), {0, -0.8, 0}, 1e-15);
  clip_gradients_by_value(all, 0.7);
  expect_near(p.gradient().to_vector(), {0.6, 0}, 1e-15);
  expect_near(q.gradient().to_vector(), {0, -0.7, 0}, 1e-15);
  set_gradient<double>(p, {std::numeric_limits<double>::quiet_NaN(), 1});
  clip_gradients_by_value(all, 0.7);
  EXPECT_TRUE(std::isnan(p.gradient().to_vector()[0]));
}

TEST(Optimizers, BadOptionsAreNamed) {
  const auto has = [](const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  has(error_of([] { make_optimizer<float>("adam", {}); }),
      "unknown optimizer 'adam'; did you mean 'adamw'? (adamw, sgd, lion, lbfgs)");
  has(error_of([] {
        make_optimizer<float>("adamw", {{"betta1", 0.9}});
      }),
      "adamw: unknown option 'betta1'; did you mean 'beta1'?");
  has(error_of([] {
        make_optimizer<float>("adamw", {{"beta2", 1.5}});
      }),
      "adamw: option 'beta2' is 1.5; expected a number from 0 to 1");
  has(error_of([] { make_optimizer<float>("adamw", {{"beta2", "x"}}); }), "expected a number");
  has(error_of([] {
        make_optimizer<float>("adamw", {{"complex_moment", "both"}});
      }),
      "(joint, split)");
  has(error_of([] { make_optimizer<float>("sgd", {{"nesterov", 1}}); }), "true or false");
  has(error_of([] { make_optimizer<float>("lbfgs", {{"history", 0}}); }), "at least 1");
  auto p = make_parameter<float>("p", {1, 2});
  const auto optimizer = make_optimizer<float>("adamw", {});
  const auto step = detail::encode_count<float>(1);
  optimizer->restore({{"step", step}, {"first/p", Tensor<float>::zeros({3})}});
  has(error_of([&] { optimizer->step({&p}, 1); }), "has 3 entries, expected 2");
  has(error_of([&] {
        optimizer->restore({{"step", step}, {"velocity/p", step}});
      }),
      "\"velocity/p\"");
  has(error_of([&] { optimizer->restore({{"first/p", step}}); }), "no \"step\"");
}

// A function of parameters with a gradient, for L-BFGS.
struct Rosenbrock {
  Parameter<double> p = make_parameter<double>("p", {-1.2});
  Parameter<double> q = make_parameter<double>("q", {1});
  int evaluations = 0;

  double operator()() {
    ++evaluations;
    const double x = p.value().item(), y = q.value().item();
    set_gradient<double>(p, {-400 * x * (y - x * x) - 2 * (1 - x)});
    set_gradient<double>(q, {200 * (y - x * x)});
    return 100 * (y - x * x) * (y - x * x) + (1 - x) * (1 - x);
  }
};

TEST(Lbfgs, FindsTheMinimumOfRosenbrock) {
  Rosenbrock f;
  const auto optimizer = make_optimizer<double>("lbfgs", Json::object());
  double last = f();
  int steps = 0;
  for (; last > 1e-20 && steps < 60; ++steps) {
    optimizer->step({&f.p, &f.q}, 1, [&] { return f(); });
    const double value = f();
    EXPECT_LE(value, last);
    last = value;
  }
  EXPECT_LT(steps, 45);
  EXPECT_NEAR(f.p.value().item(), 1, 1e-8);
  EXPECT_NEAR(f.q.value().item(), 1, 1e-8);
}

// Condition number 362. torch.optim.LBFGS (strong_wolfe) is at 6.9e-10 after 60 steps and
// at 1.4e-16 after 100.
TEST(Lbfgs, SolvesAQuadratic) {
  const int n = 20;
  auto p = make_parameter<double>("p", std::vector<double>(n, 1));
  const auto evaluate = [&] {
    std::vector<double> x = p.value().to_vector(), g(n);
    double value = 0;
    for (int i = 0; i < n; ++i) {
      g[i] = (1 + i * i) * x[i];
      value += 0.5 * g[i] * x[i];
    }
    set_gradient(p, g);
    return value;
  };
  const auto optimizer = make_optimizer<double>("lbfgs", {{"history", 20}});
  for (int i = 0; i < 100; ++i)
    optimizer->step({&p}, 1, evaluate);
  EXPECT_LT(evaluate(), 1.4e-16);
}

TEST(Lbfgs, RestoredStateGoesOnExactly) {
  Rosenbrock f, g;
  auto optimizer = make_optimizer<double>("lbfgs", {{"history", 3}});
  auto other = make_optimizer<double>("lbfgs", {{"history", 3}});
  for (int i = 0; i < 12; ++i)
    optimizer->step({&f.p, &f.q}, 1, [&] { return f(); });
  for (int i = 0; i < 12; ++i) {
    if (i == 6) {
      auto fresh = make_optimizer<double>("lbfgs", {{"history", 3}});
      fresh->restore(other->state());
      other = std::move(fresh);
    }
    other->step({&g.p, &g.q}, 1, [&] { return g(); });
  }
  EXPECT_EQ(f.p.value().item(), g.p.value().item());
  EXPECT_EQ(f.q.value().item(), g.q.value().item());
}

// A function that is NaN beyond a wall: the search backs off; at a minimum nothing moves.
TEST(Lbfgs, NonFiniteValuesAndMinima) {
  auto p = make_parameter<double>("p", {3});
  const auto evaluate = [&] {
    const double x = p.value().item();
    set_gradient<double>(p, {1 - 1 / x});
    return x - std::log(x);  // NaN for x < 0, minimum at 1
  };
  const auto optimizer = make_optimizer<double>("lbfgs", Json::object());
  for (int i = 0; i < 20; ++i)
    optimizer->step({&p}, 50, evaluate);
  EXPECT_NEAR(p.value().item(), 1, 1e-8);
  p.value().fill(1);
  optimizer->step({&p}, 1, evaluate);
  EXPECT_EQ(p.value().item(), 1);
  EXPECT_NE(error_of([&] { optimizer->step({&p}, 1); }).find("evaluates"), std::string::npos);
}

TEST(LineSearch, EndsWithStrongWolfe) {
  const std::vector<std::function<detail::LinePoint(double)>> functions{
      [](double a) {
        return detail::LinePoint{a, a * a - 3 * a, 2 * a - 3};
      },
      [](double a) {  // More, Thuente: function 1 with beta = 2
        return detail::LinePoint{a, -a / (a * a + 2), (a * a - 2) / std::pow(a * a + 2, 2)};
      },
      // More, Thuente: function 2, with beta = 0.04: for their 0.004, a tenth of the first slope
      // (5e-8) is less than the rounding of the values lets a search tell.
      [](double a) {
        const double b = a + 0.04;
        return detail::LinePoint{a, std::pow(b, 5) - 2 * std::pow(b, 4),
                                 5 * std::pow(b, 4) - 8 * std::pow(b, 3)};
      },
      [](double a) {
        return detail::LinePoint{a, std::cos(3 * a) - a, -3 * std::sin(3 * a) - 1};
      }};
  for (const double curvature : {0.9, 0.1})
    for (std::size_t f = 0; f < functions.size(); ++f)
      for (const double first : {1e-3, 0.1, 1.0, 10.0, 1000.0}) {
        const auto start = functions[f](0);
        const detail::WolfeOptions options{1e-4, curvature, 60};
        const auto end = detail::strong_wolfe(start, first, options, functions[f]);
        EXPECT_GT(end.step, 0) << f << ' ' << first;
        EXPECT_LE(end.value, start.value + 1e-4 * end.step * start.slope) << f << ' ' << first;
        EXPECT_LE(std::abs(end.slope), curvature * std::abs(start.slope)) << f << ' ' << first;
      }
}

}  // namespace
}  // namespace nopal
