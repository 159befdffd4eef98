// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "petsc/petsc_test_tools.hpp"

#include <gtest/gtest.h>
#include <nopal/core/runtime.hpp>
#include <nopal/solvers/generate.hpp>
#include <nopal/solvers/problems/darcy.hpp>

#include <unistd.h>

#include <cmath>
#include <filesystem>

namespace {

using nopal::Communicator;
using nopal::Darcy;
using nopal::DarcyOptions;
using nopal::GenerateOptions;
using nopal::Tensor;
using nopal::test::message_of;

DarcyOptions small() {
  DarcyOptions options;
  options.resolution = 8;
  options.solve_refine = 4;
  return options;
}

// Collects the set on all ranks: each puts its samples into zeros, and the ranks add up.
struct Collected {
  Tensor<double> x, y;
  std::vector<double> times;  // how often each sample was handed over
};

Collected collect(nopal::Problem& problem, const GenerateOptions& options) {
  const auto world = Communicator::world();
  const auto n = static_cast<std::size_t>(options.samples);
  const auto size = static_cast<std::size_t>(problem.x_shape().size());
  std::vector<double> x(n * size), y(n * size), times(n);
  nopal::generate<double>(
      problem, options,
      [&](std::int64_t first, const Tensor<double>& xs, const Tensor<double>& ys) {
        const auto offset = static_cast<std::size_t>(first);
        const auto xv = xs.to_vector(), yv = ys.to_vector();
        std::copy(xv.begin(), xv.end(), x.begin() + static_cast<std::ptrdiff_t>(offset * size));
        std::copy(yv.begin(), yv.end(), y.begin() + static_cast<std::ptrdiff_t>(offset * size));
        for (std::size_t i = 0; i < xv.size() / size; ++i)
          times[offset + i] += 1;
      },
      world);
  Collected result;
  const auto entries = static_cast<std::int64_t>(n * size);
  result.x = Tensor<double>::from_host({entries}, x);
  result.y = Tensor<double>::from_host({entries}, y);
  const auto all = Tensor<double>::from_host({options.samples}, times);
  world.sum(result.x);
  world.sum(result.y);
  world.sum(all);
  result.times = all.to_vector();
  return result;
}

TEST(Generate, MakesTheSameSamplesOnAnyNumberOfRanks) {
  // Fewer samples than ranks, and more than one block a rank.
  for (const std::int64_t samples : {1, 3, 37}) {
    Darcy problem(small());
    const auto set = collect(problem, {samples, 5, 100, 0});
    EXPECT_EQ(set.times, std::vector<double>(static_cast<std::size_t>(samples), 1.0));
    const auto x = set.x.to_vector(), y = set.y.to_vector();
    Darcy reference(small());
    const Tensor<double> xr(reference.x_shape()), yr(reference.y_shape());
    for (std::int64_t i = 0; i < samples; i += 6) {
      reference.sample(5, static_cast<std::uint64_t>(100 + i), xr, yr);
      const auto begin = static_cast<std::ptrdiff_t>(i * 64);
      EXPECT_EQ(xr.to_vector(), std::vector<double>(x.begin() + begin, x.begin() + begin + 64));
      EXPECT_EQ(yr.to_vector(), std::vector<double>(y.begin() + begin, y.begin() + begin + 64));
    }
  }
}

TEST(Generate, SolvesEachSampleOnAllRanks) {
  Darcy together(small(), Communicator::world()), alone(small());
  const auto a = collect(together, {5, 1, 0, 0}), b = collect(alone, {5, 1, 0, 0});
  EXPECT_EQ(a.times, std::vector<double>(5, 1.0));
  EXPECT_EQ(a.x.to_vector(), b.x.to_vector());
  const auto ya = a.y.to_vector(), yb = b.y.to_vector();
  for (std::size_t i = 0; i < ya.size(); ++i)
    EXPECT_NEAR(ya[i], yb[i], 1e-11);
}

// A problem that fails at one sample or returns something that is not a number.
class Faulty : public nopal::Problem {
 public:
  Faulty(std::uint64_t index, bool throws)
      : Problem(Communicator{}), index_(index), throws_(throws) {}
  std::string name() const override { return "faulty"; }
  nopal::Shape x_shape() const override { return {2, 1}; }
  nopal::Shape y_shape() const override { return {2, 1}; }
  std::map<std::string, std::string> metadata() const override { return {}; }

