// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/nn/elementwise.hpp>
#include <nopal/nn/neighbours.hpp>
#include <nopal/nn/training_mode.hpp>
#include <nopal/train/derivative_loss.hpp>
#include <nopal/train/losses.hpp>

#include "train/function_batches.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace nopal {
namespace {

// Stream of random numbers for the groups of a step; those of other draws are in function_loss.cpp.
constexpr std::uint64_t group_stream = std::uint64_t(3) << 40;

// A sample on its own: which rows of the data count, and the stencils on them.
struct Sample {
  std::vector<std::int64_t> rows;    // of data.values
  std::vector<std::int64_t> points;  // of data.points
  RowStencils stencils;              // on numbers of `rows`
};

template <class T>
class DerivativeLoss {
 public:
  DerivativeLoss(const PointOperator<T>& op, const FunctionData<T>& data,
                 const FunctionBatchOptions& options, const DerivativeLossOptions& derivatives,
                 const Communicator& comm, const Tensor<T>& gradients)
      : op_(op),
        data_(data),
        options_(options),
        derivatives_(derivatives),
        comm_(comm),
        batches_(data.size(), options.batch, options.seed),
        channels_(data.channels()),
        dimension_(data.points.extent(1)),
        values_(data.values.reshape({data.values.size() / data.channels(), data.channels()})) {
    data.check("of training");
    NOPAL_CHECK(options.loss == "mse" && options.space_ranks == 1 && options.points >= 0 &&
                    options.batch >= 0,
                "a loss with derivatives is of the kind mse with the points of a function on one "
                "rank; got the loss ",
                options.loss, ", ", options.space_ranks, " ranks, batch ", options.batch,
                " and points ", options.points);
    tangents_ = derivatives.kind == "tangents";
    NOPAL_CHECK(
        tangents_ || derivatives.kind == "least_squares" || derivatives.kind == "differences",
        "unknown kind of derivatives '", derivatives.kind, "'",
        suggestion(derivatives.kind, {"least_squares", "differences", "tangents"}));
    NOPAL_CHECK(options.variable_weights.empty() ||
                    static_cast<std::int64_t>(options.variable_weights.size()) == channels_,
                "expected weights of ", channels_, " variables, got ",
                options.variable_weights.size());
    for (const double w : options.variable_weights)
      roots_.push_back(std::sqrt(w));
    const Shape expected{values_.extent(0), dimension_, channels_};
    NOPAL_CHECK(!gradients.defined() || (tangents_ && gradients.shape() == expected),
                "gradients of the data are for the kind tangents and have the shape ", expected,
                ", got ", gradients.shape(), " for the kind ", derivatives.kind);
    make_samples();
    if (tangents_) gradients_ = gradients.defined() ? gradients : gradients_of_data();
  }

  Variable<T> operator()(std::int64_t step) {
    const bool every = batches_.all() && options_.points == 0;
    if (!every || !points_.defined()) choose(step);
    TrainingStep place;
    place.comm = place.point_comm = comm_;
    place.seed = options_.seed;
    place.index = step;
    const TrainingMode mode(place);
    if (points_.extent(0) == 0) return Tensor<T>::zeros({1});
    std::vector<Variable<T>> functions(functions_.begin(), functions_.end());
    if (tangents_) {
      const JetLayout layout(std::vector<int>(static_cast<std::size_t>(dimension_), 1));
      const auto jet = op_.derivatives_rows(functions, points_, offsets_, layout);
      Variable<T> loss = mean_square(jet[0], target_, 1 / (rows_ * double(channels_)));
      for (std::int64_t j = 0; j < dimension_; ++j)
        loss = linear_combination<T>(
            {{1, loss},
             {1, mean_square(jet[static_cast<std::size_t>(j) + 1],
                             slopes_[static_cast<std::size_t>(j)],
                             derivatives_.weight / (rows_ * double(dimension_ * channels_)))}});
      return loss;
    }
    const Variable<T> u = op_.forward_rows(functions, points_, offsets_);
    const Variable<T> difference = linear_combination<T>({{1, u}, {-1, Variable<T>(target_)}});
    const Variable<T> slopes = stencils_(difference);
    return linear_combination<T>(
        {{1, mean_square(difference, {}, 1 / (rows_ * double(channels_)))},
         {1,
          mean_square(slopes, {},
                      derivatives_.weight / (outputs_ * double(slopes.shape()[1] * channels_)))}});
  }

