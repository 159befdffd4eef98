// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/comm/communicator.hpp>
#include <nopal/comm/grid.hpp>
#include <nopal/core/tensor.hpp>
#include <nopal/data/dataset.hpp>

#include <vector>

namespace nopal {

/// Affine map to zero mean and unit variance, per channel or per point and channel.
///
/// encode(x) = (x - mean) / deviation, decode(z) = z deviation + mean; a deviation of 0, of a
/// constant, counts as 1. Statistics come from training data only. A default-constructed normaliser
/// is the identity. Per-channel ones apply at every resolution; per-point ones only at their own.
template <class T>
class Normaliser {
 public:
  Normaliser() = default;

  /// Mean and deviation of shape (C) or (X1, ..., Xd, C). Error if the shapes differ, an entry is
  /// not finite or a deviation is negative.
  Normaliser(Tensor<T> mean, Tensor<T> deviation);

  bool identity() const noexcept { return !mean_.defined(); }
  const Tensor<T>& mean() const noexcept { return mean_; }
  const Tensor<T>& deviation() const noexcept { return deviation_; }

  /// For fields on this rank's box of `grid`: statistics per point are those of its points. Error
  /// if they belong to another grid. Local.
  Normaliser on(const Grid& grid) const;

  /// Fields (B, X1, ..., Xd, C); out of place. Error if the channels do not match.
  Tensor<T> encode(const Tensor<T>& x) const;
  Tensor<T> decode(const Tensor<T>& z) const;

  /// In place, for buffers that the caller owns; allocates nothing.
  void encode_in_place(const Tensor<T>& x) const;
  void decode_in_place(const Tensor<T>& z) const;

 private:
  Tensor<T> mean_, deviation_;
};

/// Streaming estimate of mean and (population) deviation, in double (Chan's parallel update), so
/// that the result does not depend on how the samples are batched or spread over ranks beyond
/// rounding. Per point, deviations are at least 1e-7 of the largest one of their channel. (Others
/// add an absolute 1e-7 to all deviations, which makes fields of that size and less useless.)
template <class T>
class NormaliserFit {
 public:
  enum class Kind { channel, point };
  explicit NormaliserFit(Kind kind = Kind::channel) : kind_(kind) {}

  /// Adds the samples of (B, X1, ..., Xd, C). Local.
  void add(const Tensor<T>& x);

  /// The normaliser of all samples of all ranks, the same bits on all. Ranks may have none. Error
  /// on all ranks if nobody has, if shapes differ, or if the data were not finite. Collective.
  Normaliser<T> finish(const Communicator& comm = {}) const;

 private:
  Kind kind_;
  double samples_ = 0;
  std::vector<double> mean_, squares_;
  Shape shape_;
};

/// Normalisers of the inputs, and of the outputs, of all samples of a training set. Each rank reads
/// its slab(). Collective; the same bits on all ranks.
template <class T>
Normaliser<T> fit_inputs(const Dataset<T>& training,
                         typename NormaliserFit<T>::Kind kind = NormaliserFit<T>::Kind::channel,
                         const Communicator& comm = {});
template <class T>
Normaliser<T> fit_outputs(const Dataset<T>& training,
                          typename NormaliserFit<T>::Kind kind = NormaliserFit<T>::Kind::channel,
                          const Communicator& comm = {});

}  // namespace nopal
