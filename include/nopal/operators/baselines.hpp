// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/data/dataset.hpp>

#include <memory>
#include <vector>

namespace nopal {

/// What a learned operator has to beat: predictors that take no training to speak of. Fitted on
/// training data only. On another grid than theirs, inputs and predictions are interpolated.

/// The mean of the training outputs at each point, whatever the input.
template <class T>
class MeanField {
 public:
  explicit MeanField(const Dataset<T>& training);

  /// y (B, X1, ..., Xd, Cout) for x (B, X1, ..., Xd, Cin).
  Tensor<T> predict(const Tensor<T>& x) const;

 private:
  Tensor<T> mean_;  ///< (1, X1, ..., Xd, Cout)
};

/// Principal component regression: y ~ mean(y) + W V^T (x - mean(x)).
///
/// V are the leading r principal directions of the training inputs (from the N x N Gram matrix),
/// W = Y^T Z (Z^T Z)^-1 the least-squares map from the coefficients Z = (X - mean) V to the
/// outputs. r minimises the mean relative L2 error on the last fifth of the training samples, when
/// fitted on the others; then all are used. The best linear map of its kind: what is gained beyond
/// it is what nonlinearity is worth. Source: Jolliffe, "Principal component analysis", 2nd edition,
/// chapter 8.
template <class T>
class LinearBaseline {
 public:
  /// Uses the first `max_samples` samples; time is cubic in their number (a second for 1000).
  explicit LinearBaseline(const Dataset<T>& training, std::int64_t max_samples = 2000);
  ~LinearBaseline();

  Tensor<T> predict(const Tensor<T>& x) const;

  /// r
  std::int64_t rank() const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace nopal
