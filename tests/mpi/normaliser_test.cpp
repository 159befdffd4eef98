// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>
#include <nopal/core/random.hpp>
#include <nopal/data/normaliser.hpp>

#include "test_tools.hpp"

#include <limits>

namespace nopal {
namespace {

template <class T>
void expect_same_as_serial(std::int64_t samples, typename NormaliserFit<T>::Kind kind) {
  const auto comm = Communicator::world();
  Tensor<T> x({samples, 6, 5, 2});
  fill_normal(x, 4, 3, Random(3));
  NormaliserFit<T> serial(kind), parallel(kind);
  serial.add(x);
  const Slab mine = slab(samples, comm.rank(), comm.size());
  if (mine.count > 0) parallel.add(x.slice(mine.first, mine.count));
  const Normaliser<T> expected = serial.finish(), found = parallel.finish(comm);

  ASSERT_EQ(found.mean().shape(), expected.mean().shape());
  const double tolerance = 8 * std::numeric_limits<T>::epsilon();
  const auto m = found.mean().to_vector(), m0 = expected.mean().to_vector();
  const auto s = found.deviation().to_vector(), s0 = expected.deviation().to_vector();
  for (std::size_t i = 0; i < m.size(); ++i) {
    EXPECT_NEAR(m[i], m0[i], 4 * tolerance);
    EXPECT_NEAR(s[i], s0[i], 3 * tolerance);
    EXPECT_EQ(comm.max(m[i]), -comm.max(-m[i])) << "all ranks have the same bits";
    EXPECT_EQ(comm.max(s[i]), -comm.max(-s[i])) << "all ranks have the same bits";
  }
}

// With 2 samples, ranks 2 and 3 have none.
TEST(NormaliserParallel, SameAsSerial) {
  for (const std::int64_t samples : {1, 2, 13}) {
    expect_same_as_serial<float>(samples, NormaliserFit<float>::Kind::channel);
    expect_same_as_serial<float>(samples, NormaliserFit<float>::Kind::point);
    expect_same_as_serial<double>(samples, NormaliserFit<double>::Kind::channel);
    expect_same_as_serial<double>(samples, NormaliserFit<double>::Kind::point);
  }
}

TEST(NormaliserParallel, OnlyTheLastRankHasSamples) {
  const auto comm = Communicator::world();
  NormaliserFit<double> fit;
  if (comm.rank() == comm.size() - 1) fit.add(Tensor<double>::from_host({1, 2, 1}, {0.1, 0.1}));
  const auto normaliser = fit.finish(comm);
  EXPECT_EQ(normaliser.mean().item(), 0.1);  // to the last bit
  EXPECT_EQ(normaliser.deviation().item(), 0);
}

// Not even a third of 0.1 three times, where rank 0 has nothing.
TEST(NormaliserParallel, ConstantDataStayExact) {
  const auto comm = Communicator::world();
  NormaliserFit<double> fit;
  if (comm.size() == 1 || comm.rank() > 0)
    fit.add(Tensor<double>::from_host({1, 3, 1}, {0.1, 0.1, 0.1}));
  const auto normaliser = fit.finish(comm);
  EXPECT_EQ(normaliser.mean().item(), 0.1);
  EXPECT_EQ(normaliser.deviation().item(), 0);
}

TEST(NormaliserParallel, ErrorsReachAllRanks) {
  const auto comm = Communicator::world();
  NormaliserFit<float> fit;
  test::expect_error([&] { fit.finish(comm); }, {"no samples"});
  fit.add(Tensor<float>::zeros({1, 4, comm.rank() == 0 ? 1 : 2}));
  if (comm.size() > 1) test::expect_error([&] { fit.finish(comm); }, {"(1)", "(2)"});
}

}  // namespace
}  // namespace nopal
