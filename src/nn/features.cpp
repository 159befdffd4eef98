// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/nn/features.hpp>

#include "core/parallel.hpp"

#include <cmath>
#include <numbers>

namespace nopal {
namespace {

using Range = Kokkos::RangePolicy<ExecutionSpace, Kokkos::IndexType<std::int64_t>>;

// One coordinate of all rows: its column in x, the first of its columns in y.
struct Column {
  std::int64_t dimension, features, in, out, harmonics;
  double frequency;
};

template <class T>
void evaluate(const Column& c, std::int64_t rows, const T* x, T* y) {
  detail::parallel_for(
      "nopal::periodic_features", Range(0, rows), KOKKOS_LAMBDA(std::int64_t r) {
        const T value = x[r * c.dimension + c.in];
        T* const to = y + r * c.features + c.out;
        if (c.harmonics == 0) to[0] = value;
        for (std::int64_t h = 0; h < c.harmonics; ++h) {
          const T angle = T(c.frequency) * T(h + 1) * value;
          to[2 * h] = std::cos(angle);
          to[2 * h + 1] = std::sin(angle);
        }
      });
}

template <class T>
void adjoint(const Column& c, std::int64_t rows, const T* y, const T* dy, T beta, T* dx) {
  detail::parallel_for(
      "nopal::periodic_features_adjoint", Range(0, rows), KOKKOS_LAMBDA(std::int64_t r) {
        const T *const value = y + r * c.features + c.out, *const d = dy + r * c.features + c.out;
        T sum = c.harmonics == 0 ? d[0] : T(0);
        for (std::int64_t h = 0; h < c.harmonics; ++h)
          sum += T(c.frequency) * T(h + 1) *
                 (value[2 * h] * d[2 * h + 1] - value[2 * h + 1] * d[2 * h]);
        T& to = dx[r * c.dimension + c.in];
        to = sum + (beta == T(0) ? T(0) : beta * to);
      });
}

}  // namespace

std::int64_t periodic_feature_count(const std::vector<std::int64_t>& harmonics) {
  std::int64_t count = 0;
  for (const std::int64_t h : harmonics)
    count += h > 0 ? 2 * h : 1;
  return count;
}

template <class T>
Variable<T> periodic_features(const Variable<T>& x, const std::vector<std::int64_t>& harmonics,
                              const std::vector<double>& periods) {
  const auto d = static_cast<std::int64_t>(harmonics.size());
  NOPAL_CHECK(
      d >= 1 && periods.size() == harmonics.size() && x.shape().rank() >= 1 && x.shape()[-1] == d,
      "periodic features: ", harmonics.size(), " harmonics and ", periods.size(),
      " periods do not fit points of shape ", x.shape());
  const std::int64_t features = periodic_feature_count(harmonics), rows = x.value().size() / d;
  std::vector<Column> columns;
  std::int64_t out = 0;
  for (std::int64_t j = 0; j < d; ++j) {
    const auto i = static_cast<std::size_t>(j);
    NOPAL_CHECK(harmonics[i] >= 0 && (harmonics[i] == 0 || periods[i] > 0),
                "periodic features: expected periods above 0, got ", periods[i]);
    columns.push_back({d, features, j, out, harmonics[i],
                       harmonics[i] > 0 ? 2 * std::numbers::pi / periods[i] : 0});
    out += harmonics[i] > 0 ? 2 * harmonics[i] : 1;
  }
  const Tensor<T> y(x.shape().with(-1, features));
  for (const Column& column : columns)
    evaluate(column, rows, x.value().data(), y.data());
  if (!needs_record(x)) return y;
  return record<T>(y, [x, y, columns, rows](const Tensor<T>& dy) {
    const auto [dx, beta] = x.gradient_slot();
    for (const Column& column : columns)
      adjoint(column, rows, y.data(), dy.data(), beta, dx.data());
  });
}

namespace {

// y(r, j) = factor_j x(r, j) + shift_j, or with beta y(r, j) = beta y(r, j) + factor_j x(r, j).
template <class T>
void affine_column(const T* x, T* y, std::int64_t rows, std::int64_t d, std::int64_t j, T factor,
                   T shift, T beta) {
  detail::parallel_for(
      "nopal::affine_features", Range(0, rows), KOKKOS_LAMBDA(std::int64_t r) {
        const T value = factor * x[r * d + j] + shift;
        T& to = y[r * d + j];
        to = beta == T(0) ? value : value + beta * to;
      });
}

template <class T>
void check_box(const Shape& x, const std::vector<double>& lower, const std::vector<double>& upper) {
  NOPAL_CHECK(lower.size() == upper.size() && x.rank() >= 1 &&
                  x[-1] == static_cast<std::int64_t>(lower.size()),
              "affine features: a box of ", lower.size(), " and ", upper.size(),
              " numbers does not fit points of shape ", x);
}

}  // namespace

template <class T>
Variable<T> affine_features(const Variable<T>& x, const std::vector<double>& lower,
                            const std::vector<double>& upper) {
  check_box<T>(x.shape(), lower, upper);
  const std::int64_t d = x.shape()[-1], rows = x.value().size() / d;
  const Tensor<T> y(x.shape());
  const auto factor = [=](std::int64_t j) {
    const auto i = static_cast<std::size_t>(j);
    return 2 / (upper[i] - lower[i]);
  };
  for (std::int64_t j = 0; j < d; ++j)
    affine_column(x.value().data(), y.data(), rows, d, j, T(factor(j)),
                  T(-1 - factor(j) * lower[static_cast<std::size_t>(j)]), T(0));
  if (!needs_record(x)) return y;
  return record<T>(y, [x, factor, rows, d](const Tensor<T>& dy) {
    const auto [dx, beta] = x.gradient_slot();
    for (std::int64_t j = 0; j < d; ++j)
      affine_column(dy.data(), dx.data(), rows, d, j, T(factor(j)), T(0), beta);
  });
}

template <class T>
Tensor<T> affine_points(const Tensor<T>& x, const std::vector<double>& lower,
                        const std::vector<double>& upper) {
  check_box<T>(x.shape(), lower, upper);
  const std::int64_t d = x.extent(-1);
  Tensor<T> y(x.shape());
  for (std::int64_t j = 0; j < d; ++j) {
    const auto i = static_cast<std::size_t>(j);
    affine_column(x.data(), y.data(), x.size() / d, d, j, T(upper[i] - lower[i]), T(lower[i]),
                  T(0));
  }
  return y;
}

#define NOPAL_INSTANTIATE(T)                                                              \
  template Variable<T> affine_features<T>(const Variable<T>&, const std::vector<double>&, \
                                          const std::vector<double>&);                    \
  template Tensor<T> affine_points<T>(const Tensor<T>&, const std::vector<double>&,       \
                                      const std::vector<double>&);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

template Variable<float> periodic_features<float>(const Variable<float>&,
                                                  const std::vector<std::int64_t>&,
                                                  const std::vector<double>&);
template Variable<double> periodic_features<double>(const Variable<double>&,
                                                    const std::vector<std::int64_t>&,
                                                    const std::vector<double>&);

}  // namespace nopal
