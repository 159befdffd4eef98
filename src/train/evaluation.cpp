// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/train/evaluation.hpp>

#include "data/dataset_checks.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace nopal {
namespace {

// Points without a grid, or too few of them, have no difference quotients.
bool has_differences(const Shape& points, Boundary boundary) {
  return points.rank() > 0 &&
         (boundary == Boundary::periodic ||
          std::all_of(points.begin(), points.end(), [](std::int64_t n) { return n >= 4; }));
}

Evaluation summary(const SampleErrors& errors) {
  const auto mean = [](const std::vector<double>& values) {
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  };
  Evaluation result;
  result.relative_l2 = mean(errors.l2);
  result.relative_h1 = mean(errors.h1);
  for (const double error : errors.l2)
    if (!(error <= result.largest_relative_l2)) result.largest_relative_l2 = error;
  if (std::isnan(result.relative_l2)) result.largest_relative_l2 = std::nan("");
  result.samples = static_cast<std::int64_t>(errors.l2.size());
  return result;
}

template <class T>
Predictor<T> predictor(const Model<T>& model, const Grid& grid) {
  if (grid.comm().size() == 1) return [&model](const Tensor<T>& x) { return model.predict(x); };
  return [&model, grid](const Tensor<T>& x) { return model.predict(x, grid); };
}

}  // namespace

template <class T>
SampleErrors sample_errors(const Predictor<T>& predict, const Dataset<T>& data, std::int64_t batch,
                           Boundary boundary, const RankGroups& groups, const Grid& grid) {
  NOPAL_CHECK(batch > 0, "evaluation: expected a batch of at least 1 sample, got ", batch);
  const Communicator& space = groups.space();
  const FieldNorm<T> l2_norm = FieldNorm<T>::l2().on(grid);
  const FieldNorm<T> h1_norm = FieldNorm<T>::h1(boundary).on(grid);
  const Shape sample = data.y_shape();
  const bool has_h1 = has_differences(
      groups.divided() ? grid.extents() : Shape(sample.begin(), sample.end() - 1), boundary);
  const auto l2 = Tensor<double>::zeros({data.size()}), h1 = Tensor<double>::zeros({data.size()});

  const auto measure = [&](std::int64_t first, std::int64_t count) {
    const Tensor<T> x(detail::with_samples(count, data.x_shape()));
    const Tensor<T> y(detail::with_samples(count, data.y_shape()));
    space.together([&] {
      std::vector<std::int64_t> indices(static_cast<std::size_t>(count));
      std::iota(indices.begin(), indices.end(), first);
      data.read(indices, x, y);
    });
    const Tensor<T> prediction = predict(x);
    NOPAL_CHECK(prediction.shape() == y.shape(), "data set ", data.description(), ": y has shape ",
                y.shape(), ", but the model predicts ", prediction.shape());
    std::vector<double> errors, h1_errors(static_cast<std::size_t>(count), std::nan(""));
    try {
      errors = relative_errors(prediction, y, l2_norm);
      if (has_h1) h1_errors = relative_errors(prediction, y, h1_norm);
    } catch (const Error& error) {
      NOPAL_CHECK(false, "data set ", data.description(), ", samples from ", first, ": ",
                  error.what());
    }
    if (space.rank() > 0) return;  // once a group
    l2.slice(first, count).copy_from_host(errors.data());
    h1.slice(first, count).copy_from_host(h1_errors.data());
  };

  groups.all().together([&] {
    const Slab mine = slab(data.size(), groups.group(), groups.groups());
    for (std::int64_t done = 0, count = 0; done < mine.count; done += count) {
      count = std::min(batch, mine.count - done);
      measure(mine.first + done, count);
    }
  });
  groups.all().sum(l2);
  groups.all().sum(h1);
  return {l2.to_vector(), h1.to_vector()};
}

template <class T>
SampleErrors sample_errors(const Model<T>& model, const std::shared_ptr<const Dataset<T>>& data,
                           std::int64_t batch, Boundary boundary, const RankGroups& groups) {
  const ScopedRegion region("evaluate");
  if (!groups.divided())
    return sample_errors(predictor(model, Grid()), *data, batch, boundary, groups);
  const Grid grid = groups.grid(model.op(), data->x_shape());
  return sample_errors<T>(predictor(model, grid), BoxDataset<T>(data, grid.box()), batch, boundary,
                          groups, grid);
}

template <class T>
Evaluation evaluate(const Model<T>& model, const Dataset<T>& data, std::int64_t batch,
                    const Communicator& comm, Boundary boundary) {
  const ScopedRegion region("evaluate");
  return summary(sample_errors(predictor(model, Grid()), data, batch, boundary, RankGroups(comm)));
}

template <class T>
Evaluation evaluate(const Model<T>& model, std::shared_ptr<const Dataset<T>> data,
                    std::int64_t batch, const RankGroups& groups, Boundary boundary) {
  return summary(sample_errors(model, data, batch, boundary, groups));
}

#define NOPAL_INSTANTIATE(T)                                                                     \
  template SampleErrors sample_errors<T>(const Predictor<T>&, const Dataset<T>&, std::int64_t,   \
                                         Boundary, const RankGroups&, const Grid&);              \
  template SampleErrors sample_errors<T>(const Model<T>&,                                        \
                                         const std::shared_ptr<const Dataset<T>>&, std::int64_t, \
                                         Boundary, const RankGroups&);                           \
  template Evaluation evaluate<T>(const Model<T>&, const Dataset<T>&, std::int64_t,              \
                                  const Communicator&, Boundary);                                \
  template Evaluation evaluate<T>(const Model<T>&, std::shared_ptr<const Dataset<T>>,            \
                                  std::int64_t, const RankGroups&, Boundary);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal
