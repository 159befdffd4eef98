// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/autograd/variable.hpp>
#include <nopal/comm/box.hpp>

namespace nopal {

/// Appends the d coordinates of the grid points as channels: x (B, N1, ..., Nd, C) to
/// (B, N1, ..., Nd, C + d), coordinate j of point n being n_j / N_j (or n_j / (N_j - 1) if
/// `inclusive`: both ends of [0, 1] are grid points).
template <class T>
Variable<T> grid_embedding(const Variable<T>& x, bool inclusive = false);

/// The same for the points of `box` of a grid of `extents` points.
template <class T>
Variable<T> grid_embedding(const Variable<T>& x, bool inclusive, const Shape& extents,
                           const Box& box);

}  // namespace nopal
