// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "test_tools.hpp"

#include <nopal/autograd/gradient_check.hpp>
#include <nopal/data/function_data.hpp>
#include <nopal/data/gaussian_process.hpp>
#include <nopal/nn/initialisation.hpp>
#include <nopal/operators/deeponet.hpp>
#include <nopal/train/point_losses.hpp>
#include <nopal/train/step_training.hpp>

#include <cmath>
#include <set>

namespace nopal {
namespace {

Tensor<double> numbers(const Shape& shape, double first = 0) {
  std::vector<double> values(static_cast<std::size_t>(shape.size()));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = first + static_cast<double>(i);
  return Tensor<double>::from_host(shape, values);
}

// Values tell where they come from.
FunctionData<double> shared_data() {
  return {{numbers({3, 2})}, numbers({4, 1}, 100), {}, numbers({3, 4, 2}, 1000), {}};
}
FunctionData<double> ragged_data() {
  return {{numbers({3, 2})}, numbers({6, 1}, 100), {0, 3, 3, 6}, numbers({6, 2}, 1000), {}};
}

using Values = std::vector<double>;

TEST(FunctionData, SelectsSamples) {
  const std::int64_t which[] = {2, 0};
  auto part = select_samples(shared_data(), which);
  EXPECT_EQ(part.functions[0].to_vector(), (Values{4, 5, 0, 1}));
  EXPECT_EQ(part.values.shape(), (Shape{2, 4, 2}));
  EXPECT_EQ(part.values.to_vector()[0], 1016);
  EXPECT_EQ(part.values.to_vector()[8], 1000);
  FunctionData<double> data = ragged_data();
  data.mask = Tensor<double>::from_host({6}, {1, 0, 1, 0, 1, 1});
  part = select_samples(data, which);
  EXPECT_EQ(part.offsets, (std::vector<std::int64_t>{0, 3, 6}));
  EXPECT_EQ(part.points.to_vector(), (Values{103, 104, 105, 100, 101, 102}));
  EXPECT_EQ(part.values.to_vector()[0], 1006);
  EXPECT_EQ(part.mask.to_vector(), (Values{0, 1, 1, 1, 0, 1}));
}

TEST(FunctionData, SelectsPoints) {
  const auto shared = select_points(shared_data(), 2, Random(3));
  ASSERT_EQ(shared.values.shape(), (Shape{3, 2, 2}));
  const Values x = shared.points.to_vector(), y = shared.values.to_vector();
  EXPECT_LT(x[0], x[1]);
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t p = 0; p < 2; ++p)
      EXPECT_EQ(y[(i * 2 + p) * 2], 1000 + 8 * static_cast<double>(i) + 2 * (x[p] - 100));
  const auto ragged = select_points(ragged_data(), 2, Random(3));
  EXPECT_EQ(ragged.offsets, (std::vector<std::int64_t>{0, 2, 2, 4}));
  for (std::size_t r = 0; r < 4; ++r)
    EXPECT_EQ(ragged.values.to_vector()[2 * r], 1000 + 2 * (ragged.points.to_vector()[r] - 100));
  // All points, as they are.
  EXPECT_EQ(select_points(ragged_data(), 9, Random(3)).points.to_vector(),
            ragged_data().points.to_vector());
  // Each point is drawn as often as the others.
  std::vector<int> drawn(4);
  for (std::uint64_t s = 0; s < 4000; ++s)
    for (const double p : select_points(shared_data(), 1, Random(s)).points.to_vector())
      ++drawn[static_cast<std::size_t>(p - 100)];
  for (const int n : drawn)
    EXPECT_NEAR(n, 1000, 5 * std::sqrt(750));
}

TEST(FunctionData, DividedPointsAreAllPointsOnce) {
  for (const auto& data : {shared_data(), ragged_data()}) {
    std::multiset<double> seen;
    for (int part = 0; part < 5; ++part)
      for (const double y : divide_points(data, part, 5).values.to_vector())
        seen.insert(y);
    const Values all = data.values.to_vector();
    EXPECT_EQ(seen, std::multiset<double>(all.begin(), all.end()));
  }
}

TEST(FunctionData, OfSamplesOnGrids) {
  const InMemoryDataset<double> grid(numbers({3, 2, 2, 3}), numbers({3, 2, 2, 1}));
  const auto points = product_points<double>({{0, 1}, equally_spaced(2, 3, 2)});
  EXPECT_EQ(points.to_vector(), (Values{0, 2, 0, 3, 1, 2, 1, 3}));
  const auto data = as_function_data(grid, points, {{1}, {0, 3, 6, 9}});
  data.check("of the test");
  const Values x = numbers({3, 2, 2, 3}).to_vector();
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(data.functions[0].to_vector()[i], x[12 * i + 1]);
    EXPECT_EQ(data.functions[1].to_vector()[4 * i + 3], x[12 * i + 9]);
  }
  EXPECT_EQ(data.values.shape(), (Shape{3, 4, 1}));
  EXPECT_EQ(data.values.to_vector(), numbers({3, 2, 2, 1}).to_vector());
  EXPECT_EQ(as_function_data(grid, points).functions[0].to_vector(), x);
  test::expect_error([&] { as_function_data(grid, points, {{12}}); }, {"entry 12", "(2, 2, 3)"});
  test::expect_error(
      [&] {
        as_function_data(grid, product_points<double>({{0, 1}}));
      },
      {"(2, 1)", "y (2, 2, 1)"});
}

