// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/nn/convolution.hpp>

#include <string>

namespace nopal {

/// Whether fields can be stored in bfloat16: on a CPU with AVX-512 BF16, by a library that was
/// compiled for it (NOPAL_ENABLE_NATIVE).
bool has_bfloat16();

/// Error, with what is missing, if they cannot; `what` begins the message.
void require_bfloat16(const std::string& what);

/// A field (B, X1, ..., Xd, C), C even, of bfloat16 numbers: floats with 8 bits of mantissa, so
/// that each is rounded by at most 2^-9 of its size. Half the memory and messages of floats; a
/// processor multiplies two of them in the time of one float, and adds the products in float.
/// For inference: nothing here is recorded on a tape.
class Bfloat16Field {
 public:
  Bfloat16Field() = default;
  /// Undefined numbers. Error if C is odd.
  explicit Bfloat16Field(const Shape& shape);
  /// Takes pairs, see pairs().
  static Bfloat16Field from_pairs(const Tensor<float>& pairs);
  /// To nearest, ties to even.
  static Bfloat16Field rounded(const Tensor<float>& x);

  bool defined() const noexcept { return pairs_.defined(); }
  Shape shape() const { return pairs_.shape().with(-1, 2 * pairs_.extent(-1)); }
  /// (B, X1, ..., Xd, C / 2): the bits of two neighbouring channels in each, the lower one first.
  /// To be moved (exchanged between ranks), not computed with.
  const Tensor<float>& pairs() const noexcept { return pairs_; }
  Tensor<float> to_float() const;

 private:
  Tensor<float> pairs_;
};

/// y = act(bias + sign sum x W) + `residual`, see convolution(): in float, rounded once. `weight`
/// (K1, ..., Kd, Cin, Cout) is rounded to bfloat16, Cout is even; `bias` and `residual` may be
/// empty. Local. Error: no bfloat16 here.
Bfloat16Field convolution(const Bfloat16Field& x, const Tensor<float>& weight,
                          const Tensor<float>& bias, const ConvolutionOptions& options,
                          const Bfloat16Field& residual = {});

/// The same of a float field, with products in float.
Bfloat16Field convolution_to_bfloat16(const Tensor<float>& x, const Tensor<float>& weight,
                                      const Tensor<float>& bias, const ConvolutionOptions& options);

/// Means over blocks of 2 points along each axis, all of an even number of points.
Bfloat16Field halve(const Bfloat16Field& x);

/// y + x at all points of its blocks of 2^d: x as halve() makes it from y's grid.
Bfloat16Field add_doubled(const Bfloat16Field& x, const Bfloat16Field& y);

/// W^T x + bias at each point, `weight` (C, Cout), in float.
Tensor<float> linear(const Bfloat16Field& x, const Tensor<float>& weight,
                     const Tensor<float>& bias);

}  // namespace nopal
