// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "test_tools.hpp"

#include <nopal/autograd/gradient_check.hpp>
#include <nopal/core/allocator.hpp>
#include <nopal/core/random.hpp>
#include <nopal/nn/exchange.hpp>

// Grids and exchanges on one rank, by hand; tests/mpi has those on several.

namespace nopal {
namespace {

using test::expect_error;
using Values = std::vector<double>;
constexpr auto zero = BoundaryRule::zero, reflect = BoundaryRule::reflect,
               periodic = BoundaryRule::periodic;

// The halo of a field with one channel.
Values pad(const Shape& extents, const std::vector<AxisRule>& rules, const Shape& low,
           const Shape& high, const Values& values, std::int64_t batch = 1,
           std::int64_t channels = 1) {
  const Grid grid(extents, rules);
  const auto halo = halo_exchange<double>(grid, low, high);
  const auto x = Tensor<double>::from_host(grid.box().field(batch, channels), values);
  const Tensor<double> y(halo.box().field(batch, channels));
  y.fill(-99);
  halo.start(x, y);
  halo.finish(y);
  return y.to_vector();
}

TEST(Exchange, RulesInOneDimension) {
  const Values x{1, 2, 3, 4};
  EXPECT_EQ(pad({4}, {zero}, {2}, {1}, x), (Values{0, 0, 1, 2, 3, 4, 0}));
  EXPECT_EQ(pad({4}, {reflect}, {2}, {3}, x), (Values{3, 2, 1, 2, 3, 4, 3, 2, 1}));
  EXPECT_EQ(pad({4}, {periodic}, {2}, {1}, x), (Values{3, 4, 1, 2, 3, 4, 1}));
  EXPECT_EQ(pad({4}, {{zero, reflect}}, {1}, {1}, x), (Values{0, 1, 2, 3, 4, 3}));
  EXPECT_EQ(pad({4}, {{reflect, zero}}, {1}, {1}, x), (Values{2, 1, 2, 3, 4, 0}));
  EXPECT_EQ(pad({4}, {}, {0}, {0}, x), x);
}

TEST(Exchange, PeriodicMarginsMayBeWiderThanTheGrid) {
  EXPECT_EQ(pad({2}, {periodic}, {3}, {3}, {1, 2}), (Values{2, 1, 2, 1, 2, 1, 2, 1}));
  EXPECT_EQ(pad({1}, {periodic}, {2}, {1}, {7}), (Values{7, 7, 7, 7}));
}

TEST(Exchange, CornersInTwoDimensions) {
  const Values x{1, 2, 3, 4};
  EXPECT_EQ(pad({2, 2}, {reflect, reflect}, {1, 1}, {1, 1}, x),
            (Values{4, 3, 4, 3, 2, 1, 2, 1, 4, 3, 4, 3, 2, 1, 2, 1}));
  EXPECT_EQ(pad({2, 2}, {periodic, zero}, {1, 1}, {0, 1}, x),
            (Values{0, 3, 4, 0, 0, 1, 2, 0, 0, 3, 4, 0}));
}

TEST(Exchange, BatchAndChannelsInThreeDimensions) {
  // (2, 1, 2, 1, 2): points 10, 20 and 30, 40 of two samples, with the channel as last digit.
  const Values x{10, 11, 20, 21, 30, 31, 40, 41};
  EXPECT_EQ(pad({1, 2, 1}, {zero, reflect, periodic}, {1, 1, 0}, {0, 0, 1}, x, 2, 2),
            (Values{0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,   // beyond axis X1
                    20, 21, 20, 21, 10, 11, 10, 11, 20, 21, 20, 21,  //
                    0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,   //
                    40, 41, 40, 41, 30, 31, 30, 31, 40, 41, 40, 41}));
}

TEST(Exchange, AdjointAddsMarginsToTheirSources) {
  const Grid grid({3}, {reflect});
  const auto halo = halo_exchange<double>(grid, {1}, {1});
  const auto dy = Tensor<double>::from_host({1, 5, 1}, {1, 2, 3, 4, 5});
  const auto dx = Tensor<double>::from_host({1, 3, 1}, {100, 100, 100});
  halo.start_adjoint(dy);
  halo.finish_adjoint(dy, dx);
  EXPECT_EQ(dx.to_vector(), (Values{2, 9, 4}));
  halo.start_adjoint(dy);
  halo.finish_adjoint(dy, dx, true);
  EXPECT_EQ(dx.to_vector(), (Values{4, 18, 8}));
}

TEST(Exchange, Gradients) {
  const std::vector<AxisRule> rules{{zero, reflect}, periodic, reflect};
  for (const Shape& extents : {Shape{4}, Shape{4, 3}, Shape{4, 3, 5}}) {
    const int d = extents.rank();
    Shape low, high;
    for (int a = 0; a < d; ++a) {
      low.push_back(a + 1);
      high.push_back(3 - a);
    }
    const Grid grid(extents, {rules.begin(), rules.begin() + d});
    const auto halo = halo_exchange<double>(grid, low, high);
    Tensor<double> value(grid.box().field(2, 3));
    fill_normal(value, 0, 1, Random(5));
    const auto x = Variable<double>::leaf(value);
    const auto check = check_gradient([&] { return exchange(x, halo); }, {x});
    EXPECT_LT(check.error, 1e-6) << extents << check.where;
  }
}

TEST(Exchange, IdentityIsFree) {
  const Grid grid({4, 4});
  const auto same = redistribution<float>(grid, grid.gather());
  EXPECT_TRUE(same.identity());
  EXPECT_TRUE(halo_exchange<float>(grid, {0, 0}, {0, 0}).identity());
  const Variable<float> x(Tensor<float>::zeros({2, 4, 4, 3}));
  EXPECT_EQ(exchange(x, same).value().data(), x.value().data());
}

TEST(Exchange, EmptyBatch) {
  const auto halo = halo_exchange<double>(Grid({4}, {periodic}), {1}, {1});
  const auto x = Variable<double>::leaf(Tensor<double>({0, 4, 2}));
  Tape<double> tape;
  const auto y = exchange(x, halo);
  EXPECT_EQ(y.shape(), (Shape{0, 6, 2}));
  tape.backward(y, Tensor<double>({0, 6, 2}));
  EXPECT_EQ(x.gradient().shape(), (Shape{0, 4, 2}));
}

TEST(Exchange, AllocatesNothingAfterTheFirstCall) {
  const auto halo = halo_exchange<float>(Grid({16, 16}, {reflect, periodic}), {1, 1}, {1, 1});
  const Variable<float> x(Tensor<float>::zeros({2, 16, 16, 4}));
  exchange(x, halo);
  const auto before = memory_statistics().system_allocations;
  for (int i = 0; i < 3; ++i)
    exchange(x, halo);
  EXPECT_EQ(memory_statistics().system_allocations, before);
}

TEST(Exchange, BadInput) {
  const Grid grid({4, 3}, {zero, reflect});
  expect_error(
      [&] {
        halo_exchange<float>(grid, {1, 3}, {0, 0});
      },
      {"axis X2", "(4, 3)", "2 points", "needs 3"});
  expect_error([&] { halo_exchange<float>(grid, {1, 1}, {0, 3}); }, {"axis X2", "needs 3"});
  expect_error([&] { halo_exchange<float>(grid, {1}, {0, 3}); }, {"2 dimensions", "(1)"});
  expect_error([&] { redistribution<float>(grid, Grid({4, 4})); }, {"(4, 3)", "(4, 4)"});
  const auto halo = halo_exchange<float>(grid, {1, 1}, {1, 1});
  const Tensor<float> x({2, 4, 3, 5}), y({2, 6, 5, 5}), wrong({2, 4, 3, 4}), flat({4, 3, 5});
  expect_error([&] { halo.start(y, y); }, {"x has shape (2, 6, 5, 5)", "expected (2, 4, 3, 5)"});
  expect_error([&] { halo.start(x, wrong); }, {"y has shape (2, 4, 3, 4)", "(2, 6, 5, 5)"});
  expect_error([&] { halo.start(flat, y); }, {"4 axes", "(4, 3, 5)"});
  expect_error([&] { halo.finish(y); }, {"finish() without start()"});
  halo.start(x, y);
  expect_error([&] { halo.start_adjoint(y); }, {"start() is not finished"});
  expect_error([&] { halo.finish_adjoint(y, x); }, {"without start_adjoint()"});
  halo.finish(y);
}

}  // namespace
}  // namespace nopal
