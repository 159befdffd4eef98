// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// What a call of the C interface, and of the Fortran module if it was built, costs beside the same
// call in C++, on one rank: a small network, so that the evaluation does not hide it. Blocks of
// calls, alternating; medians of the blocks.

#include "benchmarks/support/report.hpp"
#include "benchmarks/support/timer.hpp"

#include <nopal/nopal.h>
#include <nopal/core/allocator.hpp>
#include <nopal/operators/model.hpp>

#include <cstdio>
#include <filesystem>
#include <vector>

#ifdef WITH_FORTRAN
extern "C" {
int fortran_load(int comm, const char* path, int length, int n);
int fortran_infer(const float* x, float* y, int n, int calls);
int fortran_destroy();
}
#endif

namespace {

void check(nopal_status status) {
  NOPAL_CHECK(status == NOPAL_SUCCESS, nopal_error_text());
}

void run(const benchmarks::Options& options) {
  const std::int64_t n = options.integer("n"), calls = options.integer("calls");
  const std::string path = std::filesystem::temp_directory_path() / "nopal_c_overhead.safetensors";
  nopal::Model<float>(nopal::make_operator<float>(
                          "fno", {{"n_modes", {4}}, {"hidden_channels", 4}, {"n_layers", 1}}))
      .save(path);
  const auto model = nopal::Model<float>::load(path);
  nopal_model handle = nullptr;
  check(nopal_initialise());
  check(nopal_model_load(MPI_COMM_SELF, path.c_str(), NOPAL_FLOAT, &handle));
#ifdef WITH_FORTRAN
  check(
      static_cast<nopal_status>(fortran_load(MPI_Comm_c2f(MPI_COMM_SELF), path.c_str(),
                                             static_cast<int>(path.size()), static_cast<int>(n))));
#endif
  std::filesystem::remove(path);
  const std::int64_t zero = 0;
  check(nopal_model_set_box(handle, 1, &n, &zero, &n, NOPAL_ROW_MAJOR));
  std::vector<float> x(static_cast<std::size_t>(n), 1), y(x.size());
  const nopal::Tensor<float> field({1, n, 1}), result({1, n, 1});
  field.fill(1);

  const auto block = [&](const auto& call) {
    const double begin = benchmarks::now();
    for (std::int64_t i = 0; i < calls; ++i)
      call();
    return (benchmarks::now() - begin) / static_cast<double>(calls);
  };
  const auto from_c = [&] { nopal_model_infer(handle, x.data(), x.size(), y.data(), y.size()); };
  const auto from_cpp = [&] { model.predict(field, result); };
  std::vector<double> c, cpp, fortran;
  const auto fortran_block = [&] {
#ifdef WITH_FORTRAN
    const double begin = benchmarks::now();
    check(static_cast<nopal_status>(
        fortran_infer(x.data(), y.data(), static_cast<int>(n), static_cast<int>(calls))));
    fortran.push_back((benchmarks::now() - begin) / static_cast<double>(calls));
#endif
  };
  block(from_c), block(from_cpp), fortran_block();
  fortran.clear();
  const auto before = nopal::memory_statistics().system_allocations;
  for (std::int64_t k = 0; k < options.integer("blocks"); ++k) {
    c.push_back(block(from_c));
    cpp.push_back(block(from_cpp));
    fortran_block();
  }
  const auto allocations = nopal::memory_statistics().system_allocations - before;
  const auto t_c = benchmarks::summarise(c), t_cpp = benchmarks::summarise(cpp);
#ifdef WITH_FORTRAN
  check(static_cast<nopal_status>(fortran_destroy()));
#endif
  check(nopal_model_destroy(&handle));
  check(nopal_finalise());
  std::printf("%lld points, microseconds a call: C++ %.3f, C %.3f (%.3f more)",
              static_cast<long long>(n), 1e6 * t_cpp.median, 1e6 * t_c.median,
              1e6 * (t_c.median - t_cpp.median));
  nlohmann::json json{{"benchmark", "c_overhead"},    {"environment", benchmarks::environment()},
                      {"options", options.to_json()}, {"cpp", t_cpp.to_json()},
                      {"c", t_c.to_json()},           {"overhead", t_c.median - t_cpp.median},
                      {"allocations", allocations}};
  if (!fortran.empty()) {
    const auto t_fortran = benchmarks::summarise(fortran);
    std::printf(", Fortran %.3f (%.3f more)", 1e6 * t_fortran.median,
                1e6 * (t_fortran.median - t_cpp.median));
    json["fortran"] = t_fortran.to_json();
    json["fortran_overhead"] = t_fortran.median - t_cpp.median;
  }
  std::printf("; allocations %llu\n", static_cast<unsigned long long>(allocations));
  benchmarks::write_json(options.text("json"), json);
}

}  // namespace

int main(int argc, char** argv) {
  benchmarks::Options options(
      "Cost of a call through the C and Fortran interfaces over one in C++.",
      {{"n", "16"}, {"calls", "2000"}, {"blocks", "31"}, {"json", ""}});
  return benchmarks::run_program(argc, argv, options, run);
}
