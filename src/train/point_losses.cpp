// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/profile.hpp>
#include <nopal/train/point_losses.hpp>

#include "core/parallel.hpp"

#include <cmath>
#include <limits>
#include <numeric>

namespace nopal {
namespace {

template <class T>
void check(const Tensor<T>& prediction, const FunctionData<T>& data,
           const std::vector<double>& weights) {
  NOPAL_CHECK(prediction.shape() == data.values.shape(), "the prediction has shape ",
              prediction.shape(), ", but the values at the points have ", data.values.shape());
  NOPAL_CHECK(weights.empty() || static_cast<std::int64_t>(weights.size()) == data.channels(),
              "expected a weight for each of ", data.channels(), " variables, got ",
              weights.size());
}

// First rows of the samples and the end of the last.
template <class T>
Kokkos::View<std::int64_t*, MemorySpace> first_rows(const FunctionData<T>& data) {
  std::vector<std::int64_t> rows;
  for (std::int64_t i = 0; i <= data.size(); ++i)
    rows.push_back(data.first_row(i));
  Kokkos::View<std::int64_t*, MemorySpace> view("nopal::first_rows", rows.size());
  Kokkos::deep_copy(
      view,
      Kokkos::View<const std::int64_t*, Kokkos::HostSpace, Kokkos::MemoryTraits<Kokkos::Unmanaged>>(
          rows.data(), rows.size()));
  return view;
}

// (N, C): sum over the points that count of (p - y)^2; p may be null for 0.
template <class T>
Tensor<double> squares(const T* p, const FunctionData<T>& data) {
  Tensor<double> sums({data.size(), data.channels()});
  const auto rows = first_rows(data);
  const std::int64_t channels = data.channels();
  const T *y = data.values.data(), *m = data.mask.data();
  double* const s = sums.data();
  Kokkos::parallel_for(
      "nopal::point_squares", detail::ItemRange(0, sums.size()), KOKKOS_LAMBDA(std::int64_t item) {
        const std::int64_t i = item / channels, c = item % channels;
        double sum = 0;
        for (std::int64_t r = rows(i); r < rows(i + 1); ++r) {
          const double e = (p ? double(p[r * channels + c]) : 0) - double(y[r * channels + c]);
          sum += (m ? double(m[r]) : 1) * e * e;
        }
        s[item] = sum;
      });
  return sums;
}

// d(r, c) = m(r) factor(i, c) (p - y)(r, c)
template <class T>
Tensor<T> weighted_difference(const Tensor<T>& prediction, const FunctionData<T>& data,
                              const Tensor<double>& factors) {
  Tensor<T> difference(prediction.shape());
  const auto rows = first_rows(data);
  const std::int64_t channels = data.channels();
  const T *p = prediction.data(), *y = data.values.data(), *m = data.mask.data();
  const double* const f = factors.data();
  T* const d = difference.data();
  Kokkos::parallel_for(
      "nopal::point_difference", detail::ItemRange(0, data.size()), KOKKOS_LAMBDA(std::int64_t i) {
        for (std::int64_t r = rows(i); r < rows(i + 1); ++r)
          for (std::int64_t c = 0; c < channels; ++c) {
            const std::int64_t j = r * channels + c;
            d[j] = static_cast<T>((m ? double(m[r]) : 1) * f[i * channels + c] *
                                  (double(p[j]) - double(y[j])));
          }
      });
  return difference;
}

// The loss with value `value` whose gradient is the weighted difference.
template <class T>
Variable<T> with_gradient(const Variable<T>& prediction, double value, const FunctionData<T>& data,
                          const std::vector<double>& factors) {
  const Tensor<T> result({1});
  result.fill(static_cast<T>(value));
  if (!needs_record(prediction)) return result;
  const Tensor<T> difference = weighted_difference(
      prediction.value(), data, Tensor<double>::from_host({data.size(), data.channels()}, factors));
  return record<T>(result, [prediction, difference](const Tensor<T>& seed) {
    if (const T s = seed.item(); s != T(1)) scale(s, difference);
    prediction.accumulate(difference);
  });
}

double weight_of(const std::vector<double>& weights, std::size_t c) {
  return weights.empty() ? 1 : weights[c];
}

}  // namespace

template <class T>
PointSums point_sums(const FunctionData<T>& data) {
  PointSums sums;
  sums.squares = squares<T>(nullptr, data).to_vector();
  if (data.mask.defined()) {
    for (const T m : data.mask.to_vector())
      sums.count += static_cast<double>(m);
  } else {
    sums.count = static_cast<double>(data.first_row(data.size()));
  }
  return sums;
}

template <class T>
Variable<T> point_squared_error(const Variable<T>& prediction, const FunctionData<T>& data,
                                double weight, const std::vector<double>& variable_weights) {
  const ScopedRegion region("point_squared_error");
  check(prediction.value(), data, variable_weights);
  std::vector<double> sums = squares(prediction.value().data(), data).to_vector();
  const auto channels = static_cast<std::size_t>(data.channels());
  double value = 0;
  for (std::size_t k = 0; k < sums.size(); ++k) {
    const double w = weight * weight_of(variable_weights, k % channels);
    value += w * sums[k];
    sums[k] = 2 * w;
  }
  return with_gradient(prediction, value, data, sums);
}

template <class T>
Variable<T> point_relative_l2(const Variable<T>& prediction, const FunctionData<T>& data,
                              const PointSums& whole, double weight,
                              const std::vector<double>& variable_weights,
                              const Communicator& space) {
  const ScopedRegion region("point_relative_l2");
  check(prediction.value(), data, variable_weights);
  const Tensor<double> all = squares(prediction.value().data(), data);
  NOPAL_CHECK(whole.squares.size() == static_cast<std::size_t>(all.size()), "expected sums of ",
              all.size(), " samples and variables, got ", whole.squares.size());
  space.sum(all);
  std::vector<double> sums = all.to_vector();
  const auto channels = static_cast<std::size_t>(data.channels());
  double value = 0;
  for (std::size_t k = 0; k < sums.size(); ++k) {
    const double error = std::sqrt(sums[k]);
    const double w =
        weight * weight_of(variable_weights, k % channels) / (std::sqrt(whole.squares[k]) + 1e-8);
    value += w * error;
    sums[k] = error > 0 ? w / error : 0;  // a perfect prediction has gradient 0
  }
  return with_gradient(prediction, space.rank() == 0 ? value : 0, data, sums);
}

template <class T>
std::vector<double> point_errors(const Tensor<T>& prediction, const FunctionData<T>& data,
                                 bool by_variable) {
  check(prediction, data, {});
  const std::vector<double> e = squares(prediction.data(), data).to_vector();
  const std::vector<double> y = squares<T>(nullptr, data).to_vector();
  const std::size_t group = by_variable ? 1 : static_cast<std::size_t>(data.channels());
  std::vector<double> errors;
  for (std::size_t k = 0; k < e.size(); k += group) {
    double error = 0, norm = 0;
    for (std::size_t c = k; c < k + group; ++c) {
      error += e[c];
      norm += y[c];
    }
    errors.push_back(error == 0 ? 0 : std::sqrt(error / norm));
  }
  return errors;
}

template <class T>
double mean_point_error(const Tensor<T>& prediction, const FunctionData<T>& data) {
  const std::vector<double> errors = point_errors(prediction, data);
  return std::accumulate(errors.begin(), errors.end(), 0.0) / static_cast<double>(errors.size());
}

#define NOPAL_INSTANTIATE(T)                                                                      \
  template PointSums point_sums<T>(const FunctionData<T>&);                                       \
  template Variable<T> point_squared_error<T>(const Variable<T>&, const FunctionData<T>&, double, \
                                              const std::vector<double>&);                        \
  template Variable<T> point_relative_l2<T>(const Variable<T>&, const FunctionData<T>&,           \
                                            const PointSums&, double, const std::vector<double>&, \
                                            const Communicator&);                                 \
  template double mean_point_error<T>(const Tensor<T>&, const FunctionData<T>&);                  \
  template std::vector<double> point_errors<T>(const Tensor<T>&, const FunctionData<T>&, bool);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal
