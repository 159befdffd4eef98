// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/train/evaluation.hpp>

#include "data/dataset_checks.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace nopal {
namespace {

// One group's part of the work; `space` are its ranks.
template <class T>
class Evaluator {
 public:
  Evaluator(const Model<T>& model, const Dataset<T>& data, const Grid& grid, Boundary boundary)
      : model_(model),
        data_(data),
        grid_(grid),
        space_(grid.comm()),
        boundary_(boundary),
        l2_(FieldNorm<T>::l2().on(grid)),
        h1_(FieldNorm<T>::h1(boundary).on(grid)) {}

  // Errors of samples [first, first + count), the same on all ranks of the group.
  void operator()(std::int64_t first, std::int64_t count) {
    const Tensor<T> x(detail::with_samples(count, data_.x_shape()));
    const Tensor<T> y(detail::with_samples(count, data_.y_shape()));
    space_.together([&] {
      std::vector<std::int64_t> indices(static_cast<std::size_t>(count));
      std::iota(indices.begin(), indices.end(), first);
      data_.read(indices, x, y);
    });
    const Tensor<T> prediction = space_.size() > 1 ? model_.predict(x, grid_) : model_.predict(x);
    NOPAL_CHECK(prediction.shape() == y.shape(), "data set ", data_.description(), ": y has shape ",
                y.shape(), ", but the model predicts ", prediction.shape());
    std::vector<double> errors, h1_errors;
    try {
      errors = relative_errors(prediction, y, l2_);
      if (has_h1()) h1_errors = relative_errors(prediction, y, h1_);
    } catch (const Error& error) {
      NOPAL_CHECK(false, "data set ", data_.description(), ", samples from ", first, ": ",
                  error.what());
    }
    for (const double error : errors) {
      l2 += error;
      largest = std::isnan(error) ? error : std::max(largest, error);
    }
    h1 = std::accumulate(h1_errors.begin(), h1_errors.end(), h1);
  }

  // Points without a grid, or too few of them, have no difference quotients.
  bool has_h1() const {
    const Shape sample = data_.y_shape();
    const Shape points =
        space_.size() > 1 ? grid_.extents() : Shape(sample.begin(), sample.end() - 1);
    return points.rank() > 0 &&
           (boundary_ == Boundary::periodic ||
            std::all_of(points.begin(), points.end(), [](std::int64_t n) { return n >= 4; }));
  }

  double l2 = 0, h1 = 0, largest = 0;

 private:
  const Model<T>& model_;
  const Dataset<T>& data_;
  Grid grid_;
  Communicator space_;
  Boundary boundary_;
  FieldNorm<T> l2_, h1_;
};

template <class T>
Evaluation evaluate_on(const Model<T>& model, const Dataset<T>& data, std::int64_t batch,
                       const RankGroups& groups, const Grid& grid, Boundary boundary) {
  const ScopedRegion region("evaluate");
  NOPAL_CHECK(batch > 0, "evaluate: expected a batch of at least 1 sample, got ", batch);
  Evaluator<T> evaluator(model, data, grid, boundary);
  groups.all().together([&] {
    const Slab mine = slab(data.size(), groups.group(), groups.groups());
    for (std::int64_t done = 0, count = 0; done < mine.count; done += count) {
      count = std::min(batch, mine.count - done);
      evaluator(mine.first + done, count);
    }
  });
  // Once a group.
  const double share = groups.space().rank() == 0 ? 1 : 0;
  const Communicator& all = groups.all();
  Evaluation result;
  const auto samples = static_cast<double>(data.size());
  result.relative_l2 = all.sum(share * evaluator.l2) / samples;
  result.relative_h1 = evaluator.has_h1() ? all.sum(share * evaluator.h1) / samples : std::nan("");
  result.largest_relative_l2 =
      all.any(std::isnan(evaluator.largest)) ? std::nan("") : all.max(evaluator.largest);
  result.samples = data.size();
  return result;
}

}  // namespace

template <class T>
Evaluation evaluate(const Model<T>& model, const Dataset<T>& data, std::int64_t batch,
                    const Communicator& comm, Boundary boundary) {
  return evaluate_on(model, data, batch, RankGroups(comm), Grid(), boundary);
}

template <class T>
Evaluation evaluate(const Model<T>& model, std::shared_ptr<const Dataset<T>> data,
                    std::int64_t batch, const RankGroups& groups, Boundary boundary) {
  if (!groups.divided()) return evaluate_on(model, *data, batch, groups, Grid(), boundary);
  const Grid grid = groups.grid(model.op(), data->x_shape());
  return evaluate_on<T>(model, BoxDataset<T>(data, grid.box()), batch, groups, grid, boundary);
}

#define NOPAL_INSTANTIATE(T)                                                          \
  template Evaluation evaluate<T>(const Model<T>&, const Dataset<T>&, std::int64_t,   \
                                  const Communicator&, Boundary);                     \
  template Evaluation evaluate<T>(const Model<T>&, std::shared_ptr<const Dataset<T>>, \
                                  std::int64_t, const RankGroups&, Boundary);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal
