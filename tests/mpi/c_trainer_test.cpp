// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Training by the C interface on the boxes of a simulation, against the C++ class on whole fields.

#include "c_api_tools.hpp"

#include <nopal/core/random.hpp>
#include <nopal/train/online_trainer.hpp>

#include <nlohmann/json.hpp>

#include <cmath>
#include <limits>

namespace {

using namespace nopal;
using nlohmann::json;
using test::expect_refused;
using test::world;

class CTrainer : public test::CTest {};

const Shape extents{7, 6};
const char* const configuration =
    R"({"n_modes": [4, 4], "in_channels": 2, "out_channels": 3, "hidden_channels": 4,)"
    R"( "n_layers": 2})";
const char* const options =
    R"({"batch": 3, "capacity": 5, "warm_up": 4, "learning_rate": 0.01, "keep": "newest"})";

Tensor<double> input(std::int64_t n) {
  const Tensor<double> x({1, 7, 6, 2});
  fill_normal(x, 3, 2, Random(5, static_cast<std::uint64_t>(n)));
  return x;
}
Tensor<double> output(std::int64_t n) {
  const Tensor<double> y({1, 7, 6, 3});
  fill_normal(y, -1, 4, Random(6, static_cast<std::uint64_t>(n)));
  return y;
}

struct Sample {
  std::vector<double> x, y;
};
Sample sample(std::int64_t n) {
  const Box box = test::backward_box(extents);
  return {test::column_major(test::part(input(n), box)),
          test::column_major(test::part(output(n), box))};
}

nopal_model create() {
  nopal_model model = nullptr;
  EXPECT_EQ(nopal_model_create(MPI_COMM_WORLD, "fno", configuration, NOPAL_DOUBLE, 3, &model),
            NOPAL_SUCCESS)
      << nopal_error_text();
  EXPECT_EQ(test::set_box(model, extents, test::backward_box(extents), NOPAL_COLUMN_MAJOR),
            NOPAL_SUCCESS)
      << nopal_error_text();
  return model;
}

void add(nopal_trainer trainer, std::int64_t n) {
  const Sample s = sample(n);
  ASSERT_EQ(nopal_trainer_add(trainer, s.x.data(), s.x.size(), s.y.data(), s.y.size()),
            NOPAL_SUCCESS)
      << nopal_error_text();
}

// The model's output for sample 20 on this rank's box.
std::vector<double> infer(nopal_model model) {
  const Sample s = sample(20);
  std::vector<double> y(s.y.size());
  EXPECT_EQ(nopal_model_infer(model, s.x.data(), s.x.size(), y.data(), y.size()), NOPAL_SUCCESS)
      << nopal_error_text();
  return y;
}

void expect_near(const std::vector<double>& a, const std::vector<double>& b, double tolerance) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i)
    ASSERT_NEAR(a[i], b[i], tolerance * (1 + std::abs(b[i])));
}

TEST_F(CTrainer, TrainsAsTheClassDoes) {
  Model<double> expected(make_operator<double>("fno", json::parse(configuration), 3));
  const Grid whole(extents, {BoundaryRule::periodic, BoundaryRule::periodic});
  OnlineTrainer<double> reference(expected, whole, OnlineOptions::from_json(json::parse(options)));
  nopal_model model = create();
  nopal_trainer trainer = nullptr;
  ASSERT_EQ(nopal_trainer_create(model, options, &trainer), NOPAL_SUCCESS) << nopal_error_text();
  for (std::int64_t n = 0; n < 8; ++n) {
    reference.add(input(n), output(n));
    add(trainer, n);
    if (n < 4) continue;
    double loss = 0;
    ASSERT_EQ(nopal_trainer_step(trainer, 2, &loss), NOPAL_SUCCESS) << nopal_error_text();
    EXPECT_NEAR(loss, reference.step(2), 1e-9);
  }
  const Box box = test::backward_box(extents);
  const std::vector<double> y = test::column_major(test::part(expected.predict(input(20)), box));
  expect_near(infer(model), y, 1e-9);
  double error = 0;
  const Sample s = sample(20);
  ASSERT_EQ(nopal_trainer_error(trainer, s.x.data(), s.x.size(), s.y.data(), s.y.size(), &error),
            NOPAL_SUCCESS)
      << nopal_error_text();
  EXPECT_NEAR(error, reference.error(input(20), output(20)), 1e-9);
  std::int64_t samples = 0, steps = 0;
  ASSERT_EQ(nopal_trainer_counts(trainer, &samples, &steps), NOPAL_SUCCESS);
  EXPECT_EQ(samples, 8);
  EXPECT_EQ(steps, 8);

  // The trainer keeps the model, whose handle may go first.
  const std::string path = folder / "m.safetensors";
  EXPECT_EQ(nopal_model_set_metadata(model, "case", "box"), NOPAL_SUCCESS) << nopal_error_text();
  EXPECT_EQ(nopal_model_destroy(&model), NOPAL_SUCCESS);
  ASSERT_EQ(nopal_trainer_save(trainer, path.c_str()), NOPAL_SUCCESS) << nopal_error_text();
  EXPECT_EQ(nopal_trainer_destroy(&trainer), NOPAL_SUCCESS);
  EXPECT_EQ(nopal_trainer_destroy(&trainer), NOPAL_SUCCESS);
  const auto loaded = Model<double>::load(path, world());
  EXPECT_EQ(loaded.provenance().at("case"), "box");
  EXPECT_EQ(loaded.training_grid(), extents);
  expect_near(test::column_major(test::part(loaded.predict(input(20)), box)), y, 1e-9);
}

