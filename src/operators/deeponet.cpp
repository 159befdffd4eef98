// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/operators/deeponet.hpp>

#include <nopal/io/option_reader.hpp>
#include <nopal/nn/branch_trunk.hpp>
#include <nopal/nn/dense_network.hpp>
#include <nopal/nn/elementwise.hpp>

#include "operators/point_tools.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace nopal {
namespace {

const std::vector<std::string> strategies{"independent", "split_both", "split_branch",
                                          "split_trunk"};

void check(const DeepONetOptions& o) {
  const auto positive = [](const char* name, const std::vector<std::int64_t>& list) {
    NOPAL_CHECK(!list.empty() && *std::min_element(list.begin(), list.end()) >= 1, "deeponet: '",
                name, "' expects a list of numbers of at least 1");
  };
  positive("sensors", o.sensors);
  positive("branch", o.branch);
  positive("trunk", o.trunk);
  NOPAL_CHECK(o.branch.back() == o.trunk.back(),
              "deeponet: branch and trunk must end with the same width, the number of basis "
              "functions, got ",
              o.branch.back(), " and ", o.trunk.back());
  o.features.check(o.dimension, "deeponet");
  for (const auto* list : {&o.output_scale, &o.output_shift})
    NOPAL_CHECK(list->empty() || static_cast<std::int64_t>(list->size()) == o.out_channels,
                "deeponet: 'output_scale' and 'output_shift' expect a number for each of ",
                o.out_channels, " outputs, got ", list->size());
  NOPAL_CHECK(!o.features.has_zeros() || !o.bias,
              "deeponet: 'bias' must be false where outputs have to vanish");
}

}  // namespace

DeepONetOptions DeepONetOptions::from_json(const nlohmann::json& json) {
  DeepONetOptions o;
  OptionReader read(json, "deeponet");
  read("sensors", o.sensors);
  o.image.read(read);
  read("dimension", o.dimension, 1, 16);
  read("out_channels", o.out_channels, 1);
  read("branch", o.branch);
  read("trunk", o.trunk);
  read("branch_activation", o.branch_activation);
  read("trunk_activation", o.trunk_activation);
  read.choice("multi_output", o.multi_output, strategies);
  read("bias", o.bias);
  read("stacked", o.stacked);
  read("output_scale", o.output_scale);
  read("output_shift", o.output_shift);
  o.features.read(read);
  read.finish();
  activation_from_string(o.branch_activation);
  activation_from_string(o.trunk_activation);
  o.image.network();  // the name of its activation
  check(o);
  return o;
}

nlohmann::json DeepONetOptions::to_json() const {
  nlohmann::json json{{"sensors", sensors},
                      {"dimension", dimension},
                      {"out_channels", out_channels},
                      {"branch", branch},
                      {"trunk", trunk},
                      {"branch_activation", branch_activation},
                      {"trunk_activation", trunk_activation},
                      {"multi_output", multi_output},
                      {"bias", bias},
                      {"stacked", stacked},
                      {"output_scale", output_scale},
                      {"output_shift", output_shift}};
  features.write(json);
  image.write(json);
  return json;
}

std::vector<std::int64_t> DeepONetOptions::branch_widths(std::size_t function) const {
  std::vector<std::int64_t> widths{function == 0 ? image.features(sensors[0], "deeponet")
                                                 : sensors[function]};
  widths.insert(widths.end(), branch.begin(), branch.end());
  if (multi_output == "split_both" || multi_output == "split_branch") widths.back() *= out_channels;
  return widths;
}

std::vector<std::int64_t> DeepONetOptions::trunk_widths() const {
  std::vector<std::int64_t> widths{features.count(dimension)};
  widths.insert(widths.end(), trunk.begin(), trunk.end());
  if (multi_output == "split_both" || multi_output == "split_trunk") widths.back() *= out_channels;
  return widths;
}

