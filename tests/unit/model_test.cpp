// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Models of operators on points, and files of other versions.

#include "grid_test_tools.hpp"
#include "test_tools.hpp"

#include <nopal/operators/model.hpp>

#include <nlohmann/json.hpp>

namespace {

using namespace nopal;
using nlohmann::json;

Tensor<double> numbers(const Shape& shape, const std::vector<double>& values) {
  return Tensor<double>::from_host(shape, values);
}

const json options{
    {"sensors", {6}}, {"dimension", 2}, {"out_channels", 2}, {"branch", {5, 3}}, {"trunk", {5, 3}}};

// Of a field of 3 points with 2 channels: each channel has its mean and deviation, and each output.
TEST(Model, PredictsAtPoints) {
  const auto op = make_operator<double>("deeponet", options, 1);
  const Model<double> model(make_operator<double>("deeponet", options, 1),
                            {numbers({2}, {1, 2}), numbers({2}, {3, 4})},
                            {numbers({2}, {5, 6}), numbers({2}, {7, 8})});
  const auto u = test::random_field<double>({1, 6}, 1),
             points = test::random_field<double>({4, 2}, 2);
  std::vector<double> encoded = u.to_vector();
  for (std::size_t i = 0; i < 6; ++i)
    encoded[i] = i % 2 == 0 ? (encoded[i] - 1) / 3 : (encoded[i] - 2) / 4;
  const std::vector<Variable<double>> inputs{numbers({1, 6}, encoded), points};
  const auto z = op->forward(inputs).value().to_vector();
  const Tensor<double> y = model.predict_points(std::span(&u, 1), points);
  EXPECT_EQ(y.shape(), (Shape{1, 4, 2}));
  const auto values = y.to_vector();
  for (std::size_t i = 0; i < 8; ++i)
    EXPECT_NEAR(values[i], i % 2 == 0 ? 7 * z[i] + 5 : 8 * z[i] + 6, 1e-12);

  const auto* on_points = dynamic_cast<const PointOperator<double>*>(&model.op());
  ASSERT_NE(on_points, nullptr);
  EXPECT_EQ(on_points->function_sizes(), (std::vector<std::int64_t>{6}));
  EXPECT_EQ(on_points->point_dimension(), 2);
}

TEST(Model, SaysWhyItCannotPredictAtPoints) {
  const auto u = test::random_field<double>({1, 6}, 1),
             points = test::random_field<double>({4, 2}, 2);
  const Model<double> fno(make_operator<double>("fno", json{{"n_modes", {4}}}, 1));
  test::expect_error([&] { fno.predict_points(std::span(&u, 1), points); }, {"fno", "deeponet"});
  const Model<double> by_point(make_operator<double>("deeponet", options, 1), {},
                               {numbers({2, 2}, {1, 2, 3, 4}), numbers({2, 2}, {1, 2, 3, 4})});
  test::expect_error([&] { by_point.predict_points(std::span(&u, 1), points); },
                     {"by point", "(2, 2)", "by channel"});
  const Model<double> odd(make_operator<double>("deeponet", options, 1),
                          {numbers({4}, {1, 2, 3, 4}), numbers({4}, {1, 2, 3, 4})});
  test::expect_error([&] { odd.predict_points(std::span(&u, 1), points); }, {"(1, 6)", "4"});
}

TEST(Model, RefusesFilesOfOtherVersions) {
  const Model<double> model(make_operator<double>("deeponet", options, 1));
  const auto with_version = [&](const std::string& version) {
    SafetensorsFile file = model.to_file();
    file.metadata["format_version"] = version;
    return file;
  };
  EXPECT_EQ(with_version("1").metadata, model.to_file().metadata);
  test::expect_error([&] { Model<double>::from_file(with_version("2"), "m"); },
                     {"version 2", "reads version 1", "newer nopal", "update"});
  test::expect_error([&] { Model<double>::from_file(with_version("0"), "m"); },
                     {"version 0", "never written", "damaged"});
  for (const char* nonsense : {"", "one", "1.5", "-1", "99999999999999999999", "1\n"})
    test::expect_error([&] { Model<double>::from_file(with_version(nonsense), "m"); },
                       {"m: model format version", "not known"});
}

}  // namespace
