// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/nn/convolution.hpp>
#include <nopal/nn/initialisation.hpp>

#include <string>
#include <vector>

namespace nopal {

struct SeparableConvolutionOptions {
  std::int64_t in_channels = 0;
  std::int64_t out_channels = 0;
  Shape kernel;           ///< taps (K1, ..., Kd), d = 1, 2, 3
  std::int64_t rank = 1;  ///< R, filters of one axis at a time for each output channel
  bool bias = true;
};

/// A convolution whose kernel is a sum of R products of one-dimensional filters,
///
///   W(t, i, o) = sum_r alpha(i, r, o) beta_1(t_1, r, o) ... beta_d(t_d, r, o),
///
/// with Cout R (Cin + K1 + ... + Kd) numbers instead of Cout Cin K1 ... Kd, and as much less work:
/// a pointwise linear layer to R Cout channels, for each axis a filter of each channel by itself,
/// and the sum over r. After Boukraichi, Akkari, Casenave, Ryckelynck, "A priori compression of
/// convolutional neural networks for wave simulators", arXiv:2304.04964.
///
/// Parameters `name.channel` (Cin, R Cout), `name.axis.j` (Kj, R Cout), o faster than r, and
/// `name.bias` (Cout). The entries of W start with variance 2 / (Cin K1 ... Kd), shared out such
/// that each filter of an axis keeps the size of a field; the bias with 0.
template <class T>
class SeparableConvolution {
 public:
  /// Adds its parameters to `store`.
  SeparableConvolution(const SeparableConvolutionOptions& options, ParameterStore<T>& store,
                       const std::string& name);

  /// The same result as convolution() with kernel() and the bias, up to rounding; x (B, X1, ...,
  /// Xd, Cin). Local.
  Variable<T> forward(const Variable<T>& x, const ConvolutionOptions& options = {}) const;

  /// W (K1, ..., Kd, Cin, Cout).
  Tensor<T> kernel() const;

  Cost cost(const Shape& x, const ConvolutionOptions& options = {}) const;

 private:
  SeparableConvolutionOptions options_;
  Variable<T> channel_, bias_;
  std::vector<Variable<T>> axes_;
};

}  // namespace nopal
