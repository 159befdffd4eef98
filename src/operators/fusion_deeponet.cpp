// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/runtime.hpp>
#include <nopal/io/option_reader.hpp>
#include <nopal/nn/branch_trunk.hpp>
#include <nopal/nn/elementwise.hpp>
#include <nopal/nn/initialisation.hpp>
#include <nopal/nn/linear.hpp>
#include <nopal/nn/rowdy.hpp>
#include <nopal/operators/fusion_deeponet.hpp>

#include "core/parallel.hpp"
#include "operators/point_tools.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace nopal {
namespace {

constexpr const char* name_of = "fusion_deeponet";

std::int64_t encoded(const FusionDeepONetOptions& o) {
  return o.encoding == "mip" ? 2 * o.parameters : o.parameters;
}

bool ranged(const FusionDeepONetOptions& o) {
  return !o.parameter_lower.empty();
}

void check(const FusionDeepONetOptions& o) {
  const auto count = static_cast<std::size_t>(o.parameters);
  NOPAL_CHECK(o.parameter_lower.size() == o.parameter_upper.size() &&
                  (!ranged(o) || o.parameter_lower.size() == count),
              name_of, ": parameter_lower and parameter_upper need ", count, " numbers each, got ",
              o.parameter_lower.size(), " and ", o.parameter_upper.size());
  for (std::size_t k = 0; k < o.parameter_lower.size(); ++k)
    NOPAL_CHECK(o.parameter_lower[k] < o.parameter_upper[k], name_of, ": the range of parameter ",
                k, " is empty: from ", o.parameter_lower[k], " to ", o.parameter_upper[k]);
  NOPAL_CHECK(o.encoding == "none" || ranged(o), name_of, ": encoding '", o.encoding,
              "' needs parameter_lower and parameter_upper");
  const auto outputs = static_cast<std::size_t>(o.out_channels);
  NOPAL_CHECK((o.output_scale.empty() || o.output_scale.size() == outputs) &&
                  (o.output_shift.empty() || o.output_shift.size() == outputs),
              name_of, ": output_scale and output_shift need ", outputs, " numbers, got ",
              o.output_scale.size(), " and ", o.output_shift.size());
  o.features.check(o.dimension, name_of);
  NOPAL_CHECK(!o.features.has_zeros() || o.output_shift.empty(), name_of,
              ": outputs cannot vanish and be shifted");
}

}  // namespace

FusionDeepONetOptions FusionDeepONetOptions::from_json(const nlohmann::json& json) {
  FusionDeepONetOptions o;
  OptionReader read(json, name_of);
  read("parameters", o.parameters, 1);
  read("dimension", o.dimension, 1, 3);
  read("out_channels", o.out_channels, 1);
  read("width", o.width, 1);
  read("layers", o.layers, 1, 64);
  read("latent", o.latent, 1);
  read.choice("gate", o.gate, {"raw", "one_plus"});
  read("parameter_lower", o.parameter_lower);
  read("parameter_upper", o.parameter_upper);
  read.choice("encoding", o.encoding, {"none", "mip"});
  o.features.read(read);
  read("output_scale", o.output_scale);
  read("output_shift", o.output_shift);
  read.finish();
  check(o);
  return o;
}

nlohmann::json FusionDeepONetOptions::to_json() const {
  nlohmann::json json{{"parameters", parameters},
                      {"dimension", dimension},
                      {"out_channels", out_channels},
                      {"width", width},
                      {"layers", layers},
                      {"latent", latent},
                      {"gate", gate},
                      {"parameter_lower", parameter_lower},
                      {"parameter_upper", parameter_upper},
                      {"encoding", encoding},
                      {"output_scale", output_scale},
                      {"output_shift", output_shift}};
  features.write(json);
  return json;
}

double FusionDeepONetOptions::parameter_count() const {
  const auto w = static_cast<double>(width), l = static_cast<double>(layers),
             g = static_cast<double>(latent), c = static_cast<double>(out_channels);
  const auto network = [&](std::int64_t inputs, double outputs) {
    return (static_cast<double>(inputs) + 1) * w + (l - 1) * (w + 1) * w + (w + 1) * outputs +
           5 * (l + 1);
  };
  return network(encoded(*this), g * c) + network(features.count(dimension), g);
}

