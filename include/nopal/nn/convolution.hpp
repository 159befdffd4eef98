// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/autograd/variable.hpp>
#include <nopal/core/profile.hpp>
#include <nopal/nn/activation.hpp>

#include <array>

namespace nopal {

/// What convolution() and transposed_convolution() have in common. Kernel tap t joins a point of
/// the fine field (the input of a convolution, the output of a transposed one) and one of the
/// coarse field:
///
///   fine = offset + stride * coarse + t,   t = 0, ..., K - 1        (each axis).
///
/// Fields are zero outside their box. So offset -p is a zero margin of p points for a convolution
/// and removes p points of the result of a transposed one, as `padding=p` does in PyTorch; other
/// margins are made by who has them (pad(), the halo of other ranks) and come with the input.
struct ConvolutionOptions {
  std::int64_t stride = 1;               ///< of all axes, 1 or more
  std::array<std::int64_t, 3> offset{};  ///< of the first d axes
  Shape extents{};                       ///< points of the output; rank 0: see the functions
  Activation activation = Activation::identity;
  double sign = 1;  ///< factor of the sum
};

/// y(b, p, o) = act(add(b, p, o) + bias(o) + sign sum_{t, i} x(b, offset + stride p + t, i)
/// W(t, i, o)): a convolution in 1, 2 or 3 dimensions as neural networks have it (the kernel is not
/// mirrored), with what follows it in one pass.
///
/// x (B, X1, ..., Xd, Cin), `weight` (K1, ..., Kd, Cin, Cout), `bias` (Cout) or an empty Variable,
/// `add` of the shape of the result or empty, result (B, P1, ..., Pd, Cout). Default extents: all p
/// >= 0 that no tap leads beyond the high end of x. Any extent may be 0. The memory of `add` takes
/// the result if nothing else uses it: pass it with std::move to allow that. With sign = -1 this is
/// a residual f - A u.
///
/// 2 B P K Cin Cout flops forward, twice that for the adjoint. Local.
template <class T>
Variable<T> convolution(const Variable<T>& x, const Variable<T>& weight,
                        const Variable<T>& bias = {}, const ConvolutionOptions& options = {},
                        Variable<T> add = {});

/// y(b, z, o) = act(add(b, z, o) + bias(o) + sign sum x(b, q, i) W(t, i, o)), the sum over all q,
/// t, i with z = offset + stride q + t: as a map of x, the adjoint of the convolution with the same
/// stride and offset and the channels of W exchanged.
///
/// Shapes as for convolution(). Default extents: all z >= 0 up to the last that a tap leads to.
/// With stride s, the outputs z of each residue mod s are a convolution of stride 1 with every s-th
/// tap: no product with an inserted zero is computed. Local.
template <class T>
Variable<T> transposed_convolution(const Variable<T>& x, const Variable<T>& weight,
                                   const Variable<T>& bias = {},
                                   const ConvolutionOptions& options = {}, Variable<T> add = {});

/// Work of one forward call, products with points outside a field left out.
template <class T>
Cost convolution_cost(const Shape& x, const Shape& weight, const ConvolutionOptions& options = {});
template <class T>
Cost transposed_convolution_cost(const Shape& x, const Shape& weight,
                                 const ConvolutionOptions& options = {});

}  // namespace nopal
