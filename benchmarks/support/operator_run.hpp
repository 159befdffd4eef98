// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include "benchmarks/support/report.hpp"

#include <nopal/operators/operator.hpp>

#include <functional>
#include <map>
#include <memory>
#include <string>

namespace benchmarks {

/// The fields of an operator.
struct FieldSize {
  nopal::Shape points;
  std::int64_t in_channels = 1, out_channels = 1;
};

/// The options that run_operator() reads beside `batch`, added to a program's own.
std::map<std::string, std::string> operator_options(std::map<std::string, std::string> own);

/// One training step (forward, relative L2 loss, backward, sum of the gradients over ranks, AdamW;
/// samples divided among ranks) and inference of one sample (the field divided among ranks, if the
/// operator can), on random data: time, phases, memory, and share of the machine's peak, printed
/// and written to the file of option `json`. Collective.
void run_operator(const char* benchmark, const Options& options, const FieldSize& field,
                  const std::function<std::unique_ptr<nopal::Operator<float>>()>& make);

}  // namespace benchmarks
