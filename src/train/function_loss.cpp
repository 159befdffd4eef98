// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/nn/training_mode.hpp>
#include <nopal/train/point_losses.hpp>
#include <nopal/train/step_training.hpp>

#include "train/function_batches.hpp"

#include <algorithm>
#include <numeric>

namespace nopal {
namespace {

// Stream of random numbers for the points of a step; that of the order is in FunctionBatches.
constexpr std::uint64_t point_stream = std::uint64_t(2) << 40;

template <class T>
Variable<T> forward(const PointOperator<T>& op, const FunctionData<T>& data) {
  std::vector<Variable<T>> inputs(data.functions.begin(), data.functions.end());
  if (!data.shared()) return op.forward_rows(inputs, data.points, data.offsets);
  inputs.push_back(data.points);
  return op.forward(inputs);
}

template <class T>
class FunctionLoss {
 public:
  FunctionLoss(const PointOperator<T>& op, const FunctionData<T>& data,
               const FunctionBatchOptions& options, const Communicator& comm)
      : op_(op),
        data_(data),
        options_(options),
        groups_(comm, options.space_ranks),
        batches_(data.size(), options.batch, options.seed) {
    data.check("of training");
    NOPAL_CHECK(options.batch >= 0 && options.points >= 0,
                "options -batch and -points: expected at least 0, got ", options.batch, " and ",
                options.points);
    NOPAL_CHECK(options.loss == "mse" || options.loss == "l2", "unknown loss '", options.loss, "'",
                suggestion(options.loss, {"mse", "l2"}));
    every_ = batches_.all() && options.points == 0;
    // Ranks that hold other functions (of the same part of the points), and those that hold other
    // points: of the same functions where points are shared, else all.
    step_.comm = groups_.divided() ? comm.split(groups_.space().rank()) : comm;
    step_.point_comm = data.shared() ? groups_.space() : comm;
  }

  Variable<T> operator()(std::int64_t step) {
    if (!every_ || !part_.points.defined()) choose(step);
    step_.seed = options_.seed;
    step_.index = step;
    const TrainingMode mode(step_);
    const Variable<T> prediction = forward(op_, part_);
    const auto channels = static_cast<double>(data_.channels());
    // The points drawn of a masked sample may be all ones that do not count: loss 0.
    if (options_.loss == "mse")
      return point_squared_error(prediction, part_, 1 / (std::max(sums_.count, 1.0) * channels),
                                 options_.variable_weights);
    return point_relative_l2(prediction, part_, whole_,
                             1 / (static_cast<double>(batches_.size()) * channels),
                             options_.variable_weights, groups_.space());
  }

 private:
  // This rank's part of the batch, and the sums over all of it.
  void choose(std::int64_t step) {
    FunctionData<T> batch = data_;
    if (!batches_.all()) batch = select_samples(data_, batches_.of_step(step));
    if (options_.points > 0)
      batch = select_points(batch, options_.points,
                            Random(options_.seed, point_stream + static_cast<std::uint64_t>(step)));
    sums_ = point_sums(batch);
    step_.batch = batch.size();
    step_.points = batch.shared() ? batch.points.extent(0) : batch.first_row(batch.size());
    step_.first_point = 0;
    if (groups_.groups() > 1) {
      const Slab mine = slab(batch.size(), groups_.group(), groups_.groups());
      std::vector<std::int64_t> indices(static_cast<std::size_t>(mine.count));
      std::iota(indices.begin(), indices.end(), mine.first);
      if (!batch.shared()) step_.first_point = batch.first_row(mine.first);
      step_.first_sample = mine.first;
      batch = select_samples(batch, indices);
    }
    whole_ = groups_.groups() > 1 ? point_sums(batch) : sums_;
    if (groups_.divided() && batch.shared())
      step_.first_point =
          slab(batch.points.extent(0), groups_.space().rank(), groups_.space().size()).first;
    if (groups_.divided())
      batch = divide_points(batch, groups_.space().rank(), groups_.space().size());
    part_ = std::move(batch);
  }

  const PointOperator<T>& op_;
  const FunctionData<T>& data_;
  FunctionBatchOptions options_;
  RankGroups groups_;
  detail::FunctionBatches batches_;
  bool every_ = false;  // all data in each step
  FunctionData<T> part_;
  PointSums sums_, whole_;  // of the batch, of the samples of this group
  TrainingStep step_;       // for layers that look at the whole batch
};

}  // namespace

template <class T>
StepLoss<T> function_loss(const PointOperator<T>& op, const FunctionData<T>& data,
                          const FunctionBatchOptions& options, const Communicator& comm) {
  auto loss = std::make_shared<FunctionLoss<T>>(op, data, options, comm);
  return [loss](std::int64_t step) { return (*loss)(step); };
}

template <class T>
Tensor<T> predict(const PointOperator<T>& op, const FunctionData<T>& data, const Communicator& comm,
                  std::int64_t block) {
  Tensor<T> all = Tensor<T>::zeros(data.values.shape());
  const Slab mine = slab(data.size(), comm.rank(), comm.size());
  comm.together([&] {
    for (std::int64_t first = mine.first; first < mine.first + mine.count; first += block) {
      std::vector<std::int64_t> indices(
          static_cast<std::size_t>(std::min(block, mine.first + mine.count - first)));
      std::iota(indices.begin(), indices.end(), first);
      const Tensor<T> part = forward(op, select_samples(data, indices)).value();
      const std::int64_t rows = data.first_row(data.size());
      all.reshape({rows, data.channels()})
          .slice(data.first_row(first), part.size() / data.channels())
          .copy_from(part);
    }
  });
  if (comm.size() > 1) comm.sum(all);
  return all;
}

#define NOPAL_INSTANTIATE(T)                                                               \
  template StepLoss<T> function_loss<T>(const PointOperator<T>&, const FunctionData<T>&,   \
                                        const FunctionBatchOptions&, const Communicator&); \
  template Tensor<T> predict<T>(const PointOperator<T>&, const FunctionData<T>&,           \
                                const Communicator&, std::int64_t);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal
