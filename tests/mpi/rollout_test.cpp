// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Roll-outs on divided fields against whole ones.

#include "grid_test_tools.hpp"
#include "test_tools.hpp"

#include <gtest/gtest.h>
#include <nopal/operators/rollout.hpp>

namespace {

using namespace nopal;
using nlohmann::json;
using test::output_and_gradients;
using test::part;
using test::random_field;
using test::relative_difference;

const Communicator& world() {
  static const Communicator comm = Communicator::world();
  return comm;
}

TEST(Rollout, IsTheSameOnAnyNumberOfRanks) {
  for (const bool again : {false, true})
    for (const Shape& extents : {Shape{9, 8}, Shape{2, 5}}) {
      const Rollout<double> op(RolloutOptions::from_json({{"n_modes", {4, 4}},
                                                          {"hidden_channels", 3},
                                                          {"n_layers", 2},
                                                          {"frames", 2},
                                                          {"constants", 1},
                                                          {"steps", 3},
                                                          {"increment", true},
                                                          {"recompute_steps", again}}),
                               3);
      const auto whole = random_field<double>(Box::whole(extents).field(2, 3), 1),
                 dy = random_field<double>(Box::whole(extents).field(2, 3), 2);
      const auto alone =
          output_and_gradients<double>(op, whole, dy, Grid(extents, op.grid_rules()));
      const Grid grid(extents, op.grid_rules(), world());
      const auto mine =
          output_and_gradients<double>(op, part(whole, grid.box()), part(dy, grid.box()), grid);
      for (std::size_t i = 0; i < 2; ++i)
        EXPECT_LT(relative_difference(mine[i], part(alone[i], grid.box()), world()), 1e-12);
      for (std::size_t i = 2; i < mine.size(); ++i) {
        world().sum(mine[i]);
        EXPECT_LT(relative_difference(mine[i], alone[i], Communicator()), 1e-11);
      }
    }
}

// Frames one by one, and the same error on all ranks.
TEST(Rollout, GivesFramesOfDividedFields) {
  auto op = std::make_unique<Rollout<double>>(
      RolloutOptions::from_json({{"n_modes", {4, 4}}, {"hidden_channels", 3}}), 3);
  const Grid grid({7, 6}, op->grid_rules(), world());
  const Parameters<double> parameters = op->parameters();
  const Model<double> model(std::move(op));
  const auto whole = random_field<double>({1, 7, 6, 1}, 1);
  std::vector<Tensor<double>> frames;
  roll_out<double>(model, whole, 3,
                   [&](std::int64_t, const Tensor<double>& u) { frames.push_back(u.clone()); });
  std::size_t k = 0;
  roll_out<double>(
      model, part(whole, grid.box()), 3,
      [&](std::int64_t, const Tensor<double>& u) {
        EXPECT_LT(relative_difference(u, part(frames[k], grid.box()), world()), 1e-12);
        ++k;
      },
      100, &grid);
  EXPECT_EQ(k, 3U);
  for (const Parameter<double>* p : parameters)
    scale(3.0, p->value());
  test::expect_error(
      [&] {
        roll_out<double>(
            model, part(whole, grid.box()), 50, [](std::int64_t, const Tensor<double>&) {}, 100,
            &grid);
      },
      {"blew up"});
}

}  // namespace
