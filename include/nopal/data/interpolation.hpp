// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/core/tensor.hpp>

namespace nopal {

/// Multilinear interpolation of fields (B, X1, ..., Xd, C), d = 1 to 4, to another grid.
///
/// Point i of an axis with n points lies at i/n (the grid of the operators' coordinates), so that
/// going to a divisor of n takes points unchanged. Behind the last point the last slope goes on.
/// `grid` is (X1', ..., Xd'). On the host.
template <class T>
Tensor<T> interpolate(const Tensor<T>& x, const Shape& grid);

}  // namespace nopal
