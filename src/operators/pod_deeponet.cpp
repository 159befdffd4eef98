// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/io/option_reader.hpp>
#include <nopal/nn/branch_trunk.hpp>
#include <nopal/nn/dense_network.hpp>
#include <nopal/nn/elementwise.hpp>
#include <nopal/operators/pod_deeponet.hpp>

#include "operators/eigen_tools.hpp"
#include "operators/point_tools.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace nopal {
namespace {

using detail::copy_matrix;
using detail::Matrix;
using detail::to_matrix;

const std::vector<std::string> scalings{"published", "variance"};

std::vector<std::int64_t> widths(const PodDeepONetOptions& o) {
  std::vector<std::int64_t> all{o.sensors};
  all.insert(all.end(), o.hidden.begin(), o.hidden.end());
  all.push_back(o.modes);
  return all;
}

}  // namespace

template <class T>
PodBasis<T> pod_basis(const Tensor<T>& values, double energy, std::int64_t max_modes) {
  NOPAL_CHECK(values.rank() == 3 && values.extent(0) >= 2,
              "POD: expected at least 2 samples (N, P, C), got ", values.shape());
  NOPAL_CHECK(energy > 0 && energy <= 1 && max_modes >= 0,
              "POD: expected an energy in (0, 1] and a limit of modes of at least 0, got ", energy,
              " and ", max_modes);
  NOPAL_CHECK(all_finite(values), "POD: a sample has a value that is not finite");
  const std::int64_t n = values.extent(0), points = values.extent(1), channels = values.extent(2);
  Matrix y = to_matrix(values, n);
  const Eigen::RowVectorXd mean = y.colwise().mean();
  y.rowwise() -= mean;
  // The smaller of the two products has all eigenvalues that are not 0.
  const bool by_samples = n <= y.cols();
  const Matrix product = by_samples ? Matrix(y * y.transpose()) : Matrix(y.transpose() * y);
  const Eigen::SelfAdjointEigenSolver<Matrix> solver(product);
  const Eigen::VectorXd eigenvalues = solver.eigenvalues().reverse().cwiseMax(0);
  const double total = eigenvalues.sum();
  NOPAL_CHECK(total > 0, "POD: the samples are all the same, there is no mode of their variance");
  PodBasis<T> basis;
  Eigen::Index count = 0;
  double held = 0;
  while (count < eigenvalues.size() && held < energy * total &&
         eigenvalues[count] > 1e-14 * eigenvalues[0] && (max_modes == 0 || count < max_modes))
    held += eigenvalues[count++];
  for (const double value : eigenvalues)
    basis.variances.push_back(value / static_cast<double>(n - 1));
  Matrix modes = solver.eigenvectors().rowwise().reverse().leftCols(count);
  if (by_samples) modes = y.transpose() * modes;
  modes.colwise().normalize();
  basis.mean = Tensor<T>({points, channels});
  copy_matrix(mean, basis.mean);
  basis.modes = Tensor<T>({points, channels, static_cast<std::int64_t>(count)});
  copy_matrix(modes, basis.modes);
  return basis;
}

template <class T>
double PodBasis<T>::projection_error(const Tensor<T>& values) const {
  NOPAL_CHECK(values.rank() == 3 && values.extent(1) == mean.extent(0) &&
                  values.extent(2) == mean.extent(1),
              "POD: expected samples (N, ", mean.extent(0), ", ", mean.extent(1), "), got ",
              values.shape());
  const Matrix y = to_matrix(values, values.extent(0)), phi = to_matrix(modes, mean.size());
  const Matrix centred = y.rowwise() - to_matrix(mean, 1).row(0);
  const Matrix left = centred - centred * phi * phi.transpose();
  return (left.rowwise().norm().array() / y.rowwise().norm().array()).mean();
}

PodDeepONetOptions PodDeepONetOptions::from_json(const nlohmann::json& json) {
  PodDeepONetOptions o;
  OptionReader read(json, "pod_deeponet");
  read("sensors", o.sensors, 1);
  read("points", o.points, 1);
  read("out_channels", o.out_channels, 1);
  read("modes", o.modes, 1);
  read("hidden", o.hidden);
  read("activation", o.activation);
  read.choice("scaling", o.scaling, scalings);
  read.finish();
  activation_from_string(o.activation);
  NOPAL_CHECK(std::all_of(o.hidden.begin(), o.hidden.end(), [](auto w) { return w >= 1; }),
              "pod_deeponet: 'hidden' expects a list of numbers of at least 1");
  return o;
}

nlohmann::json PodDeepONetOptions::to_json() const {
  return {{"sensors", sensors}, {"points", points}, {"out_channels", out_channels},
          {"modes", modes},     {"hidden", hidden}, {"activation", activation},
          {"scaling", scaling}};
}

double PodDeepONetOptions::parameter_count() const {
  return DenseNetwork<float>::parameter_count(widths(*this));
}

template <class T>
struct PodDeepONet<T>::Implementation {
  explicit Implementation(std::uint64_t seed) : store(seed) {}

