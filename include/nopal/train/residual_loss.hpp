// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/operators/deeponet.hpp>
#include <nopal/train/step_training.hpp>

#include <functional>
#include <vector>

namespace nopal {

/// What a physics-informed training is about: an equation that the outputs of a DeepONet should
/// satisfy at points inside the domain, for functions without known solutions.
template <class T>
struct ResidualProblem {
  std::vector<Tensor<T>> functions;  ///< (N, m_1), ...
  JetLayout layout;                  ///< derivatives that the equation has
  /// The collocation points (P, d) of a step, the same on all ranks.
  std::function<Tensor<T>(std::int64_t step)> points;
  /// The residual (B, P, C) of functions `samples` (numbers of rows of `functions`), from the value
  /// and the derivatives (B, P, C) in the order of the layout.
  std::function<Variable<T>(const std::vector<std::int64_t>& samples, const Tensor<T>& points,
                            const std::vector<Variable<T>>& jet)>
      residual;
};

/// The mean square of the residual over `batch` functions (0: all; a random permutation an epoch),
/// points and equations: the loss of physics-informed DeepONets (Wang, Wang, Perdikaris, Sci. Adv.
/// 7, 2021, equation 8), for conditions that are built into the operator (see PointFeatureOptions).
/// Functions are divided over the ranks. `op` must outlive the result. Collective.
template <class T>
StepLoss<T> residual_loss(const DeepONet<T>& op, ResidualProblem<T> problem, std::int64_t batch,
                          std::uint64_t seed, const Communicator& comm = {});

}  // namespace nopal
