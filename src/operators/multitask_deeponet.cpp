// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/io/option_reader.hpp>
#include <nopal/nn/branch_trunk.hpp>
#include <nopal/nn/dense_network.hpp>
#include <nopal/nn/elementwise.hpp>
#include <nopal/nn/training_mode.hpp>
#include <nopal/operators/multitask_deeponet.hpp>

#include "core/parallel.hpp"
#include "operators/point_tools.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <optional>

namespace nopal {
namespace {

using Widths = std::vector<std::int64_t>;

DenseOptions branch_options(const MultitaskDeepONetOptions& o) {
  DenseOptions d;
  d.activation = activation_from_string(o.branch_activation);
  d.last_activation = activation_from_string(o.branch_last_activation);
  d.norm = o.branch_norm;
  d.dropout = o.dropout;
  d.deviation = o.deviation;
  return d;
}

DenseOptions trunk_options(const MultitaskDeepONetOptions& o) {
  DenseOptions d;
  d.activation = activation_from_string(o.trunk_activation);
  d.last_activation = activation_from_string(o.trunk_last_activation);
  d.norm = o.trunk_norm;
  d.projected_skip = o.trunk_skip;
  d.deviation = o.deviation;
  return d;
}

Widths branch_widths(const MultitaskDeepONetOptions& o) {
  Widths widths{o.coefficients + o.image.features(o.sensors, "multitask_deeponet")};
  widths.insert(widths.end(), o.branch.begin(), o.branch.end());
  widths.back() *= o.out_channels;
  return widths;
}

Widths trunk_widths(const MultitaskDeepONetOptions& o) {
  Widths widths{o.features.count(o.dimension)};
  widths.insert(widths.end(), o.trunk.begin(), o.trunk.end());
  return widths;
}

void check(const MultitaskDeepONetOptions& o) {
  const auto positive = [](const char* name, const Widths& list) {
    NOPAL_CHECK(!list.empty() && *std::min_element(list.begin(), list.end()) >= 1,
                "multitask_deeponet: '", name, "' expects a list of numbers of at least 1");
  };
  positive("branch", o.branch);
  positive("trunk", o.trunk);
  NOPAL_CHECK(o.branch.back() == o.trunk.back(),
              "multitask_deeponet: branch and trunk must end with the same width, the number of "
              "basis functions, got ",
              o.branch.back(), " and ", o.trunk.back());
  NOPAL_CHECK(!o.mask || (o.image.used() &&
                          o.image.image.size() == static_cast<std::size_t>(o.dimension) + 1),
              "multitask_deeponet: 'mask' needs an 'image' of ", o.dimension,
              " axes and channels, the last of which is the mask");
  o.features.check(o.dimension, "multitask_deeponet");
  NOPAL_CHECK(!o.features.has_zeros() || !o.bias, "multitask_deeponet: 'bias' must be false where ",
              "outputs have to vanish");
}

// Where an image lies, for the lookup of its last channel.
struct ImagePlace {
  std::int64_t n[3]{1, 1, 1};
  double low[3]{0, 0, 0}, scale[3]{0, 0, 0};
  std::int64_t channels = 1;
  int dimension = 1;
};

template <class T>
KOKKOS_INLINE_FUNCTION T mask_at(const ImagePlace& place, const T* image, const T* point) {
  std::int64_t at = 0;
  for (int a = 0; a < place.dimension; ++a) {
    const double s = (static_cast<double>(point[a]) - place.low[a]) * place.scale[a];
    auto i = static_cast<std::int64_t>(std::floor(s + 0.5));
    i = i < 0 ? 0 : i < place.n[a] ? i : place.n[a] - 1;
    at = at * place.n[a] + i;
  }
  return image[at * place.channels + place.channels - 1];
}

}  // namespace

MultitaskDeepONetOptions MultitaskDeepONetOptions::from_json(const nlohmann::json& json) {
  MultitaskDeepONetOptions o;
  OptionReader read(json, "multitask_deeponet");
  read("coefficients", o.coefficients, 0);
  read("sensors", o.sensors, 1);
  o.image.read(read);
  read("mask", o.mask);
  read("dimension", o.dimension, 1, 3);
  read("out_channels", o.out_channels, 1);
  o.features.read(read);
  read("branch", o.branch);
  read("trunk", o.trunk);
  read("branch_activation", o.branch_activation);
  read("trunk_activation", o.trunk_activation);
  read("branch_last_activation", o.branch_last_activation);
  read("trunk_last_activation", o.trunk_last_activation);
  read.choice("branch_norm", o.branch_norm, {"none", "layer", "batch"});
  read.choice("trunk_norm", o.trunk_norm, {"none", "layer", "batch"});
  read("dropout", o.dropout, 0, 0.99);
  read("trunk_skip", o.trunk_skip);
  read("bias", o.bias);
  read("deviation", o.deviation, 0);
  read.finish();
  branch_options(o);  // names of activations
  trunk_options(o);
  check(o);
  return o;
}

nlohmann::json MultitaskDeepONetOptions::to_json() const {
  nlohmann::json json{{"coefficients", coefficients},
                      {"sensors", sensors},
                      {"mask", mask},
                      {"dimension", dimension},
                      {"out_channels", out_channels},
                      {"branch", branch},
                      {"trunk", trunk},
                      {"branch_activation", branch_activation},
                      {"trunk_activation", trunk_activation},
                      {"branch_last_activation", branch_last_activation},
                      {"trunk_last_activation", trunk_last_activation},
                      {"branch_norm", branch_norm},
                      {"trunk_norm", trunk_norm},
                      {"dropout", dropout},
                      {"trunk_skip", trunk_skip},
                      {"bias", bias},
                      {"deviation", deviation}};
  features.write(json);
  image.write(json);
  return json;
}

double MultitaskDeepONetOptions::parameter_count() const {
  return image.parameter_count() +
         DenseNetwork<float>::parameter_count(branch_widths(*this), branch_options(*this)) +
         DenseNetwork<float>::parameter_count(trunk_widths(*this), trunk_options(*this)) +
         (bias ? static_cast<double>(out_channels) : 0);
}

template <class T>
struct MultitaskDeepONet<T>::Networks {
  explicit Networks(std::uint64_t seed) : store(seed) {}