TEST(FunctionData, BadInput) {
  const auto refuses = [](const FunctionData<double>& data, const std::string& word) {
    test::expect_error([&] { data.check("d.h5"); }, {"d.h5", word});
  };
  auto data = ragged_data();
  data.offsets = {0, 3, 6};
  refuses(data, "4 offsets");
  data.offsets = {0, 4, 3, 6};
  refuses(data, "rise");
  data.offsets = {0, 3, 3, 7};
  refuses(data, "7");
  data = shared_data();
  data.values = numbers({3, 5, 2});
  refuses(data, "(3, 5, 2)");
  data = shared_data();
  data.points = Tensor<double>::from_host({4, 1}, {100, 101, 102, 101});
  refuses(data, "points 1 and 3 are the same");
  data = shared_data();
  data.points = {};
  refuses(data, "points");
  data = shared_data();
  data.mask = Tensor<double>::from_host({3, 4}, {1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1});
  refuses(data, "mask of sample 1 is empty");
  data.mask.fill(0.5);
  refuses(data, "0 and 1");
  data = shared_data();
  data.functions[0].fill(NAN);
  refuses(data, "not finite");
  data.functions.clear();
  refuses(data, "at least one");
  test::expect_error(
      [] {
        const auto wide = shared_data();
        const DeepONet<double> op({.sensors = {7}, .branch = {4}, .trunk = {4}});
        function_loss(op, wide, {})(0);
      },
      {"(3, 2)", "7"});
}

// Ragged rows are entries of the outer block.
TEST(DeepONetRows, EqualTheOuterBlock) {
  for (const char* strategy : {"independent", "split_both", "split_branch", "split_trunk"}) {
    DeepONetOptions options{.sensors = {2}, .out_channels = 2, .branch = {5, 11}, .trunk = {6, 11}};
    options.multi_output = strategy;
    options.branch_activation = options.trunk_activation = "tanh";
    const DeepONet<double> op(options, 4);
    for (Parameter<double>* p : op.parameters())
      fill_normal(p->value(), 0, 0.5, Random(1, parameter_stream(p->name)));
    const auto u = Tensor<double>::from_host({3, 2}, {0.1, 0.2, -0.3, 0.4, 0.5, -0.6});
    const auto y = Tensor<double>::from_host({6, 1}, {0.3, 0.1, 0.9, 0.2, 0.7, 0.5});
    const Variable<double> all[] = {u, y}, functions[] = {u};
    const Values block = op.forward(all).value().to_vector();
    const std::vector<std::int64_t> offsets{0, 3, 3, 6};
    const Values rows = op.forward_rows(functions, y, offsets).value().to_vector();
    for (std::size_t r = 0; r < 6; ++r)
      for (std::size_t c = 0; c < 2; ++c)
        EXPECT_NEAR(rows[2 * r + c], block[((r < 3 ? 0 : 2) * 6 + r) * 2 + c], 1e-14) << strategy;
    std::vector<Variable<double>> leaves;
    for (const Parameter<double>* p : op.parameters())
      leaves.push_back(p->variable);
    EXPECT_LT(check_gradient([&] { return op.forward_rows(functions, y, offsets); }, leaves).error,
              1e-7)
        << strategy;
  }
}

