// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "operator_recipes.hpp"
#include "test_tools.hpp"

#include <nopal/operators/random_feature_operator.hpp>

#include <nlohmann/json.hpp>

#include <cmath>

namespace nopal {
namespace {

// With 3 samples, some of 4 ranks have none; with 500, each has fewer rows than there are features.
TEST(RandomFeaturesParallel, SameAsSerial) {
  const auto comm = Communicator::world();
  for (const std::int64_t samples : {3, 500}) {
    const auto data = test::recipe_data(test::burgers_rhs, 0, samples);
    const auto testing = test::recipe_data(test::burgers_rhs, 1000, 5);
    const auto options = RandomFeatureOptions::from_json({{"count", 200}, {"scale", 10}});
    RandomFeatureOperator<double> serial(options), parallel(options);
    const std::int64_t rank = serial.fit(data.u, data.v, data.points);
    const Slab mine = slab(samples, comm.rank(), comm.size());
    EXPECT_EQ(parallel.fit(data.u.slice(mine.first, mine.count),
                           data.v.slice(mine.first, mine.count), data.points, comm),
              rank);
    const auto a = serial.forward(testing.u).value().to_vector();
    const auto b = parallel.forward(testing.u).value().to_vector();
    double largest = 0;
    for (const double x : a)
      largest = std::max(largest, std::abs(x));
    for (std::size_t i = 0; i < a.size(); ++i)
      EXPECT_NEAR(a[i], b[i], 1e-6 * largest);
    for (const Parameter<double>* parameter : parallel.parameters())
      for (const double x : parameter->value().to_vector())
        ASSERT_EQ(comm.max(x), -comm.max(-x)) << "all ranks have the same bits";
  }
}

TEST(RandomFeaturesParallel, ErrorsReachAllRanks) {
  const auto comm = Communicator::world();
  const auto data = test::recipe_data(test::burgers_rhs, 0, 10);
  RandomFeatureOperator<double> op({.count = 20, .trunk_count = 10});
  const Tensor<double> bad = data.v.clone();
  if (comm.rank() == comm.size() - 1) bad.fill(INFINITY);
  test::expect_error([&] { op.fit(data.u, bad, data.points, comm); }, {"finite"});
}

}  // namespace
}  // namespace nopal