TEST_F(CTrainer, GoesOnFromAFile) {
  const std::string path = folder / "m.safetensors", plain = folder / "plain.safetensors";
  nopal_model model = create(), other = create();
  nopal_trainer trainer = nullptr, second = nullptr;
  ASSERT_EQ(nopal_trainer_create(model, options, &trainer), NOPAL_SUCCESS);
  ASSERT_EQ(nopal_trainer_create(other, options, &second), NOPAL_SUCCESS);
  for (std::int64_t n = 0; n < 5; ++n) {
    add(trainer, n);
    add(second, n);
  }
  ASSERT_EQ(nopal_trainer_step(trainer, 3, nullptr), NOPAL_SUCCESS);
  ASSERT_EQ(nopal_trainer_save(trainer, path.c_str()), NOPAL_SUCCESS);
  ASSERT_EQ(nopal_trainer_set_learning_rate(trainer, 0.02), NOPAL_SUCCESS);
  ASSERT_EQ(nopal_trainer_step(trainer, 3, nullptr), NOPAL_SUCCESS);
  ASSERT_EQ(nopal_trainer_restore(second, path.c_str()), NOPAL_SUCCESS) << nopal_error_text();
  ASSERT_EQ(nopal_trainer_set_learning_rate(second, 0.02), NOPAL_SUCCESS);
  ASSERT_EQ(nopal_trainer_step(second, 3, nullptr), NOPAL_SUCCESS);
  EXPECT_EQ(infer(model), infer(other));

  ASSERT_EQ(nopal_model_save(model, plain.c_str()), NOPAL_SUCCESS) << nopal_error_text();
  expect_refused(nopal_trainer_restore(second, plain.c_str()), NOPAL_ERROR_MODEL,
                 {"plain.safetensors", "online training"});
  expect_refused(nopal_trainer_restore(second, "/nowhere/m"), NOPAL_ERROR_MODEL, {"/nowhere/m"});
  expect_refused(nopal_trainer_save(second, "/nowhere/m"), NOPAL_ERROR_OTHER, {"/nowhere/m"});
  EXPECT_EQ(infer(model), infer(other));
  for (nopal_model* m : {&model, &other})
    nopal_model_destroy(m);
  for (nopal_trainer* t : {&trainer, &second})
    nopal_trainer_destroy(t);
}

