// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/autograd/variable.hpp>

namespace nopal {

/// y(..., o) = sum_i x(..., i) W(i, o) + b(o): a 1x1 convolution on channels-last fields.
///
/// x (..., I), `weight` (I, O), `bias` (O) or an empty Variable. One GEMM with N = all points;
/// 2 N I O flops forward, twice that for the adjoint.
template <class T>
Variable<T> linear(const Variable<T>& x, const Variable<T>& weight, const Variable<T>& bias);

}  // namespace nopal
