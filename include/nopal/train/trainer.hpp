// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/data/dataset.hpp>
#include <nopal/operators/model.hpp>
#include <nopal/train/history.hpp>
#include <nopal/train/incremental.hpp>
#include <nopal/train/losses.hpp>

#include <nlohmann/json.hpp>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace nopal {

/// How to train. The same on all ranks; paths and callbacks are used on rank 0 only.
struct TrainOptions {
  std::int64_t epochs = 100;
  std::int64_t batch = 20;  ///< global: split over the ranks, the last one of an epoch is partial
  bool drop_last = false;   ///< leave out the partial batch
  std::uint64_t seed = 0;   ///< order of the samples in each epoch, dropout

  /// Ranks that divide the points of each field among them, a divisor of the number of ranks; the
  /// groups of so many ranks divide the samples. For operators that work on divided fields.
  std::int64_t space_ranks = 1;

  std::string loss = "l2";                 ///< see make_loss()
  Boundary boundary = Boundary::periodic;  ///< differences of H1 loss and errors
  bool decode_loss = false;  ///< loss in physical units (FNO 2021); default normalised output

  std::string optimizer = "adamw";  ///< see make_optimizer()
  nlohmann::json optimizer_options = nlohmann::json::object();
  double learning_rate = 1e-3;
  std::string schedule = "constant";  ///< see make_schedule()
  nlohmann::json schedule_options = nlohmann::json::object();
  IncrementalOptions incremental = {};  ///< modes and grids that grow with the epochs
  double clip_norm = 0;                 ///< limit of the gradient's Euclidean norm; 0: none
  double clip_value = 0;                ///< limit of each entry of the gradient; 0: none

  /// Decay d of the exponential average of the parameters, a <- d a + (1 - d) p after each step,
  /// that is evaluated and kept as the result instead of the parameters (Polyak, Juditsky 1992); 0:
  /// none. Buffers are averaged too: running statistics belong to the parameters of their time.
  double weight_averaging = 0;

  std::int64_t patience = 0;             ///< stop after so many epochs without progress; 0: never
  std::int64_t evaluation_interval = 1;  ///< epochs between evaluations; the last epoch always
  std::int64_t evaluation_batch = 16;    ///< samples a rank

  std::string checkpoint;                ///< path; empty: none
  std::int64_t checkpoint_interval = 1;  ///< epochs; 0: not by epochs
  double checkpoint_seconds = 0;         ///< also after so many seconds, within epochs; 0: not
  bool resume = false;                   ///< go on from `checkpoint` if that file exists
  std::string history;                   ///< path of a CSV file, a line an epoch; empty: none

  /// Takes the line of each epoch; default nopal::log(). Rank 0 only.
  std::function<void(const std::string&)> progress;
  /// Takes a line about the running epoch, about every second: for a terminal, to be overwritten.
  std::function<void(const std::string&)> live;
  /// Asked after each batch on rank 0; true: write the checkpoint and return.
  std::function<bool()> stop;
};

/// What to train on. Normalisers are in the model, fitted on `training` only.
template <class T>
struct TrainData {
  using Set = std::shared_ptr<const Dataset<T>>;
  Set training;
  Set validation;  ///< chooses the best epoch, stops early; may be null
  std::vector<std::pair<std::string, Set>> evaluation;  ///< reported only, at any resolution
};

/// Splits off the last round(fraction * N) samples: (training, validation); validation is null for
/// fraction 0. Error if one of them would be empty.
template <class T>
std::pair<std::shared_ptr<const Dataset<T>>, std::shared_ptr<const Dataset<T>>> validation_split(
    std::shared_ptr<const Dataset<T>> data, double fraction);

/// Outcome of training.
template <class T>
struct TrainResult {
  /// Epoch, learning_rate, loss, SET_l2 and SET_h1 of each set, samples_per_second, seconds, modes.
  History history;
  std::int64_t epochs = 0;      ///< epochs done, those before resuming included
  std::int64_t best_epoch = 0;  ///< 1-based, with the smallest validation error; last without one
  double best_error = 0;        ///< relative L2 on the validation set then (training loss without)
  bool stopped_early = false;   ///< by `patience`
  bool interrupted = false;     ///< by `stop`: resume to go on
  std::vector<Tensor<T>> final_state;  ///< of the last epoch, in the order of state_tensors()
};

/// Trains `model` in place; afterwards it holds the parameters and buffers of the best epoch on the
/// validation set (of the last epoch without one).
///
/// Data parallel: each batch is split by slab() over the ranks of `comm`, gradients are summed.
/// With `space_ranks` also domain parallel: over groups of ranks, which divide the points. Any
/// number of ranks gives the same result to rounding, and the same number the same bits; the
/// parameters of all ranks are bit-identical. A run that was killed and resumed from its checkpoint
/// on the same number of ranks ends bit-identical to one that was not.
///
/// `loss` replaces the loss named in the options (it gets whole fields: space_ranks must be 1).
/// Error on all ranks: a loss that is not finite (names epoch and batch; the last checkpoint
/// stays), data that do not fit the model, a checkpoint of another model, data set or options
/// (names the first difference), a history or checkpoint that cannot be written at first. If it can
/// no longer be written later, a line to nopal::log() says so, and training goes on. Collective.
template <class T>
TrainResult<T> train(Model<T>& model, const TrainData<T>& data, const TrainOptions& options,
                     const Communicator& comm = {}, LossFunction<T> loss = {});

}  // namespace nopal
