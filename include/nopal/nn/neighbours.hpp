// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/core/tensor.hpp>
#include <nopal/nn/stencil_map.hpp>

#include <cstdint>
#include <vector>

namespace nopal {

/// The `count` points nearest to each of `points` (P, d), d = 1, 2, 3, without itself, nearest
/// first: (P, count) numbers, row-major. Error if there are no more than `count` points.
template <class T>
std::vector<std::int64_t> nearest_neighbours(const Tensor<T>& points, std::int64_t count);

/// Gradients of functions that are known at scattered points (P, d): for point i the g that makes
/// sum over its `neighbours` nearest points j of (u_j - u_i - g . (x_j - x_i))^2 smallest. P
/// outputs of d components. Exact for linear functions. Source: the derivative-enhanced loss of
/// Fusion-DeepONet (arXiv 2501.01934), with 40 neighbours. Error where the neighbours of a point
/// lie (nearly) on a line or plane, or are points that are the same.
template <class T>
RowStencils least_squares_gradients(const Tensor<T>& points, std::int64_t neighbours);

/// (u_(i+1) - u_i) / |x_(i+1) - x_i| for consecutive points, P - 1 outputs: for points in an order
/// along lines. Where two are nearer than 1e-8, the difference is not divided.
template <class T>
RowStencils consecutive_differences(const Tensor<T>& points);

}  // namespace nopal
