// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/autograd/variable.hpp>

namespace nopal {

/// x (B, N1, ..., Nd, C) in a field of zeros (B, low1 + N1 + high1, ..., C); `low` and `high` have
/// d entries. Non-periodic problems use it before Fourier layers.
template <class T>
Variable<T> pad(const Variable<T>& x, const Shape& low, const Shape& high);

/// The inverse of pad(): the points that are `low` or more from the low sides and `high` or more
/// from the high ones.
template <class T>
Variable<T> crop(const Variable<T>& x, const Shape& low, const Shape& high);

}  // namespace nopal
