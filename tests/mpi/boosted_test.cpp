// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Boosted operators and training that begins small, on any number of ranks against one.

#include "grid_test_tools.hpp"
#include "test_tools.hpp"

#include <gtest/gtest.h>
#include <nopal/train/boosting.hpp>

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

const json network = {{"n_modes", {4, 4}}, {"hidden_channels", 3}, {"n_layers", 1}};

json with(json options, const json& more) {
  options.update(more);
  return options;
}

TEST(Boosted, IsTheSameOnAnyNumberOfRanks) {
  for (const Shape& extents : {Shape{9, 8}, Shape{2, 5}}) {
    Boosted<double> op(BoostedOptions::from_json(with(network, {{"members", 2}})), 3);
    op.set_scale(1, 0.3);
    const auto whole = random_field<double>(Box::whole(extents).field(2, 1), 1),
               dy = random_field<double>(Box::whole(extents).field(2, 1), 2);
    const auto alone = output_and_gradients<double>(op, whole, dy, Grid(extents, op.grid_rules()));
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

TrainData<double> squares() {
  const auto x = random_field<double>({10, 8, 6, 1}, 1);
  std::vector<double> numbers = x.to_vector();
  for (double& value : numbers)
    value *= value;
  return {std::make_shared<InMemoryDataset<double>>(
              x, Tensor<double>::from_host({10, 8, 6, 1}, numbers)),
          nullptr,
          {}};
}

TrainOptions quick() {
  TrainOptions o;
  o.epochs = 4;
  o.batch = 4;
  o.learning_rate = 5e-3;
  o.progress = [](const std::string&) {};
  return o;
}

void expect_equal(const Model<double>& a, const Model<double>& b) {
  const auto p = state_tensors(a.op()), q = state_tensors(b.op());
  ASSERT_EQ(p.size(), q.size());
  for (std::size_t i = 0; i < p.size(); ++i)
    EXPECT_LT(relative_difference(p[i].value, q[i].value, Communicator()), 1e-8) << p[i].name;
}

TEST(Boosting, IsTheSameOnAnyNumberOfRanks) {
  const auto trained = [&](const Communicator& comm, std::int64_t space_ranks) {
    Model<double> model(make_operator<double>("boosted", with(network, {{"members", 2}}), 3));
    TrainOptions o = quick();
    o.space_ranks = space_ranks;
    train_boosted(model, squares(), o, comm);
    return model;
  };
  const auto alone = trained({}, 1);
  expect_equal(trained(world(), 1), alone);
  expect_equal(trained(world(), world().size()), alone);
}

TEST(IncrementalTraining, IsTheSameOnAnyNumberOfRanks) {
  const auto trained = [&](const Communicator& comm, bool divided) {
    Model<double> model(make_operator<double>("fno", network, 3));
    TrainOptions o = quick();
    o.space_ranks = divided ? comm.size() : 1;
    o.incremental = {.rule = "explained", .start = 2, .step = 2, .tolerance = 1e-9, .buffer = 1};
    if (!divided) o.incremental.strides = {2, 1}, o.incremental.stride_epochs = 2;
    train<double>(model, squares(), o, comm);
    return model;
  };
  expect_equal(trained(world(), false), trained({}, false));
  expect_equal(trained(world(), true), trained({}, true));
  if (world().size() == 1) return;
  TrainOptions o = quick();
  o.space_ranks = world().size();
  o.incremental.strides = {2, 1};
  Model<double> model(make_operator<double>("fno", network, 3));
  test::expect_error([&] { train<double>(model, squares(), o, world()); },
                     {"whole fields", "space_ranks"});
}

}  // namespace
