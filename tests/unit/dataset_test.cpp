// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "data_test_tools.hpp"

#include <gtest/gtest.h>
#include <nopal/data/dataset.hpp>

#include <memory>

namespace nopal {
namespace {

using test::counted;
using test::message_of;

template <class T>
class DatasetTest : public testing::Test {};
using Scalars = testing::Types<float, double>;
TYPED_TEST_SUITE(DatasetTest, Scalars);

TYPED_TEST(DatasetTest, InMemoryReadsByIndex) {
  const InMemoryDataset<TypeParam> data(counted<TypeParam>({4, 3, 2}),
                                        counted<TypeParam>({4, 3, 1}));
  EXPECT_EQ(data.size(), 4);
  EXPECT_EQ(data.x_shape(), (Shape{3, 2}));
  EXPECT_EQ(data.y_shape(), (Shape{3, 1}));
  const Tensor<TypeParam> x({3, 3, 2}), y({3, 3, 1});
  const std::int64_t indices[] = {2, 0, 2};
  data.read(indices, x, y);
  EXPECT_EQ(x.to_vector(), (std::vector<TypeParam>{12, 13, 14, 15, 16, 17, 0, 1, 2, 3, 4, 5, 12, 13,
                                                   14, 15, 16, 17}));
  EXPECT_EQ(y.to_vector(), (std::vector<TypeParam>{6, 7, 8, 0, 1, 2, 6, 7, 8}));
  data.read({}, Tensor<TypeParam>({0, 3, 2}), Tensor<TypeParam>({0, 3, 1}));  // an empty batch
}

TYPED_TEST(DatasetTest, SubsetShiftsIndices) {
  const auto base = std::make_shared<InMemoryDataset<TypeParam>>(
      counted<TypeParam>({5, 2, 1}), counted<TypeParam>({5, 2, 1}), "numbers");
  const SubsetDataset<TypeParam> part(base, 2, 3);
  EXPECT_EQ(part.size(), 3);
  EXPECT_EQ(part.description(), "numbers [2, 5)");
  const Tensor<TypeParam> x({1, 2, 1}), y({1, 2, 1});
  part.read(std::vector<std::int64_t>{1}, x, y);
  EXPECT_EQ(x.to_vector(), (std::vector<TypeParam>{6, 7}));
  EXPECT_EQ(message_of([&] { part.read(std::vector<std::int64_t>{3}, x, y); }),
            "numbers [2, 5): sample 3 is outside 0, ..., 2");
  EXPECT_EQ(message_of([&] { SubsetDataset<TypeParam>(base, 3, 3); }),
            "numbers: samples [3, 6) are not a part of its 5 samples");
  EXPECT_EQ(message_of([&] { SubsetDataset<TypeParam>(base, 3, 0); }),
            "numbers: samples [3, 3) are not a part of its 5 samples");
}

TYPED_TEST(DatasetTest, ErrorsNameBothShapes) {
  using T = TypeParam;
  const auto make = [](const Shape& x, const Shape& y) {
    return message_of([&] { InMemoryDataset<T>(Tensor<T>(x), Tensor<T>(y), "set"); });
  };
  EXPECT_EQ(make({3, 4, 1}, {2, 4, 1}), "set: x has 3 samples, y has 2; they must have as many");
  EXPECT_EQ(make({3, 4, 1}, {3, 5, 1}),
            "set: x of shape (3, 4, 1) and y of shape (3, 5, 1) are on different grids; only their "
            "last axis, the channels, may differ");
  EXPECT_NE(make({3, 4, 1}, {3, 4, 4, 1}).find("different grids"), std::string::npos);
  EXPECT_EQ(make({0, 4, 1}, {0, 4, 1}), "set: x of shape (0, 4, 1) has no samples");
  EXPECT_EQ(make({3, 0, 1}, {3, 0, 1}), "set: x of shape (3, 0, 1) has an empty axis");
  EXPECT_EQ(make({3}, {3}),
            "set: x has shape (3), expected (N, X1, ..., Xd, C): samples first, channels last");

  const InMemoryDataset<T> data(counted<T>({4, 3, 2}), counted<T>({4, 3, 1}), "set");
  EXPECT_EQ(message_of([&] {
              data.read(std::vector<std::int64_t>{0}, Tensor<T>({1, 3, 1}), Tensor<T>({1, 3, 1}));
            }),
            "set: x for 1 samples must have shape (1, 3, 2), got (1, 3, 1)");
}

}  // namespace
}  // namespace nopal