 protected:
  void make_sample(std::uint64_t, std::uint64_t index, const Tensor<double>& x,
                   const Tensor<double>& y) override {
    NOPAL_CHECK(!(throws_ && index == index_), "sample ", index, " failed");
    x.fill(1);
    y.fill(index == index_ ? std::nan("") : 2);
  }

 private:
  std::uint64_t index_;
  bool throws_;
};

TEST(Generate, OneFailureIsAnErrorOnAllRanks) {
  const auto ignore = [](std::int64_t, const Tensor<double>&, const Tensor<double>&) {};
  const auto world = Communicator::world();
  Faulty failing(30, true), not_finite(0, false);
  EXPECT_EQ(message_of([&] {
              nopal::generate<double>(failing, {60, 0, 0, 0}, ignore, world);
            }),
            "sample 30 failed");
  EXPECT_EQ(message_of([&] {
              nopal::generate<double>(not_finite, {60, 2, 0, 0}, ignore, world);
            }),
            "problem faulty: the solution y of sample 0 of seed 2 has a value that is not finite");
  EXPECT_EQ(message_of([&] {
              nopal::generate<double>(failing, {0, 0, 0, 0}, ignore, world);
            }),
            "expected at least one sample to generate, got 0");
}

// A path that all ranks agree on and that is gone when the test ends.
class TemporaryFile {
 public:
  TemporaryFile() {
    const auto world = Communicator::world();
    const auto name = "nopal_generate_test_" + std::to_string(getpid()) + ".h5";
    path_ = world.broadcast((std::filesystem::temp_directory_path() / name).string());
  }
  ~TemporaryFile() {
    const auto world = Communicator::world();
    world.barrier();
    if (world.rank() == 0) std::filesystem::remove(path_);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST(Generate, WritesADataSetWithItsProvenance) {
  const auto world = Communicator::world();
  const TemporaryFile file;
  for (const bool together : {false, true}) {
    Darcy problem(small(), together ? world : Communicator());
    nopal::generate<float>(problem, {11, 3, 40, 0}, file.path(), world);
    const nopal::Hdf5Dataset<float> set(file.path());
    ASSERT_EQ(set.size(), 11);
    EXPECT_EQ(set.x_shape(), problem.x_shape());
    EXPECT_EQ(set.y_shape(), problem.y_shape());
    Darcy reference(small());
    const Tensor<double> x(reference.x_shape()), y(reference.y_shape());
    const Tensor<float> xs({1, 8, 8, 1}), ys({1, 8, 8, 1});
    for (std::int64_t i = 0; i < 11; ++i) {
      reference.sample(3, static_cast<std::uint64_t>(40 + i), x, y);
      set.read(std::span<const std::int64_t>(&i, 1), xs, ys);
      EXPECT_EQ(xs.to_vector(), nopal::cast<float>(x).to_vector());
      const auto values = ys.to_vector(), expected = nopal::cast<float>(y).to_vector();
      for (std::size_t k = 0; k < values.size(); ++k)
        EXPECT_FLOAT_EQ(values[k], expected[k]);
    }
    auto attributes = set.attributes();
    EXPECT_EQ(attributes["problem"], "darcy");
    EXPECT_EQ(attributes["seed"], "3");
    EXPECT_EQ(attributes["first_index"], "40");
    EXPECT_EQ(attributes["high"], "12");
    EXPECT_EQ(attributes["nopal_version"], nopal::version());
    world.barrier();
  }
}

TEST(Generate, AFailureLeavesTheOldFile) {
  const auto world = Communicator::world();
  const TemporaryFile file;
  Faulty good(1000, true), bad(30, true);
  nopal::generate<double>(good, {4, 0, 0, 0}, file.path(), world);
  EXPECT_EQ(message_of([&] {
              nopal::generate<double>(bad, {60, 0, 0, 0}, file.path(), world);
            }),
            "sample 30 failed");
  EXPECT_EQ(nopal::Hdf5Dataset<double>(file.path()).size(), 4);
  world.barrier();
}

// Counts the samples that it makes.
class Counting : public Faulty {
 public:
  Counting(std::uint64_t bad, std::string option) : Faulty(bad, true), option_(std::move(option)) {}
  std::map<std::string, std::string> metadata() const override { return {{"option", option_}}; }
  int made = 0;

 protected:
  void make_sample(std::uint64_t seed, std::uint64_t index, const Tensor<double>& x,
                   const Tensor<double>& y) override {
    Faulty::make_sample(seed, index, x, y);
    ++made;
    x.fill(static_cast<double>(index) + 0.1);
  }

 private:
  std::string option_;
};

TEST(Generate, AResumedRunMakesOnlyWhatIsMissing) {
  const auto world = Communicator::world();
  const TemporaryFile file;
  GenerateOptions options{20, 3, 5, 0};
  options.keep = file.path() + ".samples";
  Counting bad(21, "a"), good(1000, "a"), other(1000, "b");
  EXPECT_EQ(message_of([&] { nopal::generate<double>(bad, options, file.path(), world); }),
            "sample 21 failed");
  EXPECT_EQ(message_of([&] {
              nopal::generate<double>(other, options, file.path(), world);
            }).find("the kept sample"),
            0U);
  nopal::generate<double>(good, options, file.path(), world);
  const double first = world.sum(double(bad.made)), second = world.sum(double(good.made));
  EXPECT_GT(first, 0);
  EXPECT_EQ(first + second, 20);
  const nopal::Hdf5Dataset<double> set(file.path());
  const Tensor<double> x({1, 2, 1}), y({1, 2, 1});
  for (std::int64_t i = 0; i < 20; ++i) {
    set.read(std::span<const std::int64_t>(&i, 1), x, y);
    EXPECT_EQ(x.to_vector(), std::vector<double>(2, double(i + 5) + 0.1));
  }
  world.barrier();
  EXPECT_FALSE(std::filesystem::exists(options.keep));  // the file has them now
  world.barrier();
}

TEST(Generate, ASampleOfAllRanksIsKeptOnce) {
  const auto world = Communicator::world();
  const TemporaryFile file;
  GenerateOptions options{3, 5, 0, 0};
  options.keep = file.path() + ".samples";
  Darcy problem(small(), world);
  const auto whole = collect(problem, options), again = collect(problem, options);
  EXPECT_EQ(whole.y.to_vector(), again.y.to_vector());
  world.barrier();
  if (world.rank() == 0) {
    EXPECT_EQ(std::filesystem::remove_all(options.keep), 4U);
  }
  world.barrier();
}

// The solution is finite in double, but not in the type of the file.
class Huge : public Faulty {
 public:
  Huge() : Faulty(1000, true) {}

 protected:
  void make_sample(std::uint64_t seed, std::uint64_t index, const Tensor<double>& x,
                   const Tensor<double>& y) override {
    Faulty::make_sample(seed, index, x, y);
    if (index == 12) y.fill(1e45);
  }
};

TEST(Generate, AFileOfFloatsHoldsNoInfinities) {
  const auto world = Communicator::world();
  const TemporaryFile file;
  Huge problem;
  EXPECT_EQ(message_of([&] {
              nopal::generate<float>(problem, {20, 3, 0, 0}, file.path(), world);
            }),
            "problem faulty: the solution y of sample 12 of seed 3 has a value that is beyond the "
            "range of single precision; choose double, or other units");
  EXPECT_FALSE(std::filesystem::exists(file.path()));
  world.barrier();
  nopal::generate<double>(problem, {20, 3, 0, 0}, file.path(), world);
  EXPECT_EQ(nopal::Hdf5Dataset<double>(file.path()).size(), 20);
}

TEST(Generate, RankZeroReportsProgress) {
  std::vector<std::string> lines;
  auto previous = nopal::set_log_sink([&](const std::string& line) { lines.push_back(line); });
  Darcy problem(small());
  const auto ignore = [](std::int64_t, const Tensor<double>&, const Tensor<double>&) {};
  nopal::generate<double>(problem, {16, 0, 0, 1e-9}, ignore, Communicator::world());
  nopal::set_log_sink(previous);
  if (Communicator::world().rank() > 0) {
    EXPECT_TRUE(lines.empty());
    return;
  }
  ASSERT_FALSE(lines.empty());
  EXPECT_EQ(lines.back().find("generate darcy: 100 % of 16 samples, "), 0u) << lines.back();
  EXPECT_NE(lines.back().find(" 0 s left"), std::string::npos);
}

}  // namespace
