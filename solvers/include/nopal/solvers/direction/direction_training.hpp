// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/operators/direction_net.hpp>
#include <nopal/solvers/problems/linear_systems.hpp>
#include <nopal/train/history.hpp>

#include <functional>
#include <string>
#include <vector>

namespace nopal {

/// Right-hand sides of linear systems, for the training of directions.
struct DirectionSamples {
  Tensor<float> b;                   ///< (N, X1, ..., Xd, 1), |b| = 1, 0 in obstacles
  std::vector<std::int64_t> system;  ///< which matrix each belongs to
  std::vector<double> energy;        ///< b . A^-1 b
};

/// How a direction network is trained.
struct DirectionTrainOptions {
  /// The grid and the walls of the matrices, "pressure" by default; obstacles and seed are set for
  /// each.
  LinearSystemOptions system = pressure();
  std::int64_t matrices = 8;     ///< the first an empty box, the others with other obstacles
  std::int64_t right_sides = 8;  ///< of each matrix and round, from which residuals are recorded
  std::int64_t depth = 16;       ///< iterations that are recorded of each
  std::int64_t rounds = 8;       ///< residuals are recorded anew at the beginning of each
  std::int64_t steps = 4000;     ///< of the optimiser, over all rounds
  std::int64_t batch = 8;        ///< right-hand sides a step, over all ranks
  std::string loss = "energy";   ///< or "residual", as published
  double learning_rate = 1e-3;   ///< of Adam in the first round; falls as a cosine over the rounds
  std::uint64_t seed = 0;        ///< of obstacles, right-hand sides and batches
  std::int64_t validation = 4;   ///< matrices, others, on which rates are measured
  double minutes = 0;            ///< ends after the round that exceeds it; 0: no limit
  std::function<void(const std::string& line)> progress;  ///< called on rank 0

  static LinearSystemOptions pressure();
};

struct DirectionTrainResult {
  History history;  ///< round, step, loss, rate, seconds
  double rate = 0;  ///< factor of the residual an iteration, on the validation matrices, to 1e-6
  double seconds = 0;
};

/// Residuals of real solves: for each matrix and `count` right-hand sides (noise of random
/// smoothness), those of the first `depth` iterations of DCDM with `net`, or of conjugate gradients
/// without it (null). The solves are divided over the ranks; all get all samples. Collective.
DirectionSamples record_residuals(const std::vector<LinearSystem>& systems,
                                  const DirectionNet<float>* net, std::int64_t count,
                                  std::int64_t depth, std::uint64_t seed, const Communicator& comm);

/// Trains `net` on residuals that its own solves meet, recorded anew each round: the published loss
/// or the energy norm of the error that is left, see direction_loss(). Every rank has all
/// matrices; samples of a batch are divided over the ranks and gradients summed. Leaves the
/// weights of the round with the best rate. Collective. Errors: fewer samples than a batch, numbers
/// below 1, a matrix that is not positive definite.
DirectionTrainResult train_direction(DirectionNet<float>& net, const DirectionTrainOptions& options,
                                     const Communicator& comm = {});

}  // namespace nopal
