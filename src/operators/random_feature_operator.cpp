// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/random.hpp>
#include <nopal/io/option_reader.hpp>
#include <nopal/nn/branch_trunk.hpp>
#include <nopal/nn/elementwise.hpp>
#include <nopal/nn/initialisation.hpp>
#include <nopal/nn/linear.hpp>
#include <nopal/operators/random_feature_operator.hpp>

#include "data/point_checks.hpp"
#include "operators/eigen_tools.hpp"
#include "operators/least_squares.hpp"
#include "operators/point_tools.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace nopal {
namespace {

using detail::copy_matrix;
using detail::Matrix;
using detail::to_matrix;

const std::vector<std::string> feature_kinds{"linear", "sin"};

}  // namespace

RandomFeatureOptions RandomFeatureOptions::from_json(const nlohmann::json& json) {
  RandomFeatureOptions o;
  OptionReader read(json, "random_feature_operator");
  read("sensors", o.sensors, 1);
  read("points", o.points, 1);
  read("dimension", o.dimension, 1, 16);
  read("out_channels", o.out_channels, 1);
  read.choice("features", o.features, feature_kinds);
  read("count", o.count, 1);
  read("trunk_count", o.trunk_count, 0);
  read("scale", o.scale);
  read("threshold", o.threshold);
  read.finish();
  NOPAL_CHECK(o.scale > 0 && o.threshold >= 0 && o.threshold < 1,
              "random_feature_operator: expected 'scale' above 0 and 'threshold' in [0, 1), got ",
              o.scale, " and ", o.threshold);
  return o;
}

nlohmann::json RandomFeatureOptions::to_json() const {
  return {{"sensors", sensors},           {"points", points},     {"dimension", dimension},
          {"out_channels", out_channels}, {"features", features}, {"count", count},
          {"trunk_count", trunk_count},   {"scale", scale},       {"threshold", threshold}};
}

double RandomFeatureOptions::parameter_count() const {
  const auto f = [](std::int64_t x) { return static_cast<double>(x); };
  const double columns = f(trunk_count > 0 ? trunk_count : points);
  return (f(sensors) + 1) * f(count) + f(points) * f(dimension) +
         (f(dimension) + 1) * f(trunk_count) + f(count) * f(out_channels) * columns;
}

template <class T>
struct RandomFeatureOperator<T>::Implementation {
  explicit Implementation(std::uint64_t seed) : store(seed) {}

  ParameterStore<T> store;
  const Parameter<T>*weight, *phase, *points, *readout;
  const Parameter<T>*trunk_weight = nullptr, *trunk_bias = nullptr;
};

template <class T>
RandomFeatureOperator<T>::RandomFeatureOperator(const RandomFeatureOptions& options,
                                                std::uint64_t seed)
    : options_(options), seed_(seed), implementation_(std::make_unique<Implementation>(seed)) {
  const RandomFeatureOptions& o = options_;
  ParameterStore<T>& store = implementation_->store;
  implementation_->weight = &store.constant("branch.weight", {o.sensors, o.count}, 0);
  implementation_->phase = &store.constant("branch.phase", {o.count}, 0);
  implementation_->points = &store.constant("points", {o.points, o.dimension}, 0);
  if (o.trunk_count > 0) {
    implementation_->trunk_weight =
        &store.constant("trunk.weight", {o.dimension, o.trunk_count}, 0);
    implementation_->trunk_bias = &store.constant("trunk.bias", {o.trunk_count}, 0);
  }
  // As the decoder takes it: for each channel its trunk features; or the points with their
  // channels.
  const std::int64_t columns = o.trunk_count > 0 ? o.trunk_count : o.points;
  implementation_->readout = &store.constant("readout", {o.count, o.out_channels * columns}, 0);
  store.append_parameters(parameters_);
}

template <class T>
RandomFeatureOperator<T>::~RandomFeatureOperator() = default;

template <class T>
nlohmann::json RandomFeatureOperator<T>::configuration() const {
  return options_.to_json();
}

template <class T>
Variable<T> RandomFeatureOperator<T>::branch_features(const Variable<T>& u) const {
  const auto activation = options_.features == "sin" ? Activation::sin : Activation::identity;
  return linear(u, implementation_->weight->variable, implementation_->phase->variable, activation);
}