double DeepONetOptions::parameter_count() const {
  double count = DenseNetwork<float>::parameter_count(trunk_widths());
  for (std::size_t f = 0; f < sensors.size(); ++f) {
    std::vector<std::int64_t> widths = branch_widths(f);
    const std::int64_t networks = stacked ? std::exchange(widths.back(), 1) : 1;
    count += static_cast<double>(networks) * DenseNetwork<float>::parameter_count(widths);
  }
  count += image.parameter_count();
  return static_cast<double>(copies()) * count + (bias ? static_cast<double>(out_channels) : 0);
}

template <class T>
struct DeepONet<T>::Networks {
  explicit Networks(std::uint64_t seed) : store(seed) {}

  ParameterStore<T> store;
  std::vector<ImageNetwork<T>> images;  // by copy, if functions are images
  // By copy, then function; then one, or if stacked one for each output.
  std::vector<std::vector<std::vector<DenseNetwork<T>>>> branches;
  std::vector<DenseNetwork<T>> trunks;
  const Parameter<T>* bias = nullptr;
  PointFeatures<T> features;

  detail::InputSplitter<T> splitter;

  // All outputs of decode(copy, bias), which gives those of one of the independent networks.
  template <class Decode>
  Variable<T> outputs(const DeepONetOptions& options, const Decode& decode) const {
    const Variable<T> b = bias ? bias->variable : Variable<T>();
    if (options.copies() == 1)
      return affine_channels(decode(0, b), options.output_scale, options.output_shift);
    std::vector<Variable<T>> all;
    for (std::int64_t copy = 0; copy < options.copies(); ++copy)
      all.push_back(decode(copy, {}));
    const Variable<T> joined = join_channels(all);
    return affine_channels(bias ? add_bias(joined, b) : joined, options.output_scale,
                           options.output_shift);
  }
};

template <class T>
DeepONet<T>::DeepONet(const DeepONetOptions& options, std::uint64_t seed)
    : options_(options), networks_(std::make_unique<Networks>(seed)) {
  check(options_);
  Networks& n = *networks_;
  DenseOptions branch, trunk;
  branch.activation = activation_from_string(options_.branch_activation);
  trunk.activation = trunk.last_activation = activation_from_string(options_.trunk_activation);
  const auto name = [&](const char* kind, std::int64_t copy) {
    return options_.copies() > 1 ? std::string(kind) + "_" + std::to_string(copy)
                                 : std::string(kind);
  };
  n.features = PointFeatures<T>(n.store, "features", options_.dimension, options_.features);
  for (std::int64_t copy = 0; copy < options_.copies(); ++copy) {
    if (options_.image.used())
      n.images.emplace_back(n.store, name("image", copy), options_.image.extents(),
                            options_.image.network());
    n.branches.emplace_back();
    for (std::size_t f = 0; f < options_.sensors.size(); ++f) {
      const std::string one = name("branch", copy);
      const std::string whole = options_.sensors.size() > 1 ? one + "." + std::to_string(f) : one;
      auto& networks = n.branches.back().emplace_back();
      std::vector<std::int64_t> widths = options_.branch_widths(f);
      const std::int64_t count = options_.stacked ? std::exchange(widths.back(), 1) : 1;
      for (std::int64_t k = 0; k < count; ++k)
        networks.emplace_back(n.store, options_.stacked ? whole + "." + std::to_string(k) : whole,
                              widths, branch);
    }
    n.trunks.emplace_back(n.store, name("trunk", copy), options_.trunk_widths(), trunk);
  }
  if (options_.bias) n.bias = &n.store.constant("bias", {options_.out_channels}, 0);
  n.store.append_parameters(parameters_);
  n.store.append_buffers(buffers_);
}

template <class T>
DeepONet<T>::~DeepONet() = default;

template <class T>
nlohmann::json DeepONet<T>::configuration() const {
  return options_.to_json();
}

