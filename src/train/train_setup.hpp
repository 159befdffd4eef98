// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/train/rank_groups.hpp>
#include <nopal/train/trainer.hpp>

namespace nopal::detail {

/// Validation first, then the others, with names unique and fit for a CSV header.
template <class T>
std::vector<std::pair<std::string, std::shared_ptr<const Dataset<T>>>> evaluation_sets(
    const TrainData<T>& data);

/// epoch, learning_rate, loss, <set>_l2, <set>_h1, ..., samples_per_second, seconds.
template <class T>
std::vector<std::string> history_columns(const TrainData<T>& data);

/// Error if the options make no sense.
template <class T>
void check_options(const TrainOptions& options, const TrainData<T>& data);

/// Error if the model cannot take the data sets, or not divided among so many ranks. Collective.
template <class T>
void check_data(const Model<T>& model, const TrainData<T>& data, const RankGroups& groups);

/// What must not change when training resumes: model, data and all options that have an effect on
/// the result. Collective.
template <class T>
nlohmann::json identity(const Model<T>& model, const TrainData<T>& data,
                        const TrainOptions& options, const nlohmann::json& optimizer,
                        const nlohmann::json& schedule, bool custom_loss, const Communicator& comm);

/// Adds how it was trained to the model's provenance.
template <class T>
void note_provenance(Model<T>& model, const TrainData<T>& data, const TrainOptions& options,
                     std::int64_t epochs, std::int64_t best_epoch, double validation_error);

}  // namespace nopal::detail
