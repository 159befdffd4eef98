// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Sums of operators that learn what those before them left.

#include <gtest/gtest.h>
#include <nopal/autograd/gradient_check.hpp>
#include <nopal/train/boosting.hpp>
#include <nopal/train/evaluation.hpp>
#include <nopal/train/rank_groups.hpp>

#include "grid_test_tools.hpp"
#include "test_tools.hpp"

#include <cmath>

namespace nopal {
namespace {

using nlohmann::json;
using test::expect_error;
using test::random_field;

const json network = {{"n_modes", {4}}, {"hidden_channels", 3}, {"n_layers", 1}, {"members", 3}};

json with(json options, const json& more) {
  options.update(more);
  return options;
}

TEST(Boosted, IsTheSumOfItsMembers) {
  for (const bool chained : {false, true}) {
    Boosted<double> op(
        BoostedOptions::from_json(with(network, {{"in_channels", 2}, {"chained", chained}})), 4);
    op.set_scale(1, 0.5);
    op.set_scale(2, 0.25);
    const auto x = random_field<double>({2, 6, 2}, 1);
    std::vector<double> sum(12, 0.0);
    for (std::int64_t m = 0; m < 3; ++m) {
      std::vector<double> input = x.to_vector();
      std::int64_t channels = 2;
      if (chained && m > 0) {
        channels = 3;
        for (std::size_t p = 12; p-- > 0;)
          input.insert(input.begin() + static_cast<std::ptrdiff_t>(2 * p + 2), sum[p]);
      }
      const auto term =
          op.member(m)
              .forward(Variable<double>(Tensor<double>::from_host({2, 6, channels}, input)))
              .value()
              .to_vector();
      for (std::size_t p = 0; p < 12; ++p)
        sum[p] += term[p] * (m == 0 ? 1 : m == 1 ? 0.5 : 0.25);
    }
    const auto y = op.forward(Variable<double>(x)).value().to_vector();
    for (std::size_t p = 0; p < 12; ++p)
      EXPECT_NEAR(y[p], sum[p], 1e-13) << chained;
  }
}

TEST(Boosted, GradientsAreThoseOfDifferences) {
  Boosted<double> op(BoostedOptions::from_json(network), 4);
  op.set_scale(1, 0.5);
  op.set_scale(2, 0.25);
  const auto x = Variable<double>::leaf(random_field<double>({2, 6, 1}, 2));
  std::vector<Variable<double>> leaves{x};
  for (const Parameter<double>* p : op.parameters())
    leaves.push_back(p->variable);
  const auto check = check_gradient([&] { return op.forward(x); }, leaves, 2, 1e-5);
  EXPECT_LT(check.error, 1e-6) << check.where;
}

TrainData<double> squares() {
  const auto x = random_field<double>({16, 8, 1}, 1);
  const Tensor<double> y = x.clone();
  std::vector<double> numbers = x.to_vector();
  for (double& value : numbers)
    value = value * value + 0.3 * std::sin(5 * value);
  y.copy_from_host(numbers.data());
  return {std::make_shared<InMemoryDataset<double>>(x, y), nullptr, {}};
}

TrainOptions quick() {
  TrainOptions o;
  o.epochs = 30;
  o.batch = 8;
  o.learning_rate = 1e-2;
  o.schedule = "cosine";
  o.progress = [](const std::string&) {};
  return o;
}

Model<double> model_of(const json& options) {
  return Model<double>(make_operator<double>("boosted", options, 3));
}

double error(const Model<double>& model, const TrainData<double>& data) {
  return evaluate<double>(model, data.training, 16, RankGroups(), Boundary::periodic).relative_l2;
}

TEST(Boosting, MembersLearnOneAfterTheOther) {
  const TrainData<double> data = squares();
  Model<double> one = model_of(with(network, {{"members", 1}}));
  Model<double> two = model_of(with(network, {{"members", 2}}));
  const auto first = train_boosted(one, data, quick());
  const auto both = train_boosted(two, data, quick());
  EXPECT_EQ(both.epochs, 60);
  EXPECT_EQ(both.history.rows.size(), 60U);
  EXPECT_EQ(both.history.rows.back().back(), 2);
  // The first is what it is alone, the second improves on it, its scale is what was left.
  const auto& a = one.op().parameters();
  const auto& b = two.op().parameters();
  for (std::size_t i = 0; i < a.size(); ++i)
    EXPECT_EQ(a[i]->value().to_vector(), b[i]->value().to_vector()) << a[i]->name;
  EXPECT_LT(error(two, data), 0.9 * error(one, data));
  const Tensor<double> x({16, 8, 1}), y({16, 8, 1});
  std::vector<std::int64_t> all(16);
  for (std::size_t i = 0; i < 16; ++i)
    all[i] = static_cast<std::int64_t>(i);
  data.training->read(all, x, y);
  axpy(-1.0, one.predict(x), y);
  double sum = 0;
  for (const double value : y.to_vector())
    sum += value * value;
  EXPECT_NEAR(dynamic_cast<const Boosted<double>&>(two.op()).scales()[1], std::sqrt(sum / 128),
              1e-12);

  const test::ScratchFolder folder;
  two.save(folder / "m");
  const auto again = Model<double>::load(folder / "m");
  EXPECT_EQ(again.predict(x).to_vector(), two.predict(x).to_vector());
}

TEST(Boosting, ResumesInAnyMember) {
  const test::ScratchFolder folder;
  const TrainData<double> data = squares();
  const json options = with(network, {{"members", 2}});
  Model<double> once = model_of(options);
  train_boosted(once, data, quick());
  TrainOptions o = quick();
  o.checkpoint = folder / "c";
  o.resume = true;
  int batches = 0;
  o.stop = [&] { return ++batches == 80; };  // 60 a member
  Model<double> interrupted = model_of(options);
  EXPECT_TRUE(train_boosted(interrupted, data, o).interrupted);
  o.stop = {};
  Model<double> resumed = model_of(options);
  train_boosted(resumed, data, o);
  const auto x = random_field<double>({3, 8, 1}, 9);
  EXPECT_EQ(resumed.predict(x).to_vector(), once.predict(x).to_vector());
}

TEST(Boosted, BadInputIsRefused) {
  expect_error(
      [] {
        Boosted<double>(BoostedOptions::from_json({{"operator", "boosted"}}));
      },
      {"made of operators itself, got boosted"});
  expect_error([] { BoostedOptions::from_json({{"members", 0}}); }, {"members"});
  expect_error(
      [] {
        make_operator<double>("boosted", with(network, {{"memberz", 2}}));
      },
      {"memberz"});
  expect_error([] { make_operator<double>("boosted", network, 0, 200); }, {"parameters"});
  Model<double> other(make_operator<double>("fno", {{"n_modes", {4}}}));
  expect_error([&] { train_boosted(other, squares(), quick()); }, {"boosted, got fno"});
}

}  // namespace
}  // namespace nopal