TEST(PointLosses, ByHandAndGradients) {
  FunctionData<double> data = ragged_data();
  data.values = Tensor<double>::from_host({6, 2}, {3, 1, 4, 0, 9, 9, 1, 2, 9, 9, 2, 2});
  data.mask = Tensor<double>::from_host({6}, {1, 1, 0, 1, 0, 1});
  data.offsets = {0, 3, 3, 6};
  const auto p = Variable<double>::leaf(
      Tensor<double>::from_host({6, 2}, {3, 2, 4, 2, 0, 0, 1, 2, 0, 0, 1, 0}));
  const PointSums sums = point_sums(data);
  EXPECT_EQ(sums.count, 4);
  EXPECT_EQ(sums.squares, (Values{25, 1, 0, 0, 5, 8}));
  // Squares: 0, 1 + 4 | 0, 0 | 1, 4
  EXPECT_DOUBLE_EQ(point_squared_error(p, data, 0.5).value().item(), 5);
  EXPECT_DOUBLE_EQ(point_squared_error(p, data, 1, {2, 10}).value().item(), 2 + 90);
  const double relative = std::sqrt(5.0) / 1 + 1 / std::sqrt(5.0) + 2 / std::sqrt(8.0);
  EXPECT_NEAR(point_relative_l2(p, data, sums, 1).value().item(), relative, 1e-7);
  EXPECT_EQ(point_errors(p.value(), data), (Values{std::sqrt(5.0 / 26), 0, std::sqrt(5.0 / 13)}));
  EXPECT_EQ(point_errors(p.value(), data, true)[1], std::sqrt(5.0));
  for (const auto& loss : std::vector<std::function<Variable<double>()>>{
           [&] {
             return point_squared_error(p, data, 0.7, {2, 10});
           },
           [&] {
             return point_relative_l2(p, data, sums, 0.7, {2, 10});
           }}) {
    Tape<double> tape;
    p.clear_gradient();
    tape.backward(loss());
    EXPECT_EQ(p.gradient().to_vector()[4], 0) << "masked";
  }
  FunctionData<double> smooth = data;  // no vanishing norm
  smooth.values = numbers({6, 2}, 5);
  const PointSums of_smooth = point_sums(smooth);
  EXPECT_LT(check_gradient(
                [&] {
                  return point_squared_error(p, smooth, 0.7, {2, 10});
                },
                {p})
                .error,
            1e-7);
  EXPECT_LT(check_gradient([&] { return point_relative_l2(p, smooth, of_smooth, 0.7); }, {p}).error,
            1e-7);
}

TEST(GaussianProcess, Covariance) {
  const GaussianProcess process(40, 0, 1, 0.2);
  EXPECT_LT(process.rank(), 25);
  std::vector<double> u(41);
  const int samples = 20000;
  double variance = 0, covariance = 0;
  for (int i = 0; i < samples; ++i) {
    process.sample(5, static_cast<std::uint64_t>(i), u);
    variance += u[10] * u[10] / samples;
    covariance += u[10] * u[20] / samples;
  }
  EXPECT_NEAR(variance, 1, 5 * std::sqrt(2.0 / samples));
  EXPECT_NEAR(covariance, std::exp(-0.25 * 0.25 / (2 * 0.04)), 5 * std::sqrt(2.0 / samples));
  test::expect_error([] { GaussianProcess(10, 0, 1, 0); }, {"length above 0"});
}

}  // namespace
}  // namespace nopal
