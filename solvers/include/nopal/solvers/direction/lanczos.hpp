// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/solvers/petsc.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace nopal {

/// Ritz pairs of a symmetric positive (semi)definite matrix: A V = V T + rest, T = S Theta S^T,
/// Ritz vectors U = V S. U is never made: combinations are V (S c).
class RitzSpace {
 public:
  /// `steps` of the Lanczos process from A times a random vector, with full reorthogonalisation
  /// (twice), on the ranks of the matrix: keeps as many vectors of its size in memory. Ends early
  /// if the space is exhausted. Collective. Errors, the same on all ranks: a matrix that is not
  /// symmetric, or not positive semidefinite, with the value that shows it.
  RitzSpace(Mat matrix, std::int64_t steps, std::uint64_t seed = 0);

  /// Theta, ascending, without those below 1e-8 of the largest (the null space).
  const std::vector<double>& values() const noexcept { return values_; }
  std::int64_t size() const noexcept { return static_cast<std::int64_t>(values_.size()); }

  /// y := U c, c in the order of values(). Collective.
  void combine(const std::vector<double>& c, Vec y) const;

  /// y := U c / |U c| with normal random c, those of the lowest `low` Ritz vectors `weight` times
  /// as large; default: 0.55 of them, and 9, as published (Kaneda et al., 2023: 5500 of 10,000).
  /// `index` is that of the sample. Collective.
  void sample(std::uint64_t seed, std::uint64_t index, Vec y, std::int64_t low = -1,
              double weight = 9) const;

 private:
  std::vector<OwnedVec> basis_;
  std::vector<double> values_;
  std::vector<double> vectors_;  // S, a column a value
};

/// Writes `count` samples of a Ritz space to an HDF5 file, one at a time: x (N, X1, ..., Xd, 1) is
/// b = U c, normalised, y its U Theta^-1 c, the solution of A y = b if all Ritz pairs have
/// converged. `dmda` is that of the matrix. Collective. Error before anything is written if the
/// disk has no room, with the number of samples that would fit.
void write_ritz_samples(const RitzSpace& space, DM dmda, std::int64_t count, std::uint64_t seed,
                        const std::string& path);

}  // namespace nopal