template <class T>
Variable<T> RandomFeatureOperator<T>::trunk_features(const Variable<T>& y) const {
  return linear(y, implementation_->trunk_weight->variable, implementation_->trunk_bias->variable,
                Activation::tanh);
}

template <class T>
void RandomFeatureOperator<T>::check_inputs(std::span<const Shape> inputs) const {
  NOPAL_CHECK(inputs.size() == 1 || inputs.size() == 2,
              "random_feature_operator takes functions (B, sensors) and points (Q, ",
              options_.dimension, ") or none, got ", inputs.size(), " inputs");
  const Shape& u = inputs[0];
  NOPAL_CHECK(u.rank() >= 2 && u.with(0, 1).size() == options_.sensors,
              "random_feature_operator has ", options_.sensors,
              " sensors; functions must have as many values a sample, got ", u);
  if (inputs.size() == 1) return;
  NOPAL_CHECK(options_.trunk_count > 0, "random_feature_operator without trunk features gives ",
              "values at its ", options_.points, " training points only, got other points");
  NOPAL_CHECK(inputs[1].rank() == 2 && inputs[1][1] == options_.dimension,
              "random_feature_operator: points have shape ", inputs[1], ", expected (Q, ",
              options_.dimension, ")");
}

template <class T>
Variable<T> RandomFeatureOperator<T>::forward(std::span<const Variable<T>> inputs) const {
  const ScopedRegion region("random_feature_operator");
  const RandomFeatureOptions& o = options_;
  std::vector<Shape> shapes;
  for (const Variable<T>& input : inputs)
    shapes.push_back(input.shape());
  check_inputs(shapes);
  const std::int64_t batch = shapes[0][0];
  const Variable<T> functions = reshape(inputs[0], {batch, o.sensors});
  const Variable<T> coefficients =
      linear(branch_features(functions), implementation_->readout->variable, {});
  Variable<T> result;
  if (o.trunk_count > 0) {
    const Variable<T> y =
        inputs.size() > 1 ? inputs[1] : Variable<T>(implementation_->points->value());
    result = branch_trunk(reshape(coefficients, {batch, o.out_channels, o.trunk_count}),
                          reshape(trunk_features(y), {y.shape()[0], 1, o.trunk_count}));
  } else {
    result = reshape(coefficients, {batch, o.points, o.out_channels});
  }
  return reshape(result, detail::output_shape(shapes[0], result.shape()[1], o.out_channels));
}

template <class T>
Cost RandomFeatureOperator<T>::cost(std::span<const Shape> inputs) const {
  check_inputs(inputs);
  const auto f = [](std::int64_t x) { return static_cast<double>(x); };
  const double batch = f(inputs[0][0]), m = f(options_.count), c = f(options_.out_channels);
  const double points = f(inputs.size() > 1 ? inputs[1][0] : options_.points);
  const double columns = f(options_.trunk_count > 0 ? options_.trunk_count : options_.points);
  Cost cost;
  cost.flops =
      2 * batch * m * (f(options_.sensors) + c * columns) + 2 * batch * points * c * columns;
  cost.bytes = sizeof(T) * (m * (f(options_.sensors) + c * columns) +
                            batch * (f(options_.sensors) + c * points));
  return cost;
}

