// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/core/profile.hpp>
#include <nopal/nn/activation.hpp>
#include <nopal/nn/initialisation.hpp>

#include <string>
#include <vector>

namespace nopal {

/// Convolutions of an ImageNetwork.
struct ImageOptions {
  std::vector<std::int64_t> filters{16, 32, 64, 64};  ///< channels after each convolution
  std::int64_t kernel = 5;                            ///< taps an axis, odd
  std::int64_t stride = 1;                            ///< of each convolution
  std::int64_t pool = 2;                              ///< average over blocks after each; 1: none
  Activation activation = Activation::relu;
};

/// A field on a grid as one vector: x (B, X1, ..., Xd, C), d = 1, 2, 3, through convolutions with
/// zeros beyond the sides, each followed by the activation and the mean over blocks, to (B, F), F
/// the points that are left times the channels.
///
/// Parameters `<name>.<l>.weight` (K, ..., K, I, O), normal with variance 2 / ((I + O) K^d), and
/// `<name>.<l>.bias` (O), 0.
template <class T>
class ImageNetwork {
 public:
  ImageNetwork() = default;

  /// `extents` (X1, ..., Xd, C) of a field.
  ImageNetwork(ParameterStore<T>& store, const std::string& name, const Shape& extents,
               const ImageOptions& options);

  Variable<T> forward(Variable<T> x) const;
  Cost cost(std::int64_t batch) const;

  /// (X1, ..., Xd, C) of what is left of a field at the end. Error, naming the convolution, if
  /// blocks do not fit.
  static Shape features(const Shape& extents, const ImageOptions& options);
  static double parameter_count(const Shape& extents, const ImageOptions& options);

 private:
  Shape extents_;
  ImageOptions options_;
  std::vector<std::pair<const Parameter<T>*, const Parameter<T>*>> layers_;  // weight, bias
};

}  // namespace nopal
