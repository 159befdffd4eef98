// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/comm/communicator.hpp>
#include <nopal/data/dataset.hpp>
#include <nopal/operators/model.hpp>
#include <nopal/train/losses.hpp>
#include <nopal/train/rank_groups.hpp>

#include <functional>
#include <memory>
#include <vector>

namespace nopal {

/// y (B, X1, ..., Xd, Cout) for x (B, X1, ..., Xd, Cin), both in physical units.
template <class T>
using Predictor = std::function<Tensor<T>(const Tensor<T>& x)>;

/// Relative errors |p - y| / |y| of each sample in physical units, as norms over grid and channels;
/// h1 in the norm of relative_h1(), NaN where there are too few points.
struct SampleErrors {
  std::vector<double> l2, h1;
};

/// The errors of any predictor, `batch` samples at a time on each group of ranks. Where groups
/// divide fields, `data` has the points of this rank's box of `grid`, and so have the fields of
/// `predict`, which is then collective over a group. Collective; the same result on all ranks, and
/// on any number of ranks to rounding. Error if shapes do not fit or a reference is zero.
template <class T>
SampleErrors sample_errors(const Predictor<T>& predict, const Dataset<T>& data, std::int64_t batch,
                           Boundary boundary, const RankGroups& groups, const Grid& grid = {});

/// The errors of a model, fields divided as the groups say.
template <class T>
SampleErrors sample_errors(const Model<T>& model, const std::shared_ptr<const Dataset<T>>& data,
                           std::int64_t batch, Boundary boundary, const RankGroups& groups);

/// Errors of a model on a data set in physical units; norms are over grid and channels.
struct Evaluation {
  double relative_l2 = 0;          ///< mean over the samples of |p - y| / |y|
  double relative_h1 = 0;          ///< the same in the norm of relative_h1(); NaN: too few points
  double largest_relative_l2 = 0;  ///< worst sample
  std::int64_t samples = 0;
};

/// Evaluates predict() on all samples, `batch` at a time on each rank. The grid may differ from
/// that of training if operator and normalisers allow it. Collective; same result on all ranks, and
/// on any number of ranks to rounding.
template <class T>
Evaluation evaluate(const Model<T>& model, const Dataset<T>& data, std::int64_t batch = 16,
                    const Communicator& comm = {}, Boundary boundary = Boundary::periodic);

/// The same with fields divided among the ranks of each group.
template <class T>
Evaluation evaluate(const Model<T>& model, std::shared_ptr<const Dataset<T>> data,
                    std::int64_t batch, const RankGroups& groups, Boundary boundary);

}  // namespace nopal
