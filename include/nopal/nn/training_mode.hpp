// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/comm/communicator.hpp>

#include <cstdint>

namespace nopal {

/// A step of training, for layers that are random or that look at the whole batch.
struct TrainingStep {
  std::uint64_t seed = 0;         ///< of the training
  std::int64_t index = 0;         ///< of the step, counted over all epochs
  std::int64_t batch = 0;         ///< samples of the batch, on all ranks together
  std::int64_t first_sample = 0;  ///< place in the batch of the first sample of this rank
  Communicator comm = {};         ///< the ranks that share the batch
  bool repeated =
      false;  ///< the step was evaluated before (a line search): buffers stay as they are

  /// The same for networks of points that samples share, such as the trunk of a DeepONet: all
  /// points, the first of this rank, and the ranks that divide the points among them (ranks with
  /// other samples and the same points are not among them).
  std::int64_t points = 0;
  std::int64_t first_point = 0;
  Communicator point_comm = {};

  TrainingStep of_points() const;  ///< with the points as samples
};

/// While one exists, layers of this thread work as in training: dropout drops, batch norm takes the
/// statistics of the batch. Without one they work as in inference.
///
///     const TrainingMode mode({.seed = 1, .index = step, .batch = 20});
///     Tape<float> tape;
///     tape.backward(loss(op.forward(x), y));
///
/// A layer that looks at the whole batch communicates, in forward() and in backward(): all ranks of
/// `comm` must call it, those without samples with a batch of 0 samples, and what may fail on one
/// rank must be inside Communicator::together(). Scopes may be nested; the innermost counts.
class TrainingMode {
 public:
  explicit TrainingMode(const TrainingStep& step);
  ~TrainingMode();
  TrainingMode(const TrainingMode&) = delete;
  TrainingMode& operator=(const TrainingMode&) = delete;

  /// The step of this thread, or null: inference.
  static const TrainingStep* active() noexcept;

 private:
  TrainingStep step_;
  const TrainingStep* outer_;
};

}  // namespace nopal
