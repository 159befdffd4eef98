// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "operator_recipes.hpp"
#include "test_tools.hpp"

#include <nopal/data/function_data.hpp>
#include <nopal/operators/kernel_ridge.hpp>
#include <nopal/operators/model.hpp>
#include <nopal/operators/random_feature_operator.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace nopal {
namespace {

using test::Recipe;
using test::recipe_data;

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

double fit_and_test(const nlohmann::json& options, const Recipe& recipe, std::int64_t samples) {
  const auto training = recipe_data(recipe, 0, samples),
             testing = recipe_data(recipe, samples, 100);
  RandomFeatureOperator<double> op(RandomFeatureOptions::from_json(options));
  op.fit(training.u, training.v, training.points);
  return median(test::relative_errors(op.forward(testing.u).value(), testing.v));
}

TEST(GaussianSum, DerivativesAndIntegral) {
  const GaussianSum u({.low = -1, .high = 2, .terms = 30, .scale = 0.5}, 3, 7);
  const double h = 1e-4;
  for (const double x : {-0.9, 0.1, 1.7}) {
    EXPECT_NEAR(u.derivative(x), (u.value(x + h) - u.value(x - h)) / (2 * h), 1e-5);
    EXPECT_NEAR(u.second_derivative(x), (u.derivative(x + h) - u.derivative(x - h)) / (2 * h),
                1e-4);
    EXPECT_NEAR(u.value(x), (u.integral(x + h) - u.integral(x - h)) / (2 * h), 1e-6);
  }
  EXPECT_EQ(u.integral(-1), 0);
}

// Linear operators come out to nearly machine precision (the factors are never multiplied out).
TEST(RandomFeatureOperator, LinearOperators) {
  const nlohmann::json options{{"features", "linear"}, {"count", 100}, {"threshold", 1e-12}};
  EXPECT_LT(fit_and_test(options, test::antiderivative, 800), 1e-9);
  EXPECT_LT(fit_and_test(options, test::diffusion_reaction_rhs, 800), 1e-7);
}

// A linear map cannot do it, random features can: the public recipe, a part of it.
TEST(RandomFeatureOperator, Burgers) {
  EXPECT_LT(fit_and_test({{"count", 500}}, test::burgers_rhs, 1000), 2e-3);
  EXPECT_GT(fit_and_test({{"features", "linear"}, {"count", 100}}, test::burgers_rhs, 1000), 0.3);
}

TEST(RandomFeatureOperator, FileAndOtherPoints) {
  const auto data = recipe_data(test::antiderivative, 0, 300);
  auto op = std::make_unique<RandomFeatureOperator<double>>(RandomFeatureOptions::from_json(
      {{"features", "linear"}, {"count", 100}, {"threshold", 1e-12}}));
  op->fit(data.u, data.v, data.points);
  const Tensor<double> u = data.u.slice(0, 5);
  const Model<double> model(std::move(op));
  const auto read = Model<double>::from_file(model.to_file(), "memory");
  EXPECT_EQ(read.predict(u).to_vector(), model.predict(u).to_vector());
  // At the points it knows, the second input changes nothing.
  const Variable<double> both[] = {u, data.points};
  EXPECT_EQ(read.op().forward(both).value().to_vector(), model.predict(u).to_vector());
  // Between them, the trunk interpolates.
  const auto middle = Tensor<double>::from_host({1, 1}, {0.5});
  const Variable<double> between[] = {u, middle};
  const auto values = read.op().forward(between).value().to_vector();
  for (std::uint64_t i = 0; i < 5; ++i)
    EXPECT_NEAR(values[i], test::antiderivative.function(i).integral(0.5), 1e-3);
}

TEST(RandomFeatureOperator, WithoutTrunkGivesTheTrainingPoints) {
  const auto data = recipe_data(test::antiderivative, 0, 300);
  const nlohmann::json options{{"features", "linear"}, {"count", 100}, {"threshold", 1e-12}};
  nlohmann::json direct = options;
  direct["trunk_count"] = 0;
  RandomFeatureOperator<double> with(RandomFeatureOptions::from_json(options)),
      without(RandomFeatureOptions::from_json(direct));
  with.fit(data.u, data.v, data.points);
  without.fit(data.u, data.v, data.points);
  const auto a = with.forward(data.u).value().to_vector();
  const auto b = without.forward(data.u).value().to_vector();
  for (std::size_t i = 0; i < a.size(); ++i)
    EXPECT_NEAR(a[i], b[i], 1e-9);
}

// Two outputs, the second twice the first.
TEST(RandomFeatureOperator, Channels) {
  const auto data = recipe_data(test::antiderivative, 0, 200);
  std::vector<double> two;
  for (const double v : data.v.to_vector()) {
    two.push_back(v);
    two.push_back(2 * v);
  }
  const auto v = Tensor<double>::from_host({200, 100, 2}, two);
  for (const int trunk : {200, 0}) {
    RandomFeatureOperator<double> op(RandomFeatureOptions::from_json(
        {{"features", "linear"}, {"count", 100}, {"out_channels", 2}, {"trunk_count", trunk}}));
    op.fit(data.u, v, data.points);
    EXPECT_LT(median(test::relative_errors(op.forward(data.u).value(), v)), 1e-7);
  }
}

TEST(RandomFeatureOperator, BadInput) {
  const auto data = recipe_data(test::antiderivative, 0, 20);
  RandomFeatureOperator<double> op({.count = 30, .trunk_count = 20});
  const auto fit = [&](const Tensor<double>& u, const Tensor<double>& v, const Tensor<double>& y) {
    test::expect_error([&] { op.fit(u, v, y); }, {"random_feature_operator"});
  };
  fit(Tensor<double>::zeros({20, 99}), data.v, data.points);
  fit(data.u, data.v.slice(0, 19), data.points);
  fit(data.u, data.v, data.points.slice(0, 50));
  fit(Tensor<double>::zeros({20, 100}), data.v, data.points);
  test::expect_error(
      [&] {
        op.fit(data.u, data.v, Tensor<double>::zeros({100, 1}));
      },
      {"points 0 and 1 are the same"});
  Tensor<double> bad = data.v.clone();
  bad.slice(0, 1).fill(NAN);
  test::expect_error([&] { op.fit(data.u, bad, data.points); }, {"finite"});
  test::expect_error([&] { op.forward(Tensor<double>::zeros({2, 7})); }, {"100 sensors", "(2, 7)"});
}

// On a grid of as many points the output is a field on it; training by name is refused, which would
// leave the readout at 0.
TEST(FittedOperators, FieldsAndNoTrainingByName) {
  const Shape grid{2, 3, 4, 2}, other{2, 3, 5, 2};
  const auto ridge = make_operator<double>("kernel_ridge", {{"sensors", 24}, {"points", 12}});
  const auto random = make_operator<double>("random_feature_operator",
                                            {{"sensors", 24}, {"points", 12}, {"count", 5}});
  const auto pod = make_operator<double>("pod_deeponet", {{"sensors", 24}, {"points", 12}});
  for (const Operator<double>* op : {ridge.get(), random.get(), pod.get()}) {
    EXPECT_EQ(op->forward(Tensor<double>::zeros(grid)).shape(), (Shape{2, 3, 4, 1}));
    EXPECT_EQ(op->forward(Tensor<double>::zeros({2, 24})).shape(), (Shape{2, 12, 1}));
    test::expect_error([&] { op->forward(Tensor<double>::zeros(other)); }, {"24"});
    test::expect_error(
        [&] {
          suggest_configuration(op->name(), {3, 4, 2}, {3, 4, 1});
        },
        {"fitted", "not trained"});
  }
}

TEST(KernelRidge, InterpolatesAndGeneralises) {
  const auto training = recipe_data(test::burgers_rhs, 0, 300);
  const auto testing = recipe_data(test::burgers_rhs, 300, 50);
  for (const char* kernel : {"gaussian", "matern_3_2", "matern_5_2"}) {
    KernelRidge<double> op(KernelRidgeOptions::from_json(
        {{"samples", 300}, {"kernel", kernel}, {"length", 3}, {"nugget", 1e-10}}));
    op.fit(training.u, training.v);
    EXPECT_LT(median(test::relative_errors(op.forward(training.u).value(), training.v)), 1e-3)
        << kernel;
    EXPECT_LT(median(test::relative_errors(op.forward(testing.u).value(), testing.v)), 0.5)
        << kernel;
  }
}

// Worked by hand: two samples, linear kernel with length 1 in units of their rms sqrt(5/2).
TEST(KernelRidge, TwoSamples) {
  KernelRidge<double> op(KernelRidgeOptions::from_json(
      {{"samples", 2}, {"sensors", 2}, {"points", 1}, {"kernel", "linear"}, {"nugget", 0.0}}));
  op.fit(Tensor<double>::from_host({2, 2}, {1, 0, 0, 2}),
         Tensor<double>::from_host({2, 1, 1}, {3, -4}));
  // The map is v = 3 u_1 - 2 u_2.
  EXPECT_NEAR(op.forward(Tensor<double>::from_host({1, 2}, {2, 5})).value().item(), -4, 1e-12);
}

TEST(KernelRidge, BadInput) {
  KernelRidge<double> op(KernelRidgeOptions::from_json(
      {{"samples", 2}, {"sensors", 1}, {"points", 1}, {"nugget", 0.0}}));
  const auto v = Tensor<double>::from_host({2, 1, 1}, {3, -4});
  test::expect_error([&] { op.fit(Tensor<double>::from_host({2, 1}, {1, 1}), v); }, {"the same"});
  test::expect_error([&] { op.fit(Tensor<double>::from_host({2, 1}, {1, NAN}), v); }, {"finite"});
  test::expect_error([&] { op.fit(Tensor<double>::from_host({1, 1}, {1}), v); }, {"(2, 1)"});
  KernelRidge<double> three(KernelRidgeOptions::from_json(
      {{"samples", 3}, {"sensors", 1}, {"points", 1}, {"nugget", 0.0}}));
  test::expect_error(
      [&] {
        three.fit(Tensor<double>::from_host({3, 1}, {1, 1, 2}),
                  Tensor<double>::from_host({3, 1, 1}, {3, -4, 1}));
      },
      {"singular", "nugget"});
}

// The closed form against fits that leave out one sample after the other.
TEST(KernelRidge, ChoosesTheKernelThatPredictsWhatIsLeftOut) {
  const std::int64_t n = 9;
  Tensor<double> u({n, 2}), v({n, 3, 2});
  fill_uniform(u, 0, 1, Random(1));
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t p = 0; p < 3; ++p)
      for (std::int64_t c = 0; c < 2; ++c)
        v.data()[(i * 3 + p) * 2 + c] =
            (c + 1) * std::sin(3 * u.data()[2 * i] + static_cast<double>(p) * u.data()[2 * i + 1]);
  KernelRidgeOptions o;
  o.samples = n;
  o.sensors = 2;
  o.points = 3;
  o.out_channels = 2;
  o.nugget = 1e-10;
  const KernelRidgeOptions chosen = choose_kernel(o, u, v, {1.0, 2.0});
  // With the length in units of the median distance of all samples: give it in those of the rest.
  const auto median = [](const Tensor<double>& x) {
    std::vector<double> d;
    for (std::int64_t i = 0; i < x.extent(0); ++i)
      for (std::int64_t j = 0; j < i; ++j)
        d.push_back(std::hypot(x.data()[2 * i] - x.data()[2 * j],
                               x.data()[2 * i + 1] - x.data()[2 * j + 1]));
    std::nth_element(d.begin(), d.begin() + static_cast<std::ptrdiff_t>(d.size() / 2), d.end());
    return d[d.size() / 2];
  };
  const auto left_out = [&](const std::string& kernel, double length) {
    double sum = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      std::vector<std::int64_t> others;
      for (std::int64_t j = 0; j < n; ++j)
        if (j != i) others.push_back(j);
      const Tensor<double> uo = select_rows(u, others), vo = select_rows(v, others);
      KernelRidgeOptions one = o;
      one.samples = n - 1;
      one.kernel = kernel;
      one.length = length * median(u) / median(uo);
      KernelRidge<double> ridge(one);
      ridge.fit(uo, vo);
      const auto p = ridge.forward(Variable<double>(u.slice(i, 1))).value().to_vector();
      for (std::size_t k = 0; k < 6; ++k)
        sum += std::pow((p[k] - v.data()[i * 6 + std::int64_t(k)]) / (k % 2 ? 2 : 1), 2);
    }
    return sum;
  };
  const double best = left_out(chosen.kernel, chosen.length);
  for (const char* kernel : {"matern_3_2", "matern_5_2", "gaussian"})
    for (const double length : {0.5, 1.0, 2.0, 4.0})
      EXPECT_LE(best, left_out(kernel, length) * 1.001) << kernel << " " << length;
  EXPECT_THROW(choose_kernel(o, u, v, {1.0}), Error);
}

}  // namespace
}  // namespace nopal