template <class T>
std::int64_t RandomFeatureOperator<T>::fit(const Tensor<T>& u, const Tensor<T>& v,
                                           const Tensor<T>& points, const Communicator& comm) {
  const ScopedRegion region("random_feature_fit");
  const RandomFeatureOptions& o = options_;
  comm.together([&] {
    NOPAL_CHECK(u.rank() >= 1 && u.size() == u.extent(0) * o.sensors,
                "random_feature_operator has ", o.sensors, " sensors, the functions have shape ",
                u.shape());
    NOPAL_CHECK(v.rank() >= 1 && v.extent(0) == u.extent(0) &&
                    v.size() == v.extent(0) * o.points * o.out_channels,
                "random_feature_operator: expected outputs (", u.extent(0), ", ", o.points, ", ",
                o.out_channels, "), got ", v.shape());
    NOPAL_CHECK(points.shape() == Shape({o.points, o.dimension}),
                "random_feature_operator: expected points (", o.points, ", ", o.dimension,
                "), got ", points.shape());
    detail::check_distinct(points);
  });
  const std::int64_t samples = u.extent(0);
  const double values = comm.sum(static_cast<double>(u.size()));
  const Matrix functions = to_matrix(u, samples);
  const double rms = std::sqrt(comm.sum(functions.squaredNorm()) / values);
  NOPAL_CHECK(rms > 0 && std::isfinite(rms),
              "random_feature_operator: the root mean square of the inputs is ", rms,
              ", expected a positive number");

  // Features, drawn in double and rounded to T, so that the fit sees what forward() computes.
  const bool linear_kind = o.features == "linear";
  const double deviation =
      1 / ((linear_kind ? 1 : o.scale) * rms * std::sqrt(static_cast<double>(o.sensors)));
  fill_normal(implementation_->weight->value(), 0, deviation,
              Random(seed_, parameter_stream("branch.weight")));
  if (linear_kind)
    implementation_->phase->value().fill(0);
  else
    fill_uniform(implementation_->phase->value(), 0, 2 * std::numbers::pi,
                 Random(seed_, parameter_stream("branch.phase")));
  implementation_->points->value().copy_from(points);

  Matrix features = functions * to_matrix(implementation_->weight->value(), o.sensors);
  features.rowwise() += to_matrix(implementation_->phase->value(), 1).row(0);
  if (!linear_kind) features = features.array().sin();
  // (n, P, C) with channels before points.
  Matrix outputs(samples, o.out_channels * o.points);
  {
    const std::vector<T> host = v.to_vector();
    for (std::int64_t i = 0; i < samples; ++i)
      for (std::int64_t p = 0; p < o.points; ++p)
        for (std::int64_t c = 0; c < o.out_channels; ++c)
          outputs(i, c * o.points + p) = static_cast<double>(
              host[static_cast<std::size_t>((i * o.points + p) * o.out_channels + c)]);
  }
  const detail::LeastSquaresResult branch =
      detail::least_squares(std::move(features), std::move(outputs), o.threshold, comm);
  if (o.trunk_count == 0) {
    Matrix readout(o.count, o.points * o.out_channels);
    for (std::int64_t p = 0; p < o.points; ++p)
      for (std::int64_t c = 0; c < o.out_channels; ++c)
        readout.col(p * o.out_channels + c) = branch.x.col(c * o.points + p);
    copy_matrix(readout, implementation_->readout->value());
    return branch.rank;
  }

  // Trunk: slopes up to 2 (4 + 0.09 N) / length, centres spread over the box of the points.
  const detail::PointBox box = detail::bounding_box(points);
  const Random slopes(seed_, parameter_stream("trunk.weight")),
      centres(seed_, parameter_stream("trunk.bias"));
  const auto d = static_cast<std::size_t>(o.dimension);
  const auto n = static_cast<std::size_t>(o.trunk_count);
  std::vector<T> weight(d * n), bias(n);
  for (std::size_t j = 0; j < n; ++j) {
    double offset = 0;
    for (std::size_t a = 0; a < d; ++a) {
      const double length = std::max(box.high[a] - box.low[a], 1e-300);
      const double w =
          (2 * slopes.uniform(a * n + j) - 1) * 2 * (4 + 0.09 * static_cast<double>(n)) / length;
      // Equally spaced on a line, random in more dimensions.
      const double t = d > 1 ? centres.uniform(a * n + j)
                             : (n > 1 ? static_cast<double>(j) / static_cast<double>(n - 1) : 0.5);
      weight[a * n + j] = static_cast<T>(w);
      offset -= w * (box.low[a] + t * length);
    }
    bias[j] = static_cast<T>(offset);
  }
  implementation_->trunk_weight->value().copy_from_host(weight.data());
  implementation_->trunk_bias->value().copy_from_host(bias.data());
  const Matrix basis = to_matrix(trunk_features(points).value(), o.points);
  Matrix readout(o.count, o.out_channels * o.trunk_count);
  for (std::int64_t c = 0; c < o.out_channels; ++c) {
    const detail::LeastSquaresResult trunk = detail::least_squares(
        basis, branch.x.middleCols(c * o.points, o.points).transpose(), o.threshold, {});
    readout.middleCols(c * o.trunk_count, o.trunk_count) = trunk.x.transpose();
  }
  copy_matrix(readout, implementation_->readout->value());
  return branch.rank;
}

template class RandomFeatureOperator<float>;
template class RandomFeatureOperator<double>;

}  // namespace nopal
