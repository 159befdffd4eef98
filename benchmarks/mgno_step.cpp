// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Training step and inference of a multigrid neural operator. The twin in PyTorch is
// peers/mgno2d.py.

#include "benchmarks/support/operator_run.hpp"

namespace {

void run(const benchmarks::Options& options) {
  benchmarks::FieldSize field;
  for (std::int64_t i = 0; i < options.integer("dimension"); ++i)
    field.points.push_back(options.integer("n"));
  std::vector<std::int64_t> pre(static_cast<std::size_t>(options.integer("levels")), 1);
  pre.back() = 2;
  benchmarks::run_operator("mgno_step", options, field, [&] {
    return nopal::make_operator<float>("mgno", {{"dimension", options.integer("dimension")},
                                                {"channels", options.integer("width")},
                                                {"n_layers", options.integer("layers")},
                                                {"pre", pre},
                                                {"boundary", {options.text("boundary")}}});
  });
}

}  // namespace

int main(int argc, char** argv) {
  benchmarks::Options options(
      "Training step and inference of a multigrid neural operator on random data.",
      benchmarks::operator_options({{"n", "128"},
                                    {"dimension", "2"},
                                    {"width", "24"},
                                    {"layers", "4"},
                                    {"levels", "6"},
                                    {"batch", "8"},
                                    {"boundary", "zero"}}));
  return benchmarks::run_program(argc, argv, options, run);
}
