// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/nn/training_mode.hpp>
#include <nopal/train/rank_groups.hpp>
#include <nopal/train/trainer.hpp>

#include <span>

namespace nopal::detail {

/// Loss and gradients of a batch: what a rank computes on its samples.
template <class T>
class BatchGradients {
 public:
  /// On samples of which `part` has this rank's box of `grid`, whose ranks are those of
  /// groups.space(); an undefined grid: whole samples. `model` must outlive this object. `loss`
  /// replaces the loss named in the options, if given. Collective.
  BatchGradients(const Model<T>& model, std::shared_ptr<const Dataset<T>> part, const Grid& grid,
                 const TrainOptions& options, LossFunction<T> loss, const RankGroups& groups);

  /// Whether ranks communicate, because the operator has buffers or fields are divided.
  bool collective() const noexcept { return collective_; }

  /// Sets the gradients of the parameters from those of the samples `batch` that slab() gives this
  /// rank's group, and the points that it has of them, and returns its share of the loss; 0 if it
  /// has no sample. Fills in what `step` says of the batch and the ranks. Collective if
  /// collective(), else local.
  double operator()(std::span<const std::int64_t> batch, TrainingStep step) const;

 private:
  Variable<T> decode(const Variable<T>& z) const;

  const Model<T>& model_;
  RankGroups groups_;
  Grid grid_;  // of the samples, if they are divided
  Normaliser<T> input_, output_;
  std::shared_ptr<const Dataset<T>> data_;
  LossFunction<T> loss_;
  bool has_buffers_, collective_;
  bool decode_;              // the loss is one of physical units
  Normaliser<T> deviation_;  // the output normaliser with mean 0
};

/// On whole samples, which the groups divide as they do. Collective.
template <class T>
BatchGradients<T> batch_gradients(const Model<T>& model, std::shared_ptr<const Dataset<T>> data,
                                  const TrainOptions& options, LossFunction<T> loss,
                                  const RankGroups& groups);

}  // namespace nopal::detail
