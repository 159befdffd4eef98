// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/data/function_data.hpp>
#include <nopal/solvers/problems/problem.hpp>

#include <string>

namespace nopal {

/// Options of the distance to circles.
struct EikonalOptions {
  std::int64_t sensors = 100;    ///< points of the circle
  std::int64_t resolution = 64;  ///< points an axis of the fields

  /// Options `-<prefix>eikonal_...`. Collective.
  static EikonalOptions read(const Communicator& comm, const std::string& prefix = "");
  using Options = EikonalOptions;
};

/// |grad s| = 1 in [-1, 1]^2 with s = 0 on a circle, s < 0 inside: the signed distance, exact. The
/// geometry is the input. Centres are uniform in [-0.3, 0.3]^2, radii in (0.2, 0.6); Wang, Wang,
/// Perdikaris, Sci. Adv. 7, 2021, section "Eikonal equation".
///
/// As fields on n x n points, x (n, n, 1) is 1 inside and 0 outside, y (n, n, 1) is s. As functions
/// and points, the coordinates of the circle (x_1, y_1, x_2, ...) and s at random points.
class Eikonal : public Problem {
 public:
  using Options = EikonalOptions;

  explicit Eikonal(const EikonalOptions& options, const Communicator& comm = {});

  std::string name() const override { return "eikonal"; }
  Shape x_shape() const override { return {options_.resolution, options_.resolution, 1}; }
  Shape y_shape() const override { return {options_.resolution, options_.resolution, 1}; }
  std::map<std::string, std::string> metadata() const override;

  /// Samples [first, first + samples) of experiment `seed` at `points` random points of each:
  /// functions (N, 2 m), points (N `points`, 2) with offsets.
  template <class T>
  FunctionData<T> point_data(std::uint64_t seed, std::int64_t first, std::int64_t samples,
                             std::int64_t points) const;

 private:
  void make_sample(std::uint64_t seed, std::uint64_t index, const Tensor<double>& x,
                   const Tensor<double>& y) override;

  EikonalOptions options_;
};

}  // namespace nopal