  ParameterStore<T> store;
  DenseNetwork<T> branch;
  Tensor<T> basis, mean;  // (P, C, K), scaled; (P C)
};

template <class T>
PodDeepONet<T>::PodDeepONet(const PodDeepONetOptions& options, std::uint64_t seed)
    : options_(options), implementation_(std::make_unique<Implementation>(seed)) {
  Implementation& i = *implementation_;
  const PodDeepONetOptions& o = options_;
  DenseOptions dense;
  dense.activation = activation_from_string(o.activation);
  i.branch = DenseNetwork<T>(i.store, "branch", widths(o), dense);
  i.basis = i.store.buffer("basis", {o.points, o.out_channels, o.modes}, 0);
  i.mean = i.store.buffer("mean", {o.points * o.out_channels}, 0);
  i.store.append_parameters(parameters_);
  i.store.append_buffers(buffers_);
}

template <class T>
PodDeepONet<T>::~PodDeepONet() = default;

template <class T>
void PodDeepONet<T>::set_basis(const PodBasis<T>& basis) {
  const PodDeepONetOptions& o = options_;
  NOPAL_CHECK(basis.modes.shape() == Shape({o.points, o.out_channels, o.modes}),
              "pod_deeponet: expected a basis (", o.points, ", ", o.out_channels, ", ", o.modes,
              "), got ", basis.modes.shape());
  Matrix modes = to_matrix(basis.modes, o.points * o.out_channels);
  for (Eigen::Index k = 0; k < modes.cols(); ++k)
    modes.col(k) *=
        o.scaling == "variance"
            ? std::sqrt(basis.variances[static_cast<std::size_t>(k)])
            : std::sqrt(static_cast<double>(modes.rows())) / static_cast<double>(modes.cols());
  copy_matrix(modes, implementation_->basis);
  implementation_->mean.copy_from(basis.mean);
}

template <class T>
nlohmann::json PodDeepONet<T>::configuration() const {
  return options_.to_json();
}

template <class T>
void PodDeepONet<T>::check_inputs(std::span<const Shape> inputs) const {
  NOPAL_CHECK(
      inputs.size() == 1 || inputs.size() == 2,
      "pod_deeponet takes functions (B, sensors), and the points of its basis or none, got ",
      inputs.size(), " inputs");
  NOPAL_CHECK(inputs[0].rank() >= 2 && inputs[0].with(0, 1).size() == options_.sensors,
              "pod_deeponet has ", options_.sensors,
              " sensors; functions must have as many values a sample, got ", inputs[0]);
  NOPAL_CHECK(inputs.size() == 1 || (inputs[1].rank() == 2 && inputs[1][0] == options_.points),
              "pod_deeponet gives values at the ", options_.points,
              " points of its basis only, got points ", inputs.back());
}

template <class T>
Variable<T> PodDeepONet<T>::forward(std::span<const Variable<T>> inputs) const {
  const ScopedRegion region("pod_deeponet");
  std::vector<Shape> shapes;
  for (const Variable<T>& input : inputs)
    shapes.push_back(input.shape());
  check_inputs(shapes);
  const PodDeepONetOptions& o = options_;
  const std::int64_t batch = shapes[0][0];
  const Variable<T> coefficients =
      implementation_->branch.forward(reshape(inputs[0], {batch, o.sensors}));
  // All values of the field are points of one output here.
  const Variable<T> field = branch_trunk(
      reshape(coefficients, {batch, 1, o.modes}),
      Variable<T>(implementation_->basis.reshape({o.points * o.out_channels, 1, o.modes})));
  const Variable<T> result = add_bias(reshape(field, {batch, o.points * o.out_channels}),
                                      Variable<T>(implementation_->mean));
  return reshape(result, detail::output_shape(shapes[0], o.points, o.out_channels));
}

template <class T>
Variable<T> PodDeepONet<T>::forward_rows(std::span<const Variable<T>>, const Variable<T>& points,
                                         const std::vector<std::int64_t>&) const {
  NOPAL_CHECK(
      false, "pod_deeponet gives values at the ", options_.points,
      " points of its basis, for all functions the same ones; got points of each function's ",
      "own, ", points.shape());
}

template <class T>
Cost PodDeepONet<T>::cost(std::span<const Shape> inputs) const {
  check_inputs(inputs);
  Cost cost = implementation_->branch.cost(inputs[0][0]);
  const auto f = [](std::int64_t x) { return static_cast<double>(x); };
  const double values = f(options_.points) * f(options_.out_channels);
  cost.flops += 2 * f(inputs[0][0]) * values * f(options_.modes);
  cost.bytes += sizeof(T) * values * (f(inputs[0][0]) + f(options_.modes));
  return cost;
}

#define NOPAL_INSTANTIATE(T)                                                 \
  template struct PodBasis<T>;                                               \
  template PodBasis<T> pod_basis<T>(const Tensor<T>&, double, std::int64_t); \
  template class PodDeepONet<T>;
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal
