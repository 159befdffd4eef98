// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <gtest/gtest.h>
#include <nopal/solvers/petsc.hpp>
#include <nopal/solvers/problems/problem.hpp>

#include <cmath>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

namespace nopal::test {

/// Options of PETSc's database for the life of this object, on all ranks.
class ScopedOptions {
 public:
  ScopedOptions(std::initializer_list<std::pair<std::string, std::string>> options)
      : ScopedOptions(std::vector<std::pair<std::string, std::string>>(options)) {}
  explicit ScopedOptions(std::vector<std::pair<std::string, std::string>> options)
      : options_(std::move(options)) {
    for (const auto& [name, value] : options_)
      NOPAL_PETSC(PetscOptionsSetValue(nullptr, name.c_str(), value.c_str()));
  }
  ~ScopedOptions() {
    for (const auto& option : options_)
      NOPAL_PETSC(PetscOptionsClearValue(nullptr, option.first.c_str()));
  }
  ScopedOptions(const ScopedOptions&) = delete;
  ScopedOptions& operator=(const ScopedOptions&) = delete;

 private:
  std::vector<std::pair<std::string, std::string>> options_;
};

/// The message of the nopal::Error that `action` throws.
template <class Action>
std::string message_of(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

/// One sample of a problem, on the host.
struct Sample {
  std::vector<double> x, y;
};

inline Sample draw(Problem& problem, std::uint64_t seed, std::uint64_t index) {
  const Tensor<double> x(problem.x_shape()), y(problem.y_shape());
  problem.sample(seed, index, x, y);
  return {x.to_vector(), y.to_vector()};
}

inline double relative_difference(const std::vector<double>& a, const std::vector<double>& b) {
  EXPECT_EQ(a.size(), b.size());
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference += (a[i] - b[i]) * (a[i] - b[i]);
    norm += b[i] * b[i];
  }
  return std::sqrt(difference / norm);
}

/// The message that making `problem` ends with if `option` has this value.
inline std::string message_of_option(const std::string& problem, const std::string& option,
                                     const std::string& value) {
  const ScopedOptions options{{option, value}};
  return message_of([&] { make_problem(problem); });
}

/// Values of f(x1, x2) at the nodes of a grid of n cells an axis on the unit square.
template <class F>
std::vector<double> at_nodes(std::int64_t n, const F& f) {
  std::vector<double> values;
  for (std::int64_t i = 0; i <= n; ++i)
    for (std::int64_t j = 0; j <= n; ++j)
      values.push_back(f(static_cast<double>(i) / static_cast<double>(n),
                         static_cast<double>(j) / static_cast<double>(n)));
  return values;
}

/// Every `step`-th node of each axis of a square grid.
inline std::vector<double> every(const std::vector<double>& nodes, std::size_t step) {
  const auto width = static_cast<std::size_t>(std::lround(std::sqrt(nodes.size())));
  std::vector<double> values;
  for (std::size_t i = 0; i < width; i += step)
    for (std::size_t j = 0; j < width; j += step)
      values.push_back(nodes[i * width + j]);
  return values;
}

/// Errors on grids (or with steps) that are halved each time fall at least with this order.
inline void expect_order(const std::vector<double>& errors, double order) {
  for (std::size_t i = 0; i + 1 < errors.size(); ++i)
    EXPECT_GT(std::log2(errors[i] / errors[i + 1]), order)
        << "refinement " << i << ": " << errors[i] << ", " << errors[i + 1];
}

}  // namespace nopal::test
