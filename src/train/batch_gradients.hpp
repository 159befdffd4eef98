// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/train/trainer.hpp>

#include <span>

namespace nopal::detail {

/// Loss and gradients of a batch: what a rank computes on its samples.
template <class T>
class BatchGradients {
 public:
  /// `model` must outlive this object. `loss` replaces the loss named in the options, if given.
  BatchGradients(const Model<T>& model, std::shared_ptr<const Dataset<T>> data,
                 const TrainOptions& options, LossFunction<T> loss);

  /// Sets the gradients of the parameters from those of the samples `batch` that slab() gives this
  /// rank, and returns its share of the loss; 0 and no gradients if it has no sample. Local.
  double operator()(std::span<const std::int64_t> batch, const Communicator& comm) const;

 private:
  Variable<T> decode(const Variable<T>& z) const;

  const Model<T>& model_;
  std::shared_ptr<const Dataset<T>> data_;
  LossFunction<T> loss_;
  bool decode_;              // the loss is one of physical units
  Normaliser<T> deviation_;  // the output normaliser with mean 0
};

}  // namespace nopal::detail
