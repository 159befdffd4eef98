// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/data/strided_dataset.hpp>
#include <nopal/train/trainer.hpp>

namespace nopal::detail {

/// What IncrementalOptions do to a training: columns "modes", "next_modes" and "stride" of the
/// history say what each epoch had and what modes the next one gets, and are all the state that
/// there is: what is asked of the weights is asked when an epoch ends, not when training resumes
/// within one.
template <class T>
class IncrementalTraining {
 public:
  /// `op` must outlive this object. Error if the options or the data do not allow it.
  IncrementalTraining(Operator<T>& op, const IncrementalOptions& options,
                      std::shared_ptr<const Dataset<T>> data, bool divided);

  /// What to train on: the data, on a grid that begin_epoch() sets.
  std::shared_ptr<const Dataset<T>> data() const;

  std::vector<std::string> columns() const;
  /// Of the epoch that ends, with this loss, after those in `history`.
  std::vector<double> row(const History& history, double loss) const;

  /// Sets modes and stride of the epoch that follows those in `history`.
  void begin_epoch(const History& history);

  /// The modes that this epoch (1-based) had, for a model of its parameters.
  void restore(const History& history, std::int64_t epoch);

 private:
  std::int64_t next_modes(const History& history, double loss) const;

  Operator<T>& op_;
  IncrementalOptions options_;
  std::shared_ptr<const Dataset<T>> whole_;
  std::shared_ptr<StridedDataset<T>> strided_;
  std::int64_t most_ = 0;  // modes an axis that there are
  std::int64_t modes_ = 0;
};

}  // namespace nopal::detail
