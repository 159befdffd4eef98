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

/// Residuals of linear systems, for the training of directions.
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
  /// Points an axis of several grids that steps and records take in turn; empty: system.points.
  /// The numbers below are those of the first; the others have batches, records and a capacity of
  /// about as many points.
  std::vector<std::int64_t> sizes;
  std::int64_t steps = 4000;     ///< of the optimiser
  std::int64_t batch = 8;        ///< residuals a step, over all ranks
  std::int64_t interval = 100;   ///< steps after which new residuals are recorded
  std::int64_t matrices = 8;     ///< of a record: a part empty boxes, others with obstacles
  std::int64_t right_sides = 2;  ///< of each
  std::int64_t depth = 40;       ///< iterations of each that are kept, fewer if it ends before
  /// Right-hand sides are samples of so many Ritz vectors of each matrix, see RitzSpace::sample();
  /// 0: noise of random smoothness. With depth 0 and the loss "residual" this is the published
  /// training.
  std::int64_t ritz_vectors = 0;
  std::int64_t capacity = 4000;            ///< residuals that steps draw from; the oldest go
  std::string loss = "energy";             ///< or "residual", as published
  double learning_rate = 2e-3;             ///< of Adam at first; falls to 0 as a cosine
  double clip_norm = 0;                    ///< of gradients; 0: none
  std::uint64_t seed = 0;                  ///< of obstacles, right-hand sides and batches
  std::int64_t validation = 4;             ///< matrices, others, on which rates are measured
  std::int64_t validation_interval = 200;  ///< steps between
  /// The weights are of an earlier training: the first residuals are those of solves with them,
  /// not of conjugate gradients, which would undo it.
  bool trained = false;
  std::string checkpoint;  ///< see StepOptions; empty: none
  bool resume = false;     ///< goes on from it, with residuals recorded anew
  double progress_seconds = 20;
  std::function<void(const std::string& line)> progress;  ///< called on rank 0

  static LinearSystemOptions pressure();
};

struct DirectionTrainResult {
  History history;  ///< step, learning_rate, loss, validation (the rate), seconds
  double rate = 0;  ///< best mean factor of the residual an iteration of DCDM to 1e-6, on others
  double seconds = 0;
};

/// Residuals of real solves: for each matrix and `count` right-hand sides (noise of random
/// smoothness, or samples of Ritz vectors), those of the first `depth` iterations of DCDM with
/// `net`, or of conjugate gradients without it (null). The solves are divided over the ranks; all
/// get all samples. Collective.
DirectionSamples record_residuals(const std::vector<LinearSystem>& systems,
                                  const DirectionNet<float>* net, std::int64_t count,
                                  std::int64_t depth, std::uint64_t seed, const Communicator& comm,
                                  std::int64_t ritz_vectors = 0);

/// Trains `net` on residuals that its own solves meet: first those of conjugate gradients, then
/// each `interval` steps those of solves with the weights of that moment, beside what was recorded
/// before. The loss is the published one or the energy norm of the error that is left, see
/// direction_loss(). Every rank has all matrices; solves and the residuals of a batch are divided
/// over the ranks, gradients summed. Leaves the weights with the best rate on matrices and
/// right-hand sides of their own. Collective. Errors: fewer residuals than a batch, numbers below
/// 1, a matrix that is not positive definite.
DirectionTrainResult train_direction(DirectionNet<float>& net, const DirectionTrainOptions& options,
                                     const Communicator& comm = {});

}  // namespace nopal
