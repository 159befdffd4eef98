// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/autograd/variable.hpp>

#include <cstdint>

namespace nopal {

/// Means over blocks of `window` points along each axis: x (B, X1, ..., Xd, C) to (B, X1 / window,
/// ..., Xd / window, C), d = 1, 2, 3; points that fill no block are left out. Error if an axis has
/// fewer points than a block, but not none.
template <class T>
Variable<T> average_pool(const Variable<T>& x, std::int64_t window);

/// Each value at a block of `factor` points along each axis: x (B, X1, ..., Xd, C) to (B, factor
/// X1,
/// ..., factor Xd, C), d = 1, 2, 3. Up to a factor the adjoint of average_pool().
template <class T>
Variable<T> upsample_nearest(const Variable<T>& x, std::int64_t factor);

}  // namespace nopal
