// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Training on samples as they come: against train() on the same samples, and on boxes of 1 to 4
// ranks against whole fields.

#include "grid_test_tools.hpp"
#include "test_tools.hpp"

#include <nopal/core/random.hpp>
#include <nopal/train/online_trainer.hpp>
#include <nopal/train/trainer.hpp>

#include <cmath>
#include <limits>

namespace {

using namespace nopal;
using nlohmann::json;

const Communicator& world() {
  static const Communicator comm = Communicator::world();
  return comm;
}

Model<double> fno() {
  return Model<double>(make_operator<double>("fno",
                                             json{{"n_modes", {4, 4}},
                                                  {"in_channels", 2},
                                                  {"out_channels", 1},
                                                  {"hidden_channels", 4},
                                                  {"n_layers", 2}},
                                             3));
}

// Sample n: x random about 3, y something smooth of it.
Tensor<double> input(std::int64_t n) {
  const Tensor<double> x({1, 7, 6, 2});
  fill_normal(x, 3, 2, Random(5, static_cast<std::uint64_t>(n)));
  return x;
}
Tensor<double> output(std::int64_t n) {
  const std::vector<double> x = input(n).to_vector();
  std::vector<double> y;
  for (std::size_t i = 0; i < x.size(); i += 2)
    y.push_back(10 + x[i] * x[i + 1]);
  return Tensor<double>::from_host({1, 7, 6, 1}, y);
}

Grid grid_on(const Communicator& comm) {
  return Grid({7, 6}, {BoundaryRule::periodic, BoundaryRule::periodic}, comm);
}

OnlineOptions options() {
  OnlineOptions o;
  o.batch = 3;
  o.capacity = 5;
  o.warm_up = 4;
  o.learning_rate = 1e-2;
  o.clip_norm = 0.1;  // below the norms here, so that it counts
  return o;
}

void add(OnlineTrainer<double>& trainer, const Grid& grid, std::int64_t n) {
  trainer.add(test::part(input(n), grid.box()), test::part(output(n), grid.box()));
}

// The losses of 8 steps with 9 samples.
std::vector<double> run(OnlineTrainer<double>& trainer, const Grid& grid) {
  std::vector<double> losses;
  for (std::int64_t n = 0; n < 9; ++n) {
    add(trainer, grid, n);
    if (n >= 5) losses.push_back(trainer.step(2));
  }
  return losses;
}

void expect_equal(const Model<double>& a, const Model<double>& b, double tolerance) {
  const auto mine = state_tensors(a.op()), other = state_tensors(b.op());
  ASSERT_EQ(mine.size(), other.size());
  for (std::size_t i = 0; i < mine.size(); ++i) {
    const auto x = mine[i].value.to_vector(), y = other[i].value.to_vector();
    for (std::size_t k = 0; k < x.size(); ++k)
      ASSERT_NEAR(x[k], y[k], tolerance) << mine[i].name;
  }
}

TEST(OnlineTrainer, IsTheSameOnBoxesAndOnWholeFields) {
  for (const char* loss : {"l2", "mse", "h1"}) {
    OnlineOptions o = options();
    o.loss = loss;
    Model<double> whole = fno(), divided = fno();
    OnlineTrainer<double> serial(whole, grid_on({}), o), parallel(divided, grid_on(world()), o);
    const std::vector<double> expected = run(serial, grid_on({})),
                              losses = run(parallel, grid_on(world()));
    for (std::size_t i = 0; i < losses.size(); ++i)
      EXPECT_NEAR(losses[i], expected[i], 1e-10 * expected[i]) << loss;
    expect_equal(divided, whole, 1e-9);
    const Box box = grid_on(world()).box();
    EXPECT_NEAR(parallel.error(test::part(input(20), box), test::part(output(20), box)),
                relative_l2_errors(whole.predict(input(20)), output(20))[0], 1e-9);
  }
}

// With all samples in each step the order is of no matter: as train() does it, normalisers too.
TEST(OnlineTrainer, IsTrainOnTheSameSamples) {
  OnlineOptions o = options();
  o.batch = 5;
  o.warm_up = 5;
  Model<double> online = fno(), offline = fno();
  const Grid grid = grid_on(world());
  OnlineTrainer<double> trainer(online, grid, o);
  const Tensor<double> x({5, 7, 6, 2}), y({5, 7, 6, 1});
  for (std::int64_t n = 0; n < 5; ++n) {
    add(trainer, grid, n);
    x.slice(n, 1).copy_from(input(n));
    y.slice(n, 1).copy_from(output(n));
  }
  trainer.step(4);
  EXPECT_EQ(trainer.steps(), 4);
  EXPECT_EQ(trainer.samples(), 5);

  const auto data = std::make_shared<InMemoryDataset<double>>(x, y);
  offline.set_normalisers(fit_inputs(*data), fit_outputs(*data));
  TrainOptions t;
  t.epochs = 4;
  t.batch = 5;
  t.learning_rate = o.learning_rate;
  t.clip_norm = o.clip_norm;
  t.progress = [](const std::string&) {};
  train<double>(offline, {data, nullptr, {}}, t);
  expect_equal(online, offline, 1e-9);
  const auto mean = online.input_normaliser().mean().to_vector(),
             expected = offline.input_normaliser().mean().to_vector();
  ASSERT_EQ(mean.size(), 2u);
  for (std::size_t c = 0; c < 2; ++c)
    EXPECT_NEAR(mean[c], expected[c], 1e-12);
}

TEST(OnlineTrainer, GoesOnFromAFile) {
  const test::ScratchFolder folder(world());
  const Grid grid = grid_on(world());
  const std::string path = folder / "m.safetensors";
  Model<double> once = fno(), again = fno();
  OnlineTrainer<double> trainer(once, grid, options());
  for (std::int64_t n = 0; n < 5; ++n)
    add(trainer, grid, n);
  trainer.step(2);
  trainer.set_learning_rate(0.003);
  trainer.step();
  trainer.save(path);
  trainer.step(3);

  OnlineTrainer<double> other(again, grid, options());
  other.restore(path);
  EXPECT_EQ(other.steps(), 3);
  EXPECT_EQ(other.samples(), 5);
  EXPECT_EQ(other.learning_rate(), 0.003);
  test::expect_error([&] { other.step(); }, {"restart", "1 sample", "here are 0"});
  for (std::int64_t n = 0; n < 5; ++n)
    add(other, grid, n);
  other.step(3);
  EXPECT_EQ(other.samples(), 10);
  expect_equal(again, once, 0);
  // The normalisers are there: no warm-up.
  OnlineTrainer<double> early(again, grid, options());
  early.restore(path);
  add(early, grid, 0);
  EXPECT_GT(early.step(), 0);
  // It is a model file, too.
  const Model<double> loaded = Model<double>::load(path, world());
  EXPECT_EQ(loaded.provenance().at("steps"), "3");

  OnlineOptions o = options();
  o.optimizer = "sgd";
  Model<double> wrong = fno();
  OnlineTrainer<double> sgd(wrong, grid, o);
  test::expect_error([&] { sgd.restore(path); }, {"optimizer", "adamw", "sgd"});
  const std::string plain = folder / "plain.safetensors";
  once.save(plain, world());
  test::expect_error([&] { other.restore(plain); }, {"plain.safetensors", "online training"});
}

// A loss that is not finite leaves parameters as they were, and so does a sample with a NaN.
TEST(OnlineTrainer, RefusesBadInput) {
  const Grid grid = grid_on(world());
  Model<double> model = fno();
  test::expect_error(
      [] {
        OnlineOptions::from_json(json{{"learning_rat", 1}});
      },
      {"learning_rat", "learning_rate"});
  OnlineOptions o = options();
  o.batch = 0;
  test::expect_error([&] { OnlineTrainer<double>(model, grid, o); }, {"batch", "at least 1"});
  o = options();
  o.optimizer = "lbfgs";
  test::expect_error([&] { OnlineTrainer<double>(model, grid, o); }, {"lbfgs", "adamw"});

  OnlineTrainer<double> trainer(model, grid, options());
  test::expect_error([&] { trainer.step(); }, {"after 4 samples", "here are 0"});
  test::expect_error([&] { trainer.step(0); }, {"at least 1"});
  test::expect_error([&] { trainer.set_learning_rate(-1); }, {"positive", "-1"});
  const Tensor<double> other({1, 3, 3, 2});
  test::expect_error([&] { trainer.add(other, other); }, {"box", "(1, 3, 3, 2)"});
  for (std::int64_t n = 0; n < 4; ++n)
    add(trainer, grid, n);
  const Tensor<double> x = test::part(input(4), grid.box()), y = test::part(output(4), grid.box());
  const Tensor<double> damaged = x.clone();
  // On one rank only: all must hear of it.
  if (world().rank() == world().size() - 1) damaged.fill(std::numeric_limits<double>::quiet_NaN());
  test::expect_error([&] { trainer.add(damaged, y); },
                     {"x of the sample after 4 others", "not finite"});
  EXPECT_EQ(trainer.samples(), 4);
  const Tensor<double> three(grid.box().field(1, 3));
  three.fill(1);
  test::expect_error([&] { trainer.add(three, y); }, {"3"});
  EXPECT_GT(trainer.step(2), 0);

  Model<double> before = fno();
  OnlineOptions wild = options();
  wild.normalise = false;
  wild.clip_norm = 0;
  wild.loss = "mse";
  OnlineTrainer<double> exploding(before, grid, wild);
  const Tensor<double> huge = y.clone();
  huge.fill(1e200);
  for (int n = 0; n < 4; ++n)
    exploding.add(x, huge);
  test::expect_error([&] { exploding.step(); }, {"step 1", "inf", "learning_rate"});
  expect_equal(before, fno(), 0);
}

}  // namespace
