// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/autograd/variable.hpp>
#include <nopal/nn/activation.hpp>

namespace nopal {

/// y = f(x W1 + b1) W2 + b2, the channel MLP of FNO blocks, lifting and projection.
///
/// x (..., I), `weight1` (I, H), `weight2` (H, O). The hidden layer is never stored: points go
/// through both products in tiles that fit the cache, and the adjoint recomputes its tiles. This
/// costs 2 N I H flops more than storing and saves 2 N H numbers of memory and their traffic.
/// With `add`, y = add + MLP(x) and the memory of `add` is overwritten: pass a value that nothing
/// else uses.
template <class T>
Variable<T> mlp(const Variable<T>& x, const Variable<T>& weight1, const Variable<T>& bias1,
                const Variable<T>& weight2, const Variable<T>& bias2, Activation activation,
                const Variable<T>& add = {});

}  // namespace nopal
