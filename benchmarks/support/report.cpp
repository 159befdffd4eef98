// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "benchmarks/support/report.hpp"

#include <nopal/core/error.hpp>
#include <nopal/core/runtime.hpp>
#include <nopal/core/tensor.hpp>

#include <chrono>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iostream>
#include <utility>

namespace benchmarks {
namespace {

std::string date() {
  const std::time_t seconds = std::time(nullptr);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&seconds));
  return text;
}

std::string cpu_model() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  return "unknown";
}

}  // namespace

nlohmann::json environment(const nopal::Communicator& comm) {
  return {{"date", date()},
          {"version", nopal::version()},
          {"commit", nopal::commit()},
          {"compiler", NOPAL_BENCHMARK_COMPILER},
          {"build_type", NOPAL_BENCHMARK_BUILD_TYPE},
          {"kokkos", std::to_string(KOKKOS_VERSION / 10000) + "." +
                         std::to_string(KOKKOS_VERSION / 100 % 100) + "." +
                         std::to_string(KOKKOS_VERSION % 100)},
          {"execution_space", nopal::ExecutionSpace::name()},
          {"concurrency", nopal::ExecutionSpace().concurrency()},
          {"blas_core", blas_core()},
          {"ranks", comm.size()},
          {"cpu", cpu_model()}};
}

Options::Options(std::string description, std::map<std::string, std::string> defaults)
    : description_(std::move(description)), values_(std::move(defaults)) {}

bool Options::parse(int argc, char** argv) {
  for (int i = 1; i < argc; i += 2) {
    const std::string word = argv[i];
    if (word == "-help" || word == "--help") {
      std::cout << description_ << "\n\noptions, with defaults:\n";
      for (const auto& [name, value] : values_)
        std::cout << "  -" << name << ' ' << (value.empty() ? "(none)" : value) << '\n';
      return false;
    }
    const std::string name =
        word.substr(word.find_first_not_of('-') == std::string::npos ? word.size()
                                                                     : word.find_first_not_of('-'));
    if (!values_.contains(name)) {
      std::vector<std::string> known;
      for (const auto& [valid, value] : values_)
        known.push_back(valid);
      NOPAL_CHECK(false, "unknown option '", word, "'; did you mean '-",
                  nopal::nearest(name, known), "'?");
    }
    NOPAL_CHECK(i + 1 < argc, "option '", word, "' needs a value");
    values_[name] = argv[i + 1];
  }
  return true;
}

const std::string& Options::text(const std::string& name) const {
  return values_.at(name);
}

double Options::number(const std::string& name) const {
  const std::string& value = text(name);
  std::size_t used = 0;
  double result = 0;
  try {
    result = std::stod(value, &used);
  } catch (const std::exception&) {
    used = 0;
  }
  NOPAL_CHECK(used == value.size() && used > 0, "option '-", name, "' expects a number, got '",
              value, "'");
  return result;
}

std::int64_t Options::integer(const std::string& name) const {
  const double value = number(name);
  const auto result = static_cast<std::int64_t>(value);
  NOPAL_CHECK(static_cast<double>(result) == value, "option '-", name,
              "' expects a whole number, got '", text(name), "'");
  return result;
}

void write_json(const std::string& path, const nlohmann::json& report) {
  if (path.empty()) return;
  std::ofstream file(path);
  file << report.dump(2) << '\n';
  file.close();
  NOPAL_CHECK(file.good(), "cannot write the report to '", path, "'");
}

int run_program(int argc, char** argv, Options& options, void (*body)(const Options&)) {
  nopal::Runtime runtime(argc, argv);
  try {
    if (options.parse(argc, argv)) body(options);
  } catch (const std::exception& error) {
    if (nopal::Communicator::world().rank() == 0) std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
  return 0;
}

}  // namespace benchmarks
