// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/comm/communicator.hpp>
#include <nopal/operators/learned_multigrid.hpp>

#include <functional>
#include <string>
#include <vector>

namespace nopal {

/// How a learned multigrid preconditioner is trained.
struct MultigridTrainOptions {
  std::int64_t steps = 400;      ///< of the optimiser
  std::int64_t batch = 8;        ///< matrices a step, over all ranks
  std::int64_t matrices = 128;   ///< that steps draw from
  std::int64_t validation = 24;  ///< matrices, others, that choose the best weights
  std::int64_t points = 32;      ///< an axis, at most; sizes are drawn
  double contrast = 1e4;         ///< largest ratio of diffusion coefficients
  int cycles = 8;                ///< K of the loss, see MultigridGradient
  double learning_rate = 1e-2;   ///< of Adam at the beginning; falls to 0 as a cosine
  std::uint64_t seed = 0;        ///< of matrices and errors
  /// Coefficients in equal parts: "poisson", "lognormal", "jumps", "cells", "anisotropic".
  std::vector<std::string> kinds{"poisson", "lognormal", "jumps", "cells", "anisotropic"};
  std::int64_t validation_interval = 25;
  std::function<void(const std::string& line)> progress;  ///< called on rank 0
};

struct MultigridTrainResult {
  double rate_before =
      0;            ///< mean rate of cycles on the validation matrices with the first weights
  double rate = 0;  ///< and with the best
  std::int64_t best_step = 0;
};

/// Trains the smoothers of `op` without solutions: Adam on the mean loss of random errors on random
/// matrices, see MultigridGradient. The matrices of a step are divided among the ranks, gradients
/// summed; the result is the same on any number of ranks to rounding. Leaves the weights that were
/// best on the validation matrices. Collective. Errors: a kind of matrices that there is not, or
/// numbers below 1.
MultigridTrainResult train_multigrid(LearnedMultigrid<float>& op,
                                     const MultigridTrainOptions& options,
                                     const Communicator& comm = {});

/// The same on one given matrix, to tune a preconditioner to it, from the weights that `op` has.
/// `matrix` must be symmetric, on one rank and not periodic. Local.
MultigridTrainResult tune_multigrid(LearnedMultigrid<float>& op, const StencilField<double>& matrix,
                                    const MultigridTrainOptions& options);

}  // namespace nopal
