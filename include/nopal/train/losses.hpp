// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/autograd/variable.hpp>
#include <nopal/train/field_norm.hpp>

#include <functional>
#include <string>
#include <vector>

namespace nopal {

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

/// Sum over samples b and channels c of |p_bc - y_bc| / (|y_bc| + 1e-8) in the given norm, times
/// `weight`. Give weight = 1 / (global batch * C) for the mean. With a norm on a divided grid it is
/// collective, and the first of the ranks has the whole sum, the others 0; each has the gradient of
/// its own points.
template <class T>
Variable<T> relative_norm(const Variable<T>& prediction, const Tensor<T>& target, T weight,
                          const FieldNorm<T>& norm);

/// relative_norm() with FieldNorm::l2() and FieldNorm::h1(boundary).
template <class T>
Variable<T> relative_l2(const Variable<T>& prediction, const Tensor<T>& target, T weight);
template <class T>
Variable<T> relative_h1(const Variable<T>& prediction, const Tensor<T>& target, T weight,
                        Boundary boundary);

/// What training minimises: this rank's share of the mean over a batch of `global_batch` samples,
/// of which `prediction` and `target` hold some. The shares of all ranks add up to the loss.
template <class T>
using LossFunction = std::function<Variable<T>(const Variable<T>& prediction,
                                               const Tensor<T>& target, std::int64_t global_batch)>;

/// The names that make_loss() knows: "mse" (mean over entries), and the means over samples and
/// channels of norms relative to the target's, see FieldNorm: "l2", "h1" and "h1_fourier".
std::vector<std::string> loss_names();

/// A loss by its name; Error if there is none of that name. With a grid that is divided among ranks
/// it takes the fields on their boxes, and making and calling it is collective over them.
template <class T>
LossFunction<T> make_loss(const std::string& name, Boundary boundary = Boundary::periodic,
                          const Grid& grid = {});

/// Error of each sample, |p_b - y_b| / |y_b| in the given norm over grid and channels, 0 for a
/// perfect prediction. Error if y_b is 0 and p_b is not. Collective, with the same result on all
/// ranks, for a norm on a divided grid.
template <class T>
std::vector<double> relative_errors(const Tensor<T>& prediction, const Tensor<T>& target,
                                    const FieldNorm<T>& norm);

/// relative_errors() with FieldNorm::l2() and FieldNorm::h1(boundary).
template <class T>
std::vector<double> relative_l2_errors(const Tensor<T>& prediction, const Tensor<T>& target);
template <class T>
std::vector<double> relative_h1_errors(const Tensor<T>& prediction, const Tensor<T>& target,
                                       Boundary boundary = Boundary::periodic);

}  // namespace nopal
