// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/autograd/variable.hpp>

#include <functional>
#include <string>
#include <vector>

namespace nopal {

/// Difference quotients at the boundary of the grid for H1 losses.
enum class Boundary { periodic, one_sided };

/// All losses are one node of the tape with a hand-written adjoint. Sums are accumulated in double
/// in a fixed order: the same input gives the same bits, whatever the number of threads. Fields are
/// (B, X1, ..., Xd, C), d = 0 to 4; prediction and target must have equal shapes. Where a norm in a
/// denominator of the adjoint vanishes (a perfect prediction), the adjoint is 0.

/// weight * sum (p - y)^2 over all entries.
template <class T>
Variable<T> squared_error(const Variable<T>& prediction, const Tensor<T>& target, T weight);

/// mean((p - y)^2) over all entries.
template <class T>
Variable<T> mean_squared_error(const Variable<T>& prediction, const Tensor<T>& target);

/// Sum over samples b and channels c of |p_bc - y_bc| / (|y_bc| + 1e-8), Euclidean norms over the
/// grid, times `weight`. Give weight = 1 / (global batch * C) for the mean.
template <class T>
Variable<T> relative_l2(const Variable<T>& prediction, const Tensor<T>& target, T weight);

/// As relative_l2 with |v|_1^2 = sum v^2 + sum_k sum (D_k v)^2, D_k second-order central
/// differences with spacing 1 / n_k (the neuraloperator convention): wrapped around for periodic,
/// the third-order stencil (-11, 18, -9, 2) / (6 h) at the ends for one_sided (needs n_k >= 4).
template <class T>
Variable<T> relative_h1(const Variable<T>& prediction, const Tensor<T>& target, T weight,
                        Boundary boundary);

/// What training minimises: this rank's share of the mean over a batch of `global_batch` samples,
/// of which `prediction` and `target` hold some. The shares of all ranks add up to the loss.
template <class T>
using LossFunction = std::function<Variable<T>(const Variable<T>& prediction,
                                               const Tensor<T>& target, std::int64_t global_batch)>;

/// "mse" (mean over entries), "l2" or "h1" (means over samples and channels); Error otherwise.
template <class T>
LossFunction<T> make_loss(const std::string& name, Boundary boundary = Boundary::periodic);

/// Error of each sample, |p_b - y_b| / |y_b| in the Euclidean norm over grid and channels, 0 for a
/// perfect prediction. Error if y_b is 0 and p_b is not.
template <class T>
std::vector<double> relative_l2_errors(const Tensor<T>& prediction, const Tensor<T>& target);

/// The same in the norm |v|_1 of relative_h1, over grid and channels.
template <class T>
std::vector<double> relative_h1_errors(const Tensor<T>& prediction, const Tensor<T>& target,
                                       Boundary boundary = Boundary::periodic);

}  // namespace nopal