  ParameterStore<T> store;
  std::optional<ImageNetwork<T>> image;
  DenseNetwork<T> branch, trunk;
  PointFeatures<T> features;
  const Parameter<T>* bias = nullptr;
  ImagePlace place;

  detail::InputSplitter<T> splitter;

  // (B, C, K)
  Variable<T> branch_of(std::span<const Variable<T>> functions,
                        const MultitaskDeepONetOptions& o) const {
    const Variable<T>& u = functions.back();
    Variable<T> x = u;
    if (image) {
      Shape shape{u.shape()[0]};
      for (const std::int64_t n : o.image.image)
        shape.push_back(n);
      x = image->forward(reshape(u, shape));
    }
    if (o.coefficients > 0) x = join_channels(std::vector<Variable<T>>{functions[0], x});
    const Variable<T> b = branch.forward(x);
    return reshape(b, {u.shape()[0], o.out_channels, o.trunk.back()});
  }

  // (P, 1, K)
  Variable<T> trunk_of(const Variable<T>& y, const MultitaskDeepONetOptions& o) const {
    std::optional<TrainingMode> mode;
    if (const TrainingStep* step = TrainingMode::active()) mode.emplace(step->of_points());
    const Variable<T> t = features.constrain(trunk.forward(features.forward(y)), y);
    return reshape(t, {y.shape()[0], 1, o.trunk.back()});
  }
};

template <class T>
MultitaskDeepONet<T>::MultitaskDeepONet(const MultitaskDeepONetOptions& options, std::uint64_t seed)
    : options_(options), networks_(std::make_unique<Networks>(seed)) {
  check(options_);
  const MultitaskDeepONetOptions& o = options_;
  Networks& n = *networks_;
  const Widths branch = branch_widths(o);
  if (o.image.used()) {
    n.image.emplace(n.store, "image", o.image.extents(), o.image.network());
    n.place.dimension = static_cast<int>(o.image.image.size()) - 1;
    n.place.channels = o.image.image.back();
    for (int a = 0; a < n.place.dimension; ++a) {
      const auto i = static_cast<std::size_t>(a);
      n.place.n[a] = o.image.image[i];
      const PointFeatureOptions& box = o.features;
      n.place.low[a] = box.bounded() ? box.lower[i] : 0;
      n.place.scale[a] =
          static_cast<double>(n.place.n[a] - 1) / (box.bounded() ? box.upper[i] - box.lower[i] : 1);
    }
  }
  n.branch = DenseNetwork<T>(n.store, "branch", branch, branch_options(o));
  n.features = PointFeatures<T>(n.store, "features", o.dimension, o.features);
  n.trunk = DenseNetwork<T>(n.store, "trunk", trunk_widths(o), trunk_options(o));
  if (o.bias) n.bias = &n.store.constant("bias", {o.out_channels}, 0);
  n.store.append_parameters(parameters_);
  n.store.append_buffers(buffers_);
}

template <class T>
MultitaskDeepONet<T>::~MultitaskDeepONet() = default;

template <class T>
nlohmann::json MultitaskDeepONet<T>::configuration() const {
  return options_.to_json();
}

template <class T>
void MultitaskDeepONet<T>::check_inputs(std::span<const Shape> inputs) const {
  const MultitaskDeepONetOptions& o = options_;
  const std::size_t functions = o.coefficients > 0 ? 2 : 1;
  if (inputs.size() == 1 && functions == 1) {
    const Shape& x = inputs[0];
    NOPAL_CHECK(x.rank() == o.dimension + 2 && x.with(0, 1).size() == o.sensors,
                "multitask_deeponet has ", o.sensors, " sensors and ", o.dimension,
                " coordinates; a field (B, X1, ..., Xd, Cin) must have as many values a sample, ",
                "got ", x);
    return;
  }
  NOPAL_CHECK(inputs.size() == functions + 1, "multitask_deeponet takes ",
              functions == 2 ? "coefficients, " : "", "a function (B, ", o.sensors,
              ") and points (P, ", o.dimension, "), got ", inputs.size(), " inputs");
  const Shape& u = inputs[functions - 1];
  NOPAL_CHECK(functions == 1 ||
                  (inputs[0].rank() == 2 && inputs[0][1] == o.coefficients && inputs[0][0] == u[0]),
              "multitask_deeponet: coefficients have shape ", inputs[0], ", expected (B, ",
              o.coefficients, ")");
  NOPAL_CHECK(u.rank() == 2 && u[1] == o.sensors, "multitask_deeponet: the function has shape ", u,
              ", expected (B, ", o.sensors, "), the sensors of its branch");
  const Shape& y = inputs[functions];
  NOPAL_CHECK(y.rank() == 2 && y[1] == o.dimension, "multitask_deeponet: points have shape ", y,
              ", expected (P, ", o.dimension, ")");
}

template <class T>
Variable<T> MultitaskDeepONet<T>::forward(std::span<const Variable<T>> inputs) const {
  const ScopedRegion region("multitask_deeponet");
  std::vector<Shape> shapes;
  for (const Variable<T>& input : inputs)
    shapes.push_back(input.shape());
  check_inputs(shapes);
  const Networks& n = *networks_;
  const auto [functions, points, result] =
      n.splitter.split(inputs, options_.out_channels, n.features, name());
  const Variable<T> y = branch_trunk(n.branch_of(functions, options_), n.trunk_of(points, options_),
                                     n.bias ? n.bias->variable : Variable<T>());
  if (!options_.mask) return reshape(y, result);
  const std::int64_t channels = options_.out_channels, count = points.shape()[0];
  const Tensor<T> mask(y.shape());
  const T *u = functions.back().value().data(), *p = points.value().data();
  T* m = mask.data();
  const ImagePlace place = n.place;
  const std::int64_t sensors = options_.sensors;
  detail::parallel_for(
      "nopal::mask",
      Kokkos::RangePolicy<ExecutionSpace, Kokkos::IndexType<std::int64_t>>(0, shapes[0][0] * count),
      KOKKOS_LAMBDA(std::int64_t i) {
        const T value = mask_at(place, u + i / count * sensors, p + i % count * place.dimension);
        for (std::int64_t c = 0; c < channels; ++c)
          m[i * channels + c] = value;
      });
  return reshape(product(y, Variable<T>(mask)), result);
}

template <class T>
Variable<T> MultitaskDeepONet<T>::forward_rows(std::span<const Variable<T>> functions,
                                               const Variable<T>& points,
                                               const std::vector<std::int64_t>& offsets) const {
  const ScopedRegion region("multitask_deeponet");
  std::vector<Shape> shapes;
  for (const Variable<T>& function : functions)
    shapes.push_back(function.shape());
  shapes.push_back(points.shape());
  check_inputs(shapes);
  const Networks& n = *networks_;
  n.features.report_outside(points.value(), name());
  Variable<T> y = branch_trunk_rows(n.branch_of(functions, options_), n.trunk_of(points, options_),
                                    offsets, n.bias ? n.bias->variable : Variable<T>());
  if (!options_.mask) return y;
  const std::int64_t channels = options_.out_channels, d = options_.dimension;
  std::vector<T> mask;
  const std::vector<T> u = functions.back().value().to_vector(), p = points.value().to_vector();
  for (std::size_t b = 0; b + 1 < offsets.size(); ++b)
    for (std::int64_t r = offsets[b]; r < offsets[b + 1]; ++r)
      mask.insert(mask.end(), static_cast<std::size_t>(channels),
                  mask_at(n.place, u.data() + static_cast<std::int64_t>(b) * options_.sensors,
                          p.data() + r * d));
  return product(y, Variable<T>(Tensor<T>::from_host(y.shape(), mask)));
}

template <class T>
Cost MultitaskDeepONet<T>::cost(std::span<const Shape> inputs) const {
  check_inputs(inputs);
  const Networks& n = *networks_;
  const bool field = inputs.size() == 1;
  const std::int64_t functions = inputs[0][0];
  const std::int64_t points = field ? inputs[0].with(0, 1).with(-1, 1).size() : inputs.back()[0];
  Cost total = n.branch.cost(functions);
  const auto add = [&](const Cost& cost) {
    total.flops += cost.flops;
    total.bytes += cost.bytes;
  };
  add(n.trunk.cost(points));
  if (n.image) add(n.image->cost(functions));
  const double outputs = static_cast<double>(functions) * static_cast<double>(points) *
                         static_cast<double>(options_.out_channels);
  total.flops += 2 * outputs * static_cast<double>(options_.trunk.back());
  total.bytes += outputs * sizeof(T);
  return total;
}

template class MultitaskDeepONet<float>;
template class MultitaskDeepONet<double>;

}  // namespace nopal
