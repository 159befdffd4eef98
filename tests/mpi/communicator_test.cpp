// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "test_tools.hpp"

#include <nopal/comm/communicator.hpp>

namespace nopal {
namespace {

using test::expect_error;

TEST(Communicator, DuplicateAndSplit) {
  const Communicator world = Communicator::world();
  const Communicator copy = world.duplicate();
  EXPECT_EQ(copy.rank(), world.rank());
  EXPECT_EQ(copy.size(), world.size());
  EXPECT_EQ(copy.sum(1.0), world.size());
  const int colour = world.rank() % 2;
  Communicator part = world.split(colour, -world.rank());
  EXPECT_EQ(part.size(), (world.size() + 1 - colour) / 2);
  EXPECT_EQ(part.rank(), part.size() - 1 - world.rank() / 2);
  EXPECT_EQ(part.sum(1.0), part.size());
  const Communicator handle = part;
  part = Communicator();
  EXPECT_EQ(handle.sum(1.0), handle.size());
  EXPECT_TRUE(world.same("text"));
  EXPECT_EQ(world.same(world.rank() == 0 ? "a" : "b"), world.size() == 1);
  expect_error([&] { world.split(-1); }, {"colour", "-1"});
  EXPECT_EQ(Communicator().split(3).size(), 1);
  EXPECT_EQ(Communicator().duplicate().size(), 1);
}

}  // namespace
}  // namespace nopal