template <class T>
struct FusionDeepONet<T>::Networks {
  struct Layer {
    const Parameter<T>*weight, *bias;
  };
  struct Network {
    std::vector<Layer> layers;  // the last one linear
    const Parameter<T>* activation = nullptr;

    // Number l of the activation numbers.
    Variable<T> numbers(std::size_t l) const {
      return slice(activation->variable, static_cast<std::int64_t>(l), 1);
    }
    Variable<T> apply(std::size_t l, const Variable<T>& x, const RowGate<T>& gate = {},
                      std::int64_t tangents = 0) const {
      const Variable<T> z = linear(x, layers[l].weight->variable, Variable<T>());
      return rowdy(z, layers[l].bias->variable, numbers(l), gate, tangents);
    }
    Variable<T> last(const Variable<T>& x, bool bias = true) const {
      return linear(x, layers.back().weight->variable,
                    bias ? layers.back().bias->variable : Variable<T>());
    }
  };

  explicit Networks(std::uint64_t seed) : store(seed) {}

  // Weights normal with Glorot's deviation times itself, biases alike, as published.
  Network network(const std::string& name, std::int64_t inputs, std::int64_t outputs,
                  const FusionDeepONetOptions& o) {
    Network result;
    std::int64_t in = inputs;
    for (std::int64_t l = 0; l <= o.layers; ++l) {
      const std::int64_t out = l < o.layers ? o.width : outputs;
      const double deviation = 2 / static_cast<double>(in + out);
      const std::string one = name + "." + std::to_string(l);
      const Parameter<T>& weight = store.normal(one + ".weight", {in, out}, deviation);
      result.layers.push_back({&weight, &store.normal(one + ".bias", {out}, deviation)});
      in = out;
    }
    result.activation = &store.constant(name + ".activation", {o.layers + 1, 5}, 0);
    std::vector<T> numbers;
    for (std::int64_t l = 0; l <= o.layers; ++l)
      for (const double number : {0.1, 0.1, 0.0, 0.1, 0.0})
        numbers.push_back(static_cast<T>(number));
    result.activation->value().copy_from_host(numbers.data());
    return result;
  }

  // What the branch says: factors of the trunk's layers (B, W), and the coefficients (B, C, G).
  struct Branch {
    std::vector<Variable<T>> gates;
    Variable<T> coefficients;
  };
  Branch branch_of(const Variable<T>& parameters, const FusionDeepONetOptions& o) const {
    Branch result;
    Variable<T> h = encode(parameters, o), sum;
    for (std::size_t l = 0; l + 1 < branch.layers.size(); ++l) {
      h = branch.apply(l, h);
      sum = l == 0 ? h : linear_combination<T>({{1, sum}, {1, h}});  // all are kept
      result.gates.push_back(sum);
    }
    result.coefficients =
        reshape(branch.last(h), {parameters.shape()[0], o.out_channels, o.latent});
    return result;
  }

  RowGate<T> gate(const Branch& b, std::size_t l, const std::vector<std::int64_t>& offsets,
                  const FusionDeepONetOptions& o) const {
    return {b.gates[l], offsets, o.gate == "one_plus" ? 1.0 : 0.0};
  }

  // Parameters as the first layer reads them; no gradient goes through an encoding.
  Variable<T> encode(const Variable<T>& parameters, const FusionDeepONetOptions& o) const {
    if (!ranged(o)) return parameters;
    std::vector<double> scale, shift;
    for (std::size_t k = 0; k < o.parameter_lower.size(); ++k) {
      scale.push_back(1 / (o.parameter_upper[k] - o.parameter_lower[k]));
      shift.push_back(-o.parameter_lower[k] * scale.back());
    }
    Variable<T> unit = affine_channels(parameters, scale, shift);
    report_outside(unit.value(), o);
    if (o.encoding == "none") return unit;
    const double half_pi = std::acos(0.0);
    const std::vector<double> quarter(scale.size(), half_pi);
    const Variable<T> angle = affine_channels(unit, quarter, {});
    const std::vector<double> one(scale.size(), 1), shifted(scale.size(), half_pi);
    return join_channels(std::vector<Variable<T>>{
        activate(affine_channels(angle, one, shifted), Activation::sin),  // the cosine
        activate(angle, Activation::sin)});
  }

