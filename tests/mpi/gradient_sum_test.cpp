// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>
#include <nopal/comm/gradient_sum.hpp>

namespace nopal {
namespace {

// Entry i of rank r in round k: small integers, so that sums are exact.
float entry(std::int64_t i, int rank, int round) {
  return static_cast<float>((i * 7 + rank * 3 + round * 5) % 11);
}

// Reduces, doubles the sum part by part, shares: every rank must end with twice the sum.
void check_rounds(const Communicator& comm, std::int64_t size, int ranks_per_node) {
  GradientSum<float> sum(comm, size, ranks_per_node);
  std::vector<float> result(static_cast<std::size_t>(size));
  for (int round = 0; round < 5; ++round) {
    float* mine = sum.contribution().data();
    for (std::int64_t i = 0; i < size; ++i)
      mine[i] = entry(i, comm.rank(), round);
    double numbers[2] = {1.0 + comm.rank(), 0.5};
    sum.sum(round % 2 ? std::span<double>(numbers) : std::span<double>());
    if (round % 2) {
      EXPECT_EQ(numbers[0], comm.size() * (comm.size() + 1) / 2.0);
      EXPECT_EQ(numbers[1], comm.size() * 0.5);
    }
    const Slab part = sum.part();
    if (part.count > 0) {
      EXPECT_EQ(part.first % 16, 0);
    }
    for (std::int64_t i = part.first; i < part.first + part.count; ++i)
      result[i] = sum.contribution().data()[i] *= 2;
    sum.share([&](Slab slab, const Tensor<float>& values) {
      ASSERT_EQ(values.size(), slab.count);
      for (std::int64_t i = 0; i < slab.count; ++i)
        result[slab.first + i] = values.data()[i];
    });
    for (std::int64_t i = 0; i < size; ++i) {
      float expected = 0;
      for (int r = 0; r < comm.size(); ++r)
        expected += 2 * entry(i, r, round);
      ASSERT_EQ(result[i], expected) << "entry " << i << ", round " << round;
    }
  }
}

TEST(GradientSum, SumsAndShares) {
  const Communicator comm = Communicator::world();
  for (const std::int64_t size : {0, 1, 15, 16, 33, 1000, 100003})
    check_rounds(comm, size, 0);
}

// Nodes of one and two ranks: 4 ranks are two equal nodes, 3 ranks are unequal ones (plain MPI).
TEST(GradientSum, SeveralNodes) {
  const Communicator comm = Communicator::world();
  for (const int ranks_per_node : {1, 2})
    for (const std::int64_t size : {5, 1000})
      check_rounds(comm, size, ranks_per_node);
  GradientSum<float> sum(comm, 100, 2);
  EXPECT_EQ(sum.shared(), comm.size() == 2 || comm.size() == 4);
}

TEST(GradientSum, AllRanksHaveTheSameBits) {
  const Communicator comm = Communicator::world();
  const std::int64_t size = 10007;
  for (const int ranks_per_node : {0, 1, 2}) {
    GradientSum<double> sum(comm, size, ranks_per_node);
    double* mine = sum.contribution().data();
    for (std::int64_t i = 0; i < size; ++i)
      mine[i] = 1.0 / static_cast<double>(i + 1 + 1000 * comm.rank());
    double number = 1.0 / (3 + comm.rank());
    sum.sum(std::span<double>(&number, 1));
    Tensor<double> result({size + 1});
    result.data()[size] = number;
    const Slab part = sum.part();
    result.slice(part.first, part.count)
        .copy_from(sum.contribution().slice(part.first, part.count));
    sum.share([&](Slab slab, const Tensor<double>& values) {
      result.slice(slab.first, slab.count).copy_from(values);
    });
    const Tensor<double> root = result.clone();
    comm.broadcast(root);
    EXPECT_EQ(root.to_vector(), result.to_vector());
  }
}

// A rank that fails alone ends its sum; the others, who wait to hear of it, must not wait for ever.
TEST(GradientSum, ErrorOfOneRankReachesAll) {
  const Communicator comm = Communicator::world();
  std::string message;
  try {
    comm.together([&] {
      GradientSum<float> sum(comm, 1000);
      NOPAL_CHECK(comm.rank() < comm.size() - 1, "lost");
      comm.together([] {});
    });
  } catch (const Error& error) {
    message = error.what();
  }
  EXPECT_NE(message.find("lost"), std::string::npos) << message;
  check_rounds(comm, 1000, 0);
}

TEST(GradientSum, OneRankNeedsNoMpi) {
  check_rounds(Communicator(), 100, 0);
}

}  // namespace
}  // namespace nopal
