// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/operators/boosted.hpp>
#include <nopal/train/trainer.hpp>

namespace nopal {

/// Trains the members of a model with the operator boosted one after the other, each as train()
/// does with `options`, those before it fixed; afterwards the model holds all. The scale of a
/// member is the root mean square of what is left of the normalised training outputs before it.
///
/// Checkpoints are files of their own, `checkpoint`.1, .2, ...; to resume, those of members that
/// are done must be there; so are files of the history. The histories come one after the other,
/// with a column "member". `best_epoch` and `best_error` are the last member's. Errors as train(),
/// and if the model is no boosted one or nothing is left to learn. Collective.
template <class T>
TrainResult<T> train_boosted(Model<T>& model, const TrainData<T>& data, const TrainOptions& options,
                             const Communicator& comm = {});

}  // namespace nopal
