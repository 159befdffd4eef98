// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "test_tools.hpp"

#include <nopal/comm/grid.hpp>

#include <algorithm>

namespace nopal {
namespace {

using test::expect_error;

const Communicator& world() {
  static const Communicator comm = Communicator::world();
  return comm;
}

// How often each point of the grid is in a box.
std::vector<int> cover(const Grid& grid) {
  const Shape& n = grid.extents();
  std::vector<int> count(static_cast<std::size_t>(n.size()));
  for (int rank = 0; rank < grid.comm().size(); ++rank) {
    const Box box = grid.boxes().box(rank);
    for (std::int64_t i = box[0].begin; i < box[0].end; ++i)
      for (std::int64_t j = box[1].begin; j < box[1].end; ++j)
        ++count[i * n[1] + j];
  }
  return count;
}

int owners(const Grid& grid) {
  int count = 0;
  for (int rank = 0; rank < grid.comm().size(); ++rank)
    count += grid.boxes().box(rank).empty() ? 0 : 1;
  return count;
}

TEST(Grid, ChoosesTheShortestCut) {
  const int size = world().size();
  const Shape square = Grid({64, 64}, {}, world()).boxes().processes;
  EXPECT_EQ(square, size == 4 ? (Shape{2, 2}) : (Shape{size, 1}));
  EXPECT_EQ(Grid({8, 64}, {}, world()).boxes().processes, (Shape{1, size}));
  EXPECT_EQ(Grid({64, 8, 8}, {}, world()).boxes().processes, (Shape{size, 1, 1}));
  // Two cuts across a periodic axis are longer than one across the other.
  if (size == 2) {
    EXPECT_EQ(
        Grid({20, 16}, {BoundaryRule::periodic, BoundaryRule::zero}, world()).boxes().processes,
        (Shape{1, 2}));
  }
  for (const Shape& extents : {Shape{7, 5}, Shape{4, 4}, Shape{1, 9}, Shape{9, 1}}) {
    const Grid grid(extents, {}, world());
    EXPECT_EQ(cover(grid), std::vector<int>(extents.size(), 1)) << extents;
    EXPECT_EQ(owners(grid), size);
  }
}

TEST(Grid, GivenProcessesAndCounts) {
  const std::int64_t size = world().size();
  const Grid columns({3, 11}, {}, world(), Shape{1, size});
  const Slab slab = nopal::slab(11, world().rank(), world().size());
  EXPECT_EQ(columns.box()[1], (Range{slab.first, slab.first + slab.count}));
  std::vector<std::vector<std::int64_t>> counts(2);
  for (std::int64_t p = 0; p < size; ++p)
    counts[0].push_back(p == 1 ? 0 : 2 * p + 1);
  std::int64_t n = 0;
  for (const std::int64_t count : counts[0])
    n += count;
  counts[1] = {4};
  const Grid uneven({n, 4}, {}, world(), counts);
  EXPECT_EQ(uneven.box().extents(), (Shape{counts[0][world().rank()], 4}));
  EXPECT_EQ(cover(uneven), std::vector<int>(n * 4, 1));
}

// The owner of a coarse point owns its fine point.
TEST(Grid, CoarsePointsStayWithTheirRanks) {
  for (const Shape& extents : {Shape{101, 33}, Shape{64, 27}, Shape{9, 12}})
    for (const Shape& offset : {Shape{0, 0}, Shape{1, 1}, Shape{0, 1}}) {
      Grid fine(extents, {}, world());
      for (int level = 0; level < 2; ++level) {
        const Grid coarse = fine.coarsen(offset);
        EXPECT_EQ(cover(coarse), std::vector<int>(coarse.extents().size(), 1));
        const Box small = coarse.box(), large = fine.box();
        for (int a = 0; a < 2; ++a)
          for (std::int64_t i = small[a].begin; i < small[a].end; ++i) {
            EXPECT_GE(2 * i + offset[a], large[a].begin);
            EXPECT_LT(2 * i + offset[a], large[a].end);
          }
        fine = coarse;
      }
    }
}

TEST(Grid, AgglomeratesToFewerRanks) {
  const int size = world().size();
  const Grid grid({16, 3}, {}, world(), Shape{size, 1});
  for (const std::int64_t least : {1, 4, 5, 8, 9, 100}) {
    const Grid fewer = grid.agglomerate(least);
    const auto expected = std::clamp<std::int64_t>(16 / least, 1, size);
    EXPECT_EQ(owners(fewer), expected) << least;
    EXPECT_EQ(cover(fewer), std::vector<int>(48, 1));
    for (int rank = 0; rank < size; ++rank) {
      const std::int64_t n = fewer.boxes().box(rank)[0].size();
      EXPECT_TRUE(n == 0 || n >= std::min<std::int64_t>(least, 16)) << n;
    }
  }
  // Down to one point on one rank; ranks that have left do not come back.
  Grid coarse = grid;
  int before = size;
  while (coarse.extents()[0] > 1) {
    coarse = coarse.coarsen({0, 0}).agglomerate(3);
    EXPECT_LE(owners(coarse), before);
    EXPECT_EQ(cover(coarse), std::vector<int>(coarse.extents().size(), 1));
    before = owners(coarse);
  }
  EXPECT_EQ(owners(coarse), 1);
  EXPECT_FALSE(coarse.boxes().box(0).empty());
}

TEST(Grid, GatherPutsAllOnOneRank) {
  const Grid grid({5, 6}, {}, world());
  const int root = world().size() - 1;
  const Grid all = grid.gather(root);
  EXPECT_EQ(all.box().size(), world().rank() == root ? 30 : 0);
}

TEST(Grid, ErrorsOnAllRanks) {
  const int size = world().size();
  if (size == 1) return;
  const std::string ranks = std::to_string(size) + " ranks";
  expect_error([&] { Grid({1, 1}, {}, world()); }, {"(1, 1)", ranks});
  expect_error(
      [&] {
        Grid({size - 1, 9}, {}, world(), Shape{size, 1});
      },
      {std::to_string(size - 1) + " points along axis X1", std::to_string(size) + " processes"});
  expect_error([&] { Grid({9, 9}, {}, world(), Shape{1, 1}); }, {"1 processes", ranks});
  const int rank = world().rank();
  expect_error([&] { Grid({8 + (rank == 1 ? 1 : 0), 9}, {}, world()); }, {"same extents"});
  expect_error([&] { Grid({8, rank == 1 ? 0 : 9}, {}, world()); }, {"(8, 0)"});
  EXPECT_EQ(world().sum(1.0), size);  // nobody is left waiting
}

}  // namespace
}  // namespace nopal
