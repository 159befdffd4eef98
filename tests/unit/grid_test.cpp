// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "test_tools.hpp"

#include <nopal/comm/grid.hpp>

namespace nopal {
namespace {

using test::expect_error;
constexpr auto zero = BoundaryRule::zero, periodic = BoundaryRule::periodic;

TEST(Boxes, RanksAreRowMajor) {
  const Boxes boxes{{2, 3}, {{{0, 4}, {4, 7}}, {{0, 2}, {2, 2}, {2, 5}}}};
  EXPECT_EQ(boxes.coordinates(4), (Shape{1, 1}));
  EXPECT_EQ(boxes.rank({1, 2}), 5);
  EXPECT_EQ(boxes.box(5).extents(), (Shape{3, 3}));
  EXPECT_EQ(boxes.box(5)[0], (Range{4, 7}));
  EXPECT_EQ(boxes.box(5).field(2, 8), (Shape{2, 3, 3, 8}));
  EXPECT_TRUE(boxes.box(1).empty());
  EXPECT_FALSE(boxes.box(2).empty());
}

TEST(Boxes, InputsOfConvolutions) {
  const Boxes fine{{3}, {{{0, 3}, {3, 3}, {3, 8}}}};
  const auto ranges = [](const Boxes& boxes) { return boxes.ranges[0]; };
  using Ranges = std::vector<Range>;
  EXPECT_EQ(ranges(padded(fine, {1}, {2})), (Ranges{{-1, 5}, {3, 3}, {2, 10}}));
  EXPECT_EQ(ranges(convolution_inputs(fine, {3}, {1}, {1})), (Ranges{{-1, 4}, {3, 3}, {2, 9}}));
  EXPECT_EQ(ranges(convolution_inputs(fine, {3}, {2}, {0})), (Ranges{{0, 7}, {3, 3}, {6, 17}}));
  // Kernel 3, padding 1: output j gets from q with 2 q - 1 <= j <= 2 q + 1.
  EXPECT_EQ(ranges(transposed_convolution_inputs(fine, {3}, {2}, {1})),
            (Ranges{{0, 2}, {3, 3}, {1, 5}}));
  // Kernel 4, padding 1: output 0 gets from q = 0 and -1.
  EXPECT_EQ(ranges(transposed_convolution_inputs(fine, {4}, {2}, {1})),
            (Ranges{{-1, 2}, {3, 3}, {1, 5}}));
  expect_error([&] { convolution_inputs(fine, {0}, {1}, {0}); }, {"1 or more", "(0)"});
}

TEST(Grid, OnOneRank) {
  const Grid grid({5, 4}, {periodic, {zero, BoundaryRule::reflect}});
  EXPECT_EQ(grid.box().extents(), (Shape{5, 4}));
  EXPECT_EQ(grid.rule(1).high, BoundaryRule::reflect);
  EXPECT_EQ(Grid({3}).rule(0), AxisRule(zero));
  EXPECT_EQ(grid.agglomerate(10).boxes(), grid.boxes());
  EXPECT_EQ(grid.gather().boxes(), grid.boxes());
}

TEST(Grid, CoarseExtents) {
  std::vector<std::int64_t> sizes;
  Grid grid({101, 211});
  for (int level = 0; level < 4; ++level) {
    grid = grid.coarsen({1, 0});
    sizes.push_back(grid.extents()[0]);
    sizes.push_back(grid.extents()[1]);
  }
  EXPECT_EQ(sizes, (std::vector<std::int64_t>{50, 106, 24, 53, 11, 27, 5, 14}));
  EXPECT_EQ(Grid({65}).coarsen({0}).extents(), (Shape{33}));
  EXPECT_EQ(Grid({256}).coarsen({0}).extents(), (Shape{128}));
  EXPECT_EQ(Grid({1}).coarsen({0}).extents(), (Shape{1}));
  EXPECT_EQ(Grid({3}).coarsen({1}).extents(), (Shape{1}));
  EXPECT_EQ(Grid({7}, {periodic}).coarsen({0}).rule(0), AxisRule(periodic));
}

TEST(Grid, BadInput) {
  expect_error([] { Grid({4, 4}, {periodic}); }, {"(4, 4)", "2 boundary rules", "got 1"});
  expect_error([] { Grid({4, 4}, {zero, {zero, periodic}}); }, {"axis X2", "one side only"});
  expect_error([] { Grid({4, 0}); }, {"at least one point", "(4, 0)"});
  expect_error([] { Grid({2, 2, 2, 2}); }, {"1 to 3 axes", "(2, 2, 2, 2)"});
  expect_error([] { Grid({4}, {}, {}, Shape{2}); }, {"process grid (2)", "2 processes", "1 ranks"});
  expect_error([] { Grid({4}, {}, {}, Shape{5}); }, {"4 points along axis X1", "5 processes"});
  expect_error([] { Grid({4}, {}, {}, Shape{1, 1}); }, {"1 dimensions", "(1, 1)"});
  using Counts = std::vector<std::vector<std::int64_t>>;
  expect_error([] { Grid({4}, {}, {}, Counts{{3}}); }, {"4 points along axis X1", "3 in total"});
  expect_error([] { Grid({4}, {}, {}, Counts{{5, -1}}); }, {"axis X1", "-1 at least"});
  expect_error([] { Grid({4}, {}, {}, Counts{{}}); }, {"axis X1", "0 in total"});
  expect_error([] { Grid({4, 2}).coarsen({0, 1}); }, {"axis X2", "(4, 2)", "needs 3"});
  expect_error([] { Grid({4}).coarsen({2}); }, {"0 or 1", "got 2"});
  expect_error([] { Grid({4}).gather(1); }, {"rank 1", "of 1"});
  expect_error([] { Grid({4}).agglomerate(0); }, {"at least 1"});
}

}  // namespace
}  // namespace nopal
