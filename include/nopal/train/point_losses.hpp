// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/autograd/variable.hpp>
#include <nopal/comm/communicator.hpp>
#include <nopal/data/function_data.hpp>

#include <string>
#include <vector>

namespace nopal {

/// Sums over what counts, of all points of all samples, that normalise the losses of a batch.
struct PointSums {
  double count = 0;             ///< points that count
  std::vector<double> squares;  ///< (N, C): sum of y^2 over the points of a sample
};

/// Of the values and the mask in `data`.
template <class T>
PointSums point_sums(const FunctionData<T>& data);

/// sum over samples, points and variables of m w_c (p - y)^2, times `weight`: one node. m is the
/// mask, w_c are `variable_weights` (C numbers, or none for 1). Masked points get no gradient.
/// prediction has the shape of data.values.
template <class T>
Variable<T> point_squared_error(const Variable<T>& prediction, const FunctionData<T>& data,
                                double weight, const std::vector<double>& variable_weights = {});

/// sum over samples i and variables c of w_c |p_ic - y_ic| / (|y_ic| + 1e-8), times `weight`, with
/// Euclidean norms over the points that count. `data` may hold a part of the points of each sample,
/// if the ranks of `space` hold the others; `whole` are the sums of all of them. Then it is
/// collective over `space`, the first rank has the whole sum, the others 0, and each the gradient
/// of its own points.
template <class T>
Variable<T> point_relative_l2(const Variable<T>& prediction, const FunctionData<T>& data,
                              const PointSums& whole, double weight,
                              const std::vector<double>& variable_weights = {},
                              const Communicator& space = {});

/// |p_i - y_i| / |y_i| of each sample over points that count and variables, or of each sample and
/// variable (N, C) with `by_variable`. 0 where both are 0.
template <class T>
std::vector<double> point_errors(const Tensor<T>& prediction, const FunctionData<T>& data,
                                 bool by_variable = false);

/// The mean over the samples of |p_i - y_i| / |y_i|.
template <class T>
double mean_point_error(const Tensor<T>& prediction, const FunctionData<T>& data);

}  // namespace nopal
