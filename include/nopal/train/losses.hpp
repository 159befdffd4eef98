// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/autograd/variable.hpp>

#include <memory>
#include <string>

namespace nopal {

/// Difference quotients at the boundary of the grid for H1 losses.
enum class Boundary { periodic, one_sided };

/// mean((p - y)^2) over all entries.
template <class T>
Variable<T> mean_squared_error(const Variable<T>& prediction, const Tensor<T>& target);

/// Sum over samples b and channels c of |p_bc - y_bc| / (|y_bc| + 1e-8), Euclidean norms over the
/// grid, times `weight`. Give weight = 1 / (global batch * C) for the mean.
template <class T>
Variable<T> relative_l2(const Variable<T>& prediction, const Tensor<T>& target, T weight);

/// As relative_l2 with |v|_1^2 = sum v^2 + sum_k sum (D_k v)^2, D_k second-order central
/// differences with spacing 1 / n_k (the neuraloperator convention): wrapped around for periodic,
/// the third-order stencil (-11, 18, -9, 2) / (6 h) at the ends for one_sided.
template <class T>
Variable<T> relative_h1(const Variable<T>& prediction, const Tensor<T>& target, T weight,
                        Boundary boundary);

/// Error of each sample, |p_b - y_b| / |y_b| in the Euclidean norm over grid and channels.
template <class T>
std::vector<double> relative_l2_errors(const Tensor<T>& prediction, const Tensor<T>& target);

}  // namespace nopal
