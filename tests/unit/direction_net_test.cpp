// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>
#include <nopal/autograd/gradient_check.hpp>
#include <nopal/core/random.hpp>
#include <nopal/nn/elementwise.hpp>
#include <nopal/nn/pooling.hpp>
#include <nopal/operators/direction_net.hpp>
#include <nopal/train/direction_loss.hpp>

#include "test_tools.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace nopal {
namespace {

using nlohmann::json;
using test::expect_error;

Tensor<double> random(const Shape& shape, std::uint64_t seed) {
  Tensor<double> x(shape);
  fill_normal(x, 0, 1, Random(seed));
  return x;
}

// The networks for 64^3 and 128^3 points.
TEST(DirectionNet, HasThePublishedNumbers) {
  for (const auto& [options, numbers] :
       {std::pair{json::object(), 97457},
        {json{{"head_blocks", 2}, {"coarse_blocks", 5}, {"tail_blocks", 3}}, 152881}}) {
    const auto op = make_operator<float>("direction_net", options);
    EXPECT_EQ(count(op->parameters()), numbers);
    EXPECT_EQ(DirectionNetOptions::from_json(options).parameter_count(), numbers);
  }
}

TEST(DirectionNet, GradientsAreThoseOfDifferences) {
  for (const int d : {2, 3}) {
    const auto op = make_operator<double>("direction_net", {{"dimension", d}, {"filters", 3}}, 4);
    for (const Parameter<double>* p : op->parameters())  // biases away from 0
      if (p->value().rank() == 1) fill_normal(p->value(), 0, 0.1, Random(p->value().size()));
    const auto x =
        Variable<double>::leaf(random(d == 2 ? Shape{2, 4, 6, 1} : Shape{1, 4, 2, 4, 1}, 2));
    std::vector<Variable<double>> leaves{x};
    for (const Parameter<double>* p : op->parameters())
      leaves.push_back(p->variable);
    // Small steps: the kinks of relu.
    const auto check = check_gradient([&] { return op->forward(x); }, leaves, 2, 1e-6);
    EXPECT_LT(check.error, 1e-5) << d << " " << check.where;
  }
}

// A level more has blocks before and after the coarser one; a mask has a channel of its own.
TEST(DirectionNet, LevelsAndMaskHaveTheirNumbersAndGradients) {
  const json options{{"dimension", 2}, {"filters", 3},       {"levels", 3},     {"head_blocks", 0},
                     {"mask", true},   {"coarse_blocks", 1}, {"tail_blocks", 1}};
  const auto op = make_operator<double>("direction_net", options, 4);
  EXPECT_EQ(count(op->parameters()), 2 * 9 * 3 + 3 + (2 + 2 * (5 + 1)) * (9 * 3 + 1) * 3 + 4);
  EXPECT_EQ(DirectionNetOptions::from_json(options).parameter_count(), count(op->parameters()));
  for (const Parameter<double>* p : op->parameters())
    if (p->value().rank() == 1) fill_normal(p->value(), 0, 0.1, Random(p->value().size()));
  const Tensor<double> input = random({1, 8, 16, 2}, 2);
  for (std::int64_t i = 0; i < input.size(); i += 2)
    input.data()[i + 1] = i % 6 ? 1 : 0;
  const auto x = Variable<double>::leaf(input);
  std::vector<Variable<double>> leaves{x};
  for (const Parameter<double>* p : op->parameters())
    leaves.push_back(p->variable);
  const auto check = check_gradient([&] { return op->forward(x); }, leaves, 2, 1e-6);
  EXPECT_LT(check.error, 1e-5) << check.where;
  const std::vector<double> y = op->forward(x).value().to_vector();
  for (std::size_t i = 0; i < y.size(); ++i)
    EXPECT_EQ(y[i] == 0, 2 * i % 6 == 0) << i;
}

// With the weights of 8 points each level more is what the levels before it are.
TEST(DirectionNet, SharedLevelsGrowWithTheGrid) {
  json options{{"dimension", 2},     {"filters", 3},     {"levels", 6},
               {"mask", true},       {"head_blocks", 0}, {"share_levels", true},
               {"coarse_blocks", 1}, {"tail_blocks", 1}};
  const DirectionNet<double> shared(DirectionNetOptions::from_json(options), 4);
  EXPECT_EQ(count(shared.parameters()), shared.options().parameter_count());
  for (const auto& [points, levels] :
       {std::pair{2, 1}, {4, 1}, {8, 2}, {15, 2}, {16, 3}, {1024, 6}})
    EXPECT_EQ(shared.levels_of({2048, points}), levels) << points;

  options["levels"] = 4;
  options["share_levels"] = false;
  const DirectionNet<double> own(DirectionNetOptions::from_json(options), 5);
  // "coarse", "coarse.level1", ... of `own` are "coarse", "coarse", ..., "coarse.level1" of
  // `shared`.
  for (const Parameter<double>* to : own.parameters()) {
    std::string name = to->name;
    const auto at = name.find(".level");
    if (at != std::string::npos) {
      const bool last = name.substr(0, 6) == "coarse" && name[at + 6] == '3';
      name = name.substr(0, at) + (last ? ".level1" : "") + name.substr(at + 7);
    }
    const auto from = std::find_if(shared.parameters().begin(), shared.parameters().end(),
                                   [&](const Parameter<double>* p) { return p->name == name; });
    ASSERT_NE(from, shared.parameters().end()) << name;
    to->value().copy_from((*from)->value());
  }
  const auto x = Variable<double>::leaf(random({1, 32, 48, 2}, 2));
  const auto a = shared.forward(x).value().to_vector(), b = own.forward(x).value().to_vector();
  EXPECT_EQ(a, b);

  std::vector<Variable<double>> leaves;
  for (const Parameter<double>* p : shared.parameters()) {
    if (p->value().rank() == 1) fill_normal(p->value(), 0, 0.1, Random(p->value().size()));
    leaves.push_back(p->variable);
  }
  const auto check = check_gradient([&] { return shared.forward(x); }, leaves, 2, 1e-6);
  EXPECT_LT(check.error, 1e-5) << check.where;
  const auto odd = Variable<double>(random({1, 32, 36, 2}, 2));
  expect_error([&] { shared.forward(odd); }, {"multiple of 16", "(1, 32, 36, 2)"});
}

// No layer looks farther than the published radius of 22 points (64^3), and the output is that of a
// network that is the same at all even shifts.
TEST(DirectionNet, CommutesWithEvenShifts) {
  const auto op = make_operator<double>("direction_net", {{"dimension", 2}, {"filters", 4}}, 1);
  const std::int64_t n = 64;
  const Tensor<double> x = Tensor<double>::zeros({1, n, n, 1}), moved = x.clone();
  for (std::int64_t i = 28; i < 34; ++i)
    for (std::int64_t j = 28; j < 34; ++j) {
      x.data()[i * n + j] = static_cast<double>(3 * i + j) / 100;
      moved.data()[(i + 2) * n + j + 2] = x.data()[i * n + j];
    }
  const auto a = op->forward(Variable<double>(x)).value().to_vector(),
             b = op->forward(Variable<double>(moved)).value().to_vector();
  for (std::int64_t i = 30; i < 34; ++i)
    for (std::int64_t j = 30; j < 34; ++j)
      EXPECT_NEAR(a[static_cast<std::size_t>(i * n + j)],
                  b[static_cast<std::size_t>((i + 2) * n + j + 2)], 1e-12);
  // Without biases what is far from the input is 0.
  EXPECT_EQ(a[static_cast<std::size_t>(2 * n + 2)], 0);
  EXPECT_NE(a[static_cast<std::size_t>(20 * n + 30)], 0);
}

TEST(Upsample, RepeatsAndItsAdjoint) {
  const auto x = Tensor<double>::from_host({1, 1, 2, 1}, {3, 5});
  EXPECT_EQ(upsample_nearest(Variable<double>(x), 2).value().to_vector(),
            (std::vector<double>{3, 3, 5, 5, 3, 3, 5, 5}));
  for (const Shape& shape : {Shape{2, 3, 2}, Shape{1, 2, 3, 2}, Shape{1, 2, 1, 3, 2}}) {
    const auto leaf = Variable<double>::leaf(random(shape, 1));
    EXPECT_LT(check_gradient([&] { return upsample_nearest(leaf, 2); }, {leaf}).error, 1e-8);
    const auto back = average_pool(upsample_nearest(leaf, 3), 3).value().to_vector();
    const auto before = leaf.value().to_vector();
    for (std::size_t i = 0; i < back.size(); ++i)
      EXPECT_NEAR(back[i], before[i], 1e-14);
  }
}

// A = diag(1, 2, 3, ...): the loss by hand, and that it does not see size and sign of q.
TEST(DirectionLoss, ByHandAndItsGradient) {
  const auto q = Variable<double>::leaf(random({2, 2, 3}, 1)),
             b = Variable<double>(random({2, 2, 3}, 2));
  const Tensor<double> diagonal({2, 2, 3});
  for (std::int64_t i = 0; i < 12; ++i)
    diagonal.data()[i] = static_cast<double>(1 + i % 6);
  const auto loss_of = [&](const Variable<double>& direction) {
    return direction_loss(direction, product(direction, Variable<double>(diagonal)), b.value(),
                          0.5);
  };
  double expected = 0;
  for (std::int64_t s = 0; s < 2; ++s) {
    double bq = 0, qaq = 0;
    for (std::int64_t i = 6 * s; i < 6 * s + 6; ++i) {
      bq += b.value().data()[i] * q.value().data()[i];
      qaq += diagonal.data()[i] * q.value().data()[i] * q.value().data()[i];
    }
    for (std::int64_t i = 6 * s; i < 6 * s + 6; ++i)
      expected +=
          0.5 *
          std::pow(b.value().data()[i] - bq / qaq * diagonal.data()[i] * q.value().data()[i], 2);
  }
  EXPECT_NEAR(loss_of(q).value().item(), expected, 1e-12);
  const Tensor<double> opposite = q.value().clone();
  scale(-3.0, opposite);
  EXPECT_NEAR(loss_of(opposite).value().item(), expected, 1e-12);
  EXPECT_LT(check_gradient([&] { return loss_of(q); }, {q}).error, 1e-8);
  // The exact direction leaves nothing.
  const Tensor<double> exact({2, 2, 3});
  for (std::int64_t i = 0; i < 12; ++i)
    exact.data()[i] = b.value().data()[i] / diagonal.data()[i];
  EXPECT_NEAR(loss_of(exact).value().item(), 0, 1e-24);
  scale(-1.0, diagonal);
  expect_error([&] { loss_of(q); }, {"not positive definite", "sample 0"});
}

// A = diag(1, 2, 3, ...): the energy of the error before and after the step, by hand.
TEST(DirectionEnergyLoss, ByHandAndItsGradient) {
  const auto q = Variable<double>::leaf(random({2, 3}, 1));
  const Tensor<double> b = random({2, 3}, 2), diagonal({2, 3});
  for (std::int64_t i = 0; i < 6; ++i)
    diagonal.data()[i] = static_cast<double>(1 + i % 3);
  std::vector<double> energy;
  double expected = 0;
  for (std::int64_t s = 0; s < 2; ++s) {
    double bq = 0, qaq = 0, before = 0, after = 0;
    for (std::int64_t i = 3 * s; i < 3 * s + 3; ++i) {
      bq += b.data()[i] * q.value().data()[i];
      qaq += diagonal.data()[i] * q.value().data()[i] * q.value().data()[i];
    }
    for (std::int64_t i = 3 * s; i < 3 * s + 3; ++i) {
      const double a = diagonal.data()[i], e = b.data()[i] / a,
                   rest = e - bq / qaq * q.value().data()[i];
      before += a * e * e;
      after += a * rest * rest;
    }
    energy.push_back(before);
    expected += 0.5 * after / before;
  }
  const auto loss_of = [&] {
    return direction_energy_loss(q, product(q, Variable<double>(diagonal)), b, energy, 0.5);
  };
  EXPECT_NEAR(loss_of().value().item(), expected, 1e-12);
  EXPECT_LT(check_gradient(loss_of, {q}).error, 1e-8);
  energy[1] = 0;
  expect_error(loss_of, {"sample 1", "more than 0"});
}

TEST(DirectionNet, BadInputIsRefused) {
  const auto op = make_operator<double>("direction_net", json::object());
  expect_error(
      [&] {
        op->forward(Variable<double>(random({1, 4, 5, 4, 1}, 1)));
      },
      {"multiple of 2 points", "(1, 4, 5, 4, 1)"});
  expect_error([&] { op->forward(Variable<double>(random({1, 4, 4, 1}, 1))); }, {"X3"});
  expect_error([] { make_operator<double>("direction_net", {{"dimension", 4}}); }, {"2 to 3"});
  expect_error(
      [] {
        make_operator<double>("direction_net", {{"input_scale", "max"}});
      },
      {"norm or rms", "max"});
}

}  // namespace
}  // namespace nopal