TEST_F(CTrainer, BadInputIsAnErrorCode) {
  nopal_trainer trainer = nullptr;
  nopal_model model = nullptr;
  expect_refused(nopal_model_create(MPI_COMM_WORLD, "fnu", nullptr, NOPAL_DOUBLE, 0, &model),
                 NOPAL_ERROR_ARGUMENT, {"fnu", "fno"});
  expect_refused(
      nopal_model_create(MPI_COMM_WORLD, "fno", "{\"mods\": 1}", NOPAL_DOUBLE, 0, &model),
      NOPAL_ERROR_ARGUMENT, {"mods", "n_modes"});
  expect_refused(nopal_model_create(MPI_COMM_WORLD, "fno", "no JSON", NOPAL_DOUBLE, 0, &model),
                 NOPAL_ERROR_ARGUMENT, {"JSON", "from character 2", "o JSON"});
  expect_refused(
      nopal_model_create(MPI_COMM_WORLD, "fno", "{\"fno_n_mode\": [4]}", NOPAL_DOUBLE, 0, &model),
      NOPAL_ERROR_ARGUMENT, {"did you mean 'n_modes'"});
  expect_refused(nopal_model_create(MPI_COMM_WORLD, nullptr, nullptr, NOPAL_DOUBLE, 0, &model),
                 NOPAL_ERROR_ARGUMENT, {"operator", "NULL"});
  EXPECT_EQ(model, nullptr);
  ASSERT_EQ(nopal_model_create(MPI_COMM_WORLD, "fno", configuration, NOPAL_DOUBLE, 3, &model),
            NOPAL_SUCCESS);
  expect_refused(nopal_trainer_create(model, nullptr, &trainer), NOPAL_ERROR_STATE,
                 {"nopal_model_set_box"});
  expect_refused(nopal_trainer_create(nullptr, nullptr, &trainer), NOPAL_ERROR_ARGUMENT, {"NULL"});
  expect_refused(nopal_trainer_create(model, nullptr, nullptr), NOPAL_ERROR_ARGUMENT, {"NULL"});
  expect_refused(nopal_trainer_add(nullptr, nullptr, 0, nullptr, 0), NOPAL_ERROR_ARGUMENT,
                 {"trainer", "NULL"});
  const Box box = test::backward_box(extents);
  ASSERT_EQ(test::set_box(model, extents, box, NOPAL_COLUMN_MAJOR), NOPAL_SUCCESS);
  expect_refused(nopal_trainer_create(model, "{\"batches\": 2}", &trainer), NOPAL_ERROR_ARGUMENT,
                 {"batches", "batch"});
  expect_refused(nopal_trainer_create(model, "[]", &trainer), NOPAL_ERROR_ARGUMENT, {});
  EXPECT_EQ(nopal_trainer_create(model, "", &trainer), NOPAL_SUCCESS) << nopal_error_text();
  EXPECT_EQ(nopal_trainer_check_precision(trainer, NOPAL_DOUBLE), NOPAL_SUCCESS);
  expect_refused(nopal_trainer_check_precision(trainer, NOPAL_FLOAT), NOPAL_ERROR_ARGUMENT,
                 {"expected arrays of double", "got float"});
  EXPECT_EQ(nopal_trainer_destroy(&trainer), NOPAL_SUCCESS);
  EXPECT_EQ(trainer, nullptr);
  ASSERT_EQ(nopal_trainer_create(model, options, &trainer), NOPAL_SUCCESS) << nopal_error_text();
  expect_refused(nopal_trainer_step(trainer, 1, nullptr), NOPAL_ERROR_STATE, {"after 4 samples"});
  Sample s = sample(0);
  expect_refused(nopal_trainer_add(trainer, s.x.data(), s.x.size() + 1, s.y.data(), s.y.size()),
                 NOPAL_ERROR_ARGUMENT, {"2 and 3 channels"});
  expect_refused(nopal_trainer_add(trainer, s.x.data(), s.x.size(), nullptr, s.y.size()),
                 NOPAL_ERROR_ARGUMENT, {"null"});
  if (world().rank() == 0) s.y[0] = std::numeric_limits<double>::infinity();
  expect_refused(nopal_trainer_add(trainer, s.x.data(), s.x.size(), s.y.data(), s.y.size()),
                 NOPAL_ERROR_ARGUMENT, {"not finite", "left out"});
  for (std::int64_t n = 0; n < 4; ++n)
    add(trainer, n);
  expect_refused(nopal_trainer_step(trainer, 0, nullptr), NOPAL_ERROR_ARGUMENT, {"at least 1"});
  if (world().size() > 1) {
    const int rank = world().rank();
    expect_refused(nopal_trainer_step(trainer, rank, nullptr), NOPAL_ERROR_ARGUMENT,
                   {"numbers of steps differ"});
    expect_refused(nopal_trainer_set_learning_rate(trainer, rank == 0 ? 0.1 : -1),
                   NOPAL_ERROR_ARGUMENT, {"learning rates differ"});
    nopal_trainer other = nullptr;
    expect_refused(
        nopal_trainer_create(model, rank == 0 ? "{\"batch\": 2}" : "{\"batch\": 3}", &other),
        NOPAL_ERROR_ARGUMENT, {"options differ"});
  }
  expect_refused(nopal_trainer_set_learning_rate(trainer, 0), NOPAL_ERROR_ARGUMENT, {"positive"});
  s = sample(0);
  expect_refused(
      nopal_trainer_error(trainer, s.x.data(), s.x.size(), s.y.data(), s.y.size(), nullptr),
      NOPAL_ERROR_ARGUMENT, {"NULL"});
  expect_refused(nopal_model_set_metadata(model, "operator", "mine"), NOPAL_ERROR_ARGUMENT,
                 {"operator", "another key"});

  // Another box is another shape of samples.
  const Box larger = test::backward_box({14, 12});
  ASSERT_EQ(test::set_box(model, {14, 12}, larger, NOPAL_ROW_MAJOR), NOPAL_SUCCESS);
  std::vector<double> x(static_cast<std::size_t>(2 * larger.size())),
      y(static_cast<std::size_t>(3 * larger.size()));
  expect_refused(nopal_trainer_add(trainer, x.data(), x.size(), y.data(), y.size()),
                 NOPAL_ERROR_STATE, {"another box"});

  // Handles that are none any more, and an end before its time.
  expect_refused(nopal_finalise(), NOPAL_ERROR_STATE, {"2 models or trainers"});
  const nopal_model stale = model;
  EXPECT_EQ(nopal_model_destroy(&model), NOPAL_SUCCESS);
  std::int64_t in = 0, out = 0;
  expect_refused(nopal_model_channels(stale, &in, &out), NOPAL_ERROR_ARGUMENT, {"destroyed"});
  nopal_model again = stale;
  expect_refused(nopal_model_destroy(&again), NOPAL_ERROR_ARGUMENT, {"destroyed before"});
  EXPECT_EQ(nopal_trainer_destroy(&trainer), NOPAL_SUCCESS);
}

}  // namespace