template <class T>
Variable<T> DeepONet<T>::branch(std::span<const Variable<T>> functions, std::int64_t copy) const {
  const auto& networks = networks_->branches[static_cast<std::size_t>(copy)];
  Variable<T> first = functions[0];
  if (options_.image.used()) {
    Shape shape{first.shape()[0]};
    for (const std::int64_t n : options_.image.image)
      shape.push_back(n);
    first = networks_->images[static_cast<std::size_t>(copy)].forward(reshape(first, shape));
  }
  const auto forward = [](const std::vector<DenseNetwork<T>>& stack, const Variable<T>& u) {
    if (stack.size() == 1) return stack[0].forward(u);
    std::vector<Variable<T>> numbers;
    numbers.reserve(stack.size());
    for (const DenseNetwork<T>& network : stack)
      numbers.push_back(network.forward(u));
    return join_channels(numbers);
  };
  Variable<T> merged = forward(networks[0], first);
  for (std::size_t f = 1; f < networks.size(); ++f)
    merged = product(merged, forward(networks[f], functions[f]));
  const std::int64_t k = options_.latent();
  return reshape(merged, {merged.shape()[0], merged.shape()[1] / k, k});
}

template <class T>
Variable<T> DeepONet<T>::trunk(const Variable<T>& points, std::int64_t copy) const {
  const Networks& n = *networks_;
  const Variable<T> basis = n.features.constrain(
      n.trunks[static_cast<std::size_t>(copy)].forward(n.features.forward(points)), points);
  const std::int64_t k = options_.latent();
  return reshape(basis, {basis.shape()[0], basis.shape()[1] / k, k});
}

template <class T>
void DeepONet<T>::check_inputs(std::span<const Shape> inputs) const {
  const std::size_t functions = options_.sensors.size();
  const bool field = inputs.size() == 1 && functions == 1;
  NOPAL_CHECK(field || inputs.size() == functions + 1, "deeponet takes ", functions,
              " function(s) (B, sensors) and points (P, ", options_.dimension, "), got ",
              inputs.size(), " inputs");
  if (field) {
    const Shape& x = inputs[0];
    NOPAL_CHECK(
        x.rank() == options_.dimension + 2 && x[0] >= 0 &&
            x.with(0, 1).size() == options_.sensors[0],
        "deeponet has ", options_.sensors[0], " sensors and ", options_.dimension,
        " coordinates; a field (B, X1, ..., Xd, Cin) must have as many values a sample, got ", x);
    return;
  }
  for (std::size_t f = 0; f < functions; ++f)
    NOPAL_CHECK(inputs[f].rank() == 2 && inputs[f][1] == options_.sensors[f] &&
                    inputs[f][0] == inputs[0][0],
                "deeponet: function ", f, " has shape ", inputs[f], ", expected (B, ",
                options_.sensors[f], "), the sensors of its branch");
  NOPAL_CHECK(inputs[functions].rank() == 2 && inputs[functions][1] == options_.dimension,
              "deeponet: points have shape ", inputs[functions], ", expected (P, ",
              options_.dimension, ")");
}

template <class T>
Variable<T> DeepONet<T>::forward(std::span<const Variable<T>> inputs) const {
  const ScopedRegion region("deeponet");
  std::vector<Shape> shapes;
  for (const Variable<T>& input : inputs)
    shapes.push_back(input.shape());
  check_inputs(shapes);
  const auto [functions, points, result] =
      networks_->splitter.split(inputs, options_.out_channels, networks_->features, name());
  const auto decode = [&, &functions = functions, &points = points](std::int64_t copy,
                                                                    const Variable<T>& bias) {
    return branch_trunk(branch(functions, copy), trunk(points, copy), bias);
  };
  return reshape(networks_->outputs(options_, decode), result);
}

