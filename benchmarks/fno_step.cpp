// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Training step and inference of a Fourier neural operator. The twin in PyTorch is peers/fno2d.py.

#include "benchmarks/support/operator_run.hpp"

namespace {

void run(const benchmarks::Options& options) {
  const auto d = static_cast<std::size_t>(options.integer("dimension"));
  benchmarks::FieldSize field;
  for (std::size_t i = 0; i < d; ++i)
    field.points.push_back(options.integer("n"));
  benchmarks::run_operator("fno_step", options, field, [&] {
    return nopal::make_operator<float>(
        "fno", {{"n_modes", std::vector<std::int64_t>(d, options.integer("modes"))},
                {"layout", options.text("layout")},
                {"hidden_channels", options.integer("width")},
                {"n_layers", options.integer("layers")},
                {"factorization", options.text("factorization")},
                {"rank", options.number("rank")}});
  });
}

}  // namespace

int main(int argc, char** argv) {
  benchmarks::Options options(
      "Training step and inference of a Fourier neural operator on random data.",
      benchmarks::operator_options({{"n", "64"},
                                    {"dimension", "2"},
                                    {"width", "32"},
                                    {"modes", "12"},
                                    {"layers", "4"},
                                    {"batch", "20"},
                                    {"layout", "2021"},
                                    {"factorization", "dense"},
                                    {"rank", "1"}}));
  return benchmarks::run_program(argc, argv, options, run);
}
