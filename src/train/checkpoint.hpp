// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/operators/model.hpp>
#include <nopal/train/history.hpp>

#include <nlohmann/json.hpp>

#include <limits>
#include <optional>

namespace nopal::detail {

/// Everything that changes while a model trains, apart from its parameters and buffers.
template <class T>
struct TrainingState {
  std::int64_t epoch = 0;  ///< the next batch is `batch` of epoch `epoch`, from 0
  std::int64_t batch = 0;
  double loss = 0;     ///< sum over the samples of this epoch so far
  double seconds = 0;  ///< since the start, time between runs left out
  double epoch_seconds = 0;
  std::int64_t best_epoch = 0;  ///< 1-based; 0: none yet
  double best_error = std::numeric_limits<double>::infinity();
  std::vector<Tensor<T>> average;  ///< of state_tensors() over the steps; empty without averaging
  std::vector<Tensor<T>> best;     ///< state_tensors() then; empty without a validation set
  History history;
  nlohmann::json schedule = nlohmann::json::object();
  std::map<std::string, Tensor<T>> optimizer;
};

/// A checkpoint: the model file, with tensors and metadata `checkpoint...` added. `identity` holds
/// what must not change between runs: model, data and options.
template <class T>
SafetensorsFile to_checkpoint(const Model<T>& model, const TrainingState<T>& state,
                              const nlohmann::json& identity);

/// Puts the parameters and buffers of a checkpoint into `model` and returns the rest. Error that
/// names the first difference if `identity` or the normalisers are not those of the checkpoint.
template <class T>
TrainingState<T> from_checkpoint(const SafetensorsFile& file, const std::string& path,
                                 Model<T>& model, const nlohmann::json& identity);

/// Writes a checkpoint on rank 0. Error on all ranks if it cannot be written, or if a parameter is
/// not finite: an older file then stays as it is. Collective.
template <class T>
void save_checkpoint(const std::string& path, const Model<T>& model, const TrainingState<T>& state,
                     const nlohmann::json& identity, const Communicator& comm);

/// Reads a checkpoint as from_checkpoint() does; empty if there is no such file. Collective.
template <class T>
std::optional<TrainingState<T>> load_checkpoint(const std::string& path, Model<T>& model,
                                                const nlohmann::json& identity,
                                                const Communicator& comm);

/// Path and both values of the first difference between two JSON values, e.g. `options.batch is 20
/// there, 10 here`; empty if they are equal.
std::string first_difference(const nlohmann::json& there, const nlohmann::json& here,
                             const std::string& path = "");

}  // namespace nopal::detail
