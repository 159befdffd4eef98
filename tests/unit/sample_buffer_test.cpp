// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "test_tools.hpp"

#include <nopal/data/sample_buffer.hpp>

#include <algorithm>
#include <numeric>

namespace {

using namespace nopal;
using Keep = SampleBuffer<double>::Keep;

// Sample number n has x = n and y = -n.
void add(SampleBuffer<double>& buffer, int n) {
  const double value = n;
  buffer.add(Tensor<double>::from_host({1, 2, 1}, {value, value}),
             Tensor<double>::from_host({1, 2, 1}, {-value, -value}));
}

std::vector<int> kept(const SampleBuffer<double>& buffer) {
  std::vector<std::int64_t> all(static_cast<std::size_t>(buffer.size()));
  std::iota(all.begin(), all.end(), 0);
  const Tensor<double> x({buffer.size(), 2, 1}), y({buffer.size(), 2, 1});
  buffer.read(all, x, y);
  std::vector<int> result;
  for (std::int64_t i = 0; i < buffer.size(); ++i) {
    const std::vector<double> xs = x.slice(i, 1).to_vector(), ys = y.slice(i, 1).to_vector();
    EXPECT_EQ(xs, std::vector<double>(2, -ys[0]));
    result.push_back(static_cast<int>(xs[0]));
  }
  std::sort(result.begin(), result.end());
  return result;
}

TEST(SampleBuffer, KeepsTheNewest) {
  SampleBuffer<double> buffer({2, 1}, {2, 1}, 3, Keep::newest);
  EXPECT_EQ(buffer.size(), 0);
  for (int n = 0; n < 2; ++n)
    add(buffer, n);
  EXPECT_EQ(kept(buffer), (std::vector<int>{0, 1}));
  for (int n = 2; n < 8; ++n)
    add(buffer, n);
  EXPECT_EQ(kept(buffer), (std::vector<int>{5, 6, 7}));
  EXPECT_EQ(buffer.seen(), 8);
}

// 4 of 20 samples: each is kept with probability 1/5, by 2000 seeds 400 times with a deviation of
// sqrt(2000 * 0.2 * 0.8) = 18.
TEST(SampleBuffer, KeepsEachWithTheSameProbability) {
  std::vector<int> times(20, 0);
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    SampleBuffer<double> buffer({2, 1}, {2, 1}, 4, Keep::uniform, seed);
    for (int n = 0; n < 20; ++n)
      add(buffer, n);
    const std::vector<int> samples = kept(buffer);
    ASSERT_EQ(samples.size(), 4u);
    ASSERT_TRUE(std::adjacent_find(samples.begin(), samples.end()) == samples.end());
    for (const int n : samples)
      ++times[static_cast<std::size_t>(n)];
  }
  for (const int count : times)
    EXPECT_NEAR(count, 400, 4 * 18);
}

TEST(SampleBuffer, RefusesWhatDoesNotFit) {
  test::expect_error([] { SampleBuffer<double>({2, 1}, {2, 1}, 0); }, {"at least 1", "0"});
  SampleBuffer<double> buffer({2, 1}, {2, 1}, 3);
  test::expect_error(
      [&] {
        buffer.add(Tensor<double>({1, 3, 1}), Tensor<double>({1, 2, 1}));
      },
      {"(1, 2, 1)", "(1, 3, 1)"});
  const std::int64_t index = 0;
  const Tensor<double> x({1, 2, 1});
  test::expect_error([&] { buffer.read(std::span(&index, 1), x, x); }, {"no sample 0"});
}

}  // namespace
