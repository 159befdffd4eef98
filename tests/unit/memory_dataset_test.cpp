// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>
#include <nopal/data/dataset.hpp>

namespace nopal {
namespace {

std::shared_ptr<InMemoryDataset<float>> four_samples() {
  return std::make_shared<InMemoryDataset<float>>(
      Tensor<float>::from_host({4, 2, 1}, {0, 1, 10, 11, 20, 21, 30, 31}),
      Tensor<float>::from_host({4, 1, 1}, {5, 6, 7, 8}), "four");
}

template <class Action>
void expect_error(Action&& action, const std::string& part) {
  try {
    action();
    ADD_FAILURE() << "expected an Error with " << part;
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

TEST(MemoryDataset, ReadsInAnyOrder) {
  const auto data = four_samples();
  EXPECT_EQ(data->size(), 4);
  EXPECT_EQ(data->x_shape(), (Shape{2, 1}));
  EXPECT_EQ(data->y_shape(), (Shape{1, 1}));
  const std::int64_t order[3] = {3, 0, 3};
  const Tensor<float> x({3, 2, 1}), y({3, 1, 1});
  data->read(order, x, y);
  EXPECT_EQ(x.to_vector(), (std::vector<float>{30, 31, 0, 1, 30, 31}));
  EXPECT_EQ(y.to_vector(), (std::vector<float>{8, 5, 8}));
}

TEST(MemoryDataset, SubsetShiftsIndices) {
  const SubsetDataset<float> part(four_samples(), 1, 2);
  EXPECT_EQ(part.size(), 2);
  EXPECT_EQ(part.description(), "four [1, 3)");
  const std::int64_t order[2] = {1, 0};
  const Tensor<float> x({2, 2, 1}), y({2, 1, 1});
  part.read(order, x, y);
  EXPECT_EQ(y.to_vector(), (std::vector<float>{7, 6}));
  const std::int64_t outside[2] = {0, 2};  // there in the whole set, but not in the subset
  expect_error([&] { part.read(outside, x, y); }, "no sample 2, the set has 2");
}

TEST(MemoryDataset, BadInputIsNamed) {
  const auto data = four_samples();
  const Tensor<float> x({1, 2, 1}), y({1, 1, 1});
  const std::int64_t outside = 4;
  expect_error([&] { data->read(std::span(&outside, 1), x, y); }, "no sample 4");
  const std::int64_t first = 0;
  expect_error([&] { data->read(std::span(&first, 1), y, x); }, "(1, 1, 1)");
  expect_error([&] { SubsetDataset<float>(data, 3, 2); }, "[3, 5)");
  expect_error(
      [&] {
        InMemoryDataset<float>(Tensor<float>({2, 3}), Tensor<float>({1, 3}));
      },
      "(2, 3) and (1, 3)");
}

}  // namespace
}  // namespace nopal
