// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// The C interface: operators that are asked at points, what a model says of its data, and arrays
// on the device.

#include "c_api_tools.hpp"

#include <nopal/core/allocator.hpp>
#include <nopal/core/runtime.hpp>
#include <nopal/operators/model.hpp>

#include <nlohmann/json.hpp>

#include <cmath>

namespace {

using namespace nopal;
using nlohmann::json;
using test::expect_refused;
using test::world;

class CPoints : public test::CTest {
 protected:
  // Two functions of 6 and 4 values, 2 coordinates, 3 outputs.
  std::string deeponet() {
    const json options{{"sensors", {6, 4}}, {"dimension", 2},  {"out_channels", 3},
                       {"branch", {5, 4}},  {"trunk", {5, 4}}, {"multi_output", "split_both"}};
    const Model<double> model(
        make_operator<double>("deeponet", options, 1), {},
        {Tensor<double>::from_host({3}, {1, 2, 3}), Tensor<double>::from_host({3}, {4, 5, 6})});
    std::string path = folder / "deeponet.safetensors";
    model.save(path, world());
    return path;
  }
};

TEST_F(CPoints, AnswersEachRankAtItsPoints) {
  const std::string path = deeponet();
  const auto reference = Model<double>::load(path, world());
  nopal_model model = nullptr;
  ASSERT_EQ(nopal_model_load(MPI_COMM_WORLD, path.c_str(), NOPAL_DOUBLE, &model), NOPAL_SUCCESS)
      << nopal_error_text();
  int functions = 0, dimension = 0;
  ASSERT_EQ(nopal_model_functions(model, &functions, &dimension), NOPAL_SUCCESS);
  EXPECT_EQ(functions, 2);
  EXPECT_EQ(dimension, 2);
  std::int64_t first = 0, second = 0, in = -1, out = 0;
  ASSERT_EQ(nopal_model_function_size(model, 0, &first), NOPAL_SUCCESS);
  ASSERT_EQ(nopal_model_function_size(model, 1, &second), NOPAL_SUCCESS);
  EXPECT_EQ(first, 6);
  EXPECT_EQ(second, 4);
  ASSERT_EQ(nopal_model_channels(model, &in, &out), NOPAL_SUCCESS);
  EXPECT_EQ(in, 0);
  EXPECT_EQ(out, 3);

  const std::vector<Tensor<double>> u{test::random_field<double>({1, 6}, 1),
                                      test::random_field<double>({1, 4}, 2)};
  std::vector<double> values = u[0].to_vector();
  for (const double value : u[1].to_vector())
    values.push_back(value);
  // Rank 0 has none; the others 5 and more.
  const std::int64_t count = world().rank() == 0 && world().size() > 1 ? 0 : 4 + world().rank();
  const auto points = test::random_field<double>({count, 2}, 3 + std::uint64_t(world().rank()));
  std::vector<double> expected, expected_columns;
  if (count > 0) {
    const auto y = reference.predict_points(u, points).reshape({count, 3});
    expected = y.to_vector();
    expected_columns = test::column_major(y);
  }
  std::uint64_t allocations = 0;
  for (int call = 0; call < 4; ++call) {
    if (call == 2) allocations = memory_statistics().system_allocations;
    for (const int layout : {NOPAL_ROW_MAJOR, NOPAL_COLUMN_MAJOR}) {
      const std::vector<double> at = count == 0                  ? std::vector<double>()
                                     : layout == NOPAL_ROW_MAJOR ? points.to_vector()
                                                                 : test::column_major(points);
      std::vector<double> y(static_cast<std::size_t>(3 * count), NAN);
      ASSERT_EQ(nopal_model_infer_points(model, values.data(), values.size(), at.data(), at.size(),
                                         y.data(), y.size(), layout),
                NOPAL_SUCCESS)
          << nopal_error_text();
      const auto& right = layout == NOPAL_ROW_MAJOR ? expected : expected_columns;
      for (std::size_t i = 0; i < y.size(); ++i)
        EXPECT_NEAR(y[i], right[i], 1e-12 * (1 + std::abs(right[i])));
    }
  }
  EXPECT_EQ(memory_statistics().system_allocations, allocations);

  std::vector<double> y(3), at(2);
  const auto refused = [&](std::size_t value_count, std::size_t point_count, std::size_t y_count,
                           int layout, std::initializer_list<const char*> words) {
    expect_refused(nopal_model_infer_points(model, values.data(), value_count, at.data(),
                                            point_count, y.data(), y_count, layout),
                   NOPAL_ERROR_ARGUMENT, words);
  };
  refused(9, 2, 3, NOPAL_ROW_MAJOR, {"10 values of 2", "9"});
  refused(10, 3, 3, NOPAL_ROW_MAJOR, {"P x 2", "P x 3"});
  refused(10, 2, 4, NOPAL_ROW_MAJOR, {"P x 3", "4"});
  refused(10, 2, 3, 5, {"NOPAL_ROW_MAJOR", "5"});
  expect_refused(nopal_model_infer_points(model, nullptr, 10, at.data(), 2, y.data(), 3, 0),
                 NOPAL_ERROR_ARGUMENT, {"null"});
  expect_refused(nopal_model_function_size(model, 2, &first), NOPAL_ERROR_ARGUMENT, {"2"});
  expect_refused(test::set_box(model, {7, 6}, test::backward_box({7, 6}), NOPAL_ROW_MAJOR),
                 NOPAL_ERROR_MODEL, {"nopal_model_infer_points"});
  nopal_trainer trainer = nullptr;
  expect_refused(nopal_trainer_create(model, nullptr, &trainer), NOPAL_ERROR_MODEL,
                 {"deeponet", "nopal train"});
  nopal_model_destroy(&model);
}

TEST_F(CPoints, FieldsAreNoPoints) {
  nopal_model model = nullptr;
  ASSERT_EQ(
      nopal_model_create(MPI_COMM_WORLD, "fno", "{\"n_modes\": [4, 4]}", NOPAL_FLOAT, 0, &model),
      NOPAL_SUCCESS)
      << nopal_error_text();
  int functions = -1, dimension = -1;
  ASSERT_EQ(nopal_model_functions(model, &functions, &dimension), NOPAL_SUCCESS);
  EXPECT_EQ(functions, 0);
  float number = 0;
  expect_refused(nopal_model_infer_points(model, &number, 1, &number, 1, &number, 1, 0),
                 NOPAL_ERROR_MODEL, {"fno", "nopal_model_infer()"});
  nopal_model_destroy(&model);
  expect_refused(
      nopal_model_create(MPI_COMM_WORLD, "direction_net", nullptr, NOPAL_FLOAT, 0, &model),
      NOPAL_ERROR_MODEL, {"direction_net"});
}

TEST_F(CPoints, SaysWhatTheDataWere) {
  Model<float> model(make_operator<float>("fno", {{"n_modes", {4, 4}}, {"in_channels", 2}}, 1));
  model.set_training_grid({32, 16});
  auto& known = model.provenance();
  known["data.x_channels"] = "rho u";
  known["data.x_units"] = "kg/m^3 m/s";
  known["data.y_channels"] = "p";
  known["data.domain"] = "0 1.5 -1 1";
  known["data.axes"] = "t x";
  known["data.axes_units"] = "s m";
  const std::string path = folder / "m.safetensors";
  model.save(path, world());
  nopal_model handle = nullptr;
  ASSERT_EQ(nopal_model_load(MPI_COMM_WORLD, path.c_str(), NOPAL_FLOAT, &handle), NOPAL_SUCCESS);
  const char *name = nullptr, *unit = nullptr;
  ASSERT_EQ(nopal_model_field(handle, NOPAL_INPUT, 1, &name, &unit), NOPAL_SUCCESS);
  EXPECT_STREQ(name, "u");
  EXPECT_STREQ(unit, "m/s");
  ASSERT_EQ(nopal_model_field(handle, NOPAL_OUTPUT, 0, &name, &unit), NOPAL_SUCCESS);
  EXPECT_STREQ(name, "p");
  EXPECT_STREQ(unit, "");
  int dimension = 0;
  std::int64_t points[3] = {};
  ASSERT_EQ(nopal_model_grid(handle, &dimension, points), NOPAL_SUCCESS);
  EXPECT_EQ(dimension, 2);
  EXPECT_EQ(points[0], 32);
  EXPECT_EQ(points[1], 16);
  double low = 0, high = 0;
  ASSERT_EQ(nopal_model_axis(handle, 0, &name, &low, &high, &unit), NOPAL_SUCCESS);
  EXPECT_STREQ(name, "t");
  EXPECT_STREQ(unit, "s");
  EXPECT_EQ(low, 0);
  EXPECT_EQ(high, 1.5);
  ASSERT_EQ(nopal_model_axis(handle, 1, &name, &low, &high, &unit), NOPAL_SUCCESS);
  EXPECT_STREQ(name, "x");
  EXPECT_EQ(low, -1);
  expect_refused(nopal_model_axis(handle, 2, &name, &low, &high, &unit), NOPAL_ERROR_ARGUMENT,
                 {"2"});
  expect_refused(nopal_model_field(handle, NOPAL_INPUT, 2, &name, &unit), NOPAL_ERROR_ARGUMENT,
                 {"0 to 1", "2"});
  expect_refused(nopal_model_field(handle, 7, 0, &name, &unit), NOPAL_ERROR_ARGUMENT, {"7"});
  nopal_model_destroy(&handle);

  // Nothing is known of a model that was just made.
  ASSERT_EQ(
      nopal_model_create(MPI_COMM_WORLD, "fno", "{\"n_modes\": [4, 4]}", NOPAL_FLOAT, 0, &handle),
      NOPAL_SUCCESS);
  ASSERT_EQ(nopal_model_field(handle, NOPAL_INPUT, 0, &name, &unit), NOPAL_SUCCESS);
  EXPECT_STREQ(name, "");
  ASSERT_EQ(nopal_model_grid(handle, &dimension, points), NOPAL_SUCCESS);
  EXPECT_EQ(dimension, 0);
  nopal_model_destroy(&handle);
}

// Arrays of the device, in builds for one; in others its memory is the host's.
TEST_F(CPoints, TakesArraysOfTheDevice) {
  nopal_model model = nullptr;
  ASSERT_EQ(
      nopal_model_create(MPI_COMM_WORLD, "fno", "{\"n_modes\": [4, 4]}", NOPAL_DOUBLE, 0, &model),
      NOPAL_SUCCESS);
  const Box box = test::backward_box({8, 8});
  const auto x = test::random_field<double>(box.field(1, 1), 1);
  const Tensor<double> y(box.field(1, 1));
  const std::vector<double> host = x.to_vector();
  std::vector<double> expected(host.size());
  const auto numbers = static_cast<std::size_t>(box.size());
  for (const int layout : {NOPAL_ROW_MAJOR, NOPAL_COLUMN_MAJOR}) {
    ASSERT_EQ(test::set_box(model, {8, 8}, box, layout), NOPAL_SUCCESS) << nopal_error_text();
    ASSERT_EQ(nopal_model_set_memory(model, NOPAL_HOST), NOPAL_SUCCESS);
    ASSERT_EQ(nopal_model_infer(model, host.data(), numbers, expected.data(), numbers),
              NOPAL_SUCCESS);
    ASSERT_EQ(nopal_model_set_memory(model, NOPAL_DEVICE), NOPAL_SUCCESS);
    ASSERT_EQ(nopal_model_infer(model, x.data(), numbers, y.data(), numbers), NOPAL_SUCCESS);
    EXPECT_EQ(y.to_vector(), expected);
  }
  expect_refused(nopal_model_set_memory(model, 3), NOPAL_ERROR_ARGUMENT, {"NOPAL_DEVICE", "3"});
  nopal_model_destroy(&model);
}

TEST_F(CPoints, HandsLogLinesOn) {
  std::vector<std::string> lines;
  const auto keep = [](const char* line, void* context) {
    static_cast<std::vector<std::string>*>(context)->emplace_back(line);
  };
  ASSERT_EQ(nopal_set_log(keep, &lines), NOPAL_SUCCESS);
  log("a line");
  ASSERT_EQ(nopal_set_log(nullptr, nullptr), NOPAL_SUCCESS);
  log("for nobody");
  EXPECT_EQ(lines, std::vector<std::string>{"a line"});
}

}  // namespace
