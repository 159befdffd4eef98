// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/core/random.hpp>

#include <cstdint>
#include <vector>

namespace nopal {

/// Random smooth function of one variable, with exact derivatives and integral:
///
///   u(x) = s (sum over j = 1..terms of w_j exp(-r_j (x - c_j)^2) + a_0 + a_1 x + a_2 x^2)
///
/// with w_j, a_i uniform in (-1, 1), c_j in (low, high), r_j in (0, steepness / (high - low)).
/// Source: the data of Fabiani, Kevrekidis, Siettos, Yannacopoulos, J. Comput. Phys. 520, 113433.
struct GaussianSumOptions {
  double low = -1, high = 1;
  std::int64_t terms = 200;
  double steepness = 50;
  double scale = 1;  ///< s
};

/// One of these functions: sample `index` of experiment `seed`.
class GaussianSum {
 public:
  GaussianSum(const GaussianSumOptions& options, std::uint64_t seed, std::uint64_t index);

  double value(double x) const;
  double derivative(double x) const;
  double second_derivative(double x) const;
  double integral(double x) const;  ///< from `low` to x

 private:
  struct Term {
    double weight, rate, centre;
  };
  double antiderivative(double x) const;

  GaussianSumOptions options_;
  std::vector<Term> terms_;
  double a_[3];
};

}  // namespace nopal