template <class T>
Variable<T> DeepONet<T>::forward_rows(std::span<const Variable<T>> functions,
                                      const Variable<T>& points,
                                      const std::vector<std::int64_t>& offsets) const {
  const ScopedRegion region("deeponet");
  std::vector<Shape> shapes;
  for (const Variable<T>& function : functions)
    shapes.push_back(function.shape());
  shapes.push_back(points.shape());
  check_inputs(shapes);
  networks_->features.report_outside(points.value(), name());
  return networks_->outputs(options_, [&](std::int64_t copy, const Variable<T>& bias) {
    return branch_trunk_rows(branch(functions, copy), trunk(points, copy), offsets, bias);
  });
}

template <class T>
template <class Decode>
std::vector<Variable<T>> DeepONet<T>::decode_jet(std::span<const Variable<T>> functions,
                                                 const Tensor<T>& points, const JetLayout& layout,
                                                 const Decode& decode) const {
  const ScopedRegion region("deeponet_derivatives");
  std::vector<Shape> shapes;
  for (const Variable<T>& function : functions)
    shapes.push_back(function.shape());
  shapes.push_back(points.shape());
  check_inputs(shapes);
  NOPAL_CHECK(options_.copies() == 1, "deeponet: derivatives are not there for multi_output ",
              "'independent'; take 'split_branch'");
  const Networks& n = *networks_;
  const Variable<T> jet = n.features.constrain_jet(
      n.trunks[0].forward_jet(Variable<T>(n.features.jet(points, layout)), layout), points, layout);
  const Variable<T> b = branch(functions);
  const std::int64_t k = options_.latent(), rows = points.extent(0);
  std::vector<Variable<T>> all;
  for (std::int64_t j = 0; j < layout.count(); ++j) {
    const Variable<T> basis = reshape(slice(jet, j, 1), {rows, jet.shape()[2] / k, k});
    all.push_back(affine_channels(
        decode(b, basis, j == 0 && n.bias ? n.bias->variable : Variable<T>()),
        options_.output_scale, j == 0 ? options_.output_shift : std::vector<double>()));
  }
  return all;
}

template <class T>
std::vector<Variable<T>> DeepONet<T>::derivatives(std::span<const Variable<T>> functions,
                                                  const Tensor<T>& points,
                                                  const JetLayout& layout) const {
  return decode_jet(functions, points, layout,
                    [](const Variable<T>& b, const Variable<T>& t, const Variable<T>& bias) {
                      return branch_trunk(b, t, bias);
                    });
}

template <class T>
std::vector<Variable<T>> DeepONet<T>::derivatives_rows(std::span<const Variable<T>> functions,
                                                       const Tensor<T>& points,
                                                       const std::vector<std::int64_t>& offsets,
                                                       const JetLayout& layout) const {
  return decode_jet(functions, points, layout,
                    [&](const Variable<T>& b, const Variable<T>& t, const Variable<T>& bias) {
                      return branch_trunk_rows(b, t, offsets, bias);
                    });
}

template <class T>
Cost DeepONet<T>::cost(std::span<const Shape> inputs) const {
  check_inputs(inputs);
  const bool field = inputs.size() == 1;
  const std::int64_t functions = inputs[0][0];
  const std::int64_t points =
      field ? inputs[0].size() / std::max<std::int64_t>(1, functions) / inputs[0][-1]
            : inputs.back()[0];
  Cost total;
  const auto add = [&](const Cost& cost) {
    total.flops += cost.flops;
    total.bytes += cost.bytes;
  };
  for (std::size_t copy = 0; copy < networks_->trunks.size(); ++copy) {
    add(networks_->trunks[copy].cost(points));
    if (options_.image.used()) add(networks_->images[copy].cost(functions));
    for (const auto& stack : networks_->branches[copy])
      for (const DenseNetwork<T>& network : stack)
        add(network.cost(functions));
  }
  const double outputs = static_cast<double>(functions) * static_cast<double>(points) *
                         static_cast<double>(options_.out_channels);
  total.flops += 2 * outputs * static_cast<double>(options_.latent());
  total.bytes += outputs * sizeof(T);
  return total;
}

template class DeepONet<float>;
template class DeepONet<double>;

}  // namespace nopal
