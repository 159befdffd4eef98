// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Dense spectral weights put into factors.

#include <gtest/gtest.h>
#include <nopal/operators/compression.hpp>
#include <nopal/operators/fno.hpp>

#include "grid_test_tools.hpp"
#include "test_tools.hpp"

#include <nlohmann/json.hpp>

#include <cmath>

namespace nopal {
namespace {

using nlohmann::json;
using test::expect_error;
using test::random_field;

const json network = {{"n_modes", {6, 8}}, {"hidden_channels", 5}, {"n_layers", 3}};

json with(json options, const json& more) {
  options.update(more);
  return options;
}

// A dense network whose weights are those of one with factors.
Model<double> dense_of(const json& factors, double noise = 0) {
  const auto op = make_operator<double>("fno", with(network, factors), 3);
  auto dense = make_operator<double>("fno", network, 7);
  const auto& from = dynamic_cast<const Fno<double>&>(*op);
  for (const Parameter<double>* p : dense->parameters())
    for (std::int64_t l = 0; l < 3; ++l)
      if (p->name == "blocks." + std::to_string(l) + ".spectral.weight") {
        p->value().copy_from(from.spectral_weight(l));
        if (noise > 0) axpy(noise, random_field<double>(p->value().shape(), 40 + l), p->value());
      }
  return Model<double>(std::move(dense));
}

TEST(Compression, FindsFactorsThatAreThere) {
  const auto x = random_field<double>({2, 9, 10, 1}, 1);
  for (const char* factorization : {"tucker", "tt"})
    for (const bool joint : {false, true})
      for (const bool fixed : {false, true}) {
        if (fixed && factorization[1] == 't') continue;
        const json factors{{"factorization", factorization},
                           {"rank", 0.3},
                           {"joint_factorization", joint},
                           {"fixed_rank_modes", fixed},
                           {"spectral_init_std", 0.5}};
        const Model<double> dense = dense_of(factors);
        std::vector<double> errors;
        const Model<double> small = compressed(dense, {factorization, 0.3, joint, fixed}, &errors);
        ASSERT_EQ(errors.size(), 3U);
        for (const double error : errors)
          EXPECT_LT(error, 1e-6) << factors;
        EXPECT_LT(test::relative_difference(small.predict(x), dense.predict(x), Communicator()),
                  1e-6)
            << factors;
        EXPECT_LT(count(small.op().parameters()), count(dense.op().parameters()));
        EXPECT_EQ(small.op().configuration()["factorization"], factorization);
      }
}

// What it leaves out is not much more than the noise, which no factors of these ranks can hold.
TEST(Compression, IsNearTheBestThereIs) {
  for (const char* factorization : {"tucker", "tt"}) {
    const double noise = 1e-3;
    const Model<double> dense = dense_of(
        {{"factorization", factorization}, {"rank", 0.3}, {"spectral_init_std", 0.5}}, noise);
    std::vector<double> errors;
    compressed(dense, {factorization, 0.3, false, false}, &errors);
    const auto& fno = dynamic_cast<const Fno<double>&>(dense.op());
    for (std::size_t l = 0; l < 3; ++l) {
      const auto w = fno.spectral_weight(static_cast<std::int64_t>(l)).to_vector();
      double size = 0;
      for (const double value : w)
        size += value * value;
      const double share = noise * std::sqrt(static_cast<double>(w.size()) / size);
      EXPECT_LT(errors[l], 1.01 * share) << factorization;
      EXPECT_GT(errors[l], 0.5 * share) << factorization;
    }
  }
}

TEST(Compression, SmallerRanksLeaveMore) {
  const Model<double> dense(make_operator<double>("fno", network, 3));
  double before = 0;
  for (const double rank : {0.8, 0.4, 0.1, 0.02}) {
    std::vector<double> errors;
    compressed(dense, {"tucker", rank, true, false}, &errors);
    EXPECT_GT(errors[0], before);
    EXPECT_LT(errors[0], 1);
    before = errors[0];
  }
}

TEST(Compression, BadInputIsRefused) {
  const Model<double> dense(make_operator<double>("fno", network, 3));
  expect_error([&] { compressed(dense, {"cp", 0.1}); }, {"tucker or tt, got cp", "from the start"});
  expect_error([&] { compressed(dense, {"tucker", 0}); }, {"rank"});
  const Model<double> small = compressed(dense, {"tucker", 0.1});
  expect_error([&] { compressed(small, {"tucker", 0.1}); }, {"dense weights", "tucker"});
  const Model<double> other(make_operator<double>("unet", {{"levels", 1}}));
  expect_error([&] { compressed(other, {"tucker", 0.1}); }, {"unet"});
}

}  // namespace
}  // namespace nopal
