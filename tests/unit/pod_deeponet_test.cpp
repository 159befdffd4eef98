// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "test_tools.hpp"

#include <nopal/autograd/gradient_check.hpp>
#include <nopal/core/random.hpp>
#include <nopal/operators/model.hpp>
#include <nopal/operators/pod_deeponet.hpp>
#include <nopal/train/point_losses.hpp>
#include <nopal/train/step_training.hpp>

#include <nlohmann/json.hpp>

#include <cmath>

namespace nopal {
namespace {

constexpr std::int64_t samples = 12, points = 5, channels = 2;

// y_i = 1 + 3 z_i1 e_1 + 2 z_i2 e_2 + z_i3 e_3 with unit vectors e of the 10 values of a field, the
// z of mean 0 and without correlation: cosines over a period.
Tensor<double> known_samples() {
  std::vector<double> y;
  for (std::int64_t i = 0; i < samples; ++i)
    for (std::int64_t j = 0; j < points * channels; ++j)
      y.push_back(1 + (j < 3 ? (3.0 - double(j)) *
                                   std::cos(2 * M_PI * double((j + 1) * i) / double(samples))
                             : 0));
  return Tensor<double>::from_host({samples, points, channels}, y);
}

TEST(PodBasis, FindsTheModes) {
  const auto y = known_samples();
  const auto basis = pod_basis(y, 1);
  ASSERT_EQ(basis.modes.shape(), (Shape{points, channels, 3}));
  const auto modes = basis.modes.to_vector();
  for (std::size_t j = 0; j < 10; ++j)
    for (std::size_t k = 0; k < 3; ++k)
      EXPECT_NEAR(std::abs(modes[3 * j + k]), j == k ? 1 : 0, 1e-12);
  for (std::size_t k = 0; k < 3; ++k)  // a sum of cos^2 over a period is half its length
    EXPECT_NEAR(basis.variances[k], std::pow(3.0 - double(k), 2) * 6 / 11, 1e-12);
  for (const double m : basis.mean.to_vector())
    EXPECT_NEAR(m, 1, 1e-14);
  EXPECT_NEAR(basis.projection_error(y), 0, 1e-13);
  // Energies 9, 4 and 1 of 14.
  EXPECT_EQ(pod_basis(y, 9.0 / 14 - 1e-6).count(), 1);
  EXPECT_EQ(pod_basis(y, 9.0 / 14 + 1e-6).count(), 2);
  EXPECT_EQ(pod_basis(y, 1, 2).count(), 2);
  // More samples than values: the other product.
  std::vector<double> twice = y.to_vector();
  const auto tall =
      Tensor<double>::from_host({2 * samples, points, 1}, {twice.begin(), twice.end()});
  const auto low = pod_basis(tall, 1);
  EXPECT_NEAR(low.projection_error(tall), 0, 1e-12);
}

TEST(PodBasis, BadInput) {
  test::expect_error([] { pod_basis(Tensor<double>::zeros({1, 5, 2}), 0.9); }, {"2 samples"});
  test::expect_error([] { pod_basis(Tensor<double>::zeros({3, 5, 2}), 0.9); }, {"the same"});
  test::expect_error([] { pod_basis(known_samples(), 1.1); }, {"(0, 1]", "1.1"});
  const auto bad = known_samples();
  bad.fill(INFINITY);
  test::expect_error([&] { pod_basis(bad, 0.9); }, {"not finite"});
}

std::unique_ptr<PodDeepONet<double>> make_network(const char* scaling = "variance") {
  auto op = std::make_unique<PodDeepONet<double>>(
      PodDeepONetOptions::from_json({{"sensors", 4},
                                     {"points", points},
                                     {"out_channels", channels},
                                     {"modes", 3},
                                     {"hidden", {6}},
                                     {"activation", "tanh"},
                                     {"scaling", scaling}}),
      5);
  op->set_basis(pod_basis(known_samples(), 1));
  return op;
}

TEST(PodDeepONet, IsBranchTimesModesPlusMean) {
  const Variable<double> u = Tensor<double>::from_host({2, 4}, {1, 2, 3, 4, -1, 0, 1, 0});
  for (const char* scaling : {"variance", "published"}) {
    const auto op = make_network(scaling);
    EXPECT_EQ(count(op->parameters()), 4 * 6 + 6 + 6 * 3 + 3);
    const auto y = op->forward(u).value();
    ASSERT_EQ(y.shape(), (Shape{2, points, channels}));
    // Only the first three values move; the others are the mean.
    for (std::int64_t i = 0; i < 2; ++i)
      for (std::int64_t j = 3; j < 10; ++j)
        EXPECT_NEAR(y.data()[i * 10 + j], 1, 1e-12);
    EXPECT_GT(std::abs(y.data()[0] - 1), 1e-3);
    std::vector<Variable<double>> leaves;
    for (const Parameter<double>* p : op->parameters())
      leaves.push_back(p->variable);
    EXPECT_LT(check_gradient([&] { return op->forward(u); }, leaves).error, 1e-7);
  }
  // sqrt(10) / 3 against the deviation sqrt(9 6 / 11) of the first coefficient.
  const double ratio = (make_network("published")->forward(u).value().data()[0] - 1) /
                       (make_network("variance")->forward(u).value().data()[0] - 1);
  EXPECT_NEAR(ratio, std::sqrt(10.0) / 3 / std::sqrt(54.0 / 11), 1e-10);
}

TEST(PodDeepONet, File) {
  const Model<double> model(make_network());
  const auto read = Model<double>::from_file(model.to_file(), "memory");
  const auto u = Tensor<double>::from_host({1, 4}, {1, 2, 3, 4});
  EXPECT_EQ(read.predict(u).to_vector(), model.predict(u).to_vector());
  EXPECT_EQ(read.predict(Tensor<double>::from_host({1, 2, 2, 1}, {1, 2, 3, 4})).shape(),
            (Shape{1, points, channels}));
}

TEST(PodDeepONet, Learns) {
  FunctionData<double> data;
  std::vector<double> u;
  for (std::int64_t i = 0; i < samples; ++i)
    for (std::int64_t k = 1; k <= 4; ++k)
      u.push_back(std::cos(2 * M_PI * double(k * i) / double(samples)));
  data.functions = {Tensor<double>::from_host({samples, 4}, u)};
  data.points = Tensor<double>::from_host({points, 1}, {0, 1, 2, 3, 4});
  data.values = known_samples();
  const auto op = make_network();
  StepOptions options;
  options.steps = 1500;
  options.learning_rate = 0.01;
  options.progress_seconds = 0;
  train_steps<double>(*op, function_loss<double>(*op, data, {}), options);
  for (const double error : point_errors(predict(*op, data), data))
    EXPECT_LT(error, 0.02);
}

TEST(PodDeepONet, BadInput) {
  const auto op = make_network();
  test::expect_error([&] { op->forward(Tensor<double>::zeros({2, 5})); }, {"4 sensors", "(2, 5)"});
  const Variable<double> both[] = {Tensor<double>::zeros({2, 4}), Tensor<double>::zeros({7, 1})};
  test::expect_error([&] { op->forward(both); }, {"5 points", "(7, 1)"});
  test::expect_error(
      [&] {
        op->forward_rows(std::span(both, 1), both[1], {0, 3, 7});
      },
      {"5 points"});
  test::expect_error([&] { op->set_basis(pod_basis(known_samples(), 1, 2)); }, {"(5, 2, 3)"});
}

}  // namespace
}  // namespace nopal
