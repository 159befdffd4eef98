// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>
#include <nopal/data/channel_statistics.hpp>

#include "test_tools.hpp"

#include <cmath>

namespace nopal {
namespace {

using test::expect_error;

TEST(ChannelStatistics, RangesAreOfEachChannel) {
  const auto x = Tensor<float>::from_host({3, 2}, {1, -5, 3, 7, 2, 0});
  const ChannelRanges r = channel_ranges(x);
  EXPECT_EQ(r.low, (std::vector<double>{1, -5}));
  EXPECT_EQ(r.high, (std::vector<double>{3, 7}));
  EXPECT_EQ(r.width, (std::vector<double>{2, 12}));
  expect_error([] { channel_ranges(Tensor<float>::zeros({0, 2})); }, {"(0, 2)"});
}

TEST(ChannelStatistics, ErrorsAreRelativeAndLeaveMaskedPointsOut) {
  const auto y = Tensor<double>::from_host({3, 2}, {3, 1, 4, 2, 100, 2});
  const auto p = Tensor<double>::from_host({3, 2}, {3, 2, 5, 2, 0, 0});
  const auto mask = Tensor<double>::from_host({3}, {1, 1, 0});
  const std::vector<double> masked = channel_errors(p, y, mask), all = channel_errors(p, y);
  EXPECT_DOUBLE_EQ(masked[0], 1.0 / 5);
  EXPECT_DOUBLE_EQ(masked[1], 1 / std::sqrt(5.0));
  EXPECT_DOUBLE_EQ(all[1], std::sqrt(5.0) / 3);
  expect_error([&] { channel_errors(p, Tensor<double>::zeros({3, 2})); }, {"channel 0 are 0"});
  expect_error([&] { channel_errors(p, y, Tensor<double>::zeros({2})); }, {"(2)"});
}

}  // namespace
}  // namespace nopal
