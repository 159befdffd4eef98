// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Layers that look at the whole batch: on several ranks as on one, ranks without samples included.

#include <gtest/gtest.h>
#include <nopal/core/random.hpp>
#include <nopal/nn/batch_norm.hpp>
#include <nopal/nn/training_mode.hpp>

#include "test_tools.hpp"

namespace nopal {
namespace {

template <class T>
struct BatchNorm {
  Variable<T> x, scale, shift;
  Tensor<T> mean, variance, y;

  // Forward and backward on the samples of `part` out of the batch.
  BatchNorm(const Tensor<T>& batch, const Tensor<T>& dy, Slab part, const Communicator& comm)
      : x(Variable<T>::leaf(batch.slice(part.first, part.count).clone())) {
    const auto vector = [](double value, std::uint64_t seed) {
      Tensor<T> v({3});
      fill_normal(v, value, 0.5, Random(seed));
      return v;
    };
    scale = Variable<T>::leaf(vector(1, 1));
    shift = Variable<T>::leaf(vector(0, 2));
    mean = vector(0, 3);
    variance = vector(3, 4);
    const TrainingMode mode({.batch = batch.extent(0), .first_sample = part.first, .comm = comm});
    Tape<T> tape;
    const auto result = batch_norm(x, scale, shift, mean, variance);
    y = result.value();
    tape.backward(result, dy.slice(part.first, part.count));
  }
};

template <class T>
void expect_near(const Tensor<T>& a, const Tensor<T>& b, double tolerance) {
  const auto va = a.to_vector(), vb = b.to_vector();
  ASSERT_EQ(va.size(), vb.size());
  for (std::size_t i = 0; i < va.size(); ++i)
    EXPECT_NEAR(va[i], vb[i], tolerance);
}

template <class T>
void compare(std::int64_t samples, double tolerance) {
  const Communicator comm = Communicator::world();
  Tensor<T> batch({samples, 5, 3}), dy({samples, 5, 3});
  fill_normal(batch, 2, 1, Random(5));
  fill_normal(dy, 0, 1, Random(6));
  const BatchNorm<T> alone(batch, dy, {0, samples}, Communicator());
  const Slab mine = slab(samples, comm.rank(), comm.size());
  const BatchNorm<T> together(batch, dy, mine, comm);
  expect_near(together.y, alone.y.slice(mine.first, mine.count), tolerance);
  expect_near(together.x.gradient(), alone.x.gradient().slice(mine.first, mine.count), tolerance);
  expect_near(together.mean, alone.mean, tolerance);
  expect_near(together.variance, alone.variance, tolerance);
  for (const auto& [sum, whole] :
       {std::pair{together.scale, alone.scale}, {together.shift, alone.shift}}) {
    comm.sum(sum.gradient());
    expect_near(sum.gradient(), whole.gradient(), 10 * tolerance);
  }
  for (const Tensor<T>& mine_too : {together.mean, together.variance}) {
    const Tensor<T> first = mine_too.clone();
    comm.broadcast(first);
    EXPECT_EQ(first.to_vector(), mine_too.to_vector());
  }
}

TEST(BatchNorm, SplitOverRanks) {
  for (const std::int64_t samples : {1, 2, 3, 7}) {
    compare<double>(samples, 1e-13);
    compare<float>(samples, 1e-5);
  }
}

// The last rank fails before it comes to the layer, where the others wait.
TEST(BatchNorm, ErrorOfOneRankReachesAll) {
  const Communicator comm = Communicator::world();
  Tensor<float> x({4, 5, 3});
  fill_normal(x, 0, 1, Random(1));
  for (int repetition = 0; repetition < 3; ++repetition)
    test::expect_error(
        [&] {
          comm.together([&] {
            NOPAL_CHECK(comm.rank() + 1 < comm.size(), "rank ", comm.rank(), " fails");
            BatchNorm<float>(x, x, slab(4, comm.rank(), comm.size()), comm);
          });
        },
        {"rank " + std::to_string(comm.size() - 1) + " fails"});
  EXPECT_EQ(comm.sum(1.0), comm.size());
}

// An error on a communicator of its own is not one of all ranks.
TEST(Together, NestedOnAnotherCommunicator) {
  const Communicator comm = Communicator::world();
  test::expect_error(
      [&] {
        comm.together([&] {
          Communicator().together([&] { NOPAL_CHECK(comm.rank() > 0, "rank 0 fails alone"); });
        });
      },
      {"rank 0 fails alone"});
  EXPECT_EQ(comm.sum(1.0), comm.size());
}

}  // namespace
}  // namespace nopal