  void report_outside(const Tensor<T>& unit, const FusionDeepONetOptions& o) const {
    if (reported) return;
    const std::vector<T> v = unit.to_vector();
    for (std::size_t i = 0; i < v.size(); ++i) {
      if (v[i] > T(-1e-6) && v[i] < T(1 + 1e-6)) continue;
      const std::size_t k = i % o.parameter_lower.size();
      const double low = o.parameter_lower[k], high = o.parameter_upper[k];
      log(detail::concatenate(
          "warning: ", name_of, ": parameter ", k, " of function ", i / o.parameter_lower.size(),
          " is ", low + static_cast<double>(v[i]) * (high - low),
          ", outside the range that the network was trained for, ", low, " to ", high));
      reported = true;
      return;
    }
  }

  ParameterStore<T> store;
  Network branch, trunk;
  PointFeatures<T> features;
  mutable bool reported = false;
};

template <class T>
FusionDeepONet<T>::FusionDeepONet(const FusionDeepONetOptions& options, std::uint64_t seed)
    : options_(FusionDeepONetOptions::from_json(options.to_json())),
      networks_(std::make_unique<Networks>(seed)) {
  const FusionDeepONetOptions& o = options_;
  Networks& n = *networks_;
  n.branch = n.network("branch", encoded(o), o.out_channels * o.latent, o);
  n.features = PointFeatures<T>(n.store, "features", o.dimension, o.features);
  n.trunk = n.network("trunk", o.features.count(o.dimension), o.latent, o);
  n.store.append_parameters(parameters_);
}

template <class T>
FusionDeepONet<T>::~FusionDeepONet() = default;

template <class T>
nlohmann::json FusionDeepONet<T>::configuration() const {
  return options_.to_json();
}

template <class T>
void FusionDeepONet<T>::check_inputs(std::span<const Shape> inputs) const {
  const FusionDeepONetOptions& o = options_;
  if (inputs.size() == 1 && inputs[0].rank() > 2) {
    NOPAL_CHECK(inputs[0][-1] == o.parameters + o.dimension, name_of,
                ": a field must have channels for ", o.parameters, " parameters and ", o.dimension,
                " coordinates, got ", inputs[0]);
    return;
  }
  NOPAL_CHECK(inputs.size() == 2, name_of, " takes parameters (B, ", o.parameters,
              ") and points (P, ", o.dimension, "), got ", inputs.size(), " inputs");
  NOPAL_CHECK(inputs[0].rank() == 2 && inputs[0][1] == o.parameters, name_of,
              ": the parameters have shape ", inputs[0], ", expected (B, ", o.parameters, ")");
  NOPAL_CHECK(inputs[1].rank() == 2 && inputs[1][1] == o.dimension, name_of, ": points have shape ",
              inputs[1], ", expected (P, ", o.dimension, ")");
}

template <class T>
Variable<T> FusionDeepONet<T>::forward(std::span<const Variable<T>> inputs) const {
  std::vector<Shape> shapes;
  for (const Variable<T>& input : inputs)
    shapes.push_back(input.shape());
  check_inputs(shapes);
  if (inputs.size() == 1) {
    const auto [parameters, at, offsets] = split(inputs[0].value());
    return reshape(forward_rows(std::span(&parameters, 1), at, offsets),
                   shapes[0].with(-1, options_.out_channels));
  }
  const std::int64_t functions = inputs[0].shape()[0], points = inputs[1].shape()[0];
  std::vector<std::int64_t> offsets;
  for (std::int64_t b = 0; b <= functions; ++b)
    offsets.push_back(b * points);
  const Variable<T> y = forward_rows(inputs.first(1), repeat_rows(inputs[1], functions), offsets);
  return reshape(y, {functions, points, options_.out_channels});
}

template <class T>
auto FusionDeepONet<T>::split(const Tensor<T>& field) const -> Rows {
  const std::int64_t functions = field.extent(0), v = options_.parameters, d = options_.dimension;
  const std::int64_t points = functions > 0 ? field.size() / (functions * (v + d)) : 0;
  const Tensor<T> parameters({functions, v}), at({functions * points, d});
  const auto from = field.flat(), first = parameters.flat(), rest = at.flat();
  detail::parallel_flat(
      "nopal::split_field", functions * points, KOKKOS_LAMBDA(std::int64_t r) {
        const std::int64_t place = r * (v + d);
        if (r % points == 0)
          for (std::int64_t k = 0; k < v; ++k)
            first(r / points * v + k) = from(place + k);
        for (std::int64_t a = 0; a < d; ++a)
          rest(r * d + a) = from(place + v + a);
      });
  Rows rows{Variable<T>(parameters), Variable<T>(at), {}};
  for (std::int64_t b = 0; b <= functions; ++b)
    rows.offsets.push_back(b * points);
  return rows;
}

