// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/nn/batch_norm.hpp>
#include <nopal/nn/dense_network.hpp>
#include <nopal/nn/dropout.hpp>
#include <nopal/nn/elementwise.hpp>
#include <nopal/nn/layer_norm.hpp>
#include <nopal/nn/linear.hpp>
#include <nopal/nn/training_mode.hpp>

#include <cmath>

namespace nopal {

namespace {

constexpr std::size_t skip_from = 2;  // the third layer

// Whether layer l of a network with so many layers has a projected skip connection.
bool has_skip(const DenseOptions& options, std::size_t l, std::size_t layers) {
  return options.projected_skip && l >= skip_from && l + 1 < layers;
}

void check(const std::vector<std::int64_t>& widths, const DenseOptions& options) {
  NOPAL_CHECK(widths.size() >= 2, "a dense network needs the widths of its input and output, got ",
              widths.size(), " widths");
  for (const std::int64_t width : widths)
    NOPAL_CHECK(width >= 1, "a dense network needs widths of at least 1, got ", width);
  NOPAL_CHECK(options.norm == "none" || options.norm == "layer" || options.norm == "batch",
              "unknown norm '", options.norm, "'",
              suggestion(options.norm, {"none", "layer", "batch"}));
  NOPAL_CHECK(options.dropout >= 0 && options.dropout < 1,
              "dropout: expected a probability in [0, 1), got ", options.dropout);
}

// A norm of samples of one point each: the rows of x.
template <class T, class Norm>
Variable<T> by_row(const Variable<T>& x, const Norm& norm) {
  const std::int64_t width = x.shape()[-1];
  return reshape(norm(reshape(x, {x.value().size() / width, 1, width})), x.shape());
}

}  // namespace

template <class T>
DenseNetwork<T>::DenseNetwork(ParameterStore<T>& store, const std::string& name,
                              const std::vector<std::int64_t>& widths, const DenseOptions& options)
    : dropout_(options.dropout) {
  check(widths, options);
  const std::size_t layers = widths.size() - 1;
  const auto weights = [&](const std::string& layer, std::int64_t in,
                           std::int64_t out) -> const Parameter<T>& {
    const double glorot = std::sqrt(2.0 / static_cast<double>(in + out));
    return store.normal(layer, {in, out}, options.deviation > 0 ? options.deviation : glorot);
  };
  for (std::size_t l = 0; l < layers; ++l) {
    const std::int64_t in = widths[l], out = widths[l + 1];
    const std::string layer = name + "." + std::to_string(l);
    const bool last = l + 1 == layers;
    Layer one{&weights(layer + ".weight", in, out),
              &store.constant(layer + ".bias", {out}, 0),
              last ? options.last_activation : options.activation,
              nullptr,
              nullptr,
              {},
              {},
              nullptr,
              nullptr,
              0};
    if (!last && options.norm != "none") {
      one.scale = &store.constant(layer + ".norm.scale", {out}, 1);
      one.shift = &store.constant(layer + ".norm.shift", {out}, 0);
    }
    if (!last && options.norm == "batch") {
      one.running_mean = store.buffer(layer + ".norm.running_mean", {out}, 0);
      one.running_variance = store.buffer(layer + ".norm.running_variance", {out}, 1);
    }
    if (!last && options.dropout > 0) one.dropout_stream = parameter_stream(layer + ".dropout");
    if (has_skip(options, l, layers)) {
      one.skip_weight = &weights(layer + ".skip.weight", widths[l - 1], out);
      one.skip_bias = &store.constant(layer + ".skip.bias", {out}, 0);
    }
    layers_.push_back(std::move(one));
  }
}

template <class T>
Variable<T> DenseNetwork<T>::forward(Variable<T> x) const {
  Variable<T> before;  // the input of the layer before
  for (const Layer& layer : layers_) {
    const Variable<T>&w = layer.weight->variable, &b = layer.bias->variable;
    Variable<T> h;
    if (!layer.scale) {
      h = linear(x, w, b, layer.activation);
    } else {
      h = linear(x, w, b);
      const Variable<T>&scale = layer.scale->variable, &shift = layer.shift->variable;
      h = layer.running_mean.defined()
              ? batch_norm(h, scale, shift, layer.running_mean, layer.running_variance)
              : by_row(h, [&](const Variable<T>& rows) { return layer_norm(rows, scale, shift); });
      h = activate(std::move(h), layer.activation);
    }
    // What is recorded of h must not be overwritten by the mask.
    if (layer.dropout_stream != 0 && TrainingMode::active())
      h = dropout(copy(h), dropout_, layer.dropout_stream);
    if (layer.skip_weight)
      h = linear(before, layer.skip_weight->variable, layer.skip_bias->variable,
                 Activation::identity, std::move(h));
    before = x;
    x = std::move(h);
  }
  return x;
}

template <class T>
Variable<T> DenseNetwork<T>::forward_jet(Variable<T> x, const JetLayout& layout) const {
  for (const Layer& layer : layers_) {
    NOPAL_CHECK(!layer.scale && layer.dropout_stream == 0 && !layer.skip_weight,
                "derivatives are not there for networks with norms, dropout or skip connections");
    x = activate_jet(linear(x, layer.weight->variable, Variable<T>()), layer.bias->variable, layout,
                     layer.activation);
  }
  return x;
}

template <class T>
Cost DenseNetwork<T>::cost(std::int64_t rows) const {
  Cost cost;
  const auto product = [&](const Parameter<T>* weight) {
    if (!weight) return;
    const auto in = static_cast<double>(weight->value().extent(0));
    const auto out = static_cast<double>(weight->value().extent(1));
    const auto n = static_cast<double>(rows);
    cost.flops += 2 * n * in * out;
    cost.bytes += sizeof(T) * (n * (in + out) + in * out);
  };
  for (const Layer& layer : layers_) {
    product(layer.weight);
    product(layer.skip_weight);
  }
  return cost;
}

template <class T>
double DenseNetwork<T>::parameter_count(const std::vector<std::int64_t>& widths,
                                        const DenseOptions& options) {
  double count = 0;
  const std::size_t layers = widths.size() - 1;
  for (std::size_t l = 0; l < layers; ++l) {
    const auto out = static_cast<double>(widths[l + 1]);
    count += (static_cast<double>(widths[l]) + 1) * out;
    if (options.norm != "none" && l + 1 < layers) count += 2 * out;
    if (has_skip(options, l, layers)) count += (static_cast<double>(widths[l - 1]) + 1) * out;
  }
  return count;
}

template class DenseNetwork<float>;
template class DenseNetwork<double>;

}  // namespace nopal
