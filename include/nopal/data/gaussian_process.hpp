// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace nopal {

/// Gaussian process of mean 0 on a line at n + 1 equally spaced points of [low, high], with
/// covariance exp(-|x - x'|^2 / (2 length^2)) (Lu et al., Nat. Mach. Intell. 3, 2021, section 3).
///
/// A sample is L z with z normal and K ~ L L^T by a pivoted Cholesky factorisation (Harbrecht,
/// Peters, Schneider, Appl. Numer. Math. 62, 2012), stopped when no variance left out exceeds
/// 1e-14: the kernel is smooth, a few tens of columns say it all, and no jitter is added.
class GaussianProcess {
 public:
  /// Error for n < 1, low >= high or a length that is not above 0.
  GaussianProcess(std::int64_t n, double low, double high, double length);

  /// Fills n + 1 values with sample `index` of experiment `seed`.
  void sample(std::uint64_t seed, std::uint64_t index, std::span<double> values) const;

  /// Columns of L.
  std::int64_t rank() const { return rank_; }

 private:
  std::int64_t points_, rank_ = 0;
  std::vector<double> factor_;  // a column after the other
};

}  // namespace nopal
