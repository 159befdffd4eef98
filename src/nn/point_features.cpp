// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/random.hpp>
#include <nopal/core/runtime.hpp>
#include <nopal/io/option_reader.hpp>
#include <nopal/nn/elementwise.hpp>
#include <nopal/nn/linear.hpp>
#include <nopal/nn/point_features.hpp>

#include "core/parallel.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numbers>

namespace nopal {
namespace {

using Range = Kokkos::RangePolicy<ExecutionSpace, Kokkos::IndexType<std::int64_t>>;

// What becomes of a coordinate: harmonics of a frequency, or factor x + shift.
struct Column {
  std::int64_t dimension, features, in, out, harmonics;
  double frequency, factor, shift;
};

template <class T>
void evaluate(const Column& c, std::int64_t rows, const T* x, T* y) {
  detail::parallel_for(
      "nopal::point_features", Range(0, rows), KOKKOS_LAMBDA(std::int64_t r) {
        const T value = x[r * c.dimension + c.in];
        T* const to = y + r * c.features + c.out;
        if (c.harmonics == 0) to[0] = T(c.factor) * value + T(c.shift);
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
      "nopal::point_features_adjoint", Range(0, rows), KOKKOS_LAMBDA(std::int64_t r) {
        const T *const value = y + r * c.features + c.out, *const d = dy + r * c.features + c.out;
        T sum = c.harmonics == 0 ? T(c.factor) * d[0] : T(0);
        for (std::int64_t h = 0; h < c.harmonics; ++h)
          sum += T(c.frequency) * T(h + 1) *
                 (value[2 * h] * d[2 * h + 1] - value[2 * h + 1] * d[2 * h]);
        T& to = dx[r * c.dimension + c.in];
        to = sum + (beta == T(0) ? T(0) : beta * to);
      });
}

// Derivatives of order 1 and 2 (null: not wanted) of what evaluate() gave, y, in its coordinate.
template <class T>
void differentiate(const Column& c, std::int64_t rows, const T* y, T* y1, T* y2) {
  detail::parallel_for(
      "nopal::point_features_jet", Range(0, rows), KOKKOS_LAMBDA(std::int64_t r) {
        const std::int64_t at = r * c.features + c.out;
        if (c.harmonics == 0) y1[at] = T(c.factor);
        for (std::int64_t h = 0; h < c.harmonics; ++h) {
          const T w = T(c.frequency) * T(h + 1);
          const std::int64_t i = at + 2 * h;
          y1[i] = -w * y[i + 1];
          y1[i + 1] = w * y[i];
          if (y2) {
            y2[i] = -w * w * y[i];
            y2[i + 1] = -w * w * y[i + 1];
          }
        }
      });
}

std::vector<Column> columns_of(const PointFeatureOptions& o, std::int64_t d) {
  std::vector<Column> columns;
  std::int64_t out = 0;
  for (std::int64_t j = 0; j < d; ++j) {
    const auto i = static_cast<std::size_t>(j);
    Column c{d, 0, j, out, o.harmonics.empty() ? 0 : o.harmonics[i], 0, 1, 0};
    if (c.harmonics > 0)
      c.frequency = 2 * std::numbers::pi / (o.periods.empty() ? 1 : o.periods[i]);
    if (o.bounded()) {
      c.factor = 2 / (o.upper[i] - o.lower[i]);
      c.shift = -1 - c.factor * o.lower[i];
    }
    out += c.harmonics > 0 ? 2 * c.harmonics : 1;
    columns.push_back(c);
  }
  for (Column& c : columns)
    c.features = out;
  return columns;
}

// Weight (d, 2 m) and bias (2 m) of cos(2 pi b x) = sin(2 pi b x + pi / 2) and sin(2 pi b x).
template <class T>
std::pair<Tensor<T>, Tensor<T>> fourier_layer(const Tensor<T>& directions) {
  const std::int64_t m = directions.extent(0), d = directions.extent(1);
  const std::vector<T> b = directions.to_vector();
  std::vector<T> weight(static_cast<std::size_t>(2 * m * d)),
      phase(static_cast<std::size_t>(2 * m));
  for (std::int64_t i = 0; i < 2 * m; ++i) {
    phase[static_cast<std::size_t>(i)] = static_cast<T>(i < m ? std::numbers::pi / 2 : 0);
    for (std::int64_t j = 0; j < d; ++j)
      weight[static_cast<std::size_t>(j * 2 * m + i)] = static_cast<T>(
          2 * std::numbers::pi * static_cast<double>(b[static_cast<std::size_t>(i % m * d + j)]));
  }
  return {Tensor<T>::from_host({d, 2 * m}, weight), Tensor<T>::from_host({2 * m}, phase)};
}

}  // namespace

void PointFeatureOptions::read(OptionReader& reader) {
  reader("lower", lower);
  reader("upper", upper);
  reader("harmonics", harmonics);
  reader("periods", periods);
  reader("fourier_features", fourier_features, 0);
  reader("fourier_scale", fourier_scale, 0);
  reader("zero_lower", zero_lower);
  reader("zero_upper", zero_upper);
}

void PointFeatureOptions::write(nlohmann::json& json) const {
  json["lower"] = lower;
  json["upper"] = upper;
  json["harmonics"] = harmonics;
  json["periods"] = periods;
  json["fourier_features"] = fourier_features;
  json["fourier_scale"] = fourier_scale;
  json["zero_lower"] = zero_lower;
  json["zero_upper"] = zero_upper;
}

void PointFeatureOptions::check(std::int64_t d, const std::string& owner) const {
  const auto n = static_cast<std::size_t>(d);
  NOPAL_CHECK(lower.size() == upper.size() && (lower.empty() || lower.size() == n), owner,
              ": 'lower' and 'upper' expect a number for each of ", d, " coordinates, got ",
              lower.size(), " and ", upper.size());
  for (std::size_t a = 0; a < lower.size(); ++a)
    NOPAL_CHECK(lower[a] < upper[a], owner, ": 'lower' must be below 'upper', got ", lower[a],
                " and ", upper[a]);
  NOPAL_CHECK(harmonics.empty() || harmonics.size() == n, owner,
              ": 'harmonics' expects an entry for each of ", d, " coordinates, got ",
              harmonics.size());
  NOPAL_CHECK(periods.empty() || periods.size() == harmonics.size(), owner,
              ": 'periods' expects as many entries as 'harmonics', ", harmonics.size(), ", got ",
              periods.size());
  for (std::size_t a = 0; a < harmonics.size(); ++a)
    NOPAL_CHECK(harmonics[a] >= 0 && (harmonics[a] == 0 || periods.empty() || periods[a] > 0),
                owner, ": expected 'harmonics' of at least 0 and 'periods' above 0, got ",
                harmonics[a], " and ", periods.empty() ? 1 : periods[a]);
  NOPAL_CHECK(fourier_features == 0 || harmonics.empty(), owner,
              ": 'fourier_features' and 'harmonics' exclude each other");
  NOPAL_CHECK(!has_zeros() || bounded(), owner,
              ": 'zero_lower' and 'zero_upper' need the box, 'lower' and 'upper'");
  for (const auto* list : {&zero_lower, &zero_upper})
    for (const std::int64_t j : *list)
      NOPAL_CHECK(j >= 0 && j < d, owner,
                  ": 'zero_lower' and 'zero_upper' expect coordinates from ", "0 to ", d - 1,
                  ", got ", j);
}

std::int64_t PointFeatureOptions::count(std::int64_t d) const {
  if (fourier_features > 0) return 2 * fourier_features;
  std::int64_t features = 0;
  for (const Column& c : columns_of(*this, d))
    features = c.features;
  return features;
}

template <class T>
PointFeatures<T>::PointFeatures(ParameterStore<T>& store, const std::string& name, std::int64_t d,
                                const PointFeatureOptions& options)
    : dimension_(d), options_(options) {
  const std::int64_t m = options.fourier_features;
  if (m == 0) return;
  directions_ = store.normal_buffer(name + ".directions", {m, d}, options.fourier_scale);
}

template <class T>
Variable<T> PointFeatures<T>::forward(const Variable<T>& points) const {
  const std::vector<Column> columns = columns_of(options_, dimension_);
  const std::int64_t rows = points.value().size() / dimension_;
  Variable<T> result = points;
  if (options_.bounded() || !options_.harmonics.empty()) {
    const Tensor<T> y(points.shape().with(-1, columns[0].features));
    for (const Column& column : columns)
      evaluate(column, rows, points.value().data(), y.data());
    result = y;
    if (needs_record(points))
      result = record<T>(y, [points, y, columns, rows](const Tensor<T>& dy) {
        // The coordinates write to columns of their own.
        const auto [dx, beta] = points.gradient_slot();
        for (const Column& column : columns)
          adjoint(column, rows, y.data(), dy.data(), beta, dx.data());
      });
  }
  if (!directions_.defined()) return result;
  const auto [weight, phase] = fourier_layer(directions_);
  return linear(result, Variable<T>(weight), Variable<T>(phase), Activation::sin);
}

template <class T>
Tensor<T> PointFeatures<T>::jet(const Tensor<T>& points, const JetLayout& layout) const {
  const std::vector<Column> columns = columns_of(options_, dimension_);
  coordinate_jet(points, layout);  // checks the shapes
  const std::int64_t rows = points.extent(0), features = columns[0].features,
                     size = rows * features;
  Tensor<T> result = Tensor<T>::zeros({layout.count(), rows, features});
  for (std::size_t j = 0; j < columns.size(); ++j) {
    evaluate(columns[j], rows, points.data(), result.data());
    const int order = layout.orders()[j];
    if (order == 0) continue;
    T* const first = result.data() + layout.place(j, 1) * size;
    differentiate(columns[j], rows, result.data(), first,
                  order > 1 ? result.data() + layout.place(j, 2) * size : nullptr);
  }
  if (!directions_.defined()) return result;
  const auto [weight, phase] = fourier_layer(directions_);
  const Variable<T> z = linear(Variable<T>(result), Variable<T>(weight), Variable<T>());
  return activate_jet(z, Variable<T>(phase), layout, Activation::sin).value();
}

// 1 for no zeros; (J, P, 1). Few numbers, made on the host: along each coordinate the factor is a
// polynomial of degree 2 at most.
template <class T>
Tensor<T> PointFeatures<T>::zero_factor(const Tensor<T>& points, const JetLayout& layout) const {
  const auto d = static_cast<std::size_t>(dimension_);
  const std::vector<T> x = points.to_vector();
  const std::size_t rows = x.size() / d;
  std::vector<T> jet(static_cast<std::size_t>(layout.count()) * rows);
  const auto listed = [](const std::vector<std::int64_t>& list, std::size_t j) {
    return std::find(list.begin(), list.end(), static_cast<std::int64_t>(j)) != list.end();
  };
  for (std::size_t r = 0; r < rows; ++r) {
    std::vector<double> value(d), first(d), second(d);
    for (std::size_t j = 0; j < d; ++j) {
      const double width = options_.upper[j] - options_.lower[j];
      const double s = (static_cast<double>(x[r * d + j]) - options_.lower[j]) / width;
      const bool low = listed(options_.zero_lower, j), high = listed(options_.zero_upper, j);
      const double a = low ? s : 1, b = high ? 1 - s : 1;
      const double a1 = low ? 1 / width : 0, b1 = high ? -1 / width : 0;
      value[j] = a * b;
      first[j] = a1 * b + a * b1;
      second[j] = 2 * a1 * b1;
    }
    // The product with factor j replaced.
    const auto product = [&](std::size_t j, double replaced) {
      double p = 1;
      for (std::size_t i = 0; i < d; ++i)
        p *= i == j ? replaced : value[i];
      return static_cast<T>(p);
    };
    jet[r] = product(d, 0);
    for (std::size_t j = 0; j < layout.orders().size(); ++j)
      for (int order = 1; order <= layout.orders()[j]; ++order)
        jet[static_cast<std::size_t>(layout.place(j, order)) * rows + r] =
            product(j, order == 1 ? first[j] : second[j]);
  }
  return Tensor<T>::from_host({layout.count(), static_cast<std::int64_t>(rows), 1}, jet);
}

template <class T>
Variable<T> PointFeatures<T>::constrain(const Variable<T>& outputs,
                                        const Variable<T>& points) const {
  if (!options_.has_zeros()) return outputs;
  NOPAL_CHECK(!needs_record(points), "'zero_lower' and 'zero_upper': gradients in the points are ",
              "not there; take derivatives()");
  const JetLayout value(std::vector<int>(static_cast<std::size_t>(dimension_), 0));
  const Shape jet{1, outputs.shape()[0],
                  outputs.value().size() / std::max<std::int64_t>(1, outputs.shape()[0])};
  return reshape(multiply_jet(reshape(outputs, jet), zero_factor(points.value(), value), value),
                 outputs.shape());
}

template <class T>
Variable<T> PointFeatures<T>::constrain_jet(const Variable<T>& outputs, const Tensor<T>& points,
                                            const JetLayout& layout) const {
  return options_.has_zeros() ? multiply_jet(outputs, zero_factor(points, layout), layout)
                              : outputs;
}

template <class T>
Tensor<T> PointFeatures<T>::in_box(const Tensor<T>& points) const {
  if (!options_.bounded()) return points;
  std::vector<T> x = points.to_vector();
  const auto d = static_cast<std::size_t>(dimension_);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double low = options_.lower[i % d], high = options_.upper[i % d];
    x[i] = static_cast<T>(low + static_cast<double>(x[i]) * (high - low));
  }
  return Tensor<T>::from_host(points.shape(), x);
}

template <class T>
void PointFeatures<T>::report_outside(const Tensor<T>& points, const std::string& owner) const {
  if (!options_.bounded() || reported_ || Tape<T>::active() || points.size() == 0) return;
  const std::vector<T> x = points.to_vector();
  const auto d = static_cast<std::size_t>(dimension_);
  std::size_t outside = 0;
  for (std::size_t r = 0; r < x.size(); r += d) {
    bool in = true;
    for (std::size_t j = 0; j < d; ++j) {
      const double low = options_.lower[j], high = options_.upper[j], slack = 1e-6 * (high - low);
      const auto value = static_cast<double>(x[r + j]);
      in = in && (options_.harmonics.empty() || options_.harmonics[j] == 0
                      ? value >= low - slack && value <= high + slack
                      : true);
    }
    outside += in ? 0 : 1;
  }
  if (outside == 0) return;
  reported_ = true;
  const std::size_t count = x.size() / d;
  char line[200];
  std::snprintf(
      line, sizeof line,
      "warning: %s: %.1f %% of %zu points lie outside the box that it was trained on; the "
      "output there is a guess",
      owner.c_str(), 100.0 * static_cast<double>(outside) / static_cast<double>(count), count);
  log(line);
}

template class PointFeatures<float>;
template class PointFeatures<double>;

}  // namespace nopal
