// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Accuracy and time of the random-feature operator and of kernel ridge regression on the public
// data of Fabiani et al., J. Comput. Phys. 520, 113433: functions on 100 points, four fifths of
// them for training.

#include "benchmarks/support/report.hpp"
#include "tests/operator_recipes.hpp"

#include <nopal/operators/kernel_ridge.hpp>
#include <nopal/operators/random_feature_operator.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace {

using nopal::test::Recipe;

double quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1) + 0.5)];
}

class Table {
 public:
  explicit Table(const nopal::Communicator& comm) : comm_(comm) {
    if (comm_.rank() == 0)
      std::printf("%-16s %-28s %9s %10s %10s\n", "case", "method", "fit s", "median", "95 %");
  }

  // Fits and tests; errors are those of rank 0, the same on all.
  template <class Fit, class Predict>
  void row(const std::string& name, const std::string& method, const Fit& fit,
           const Predict& predict, const nopal::Tensor<double>& target) {
    comm_.barrier();
    const auto start = std::chrono::steady_clock::now();
    fit();
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const std::vector<double> errors = nopal::relative_l2_errors<double>(predict(), target);
    const double median = quantile(errors, 0.5), high = quantile(errors, 0.95);
    if (comm_.rank() == 0)
      std::printf("%-16s %-28s %9.2f %10.2e %10.2e\n", name.c_str(), method.c_str(), seconds,
                  median, high);
    rows_.push_back({{"case", name},
                     {"method", method},
                     {"seconds", seconds},
                     {"median", median},
                     {"95 %", high}});
  }

  const nlohmann::json& rows() const { return rows_; }

 private:
  nopal::Communicator comm_;
  nlohmann::json rows_ = nlohmann::json::array();
};

void run(const benchmarks::Options& options) {
  const auto comm = nopal::Communicator::world();
  const struct {
    const char* name;
    const Recipe& recipe;
    std::int64_t samples;
    std::vector<std::pair<std::int64_t, double>> features;  // M, scale; scale 0: linear
  } cases[] = {
      {"antiderivative", nopal::test::antiderivative, 1000, {{100, 0}}},
      {"diff.-reaction", nopal::test::diffusion_reaction_rhs, 2000, {{100, 0}}},
      {"burgers", nopal::test::burgers_rhs, 2000, {{300, 0}, {1000, 10}, {1000, 100}, {1200, 100}}},
      {"allen-cahn", nopal::test::allen_cahn_rhs, 3000, {{1000, 10}, {1000, 100}, {1200, 100}}}};
  Table table(comm);
  for (const auto& c : cases) {
    const std::int64_t training = c.samples * 4 / 5;
    const auto data = nopal::test::recipe_data(c.recipe, 0, training);
    const auto test = nopal::test::recipe_data(c.recipe, training, c.samples - training);
    const nopal::Slab mine = nopal::slab(training, comm.rank(), comm.size());
    for (const auto& [count, scale] : c.features) {
      nopal::RandomFeatureOptions o;
      o.count = count;
      o.features = scale > 0 ? "sin" : "linear";
      if (scale > 0) o.scale = scale;
      o.threshold = scale > 0 ? 1e-13 : 1e-12;
      nopal::RandomFeatureOperator<double> op(o,
                                              static_cast<std::uint64_t>(options.integer("seed")));
      const std::string method = scale > 0 ? "sin, scale " + std::to_string(int(scale)) : "linear";
      table.row(
          c.name, "random " + std::to_string(count) + " " + method,
          [&] {
            op.fit(data.u.slice(mine.first, mine.count), data.v.slice(mine.first, mine.count),
                   data.points, comm);
          },
          [&] { return op.forward(test.u).value(); }, test.v);
    }
    nopal::KernelRidgeOptions o;
    o.samples = training;
    o.length = 10;
    o.nugget = 1e-12;
    nopal::KernelRidge<double> op(o);
    table.row(
        c.name, "kernel ridge, Matern 5/2", [&] { op.fit(data.u, data.v); },
        [&] { return op.forward(test.u).value(); }, test.v);
  }
  if (comm.rank() == 0)
    benchmarks::write_json(options.text("json"), {{"environment", benchmarks::environment(comm)},
                                                  {"options", options.to_json()},
                                                  {"results", table.rows()}});
}

}  // namespace

int main(int argc, char** argv) {
  benchmarks::Options options("Random features and kernel ridge regression on public data.",
                              {{"seed", "0"}, {"json", ""}});
  return benchmarks::run_program(argc, argv, options, run);
}