 private:
  // weight times the sum of w_c (u - target)^2; no target: 0.
  Variable<T> mean_square(const Variable<T>& u, const Tensor<T>& target, double weight) const {
    const Variable<T> scaled = affine_channels(u, roots_, {});
    const Tensor<T> goal = target.defined()
                               ? affine_channels(Variable<T>(target), roots_, {}).value()
                               : Tensor<T>::zeros(u.shape());
    return squared_error(scaled, goal, static_cast<T>(weight));
  }

  void make_samples() {
    const std::vector<T> mask = data_.mask.defined() ? data_.mask.to_vector() : std::vector<T>();
    const bool alike = data_.shared() && mask.empty();
    for (std::int64_t i = 0; i < data_.size(); ++i) {
      Sample sample;
      const std::int64_t first = data_.first_row(i);
      for (std::int64_t r = first; r < first + data_.rows(i); ++r)
        if (mask.empty() || mask[static_cast<std::size_t>(r)] != T(0)) {
          sample.rows.push_back(r);
          sample.points.push_back(data_.shared() ? r - first : r);
        }
      const Tensor<T> points = select_rows(data_.points, sample.points);
      try {
        if (alike && i > 0)
          sample.stencils = samples_[0].stencils;
        else if (derivatives_.kind == "differences")
          sample.stencils = consecutive_differences(points);
        else
          sample.stencils = least_squares_gradients(points, derivatives_.neighbours);
      } catch (const Error& error) {
        NOPAL_CHECK(false, "sample ", i, ": ", error.what());
      }
      NOPAL_CHECK(sample.stencils.outputs() > 0, "sample ", i, " has ", sample.points.size(),
                  " points, too few for differences");
      samples_.push_back(std::move(sample));
    }
  }

  // By least squares, at all rows of all samples.
  Tensor<T> gradients_of_data() const {
    Tensor<T> all = Tensor<T>::zeros({values_.extent(0), dimension_, channels_});
    for (const Sample& sample : samples_) {
      const Tensor<T> g =
          StencilMap<T>(sample.stencils)(Variable<T>(select_rows(values_, sample.rows))).value();
      for (std::size_t k = 0; k < sample.rows.size(); ++k)
        all.slice(sample.rows[k], 1).copy_from(g.slice(static_cast<std::int64_t>(k), 1));
    }
    return all;
  }

  // The points of a step of this rank's samples, and the numbers of all points and outputs.
  void choose(std::int64_t step) {
    const std::vector<std::int64_t> batch = batches_.of_step(step);
    const Slab mine = slab(static_cast<std::int64_t>(batch.size()), comm_.rank(), comm_.size());
    std::vector<std::int64_t> own, rows, points;
    RowStencils stencils;
    stencils.components = samples_[0].stencils.components;
    offsets_ = {0};
    rows_ = outputs_ = 0;
    for (std::size_t b = 0; b < batch.size(); ++b) {
      const Sample& sample = samples_[static_cast<std::size_t>(batch[b])];
      const auto here = static_cast<std::int64_t>(b);
      const bool counts = here >= mine.first && here < mine.first + mine.count;
      std::vector<std::int64_t> local;  // numbers of sample.rows
      if (options_.points == 0) {
        local.resize(sample.rows.size());
        std::iota(local.begin(), local.end(), 0);
        rows_ += static_cast<double>(local.size());
        outputs_ += static_cast<double>(sample.stencils.outputs());
        if (counts && !tangents_) append(sample.stencils, offsets_.back(), stencils);
      } else {
        const Random draw(options_.seed,
                          group_stream + static_cast<std::uint64_t>(step) * batch.size() + b);
        const std::int64_t group = tangents_ ? 1 : sample.stencils.first[1];
        const std::int64_t groups = std::max<std::int64_t>(1, options_.points / group);
        const std::int64_t choices =
            tangents_ ? static_cast<std::int64_t>(sample.rows.size()) : sample.stencils.outputs();
        rows_ += static_cast<double>(groups * group);
        outputs_ += static_cast<double>(groups);
        for (std::int64_t k = 0; counts && k < groups; ++k) {
          const auto centre = std::min<std::int64_t>(
              choices - 1, static_cast<std::int64_t>(draw.uniform(static_cast<std::uint64_t>(k)) *
                                                     static_cast<double>(choices)));
          if (tangents_) {
            local.push_back(centre);
            continue;
          }
          append_group(sample.stencils, centre,
                       offsets_.back() + static_cast<std::int64_t>(local.size()), local, stencils);
        }
      }
      if (!counts) continue;
      own.push_back(batch[b]);
      for (const std::int64_t k : local) {
        rows.push_back(sample.rows[static_cast<std::size_t>(k)]);
        points.push_back(sample.points[static_cast<std::size_t>(k)]);
      }
      offsets_.push_back(static_cast<std::int64_t>(rows.size()));
    }
    functions_.clear();
    for (const Tensor<T>& function : data_.functions)
      functions_.push_back(select_rows(function, own));
    points_ = select_rows(data_.points, points);
    target_ = select_rows(values_, rows);
    if (tangents_) {
      slopes_.clear();
      for (std::int64_t j = 0; j < dimension_; ++j) {
        // Column j of the gradients of the rows.
        std::vector<std::int64_t> planes;
        planes.reserve(rows.size());
        for (const std::int64_t r : rows)
          planes.push_back(r * dimension_ + j);
        slopes_.push_back(select_rows(
            gradients_.reshape({gradients_.extent(0) * dimension_, channels_}), planes));
      }
    } else {
      stencils.rows = offsets_.back();
      stencils_ = StencilMap<T>(stencils);
    }
  }

