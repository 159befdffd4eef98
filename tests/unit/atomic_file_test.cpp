// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>
#include <nopal/io/atomic_file.hpp>

#include "test_tools.hpp"

#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <vector>

namespace nopal {
namespace {

using test::expect_error;
using test::read_file;
using test::ScratchFolder;
using test::temporary_files;
using test::write_file;

bool exists(const std::string& path) {
  return std::filesystem::exists(path);
}

TEST(AtomicFile, AppearsWithCommitOnly) {
  ScratchFolder folder;
  const std::string path = folder / "a.txt";
  std::string expected;
  {
    AtomicFile file(path);
    // Small pieces and pieces larger than the buffer, in turn.
    for (int i = 0; i < 40; ++i) {
      const std::string piece(i % 7 == 0 ? 100000 : static_cast<std::size_t>(i) * 100,
                              static_cast<char>('a' + i % 26));
      expected += piece;
      file.write(piece);
    }
    EXPECT_EQ(file.size(), expected.size());
    EXPECT_FALSE(exists(path));
    file.commit();
  }
  EXPECT_EQ(read_file(path), expected);
  EXPECT_EQ(temporary_files(folder.path()), 0);
}

TEST(AtomicFile, WithoutCommitTheOldFileStays) {
  ScratchFolder folder;
  const std::string path = folder / "a.txt";
  write_file(path, "old");
  {
    AtomicFile file(path);
    file.write("new");
  }
  EXPECT_EQ(read_file(path), "old");
  EXPECT_EQ(temporary_files(folder.path()), 0);
}

// Neither what a killed run left nor any other file in the folder is in the way, or lost.
TEST(AtomicFile, TouchesNoOtherFile) {
  ScratchFolder folder;
  const std::string path = folder / "a.txt";
  write_file(path, "old");
  std::vector<std::string> others{path + ".tmp"};
  for (int i = 0; i < 100; ++i)
    others.push_back(path + "." + std::to_string(::getpid()) + "-" + std::to_string(i) + ".tmp");
  for (const std::string& other : others)
    write_file(other, "half of something lon");
  write_file_atomically(path, "new");
  EXPECT_EQ(read_file(path), "new");
  for (const std::string& other : others)
    EXPECT_EQ(read_file(other), "half of something lon") << other;
  EXPECT_EQ(temporary_files(folder.path()), 101);
}

TEST(AtomicFile, FollowsASymbolicLink) {
  ScratchFolder folder;
  const std::string path = folder / "link", target = folder / "target";
  write_file(target, "old");
  std::filesystem::create_symlink("target", path);
  write_file_atomically(path, "new");
  EXPECT_TRUE(std::filesystem::is_symlink(path));
  EXPECT_EQ(read_file(target), "new");
}

TEST(AtomicFile, PathsThatCannotBeWrittenAreNamed) {
  ScratchFolder folder;
  expect_error([&] { AtomicFile file(folder.path().string()); },
               {folder.path().string(), "is a folder"});
  expect_error([&] { AtomicFile file(folder / "no/a.txt"); }, {"no/a.txt", "does not exist"});
  expect_error([&] { AtomicFile file(""); }, {"empty"});
  if (::geteuid() == 0) return;  // root may write everywhere
  const std::string path = folder / "a.txt";
  write_file(path, "old");
  ::chmod(path.c_str(), 0444);
  expect_error([&] { AtomicFile file(path); }, {path, "write-protected"});
}

TEST(AtomicFile, FullDeviceIsAnError) {
  expect_error([] { write_file_atomically("/dev/full", "text"); },
               {"/dev/full", "No space left on device"});
}

TEST(AtomicFile, FullDiskLeavesTheOldFile) {
  ScratchFolder folder;
  const std::string path = folder / "a.txt";
  write_file(path, "old");
  // A limit on the size of files fails in write(), as a full disk does.
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{100000, before.rlim_max};
  auto* handler = std::signal(SIGXFSZ, SIG_IGN);
  ::setrlimit(RLIMIT_FSIZE, &small);
  expect_error([&] { write_file_atomically(path, std::string(200000, 'x')); },
               {path, "File too large", "unchanged"});
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);

  EXPECT_EQ(read_file(path), "old");
  EXPECT_EQ(temporary_files(folder.path()), 0);
}

TEST(AtomicFile, ReplacementForOtherWriters) {
  ScratchFolder folder;
  const std::string path = folder / "a.h5";
  write_file(path, "old");
  {
    const Replacement replacement(path);
    write_file(replacement.temporary(), "half");
  }
  EXPECT_EQ(temporary_files(folder.path()), 0);
  EXPECT_EQ(read_file(path), "old");

  Replacement replacement(path), other(path);  // two at a time do not meet
  EXPECT_NE(replacement.temporary(), other.temporary());
  write_file(replacement.temporary(), "new");
  replacement.commit();
  EXPECT_EQ(read_file(path), "new");
  expect_error([&] { replacement.commit(); }, {path, "twice"});
  expect_error([&] { const Replacement device("/dev/null"); }, {"/dev/null", "device"});
}

// What a handler of signals does before the program ends.
TEST(AtomicFile, UnfinishedFilesCanBeRemoved) {
  ScratchFolder folder;
  write_file_atomically(folder / "whole", "whole");
  AtomicFile first(folder / "first");
  Replacement second(folder / "second");
  EXPECT_EQ(temporary_files(folder.path()), 2);
  remove_unfinished_files();
  EXPECT_EQ(temporary_files(folder.path()), 0);
  EXPECT_EQ(read_file(folder / "whole"), "whole");
}

}  // namespace
}  // namespace nopal
