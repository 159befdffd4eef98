// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "data_test_tools.hpp"

#include <gtest/gtest.h>
#include <nopal/data/dataset.hpp>

#include "test_tools.hpp"

#include <unistd.h>

#include <filesystem>
#include <numeric>

namespace nopal {
namespace {

namespace fs = std::filesystem;
using test::counted;
using test::message_of;

// A folder that all ranks use.
class ParallelDataset : public testing::Test {
 protected:
  void SetUp() override {
    const auto name = "nopal_dataset_mpi_test_" + std::to_string(::getpid());
    folder_ = world_.broadcast((fs::temp_directory_path() / name).string());
    if (world_.rank() == 0) fs::create_directories(folder_);
    world_.barrier();
  }
  void TearDown() override {
    world_.barrier();
    if (world_.rank() == 0) fs::remove_all(folder_);
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  Communicator world_ = Communicator::world();
  fs::path folder_;
};

// Writes this rank's part of `samples` samples, a block at a time.
template <class T>
void write_part(Hdf5Writer<T>& writer, std::int64_t samples, std::int64_t grid, std::int64_t block,
                const Communicator& comm) {
  const Slab mine = slab(samples, comm.rank(), comm.size());
  for (std::int64_t done = 0; done < mine.count; done += block) {
    const std::int64_t count = std::min(block, mine.count - done), first = mine.first + done;
    writer.write(first, counted<T>({count, grid, 2}, static_cast<double>(first * grid * 2)),
                 counted<T>({count, grid, 1}, static_cast<double>(first * grid) + 0.5));
  }
}

template <class T>
std::pair<std::vector<T>, std::vector<T>> contents(const std::string& path) {
  const Hdf5Dataset<T> data(path);
  std::vector<std::int64_t> all(static_cast<std::size_t>(data.size()));
  std::iota(all.begin(), all.end(), 0);
  const std::int64_t grid = data.x_shape()[0];
  const Tensor<T> x({data.size(), grid, 2}), y({data.size(), grid, 1});
  data.read(all, x, y);
  return {x.to_vector(), y.to_vector()};
}

template <class T>
void check_equal(const Communicator& world, const std::string& path, std::int64_t samples,
                 std::int64_t grid) {
  Hdf5Writer<T> writer(path, samples, {grid, 2}, {grid, 1}, world);
  writer.attribute("problem", std::string("numbers"));
  write_part(writer, samples, grid, 3, world);
  writer.attribute("seed", 7);
  writer.close();
  // Every rank sees the whole file.
  const auto [x, y] = contents<T>(path);
  EXPECT_EQ(x, counted<T>({samples, grid, 2}).to_vector());
  EXPECT_EQ(y, counted<T>({samples, grid, 1}, 0.5).to_vector());
  const std::map<std::string, std::string> expected = {{"problem", "numbers"}, {"seed", "7"}};
  EXPECT_EQ(Hdf5Dataset<T>(path).attributes(), expected);
}

// 1 and 2: more ranks than samples. 3 values a sample share a chunk, 20000 have one each.
TEST_F(ParallelDataset, RanksWriteWhatOneWrites) {
  for (const std::int64_t samples : {1, 2, 13})
    for (const std::int64_t grid : {3, 20000}) {
      check_equal<float>(world_, path("f.h5"), samples, grid);
      check_equal<double>(world_, path("d.h5"), samples, grid);
    }
  EXPECT_EQ(test::temporary_files(folder_), 0);
}

TEST_F(ParallelDataset, ErrorsAreThoseOfAllRanks) {
  EXPECT_EQ(message_of([&] {
              Hdf5Writer<float>(path("no/f.h5"), 2, {4, 1}, {4, 1}, world_);
            }),
            "cannot write " + path("no/f.h5") + ": folder " + path("no") +
                " does not exist; make it first");
  check_equal<float>(world_, path("old.h5"), 3, 4);
  world_.barrier();
  {
    Hdf5Writer<float> writer(path("old.h5"), 5, {4, 2}, {4, 1}, world_);
    // The last rank that has samples forgets one.
    const Slab mine = slab(5, world_.rank(), world_.size());
    for (std::int64_t i = mine.first; i < std::min<std::int64_t>(mine.first + mine.count, 4); ++i)
      writer.write(i, counted<float>({1, 4, 2}), counted<float>({1, 4, 1}));
    EXPECT_EQ(
        message_of([&] { writer.close(); }),
        "cannot complete " + path("old.h5") + ": sample 4 of 5 was not written (1 are missing)");
  }
  world_.barrier();
  EXPECT_EQ(test::temporary_files(folder_), 0);
  EXPECT_EQ(contents<float>(path("old.h5")).first, counted<float>({3, 4, 2}).to_vector());
}

// As above, while a file is being written.
TEST_F(ParallelDataset, ErrorOfOneRankReachesAll) {
  EXPECT_EQ(message_of([&] {
              world_.together([&] {
                Hdf5Writer<float> writer(path("new.h5"), 4, {4, 2}, {4, 1}, world_);
                NOPAL_CHECK(world_.rank() < world_.size() - 1, "lost");
                world_.together([] {});
              });
            }),
            "lost");
  world_.barrier();
  EXPECT_TRUE(fs::is_empty(folder_));
}

}  // namespace
}  // namespace nopal
