// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/data/function_data.hpp>
#include <nopal/operators/operator.hpp>
#include <nopal/train/history.hpp>
#include <nopal/train/rank_groups.hpp>

#include <nlohmann/json.hpp>

#include <functional>
#include <string>
#include <vector>

namespace nopal {

/// How to minimise a loss by a given number of steps. The same on all ranks.
struct StepOptions {
  std::int64_t steps = 10000;
  std::string optimizer = "adamw";  ///< see make_optimizer()
  nlohmann::json optimizer_options = {{"weight_decay", 0.0}};
  double learning_rate = 1e-3;
  std::string schedule = "constant";  ///< see make_schedule(); an epoch is a step
  nlohmann::json schedule_options = nlohmann::json::object();
  std::vector<std::string> trainable = {};  ///< see FrozenParameters; empty: all parameters
  double clip_norm = 0;                     ///< limit of the gradient's Euclidean norm; 0: none
  std::int64_t validation_interval = 1000;
  /// State of the training, written after the last step, when `stop` asks to end, and about every
  /// `checkpoint_seconds`; empty: none. A run that was killed and resumed on as many ranks ends
  /// with the same bits.
  std::string checkpoint = {};
  double checkpoint_seconds = 60;
  bool resume = false;    ///< go on from `checkpoint`, if that file exists
  std::string name = {};  ///< of the data and the loss: a checkpoint of another name is refused
  /// Asked in each step; true on any rank ends the training after it.
  std::function<bool()> stop = {};
  double progress_seconds = 5;  ///< between lines; 0: none
  /// Takes the lines; default nopal::log(). Rank 0 only.
  std::function<void(const std::string&)> progress;
};

/// This rank's share of the loss of step 0, 1, ...; the shares of all ranks add up to the loss,
/// that of a rank without a part in it is a constant 0. It opens the TrainingMode of the step, if
/// the operator has layers that ask for it.
template <class T>
using StepLoss = std::function<Variable<T>(std::int64_t step)>;

struct StepResult {
  History history;             ///< step, learning_rate, loss, validation, seconds
  std::int64_t best_step = 0;  ///< with the smallest validation error; last without one
  double best_error = 0;       ///< then (the last loss without one)
  double seconds = 0;          ///< of all runs
  bool interrupted = false;    ///< by `stop`: the parameters are those of the last step
};

/// Minimises `loss` over the parameters of `op`, and leaves in them those of the best validation
/// error, of those seen each `validation_interval` steps and after the last (of the last step
/// without `validate`, which gives the same number on all ranks).
///
/// For losses that are not sums over the samples of a data set in epochs: random points and
/// functions in each step, residuals of equations. train() is for epochs. Any number of ranks gives
/// the same result to rounding. Error on all ranks: a loss that is not finite, and what `loss`
/// throws, if it throws before it communicates. Collective.
template <class T>
StepResult train_steps(Operator<T>& op, const StepLoss<T>& loss, const StepOptions& options,
                       const Communicator& comm = {}, const std::function<double()>& validate = {});

/// Which part of the data a step is about.
struct FunctionBatchOptions {
  std::int64_t batch = 0;    ///< functions of a step, a random permutation an epoch; 0: all
  std::int64_t points = 0;   ///< points of a function, drawn again each step; 0: all
  std::uint64_t seed = 0;    ///< of the draws, and of dropout
  std::string loss = "mse";  ///< "mse", "l2" (mean over samples and variables)
  std::vector<double> variable_weights;  ///< of the C variables; empty: 1
  std::int64_t space_ranks = 1;          ///< ranks that divide the points of each function
};

/// Loss of `op` on the data, which every rank has: divided over the groups of ranks by functions
/// and within each group by points. The data must outlive the result. Collective over `comm`.
template <class T>
StepLoss<T> function_loss(const PointOperator<T>& op, const FunctionData<T>& data,
                          const FunctionBatchOptions& options, const Communicator& comm = {});

/// The output at the points of the data, in the shape of its values, by blocks of functions that
/// are divided over the ranks. Collective; the same on all ranks.
template <class T>
Tensor<T> predict(const PointOperator<T>& op, const FunctionData<T>& data,
                  const Communicator& comm = {}, std::int64_t block = 1000);

}  // namespace nopal
