// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/data/dataset.hpp>
#include <nopal/operators/operator.hpp>
#include <nopal/train/losses.hpp>

#include <nlohmann/json.hpp>

#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

namespace nopal::tools {

using Set = std::shared_ptr<const Hdf5Dataset<float>>;

/// Opens a data file on all ranks; an error on one is an error on all. A file of at most
/// `cache_bytes` is kept in memory. Collective.
Set open_data(const std::string& path, const Communicator& comm,
              std::size_t cache_bytes = std::size_t(1) << 30);

/// Makes the folder and those above it. Error on all ranks if that fails. Collective.
void make_folder(const std::string& path, const Communicator& comm);

/// What an operator with this configuration is trained and judged on: the data themselves, for a
/// rollout windows of its frames and steps (`whole`: of all steps that there are).
std::shared_ptr<const Dataset<float>> samples_for(const std::string& operator_name,
                                                  const nlohmann::json& configuration,
                                                  std::shared_ptr<const Dataset<float>> data,
                                                  bool whole = false);

/// `a,b` -> `a`, `b`.
std::vector<std::string> split(const std::string& list, char separator = ',');

/// Calls `handler` on these signals, but for those that the program was started to ignore (nohup).
void handle_signals(std::initializer_list<int> signals, void (*handler)(int));

/// `data/train.h5` -> `train`.
std::string stem(const std::string& path);

/// `64 x 64` for (64, 64, 1).
std::string grid_text(const Shape& shape);

/// `shape` with a sample axis in front.
Shape with_samples(std::int64_t samples, const Shape& shape);

/// Samples `first`, ..., `first + count - 1` of a set: x, y.
template <class T>
std::pair<Tensor<T>, Tensor<T>> read_samples(const Dataset<T>& data, std::int64_t first,
                                             std::int64_t count);

/// Shape of what the operator gives for the first sample, without the sample axis. Collective.
Shape output_shape(const Operator<float>& op, const Dataset<float>& data, const Communicator& comm);

/// Statistics of one column of errors.
struct Summary {
  double mean = 0, median = 0, largest = 0;
};
Summary summarise(std::vector<double> errors);

}  // namespace nopal::tools
