// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/train/evaluation.hpp>

#include "data/dataset_checks.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace nopal {

template <class T>
Evaluation evaluate(const Model<T>& model, const Dataset<T>& data, std::int64_t batch,
                    const Communicator& comm, Boundary boundary) {
  const ScopedRegion region("evaluate");
  NOPAL_CHECK(batch > 0, "evaluate: expected a batch of at least 1 sample, got ", batch);
  double l2 = 0, h1 = 0, largest = 0;
  comm.together([&] {
    const Slab mine = slab(data.size(), comm.rank(), comm.size());
    for (std::int64_t done = 0, count = 0; done < mine.count; done += count) {
      count = std::min(batch, mine.count - done);
      const std::int64_t first = mine.first + done;
      std::vector<std::int64_t> indices(static_cast<std::size_t>(count));
      std::iota(indices.begin(), indices.end(), first);
      const Tensor<T> x(detail::with_samples(count, data.x_shape()));
      const Tensor<T> y(detail::with_samples(count, data.y_shape()));
      data.read(indices, x, y);
      const Tensor<T> prediction = model.predict(x);
      NOPAL_CHECK(prediction.shape() == y.shape(), "data set ", data.description(),
                  ": y has shape ", y.shape(), ", but the model predicts ", prediction.shape());
      std::vector<double> errors, h1_errors;
      try {
        errors = relative_l2_errors(prediction, y);
        // Points without a grid have no difference quotients.
        if (y.rank() >= 3) h1_errors = relative_h1_errors(prediction, y, boundary);
      } catch (const Error& error) {
        NOPAL_CHECK(false, "data set ", data.description(), ", samples from ", first, ": ",
                    error.what());
      }
      for (const double error : errors) {
        l2 += error;
        largest = std::isnan(error) ? error : std::max(largest, error);
      }
      h1 = std::accumulate(h1_errors.begin(), h1_errors.end(), h1);
    }
  });
  Evaluation result;
  const auto samples = static_cast<double>(data.size());
  result.relative_l2 = comm.sum(l2) / samples;
  result.relative_h1 = comm.sum(h1) / samples;
  result.largest_relative_l2 = comm.any(std::isnan(largest)) ? std::nan("") : comm.max(largest);
  result.samples = data.size();
  return result;
}

template Evaluation evaluate<float>(const Model<float>&, const Dataset<float>&, std::int64_t,
                                    const Communicator&, Boundary);
template Evaluation evaluate<double>(const Model<double>&, const Dataset<double>&, std::int64_t,
                                     const Communicator&, Boundary);

}  // namespace nopal
