// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/autograd/variable.hpp>
#include <nopal/nn/activation.hpp>

namespace nopal {

/// y(..., o) = act(add(..., o) + sum_i x(..., i) W(i, o) + b(o)): a 1x1 convolution on
/// channels-last fields, with what follows it in one pass.
///
/// x (..., I), `weight` (I, O), `bias` (O) or an empty Variable, `add` of the shape of the result
/// or empty. The memory of `add` takes the result if nothing else uses it: pass it with std::move
/// to allow that. 2 N I O flops forward for N points, twice that for the adjoint.
template <class T>
Variable<T> linear(const Variable<T>& x, const Variable<T>& weight, const Variable<T>& bias,
                   Activation activation = Activation::identity, Variable<T> add = {});

}  // namespace nopal
