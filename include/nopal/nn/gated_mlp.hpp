// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/autograd/variable.hpp>
#include <nopal/nn/activation.hpp>

namespace nopal {

/// The pointwise part of an FNO block in one pass:
///
///     y = g(gate * x + b2 + f(a(z) W1 + b1) W2),
///
/// f the activation, a and g the activation or, where `inner` and `outer` say so, the identity.
/// z (..., C) is what the Fourier layer and its skip gave, x (..., C) the input of the block;
/// `gate` (C), empty: 1; `weight1` (C, H), `bias1` (H), `weight2` (H, C), `bias2` (C).
///
/// Points go through all of it in tiles that fit the cache, and the adjoint computes its tiles
/// again: neither a(z), nor the hidden layer, nor what g is applied to is ever stored, so that
/// training keeps z and x of a block and nothing else, and each field is read and written once.
/// The gradient of z takes the memory of that of y.
template <class T>
Variable<T> gated_mlp(const Variable<T>& z, const Variable<T>& x, const Variable<T>& gate,
                      const Variable<T>& weight1, const Variable<T>& bias1,
                      const Variable<T>& weight2, const Variable<T>& bias2, Activation activation,
                      bool inner, bool outer);

}  // namespace nopal
