// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/error.hpp>
#include <nopal/core/random.hpp>
#include <nopal/data/gaussian_process.hpp>

#include <algorithm>
#include <cmath>

namespace nopal {

GaussianProcess::GaussianProcess(std::int64_t n, double low, double high, double length)
    : points_(n + 1) {
  NOPAL_CHECK(
      n >= 1 && low < high && length > 0,
      "Gaussian process: expected at least 1 interval, low < high and a length above 0, got ", n,
      ", ", low, ", ", high, ", ", length);
  const auto points = static_cast<std::size_t>(points_);
  const double h = (high - low) / static_cast<double>(n);
  std::vector<double> left(points, 1);  // variance that the columns so far do not have
  while (rank_ < points_) {
    const auto pivot =
        static_cast<std::size_t>(std::max_element(left.begin(), left.end()) - left.begin());
    if (left[pivot] < 1e-14) break;
    const double root = std::sqrt(left[pivot]);
    const std::size_t first = factor_.size();
    for (std::size_t i = 0; i < points; ++i) {
      const double distance = (static_cast<double>(i) - static_cast<double>(pivot)) * h / length;
      double entry = std::exp(-distance * distance / 2);
      for (std::size_t column = 0; column < first; column += points)
        entry -= factor_[column + i] * factor_[column + pivot];
      factor_.push_back(entry / root);
    }
    for (std::size_t i = 0; i < points; ++i)
      left[i] -= factor_[first + i] * factor_[first + i];
    left[pivot] = 0;
    ++rank_;
  }
}

void GaussianProcess::sample(std::uint64_t seed, std::uint64_t index,
                             std::span<double> values) const {
  NOPAL_CHECK(static_cast<std::int64_t>(values.size()) == points_, "Gaussian process: expected ",
              points_, " values, got ", values.size());
  const Random random(seed, index);
  std::fill(values.begin(), values.end(), 0.0);
  const double* column = factor_.data();
  for (std::int64_t k = 0; k < rank_; ++k, column += points_) {
    const double z = random.normal(static_cast<std::uint64_t>(k));
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] += z * column[i];
  }
}

}  // namespace nopal