  static void append(const RowStencils& from, std::int64_t shift, RowStencils& to) {
    const std::int64_t before = to.first.back();
    for (std::size_t m = 1; m < from.first.size(); ++m)
      to.first.push_back(before + from.first[m]);
    for (const std::int64_t p : from.points)
      to.points.push_back(p + shift);
    to.weights.insert(to.weights.end(), from.weights.begin(), from.weights.end());
  }

  // Output `centre` of `from` and the points that it reads, as points from `place` on.
  static void append_group(const RowStencils& from, std::int64_t centre, std::int64_t place,
                           std::vector<std::int64_t>& local, RowStencils& to) {
    const auto d = static_cast<std::size_t>(from.components);
    for (auto k = static_cast<std::size_t>(from.first[static_cast<std::size_t>(centre)]);
         k < static_cast<std::size_t>(from.first[static_cast<std::size_t>(centre) + 1]); ++k) {
      local.push_back(from.points[k]);
      to.points.push_back(place++);
      for (std::size_t j = 0; j < d; ++j)
        to.weights.push_back(from.weights[k * d + j]);
    }
    to.first.push_back(static_cast<std::int64_t>(to.points.size()));
  }

  const PointOperator<T>& op_;
  const FunctionData<T>& data_;
  FunctionBatchOptions options_;
  DerivativeLossOptions derivatives_;
  Communicator comm_;
  detail::FunctionBatches batches_;
  std::int64_t channels_, dimension_;
  Tensor<T> values_;           // (rows, C)
  std::vector<double> roots_;  // of the weights
  bool tangents_ = false;
  std::vector<Sample> samples_;
  Tensor<T> gradients_;  // (rows, d, C)
  // Of the step.
  std::vector<Tensor<T>> functions_, slopes_;
  Tensor<T> points_, target_;
  std::vector<std::int64_t> offsets_;
  StencilMap<T> stencils_;
  double rows_ = 0, outputs_ = 0;
};

}  // namespace

template <class T>
StepLoss<T> derivative_enhanced_loss(const PointOperator<T>& op, const FunctionData<T>& data,
                                     const FunctionBatchOptions& options,
                                     const DerivativeLossOptions& derivatives,
                                     const Communicator& comm, const Tensor<T>& gradients) {
  auto loss = std::make_shared<DerivativeLoss<T>>(op, data, options, derivatives, comm, gradients);
  return [loss](std::int64_t step) { return (*loss)(step); };
}

#define NOPAL_INSTANTIATE(T)                                                        \
  template StepLoss<T> derivative_enhanced_loss<T>(                                 \
      const PointOperator<T>&, const FunctionData<T>&, const FunctionBatchOptions&, \
      const DerivativeLossOptions&, const Communicator&, const Tensor<T>&);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal
