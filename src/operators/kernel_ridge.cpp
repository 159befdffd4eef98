// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/io/option_reader.hpp>
#include <nopal/nn/initialisation.hpp>
#include <nopal/operators/kernel_ridge.hpp>

#include "operators/eigen_tools.hpp"
#include "operators/point_tools.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

namespace nopal {
namespace {

using detail::Matrix;
using detail::Rows;
using detail::to_matrix;

const std::vector<std::string> kernels{"gaussian", "linear", "matern_3_2", "matern_5_2"};

// |a_i - b_j|^2
Matrix squared_distances(const Matrix& a, const Matrix& b) {
  Matrix d = -2 * a * b.transpose();
  d.colwise() += a.rowwise().squaredNorm();
  d.rowwise() += b.rowwise().squaredNorm().transpose();
  return d.cwiseMax(0);
}

Matrix kernel_matrix(const std::string& kernel, const Matrix& a, const Matrix& b, double length) {
  if (kernel == "linear") return a * b.transpose() / (length * length);
  const Eigen::ArrayXXd r2 = squared_distances(a, b).array() / (length * length);
  if (kernel == "gaussian") return (-r2 / 2).exp();
  if (kernel == "matern_3_2") {
    const Eigen::ArrayXXd r = (3 * r2).sqrt();
    return (1 + r) * (-r).exp();
  }
  const Eigen::ArrayXXd r = (5 * r2).sqrt();
  return (1 + r + 5 * r2 / 3) * (-r).exp();
}

// Of the first samples, which are enough to tell a length.
double median_distance(const Matrix& x) {
  const Matrix some = x.topRows(std::min<Eigen::Index>(x.rows(), 500));
  const Matrix d = squared_distances(some, some);
  std::vector<double> values;
  for (Eigen::Index i = 0; i < d.rows(); ++i)
    for (Eigen::Index j = 0; j < i; ++j)
      values.push_back(d(i, j));
  if (values.empty()) return 1;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return std::sqrt(*middle);
}

}  // namespace

KernelRidgeOptions KernelRidgeOptions::from_json(const nlohmann::json& json) {
  KernelRidgeOptions o;
  OptionReader read(json, "kernel_ridge");
  read("samples", o.samples, 1);
  read("sensors", o.sensors, 1);
  read("points", o.points, 1);
  read("out_channels", o.out_channels, 1);
  read.choice("kernel", o.kernel, kernels);
  read("length", o.length);
  read("nugget", o.nugget);
  read.finish();
  NOPAL_CHECK(o.length > 0 && o.nugget >= 0,
              "kernel_ridge: expected 'length' above 0 and 'nugget' of at least 0, got ", o.length,
              " and ", o.nugget);
  return o;
}

nlohmann::json KernelRidgeOptions::to_json() const {
  return {{"samples", samples}, {"sensors", sensors},
          {"points", points},   {"out_channels", out_channels},
          {"kernel", kernel},   {"length", length},
          {"nugget", nugget}};
}

double KernelRidgeOptions::parameter_count() const {
  const auto f = [](std::int64_t x) { return static_cast<double>(x); };
  return f(samples) * (f(sensors) + f(points) * f(out_channels)) + 1;
}

template <class T>
struct KernelRidge<T>::Implementation {
  ParameterStore<T> store{0};
  const Parameter<T>*inputs, *coefficients, *length;
};

template <class T>
KernelRidge<T>::KernelRidge(const KernelRidgeOptions& options)
    : options_(options), implementation_(std::make_unique<Implementation>()) {
  ParameterStore<T>& store = implementation_->store;
  implementation_->inputs = &store.constant("inputs", {options.samples, options.sensors}, 0);
  implementation_->coefficients =
      &store.constant("coefficients", {options.samples, options.points * options.out_channels}, 0);
  implementation_->length = &store.constant("length", {1}, 1);
  store.append_parameters(parameters_);
}

template <class T>
KernelRidge<T>::~KernelRidge() = default;

template <class T>
nlohmann::json KernelRidge<T>::configuration() const {
  return options_.to_json();
}

template <class T>
void KernelRidge<T>::check_inputs(std::span<const Shape> inputs) const {
  NOPAL_CHECK(inputs.size() == 1 && inputs[0].rank() >= 2 &&
                  inputs[0].with(0, 1).size() == options_.sensors,
              "kernel_ridge takes functions of ", options_.sensors, " values a sample, got ",
              inputs.empty() ? Shape() : inputs[0]);
}

template <class T>
Variable<T> KernelRidge<T>::forward(std::span<const Variable<T>> inputs) const {
  const ScopedRegion region("kernel_ridge");
  const Shape shape = inputs.empty() ? Shape() : inputs[0].shape();
  check_inputs(std::span(&shape, inputs.size()));
  const Matrix k = kernel_matrix(options_.kernel, to_matrix(inputs[0].value(), shape[0]),
                                 to_matrix(implementation_->inputs->value(), options_.samples),
                                 static_cast<double>(implementation_->length->value().item()));
  const Rows<T> y =
      (k * to_matrix(implementation_->coefficients->value(), options_.samples)).template cast<T>();
  const Tensor<T> result(detail::output_shape(shape, options_.points, options_.out_channels));
  result.copy_from_host(y.data());
  return result;
}

template <class T>
Cost KernelRidge<T>::cost(std::span<const Shape> inputs) const {
  check_inputs(inputs);
  const auto f = [](std::int64_t x) { return static_cast<double>(x); };
  const double per_sample = f(options_.sensors) + f(options_.points) * f(options_.out_channels);
  Cost cost;
  cost.flops = 2 * f(inputs[0][0]) * f(options_.samples) * per_sample;
  cost.bytes = sizeof(T) * (f(inputs[0][0]) + f(options_.samples)) * per_sample;
  return cost;
}

namespace {

template <class T>
void check_training(const KernelRidgeOptions& o, const Tensor<T>& u, const Tensor<T>& v) {
  NOPAL_CHECK(u.rank() >= 1 && u.extent(0) == o.samples && u.size() == o.samples * o.sensors &&
                  v.rank() >= 1 && v.extent(0) == o.samples &&
                  v.size() == o.samples * o.points * o.out_channels,
              "kernel_ridge: expected inputs (", o.samples, ", ", o.sensors, ") and outputs (",
              o.samples, ", ", o.points, ", ", o.out_channels, "), got ", u.shape(), " and ",
              v.shape());
  NOPAL_CHECK(all_finite(u) && all_finite(v),
              "kernel_ridge: expected finite inputs and outputs, got a number that is not");
}

double unit_of_length(const KernelRidgeOptions& o, const Matrix& x) {
  const double unit = o.kernel == "linear" ? x.norm() / std::sqrt(static_cast<double>(o.samples))
                                           : median_distance(x);
  NOPAL_CHECK(unit > 0, "kernel_ridge: the training inputs are all the same, expected some that ",
              "differ");
  return unit;
}

}  // namespace

template <class T>
void KernelRidge<T>::fit(const Tensor<T>& u, const Tensor<T>& v) {
  const ScopedRegion region("kernel_ridge_fit");
  const KernelRidgeOptions& o = options_;
  check_training(o, u, v);
  const Matrix x = to_matrix(u, o.samples);
  const double unit = unit_of_length(o, x);
  implementation_->inputs->value().copy_from(u);
  implementation_->length->value().fill(static_cast<T>(o.length * unit));
  // As forward() will see it, rounded to T.
  const auto length = static_cast<double>(implementation_->length->value().item());
  Matrix k = kernel_matrix(o.kernel, x, x, length);
  k.diagonal().array() += o.nugget * k.diagonal().mean();
  const Eigen::LLT<Matrix> factor(k);
  const Rows<T> coefficients =
      factor.info() == Eigen::Success
          ? Rows<T>(factor.solve(to_matrix(v, o.samples)).template cast<T>())
          : Rows<T>();
  NOPAL_CHECK(coefficients.size() > 0 && coefficients.allFinite(),
              "kernel_ridge: the kernel matrix of ", o.samples,
              " samples is singular to rounding with nugget ", o.nugget,
              "; give a larger one, or leave out samples that are equal");
  implementation_->coefficients->value().copy_from_host(coefficients.data());
}

template <class T>
KernelRidgeOptions choose_kernel(KernelRidgeOptions o, const Tensor<T>& u, const Tensor<T>& v,
                                 const std::vector<double>& scale) {
  check_training(o, u, v);
  NOPAL_CHECK(scale.empty() || static_cast<std::int64_t>(scale.size()) == o.out_channels,
              "kernel_ridge: expected ", o.out_channels, " scales of the outputs, got ",
              scale.size());
  const Matrix x = to_matrix(u, o.samples);
  Matrix y = to_matrix(v, o.samples);
  for (Eigen::Index c = 0; c < y.cols() && !scale.empty(); ++c)
    y.col(c) /= scale[static_cast<std::size_t>(c) % scale.size()];
  const double unit = unit_of_length(o, x);
  double least = std::numeric_limits<double>::infinity();
  KernelRidgeOptions best = o;
  for (const char* kernel : {"matern_3_2", "matern_5_2", "gaussian"})
    for (double length = 0.25; length <= 16; length *= 2) {
      Matrix k = kernel_matrix(kernel, x, x, length * unit);
      k.diagonal().array() += o.nugget * k.diagonal().mean();
      const Eigen::LLT<Matrix> factor(k);
      if (factor.info() != Eigen::Success) continue;
      const Matrix inverse = factor.solve(Matrix::Identity(o.samples, o.samples));
      const double error =
          (inverse.diagonal().cwiseInverse().asDiagonal() * factor.solve(y)).squaredNorm();
      if (!(error < least)) continue;
      least = error;
      best.kernel = kernel;
      best.length = length;
    }
  NOPAL_CHECK(std::isfinite(least), "kernel_ridge: no kernel matrix of these ", o.samples,
              " samples is regular with nugget ", o.nugget, "; give a larger one");
  return best;
}

template KernelRidgeOptions choose_kernel(KernelRidgeOptions, const Tensor<float>&,
                                          const Tensor<float>&, const std::vector<double>&);
template KernelRidgeOptions choose_kernel(KernelRidgeOptions, const Tensor<double>&,
                                          const Tensor<double>&, const std::vector<double>&);

template class KernelRidge<float>;
template class KernelRidge<double>;

}  // namespace nopal