template <class T>
Variable<T> FusionDeepONet<T>::forward_rows(std::span<const Variable<T>> functions,
                                            const Variable<T>& points,
                                            const std::vector<std::int64_t>& offsets) const {
  const ScopedRegion region(name_of);
  std::vector<Shape> shapes;
  for (const Variable<T>& function : functions)
    shapes.push_back(function.shape());
  shapes.push_back(points.shape());
  check_inputs(shapes);
  const Networks& n = *networks_;
  const FusionDeepONetOptions& o = options_;
  n.features.report_outside(points.value(), name());
  const auto branch = n.branch_of(functions[0], o);
  Variable<T> t = n.features.forward(points);
  for (std::size_t l = 0; l < branch.gates.size(); ++l)
    t = n.trunk.apply(l, t, n.gate(branch, l, offsets, o));
  t = n.features.constrain(n.trunk.last(t), points);
  const Variable<T> y =
      branch_trunk_rows(branch.coefficients, reshape(t, {points.shape()[0], 1, o.latent}), offsets);
  return affine_channels(y, o.output_scale, o.output_shift);
}

template <class T>
std::vector<Variable<T>> FusionDeepONet<T>::derivatives_rows(
    std::span<const Variable<T>> functions, const Tensor<T>& points,
    const std::vector<std::int64_t>& offsets, const JetLayout& layout) const {
  const ScopedRegion region("fusion_deeponet_derivatives");
  const Shape shapes[] = {functions.empty() ? Shape{} : functions[0].shape(), points.shape()};
  check_inputs(shapes);
  const auto& orders = layout.orders();
  NOPAL_CHECK(std::all_of(orders.begin(), orders.end(), [](int order) { return order < 2; }),
              name_of, ": derivatives are there up to the first order");
  const Networks& n = *networks_;
  const FusionDeepONetOptions& o = options_;
  const auto branch = n.branch_of(functions[0], o);
  const std::int64_t rows = points.extent(0), tangents = layout.count() - 1;
  Variable<T> t(n.features.jet(points, layout));
  if (tangents == 0) t = reshape(t, {rows, t.shape()[2]});
  for (std::size_t l = 0; l < branch.gates.size(); ++l)
    t = n.trunk.apply(l, t, n.gate(branch, l, offsets, o), tangents);
  std::vector<Variable<T>> jet;
  if (tangents == 0) t = reshape(t, {1, rows, o.width});
  t = activate_jet(n.trunk.last(t, false), n.trunk.layers.back().bias->variable, layout,
                   Activation::identity);
  t = n.features.constrain_jet(t, points, layout);
  for (std::int64_t j = 0; j < layout.count(); ++j)
    jet.push_back(
        affine_channels(branch_trunk_rows(branch.coefficients,
                                          reshape(slice(t, j, 1), {rows, 1, o.latent}), offsets),
                        o.output_scale, j == 0 ? o.output_shift : std::vector<double>()));
  return jet;
}

template <class T>
Cost FusionDeepONet<T>::cost(std::span<const Shape> inputs) const {
  check_inputs(inputs);
  const FusionDeepONetOptions& o = options_;
  const auto w = static_cast<double>(o.width), l = static_cast<double>(o.layers),
             g = static_cast<double>(o.latent), c = static_cast<double>(o.out_channels);
  const auto functions = static_cast<double>(inputs[0][0]);
  const double rows = inputs.size() == 1 ? static_cast<double>(inputs[0].size()) /
                                               static_cast<double>(o.parameters + o.dimension)
                                         : functions * static_cast<double>(inputs[1][0]);
  constexpr double activation = 60;
  const auto network = [&](double in, double out) {
    return 2 * in * w + 2 * (l - 1) * w * w + 2 * w * out + activation * l * w;
  };
  const double flops =
      functions * network(static_cast<double>(encoded(o)), g * c) +
      rows * (network(static_cast<double>(o.features.count(o.dimension)), g) + 2 * g * c);
  return {flops, sizeof(T) * (rows * (static_cast<double>(o.dimension) + c) + o.parameter_count())};
}

template class FusionDeepONet<float>;
template class FusionDeepONet<double>;

}  // namespace nopal
