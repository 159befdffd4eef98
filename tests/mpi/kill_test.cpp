// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// A training that is killed with SIGKILL at random moments and resumed ends with the same bits as
// one that is not. This program starts killed_program, alone and under mpiexec; it uses no MPI
// itself.

#include <gtest/gtest.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <thread>
#include <tuple>

namespace {

using Clock = std::chrono::steady_clock;
namespace fs = std::filesystem;

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Ranks, model.
class Kill : public testing::TestWithParam<std::tuple<int, const char*>> {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "nopal_kill_test_" + std::to_string(getpid()) + "_" +
              std::to_string(ranks()) + model();
    fs::remove_all(folder_);
    fs::create_directory(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  static int ranks() { return std::get<0>(GetParam()); }
  static std::string model() { return std::get<1>(GetParam()); }

  // Starts the program on ranks() ranks.
  pid_t start(const std::string& checkpoint, const std::string& result) const {
    std::vector<std::string> words;
    if (ranks() > 1) words = {NOPAL_MPIEXEC, NOPAL_MPIEXEC_NUMPROC_FLAG, std::to_string(ranks())};
    words.insert(words.end(), {NOPAL_KILLED_PROGRAM, model(), checkpoint, result});
    std::vector<char*> arguments;
    for (std::string& word : words)
      arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const std::string log = folder_ + "/log";
    const pid_t child = fork();
    if (child == 0) {
      // What mpiexec says about killed ranks is for the log.
      if (!std::freopen(log.c_str(), "a", stdout) || !std::freopen(log.c_str(), "a", stderr))
        _exit(126);
      execvp(arguments[0], arguments.data());
      _exit(127);
    }
    return child;
  }

  // Waits for the end. With `patience` > 0 kills all ranks that many seconds after they have
  // started. True if the program ended by itself and well; `seconds` is how long it ran after the
  // start.
  bool finish(pid_t child, const std::string& checkpoint, double patience,
              double* seconds = nullptr) const {
    int status = 0;
    Clock::time_point started;
    bool running = false;
    for (;;) {
      if (waitpid(child, &status, WNOHANG) == child) break;
      const std::vector<int> running_ranks = pids(checkpoint);
      if (!running && static_cast<int>(running_ranks.size()) == ranks()) {
        running = true;
        started = Clock::now();
      }
      if (patience > 0 && running &&
          Clock::now() - started > std::chrono::duration<double>(patience)) {
        for (const int rank : running_ranks)
          kill(rank, SIGKILL);
        waitpid(child, &status, 0);
        return false;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    if (seconds) *seconds = std::chrono::duration<double>(Clock::now() - started).count();
    return status == 0;
  }

  // Process ids of the ranks that have written theirs.
  std::vector<int> pids(const std::string& checkpoint) const {
    std::vector<int> result;
    for (int rank = 0; rank < ranks(); ++rank) {
      // A whole line only: half a number would be somebody else's.
      const std::string text = contents(pid_file(checkpoint, rank));
      if (text.ends_with('\n')) result.push_back(std::stoi(text));
    }
    return result;
  }

  static std::string pid_file(const std::string& checkpoint, int rank) {
    return checkpoint + ".pid." + std::to_string(rank);
  }
  void forget_pids(const std::string& checkpoint) const {
    for (int rank = 0; rank < ranks(); ++rank)
      fs::remove(pid_file(checkpoint, rank));
  }

  std::string folder_;
};

TEST_P(Kill, ResumedRunEndsWithTheSameBits) {
  const std::string whole = folder_ + "/whole", pieces = folder_ + "/pieces";
  const std::string checkpoint = folder_ + "/run.safetensors";
  double seconds = 0;
  const std::string other = folder_ + "/other.safetensors";
  ASSERT_TRUE(finish(start(other, whole), other, 0, &seconds)) << contents(folder_ + "/log");
  ASSERT_GT(contents(whole).size(), 1000u);

  std::mt19937_64 random(std::random_device{}());
  int kills_while_training = 0, runs = 0;
  for (bool done = false; !done; ++runs) {
    ASSERT_LT(runs, 40) << contents(folder_ + "/log");
    const std::string before = contents(checkpoint);
    const double patience = std::uniform_real_distribution<>(0.1, 0.6)(random) * seconds;
    forget_pids(checkpoint);
    done = finish(start(checkpoint, pieces), checkpoint, runs < 20 ? patience : 0);
    if (!done && contents(checkpoint) != before) ++kills_while_training;
    if (done && kills_while_training == 0 && runs < 20) {
      // Faster than the first one, or killed too early each time: says nothing, so once more.
      fs::remove(checkpoint);
      fs::remove(checkpoint + ".csv");
      done = false;
    }
  }
  RecordProperty("kills", kills_while_training);
  EXPECT_GT(kills_while_training, 0) << "every run ended or died before it had made progress";
  EXPECT_EQ(contents(pieces), contents(whole));

  // The history has each epoch once and in order.
  std::ifstream history(checkpoint + ".csv");
  std::string line;
  std::getline(history, line);
  for (int epoch = 1; epoch <= 25; ++epoch) {
    ASSERT_TRUE(std::getline(history, line)) << "epoch " << epoch;
    EXPECT_EQ(line.substr(0, line.find(',')), std::to_string(epoch));
  }
  EXPECT_FALSE(std::getline(history, line));
  // A run that is killed while it writes leaves one temporary file, the others none.
  int leftovers = 0;
  for (const auto& entry : fs::directory_iterator(folder_))
    if (entry.path().extension() == ".tmp") ++leftovers;
  EXPECT_LT(leftovers, runs);
}

INSTANTIATE_TEST_SUITE_P(RanksAndModels, Kill,
                         testing::Combine(testing::Values(1, 2), testing::Values("tiny", "noisy")));

}  // namespace
