// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/solvers/direction/dcdm.hpp>
#include <nopal/solvers/direction/direction_map.hpp>
#include <nopal/solvers/direction/lanczos.hpp>
#include <nopal/solvers/problems/linear_systems.hpp>

#include <functional>
#include <memory>
#include <vector>

namespace nopal::detail {

/// Rows with neighbours: 1, obstacles: 0.
std::vector<float> mask_of(const LinearSystem& system);

/// Solves of one system on one rank, with directions of a network or, without one, the residual
/// itself, which makes conjugate gradients. `system` and `net` must live as long.
class ResidualSolves {
 public:
  /// Right-hand sides are noise of random smoothness, or samples of Ritz vectors.
  ResidualSolves(const LinearSystem& system, const DirectionNet<float>* net,
                 std::int64_t ritz_vectors = 0);

  /// `record` gets each residual r and r . A^-1 r.
  using Record = std::function<void(const PetscScalar* r, double energy)>;
  DcdmResult run(std::uint64_t seed, std::uint64_t index, int limit, double tolerance,
                 const Record& record = {});

 private:
  const LinearSystem& system_;
  Shape extents_;
  std::vector<float> mask_;
  MatNullSpace space_ = nullptr;
  OwnedVec x_, b_, exact_;
  std::unique_ptr<DirectionMap<float>> map_;
  std::unique_ptr<RitzSpace> ritz_;
};

}  // namespace nopal::detail
