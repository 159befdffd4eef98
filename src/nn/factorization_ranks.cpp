// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/nn/spectral_weight.hpp>

#include <algorithm>
#include <cmath>

namespace nopal {
namespace {

std::int64_t at_least_one(double rank) {
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(std::nearbyint(rank)));
}

}  // namespace

Shape factorization_ranks(Factorization factorization, const Shape& n, double fraction,
                          const std::vector<int>& fixed) {
  const int axes = n.rank();
  NOPAL_CHECK(axes >= 2, "a tensor of shape ", n, " cannot be factorised");
  NOPAL_CHECK(fraction > 0 && fraction <= 1, "rank: expected a fraction in (0, 1], got ", fraction);
  double entries = 1, sum = 0;
  for (const std::int64_t extent : n) {
    entries *= static_cast<double>(extent);
    sum += static_cast<double>(extent);
  }
  Shape ranks;
  switch (factorization) {
    case Factorization::dense:
      break;
    case Factorization::cp:
      ranks.push_back(at_least_one(fraction * entries / sum));
      break;
    case Factorization::tucker: {
      double squares = 0, constant = 0;
      int free = 0;
      const auto is_fixed = [&](int j) {
        return std::find(fixed.begin(), fixed.end(), j) != fixed.end();
      };
      for (int j = 0; j < axes; ++j) {
        const auto extent = static_cast<double>(n[j]);
        (is_fixed(j) ? constant : squares) += extent * extent;
        free += !is_fixed(j);
      }
      // c^free prod n + c squares + constant grows with c: bisection down to rounding.
      double low = 0, high = 1;
      for (int step = 0; step < 200; ++step) {
        const double c = (low + high) / 2;
        (std::pow(c, free) * entries + c * squares + constant > fraction * entries ? high : low) =
            c;
      }
      for (int j = 0; j < axes; ++j)
        ranks.push_back(is_fixed(j) ? n[j] : at_least_one(low * static_cast<double>(n[j])));
      break;
    }
    case Factorization::tt: {
      const auto mean = [&](int j) { return static_cast<double>(n[j] + n[j + 1]) / 2; };
      double a = 0;
      for (int j = 1; j + 1 < axes; ++j)
        a += mean(j - 1) * static_cast<double>(n[j]) * mean(j);
      const double b =
          static_cast<double>(n[0]) * mean(0) + static_cast<double>(n[axes - 1]) * mean(axes - 2);
      const double target = fraction * entries;
      const double c = a > 0 ? (-b + std::sqrt(b * b + 4 * a * target)) / (2 * a) : target / b;
      for (int j = 0; j + 1 < axes; ++j)
        ranks.push_back(at_least_one(c * mean(j)));
      break;
    }
  }
  return ranks;
}

}  // namespace nopal
