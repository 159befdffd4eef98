// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <gtest/gtest.h>
#include <nopal/comm/communicator.hpp>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <sstream>
#include <string>

namespace nopal::test {

/// An empty folder of its own, the same on all ranks of `comm`, removed at the end. Collective.
class ScratchFolder {
 public:
  explicit ScratchFolder(const Communicator& comm = {}) : comm_(comm) {
    std::string name = (std::filesystem::temp_directory_path() / "nopal_test_XXXXXX").string();
    if (comm.rank() == 0 && !::mkdtemp(name.data())) throw std::runtime_error("mkdtemp " + name);
    folder_ = comm.broadcast(name);
  }
  ~ScratchFolder() {
    comm_.barrier();
    std::error_code ignored;
    if (comm_.rank() == 0) std::filesystem::remove_all(folder_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  std::string operator/(const std::string& name) const { return (folder_ / name).string(); }
  const std::filesystem::path& path() const { return folder_; }

 private:
  Communicator comm_;
  std::filesystem::path folder_;
};

inline std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream contents;
  contents << in.rdbuf();
  return contents.str();
}

inline void write_file(const std::string& path, const std::string& contents) {
  std::ofstream(path, std::ios::binary) << contents;
}

inline void expect_contains(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << text;
}

/// What a call throws; "no error" if it does not.
template <class Action>
std::string error_of(const Action& action) {
  try {
    action();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "no error";
}

/// How many temporary files of unfinished writes a folder holds.
inline int temporary_files(const std::filesystem::path& folder) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ".tmp") ++count;
  return count;
}

/// Expects `action` to throw a nopal::Error of one line that has all of `words`.
template <class Action>
void expect_error(Action&& action, std::initializer_list<std::string> words) {
  try {
    action();
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    EXPECT_LT(message.size(), 500u) << message;
    for (const std::string& word : words)
      EXPECT_NE(message.find(word), std::string::npos) << "no '" << word << "' in: " << message;
    return;
  }
  ADD_FAILURE() << "expected a nopal::Error with '" << *words.begin() << "'";
}

}  // namespace nopal::test
