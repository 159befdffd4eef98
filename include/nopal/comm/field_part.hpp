// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/comm/box.hpp>
#include <nopal/core/tensor.hpp>

namespace nopal {

/// The values at the points of `box` of a whole field (B, N1, ..., Nd, C), which has them all:
/// (B, n1, ..., nd, C). Local. The whole field of its parts is redistribution(grid, grid.gather()).
template <class T>
Tensor<T> field_part(const Tensor<T>& field, const Box& box);

/// The same into memory of the caller.
template <class T>
void field_part(const Tensor<T>& field, const Box& box, const Tensor<T>& part);

}  // namespace nopal
