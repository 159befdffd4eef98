// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/train/step_training.hpp>

#include <string>

namespace nopal {

/// How derivatives in the points enter a loss.
struct DerivativeLossOptions {
  /// "least_squares": gradients by least squares on the nearest neighbours, of the prediction and
  /// of the data alike, see least_squares_gradients(); "differences": consecutive_differences() of
  /// both; "tangents": derivatives of the network, see PointOperator::derivatives_rows(), and
  /// gradients of the data by least squares, unless they are given.
  std::string kind = "least_squares";
  double weight = 1e-4;          ///< of the derivatives; published: 1e-4, for differences 1e-3
  std::int64_t neighbours = 40;  ///< of least squares; fewer where functions are rough
};

/// Derivative-enhanced loss (Peyvan, Kumar, Karniadakis, arXiv 2501.01934): mean of w_c (u_c -
/// y_c)^2 over points and variables, plus `weight` times the mean of w_c (D u_c - D y_c)^2 over
/// points, components and variables, D as the options say. Masked points do not count and are no
/// neighbours.
///
/// As function_loss(), with options.loss "mse" and space_ranks 1: functions are divided over the
/// ranks. With options.points = P, each step draws groups that belong together, a point and its
/// neighbours or two consecutive points, as many as make P points; for tangents, P points. Points
/// that functions share are evaluated for each. `gradients` (R, d, C) or, for shared points, (N P,
/// d, C) are exact ones for "tangents". The data must outlive the result.
///
/// Errors: an unknown kind, points whose neighbours do not span the space (which sample and
/// point), fewer points than neighbours, an operator without derivatives. Collective over `comm`.
template <class T>
StepLoss<T> derivative_enhanced_loss(const PointOperator<T>& op, const FunctionData<T>& data,
                                     const FunctionBatchOptions& options,
                                     const DerivativeLossOptions& derivatives,
                                     const Communicator& comm = {},
                                     const Tensor<T>& gradients = {});

}  // namespace nopal
