// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/nn/batch_norm.hpp>
#include <nopal/nn/convolution.hpp>
#include <nopal/nn/dropout.hpp>
#include <nopal/nn/elementwise.hpp>
#include <nopal/nn/gated_mlp.hpp>
#include <nopal/nn/initialisation.hpp>
#include <nopal/nn/linear.hpp>
#include <nopal/nn/mlp.hpp>
#include <nopal/nn/norm.hpp>
#include <nopal/nn/soft_gating.hpp>
#include <nopal/nn/training_mode.hpp>
#include <nopal/operators/fno.hpp>

#include <string>

namespace nopal::detail {

// A pointwise network of one or two linear layers.
template <class T>
struct ChannelMlp {
  Variable<T> weight1, bias1, weight2, bias2;  // the second pair is empty for one layer
  double dropped = 0;                          // probability of dropout after each of two layers
  std::uint64_t streams[2] = {};

  ChannelMlp() = default;
  ChannelMlp(ParameterStore<T>& store, const std::string& name, std::int64_t in,
             std::int64_t hidden, std::int64_t out) {
    const std::int64_t first = hidden > 0 ? hidden : out;
    weight1 = store.uniform(name + ".0.weight", {in, first}, in).variable;
    bias1 = store.uniform(name + ".0.bias", {first}, in).variable;
    if (hidden > 0) {
      weight2 = store.uniform(name + ".1.weight", {hidden, out}, hidden).variable;
      bias2 = store.uniform(name + ".1.bias", {out}, hidden).variable;
    }
    for (const int i : {0, 1})
      streams[i] = parameter_stream(name + "." + std::to_string(i) + ".dropout");
  }

  Variable<T> forward(const Variable<T>& x, Activation activation,
                      const Variable<T>& add = {}) const {
    if (dropped > 0 && TrainingMode::active()) {  // the hidden layer must be there to drop from
      const Variable<T> h = dropout(linear(x, weight1, bias1, activation), dropped, streams[0]);
      const Variable<T> y = dropout(linear(h, weight2, bias2), dropped, streams[1]);
      return add.value().defined() ? nopal::add(y, add) : y;
    }
    if (weight2.value().defined()) return mlp(x, weight1, bias1, weight2, bias2, activation, add);
    return linear(x, weight1, bias1);
  }

  // Two layers and what is around them in a block, see gated_mlp().
  Variable<T> gated(const Variable<T>& z, const Variable<T>& x, const Variable<T>& gate,
                    Activation activation, bool inner, bool outer) const {
    return gated_mlp(z, x, gate, weight1, bias1, weight2, bias2, activation, inner, outer);
  }

  Cost cost(double points) const {
    Cost cost;
    for (const auto& w : {weight1, weight2}) {
      if (!w.value().defined()) continue;
      cost.flops += 2 * points * static_cast<double>(w.value().size());
      cost.bytes += static_cast<double>(sizeof(T)) * static_cast<double>(w.value().size());
    }
    const Shape& last = weight2.value().defined() ? weight2.shape() : weight1.shape();
    cost.bytes +=
        static_cast<double>(sizeof(T)) * points * static_cast<double>(weight1.shape()[0] + last[1]);
    return cost;
  }
};

// A norm of a block, or none.
template <class T>
struct Norm {
  std::string kind = "none";
  std::int64_t groups = 1;
  Variable<T> scale, shift;  // of group and batch norm
  Tensor<T> running_mean, running_variance;
  ChannelMlp<T> adaption;  // of "ada_in": embedding to scale and shift

  Norm() = default;
  Norm(ParameterStore<T>& store, const std::string& name, const FnoOptions& o)
      : kind(o.norm), groups(o.norm_groups) {
    const std::int64_t c = o.hidden_channels;
    if (kind == "group_norm" || kind == "batch_norm") {
      scale = store.constant(name + ".scale", {c}, 1).variable;
      shift = store.constant(name + ".shift", {c}, 0).variable;
    }
    if (kind == "batch_norm") {
      running_mean = store.buffer(name + ".running_mean", {c}, 0);
      running_variance = store.buffer(name + ".running_variance", {c}, 1);
    }
    if (kind == "ada_in")
      adaption =
          ChannelMlp<T>(store, name + ".mlp", o.ada_in_features, FnoOptions::ada_in_width, 2 * c);
  }

  // Statistics over the points of all ranks of `comm`, except for batch_norm.
  Variable<T> forward(Variable<T> x, const Variable<T>& embedding, const Communicator& comm) const {
    if (kind == "instance_norm") return instance_norm(x, comm);
    if (kind == "group_norm") return group_norm(x, groups, scale, shift, comm);
    if (kind == "batch_norm") return batch_norm(x, scale, shift, running_mean, running_variance);
    if (kind == "none") return x;
    const auto [factor, offset] = halves(adaption.forward(embedding, Activation::gelu));
    return group_norm(x, x.shape()[-1], factor, offset, comm);
  }
};

// A skip connection of a block.
template <class T>
struct Skip {
  enum class Kind { none, identity, linear, convolution, soft_gating } kind = Kind::none;
  Variable<T> weight, bias;

  // `kernel`: points an axis of a linear skip; it is local, not pointwise, if they are not all 1.
  Skip() = default;
  Skip(ParameterStore<T>& store, const std::string& name, const std::string& kind_name,
       std::int64_t channels, bool biased, const Shape& kernel) {
    if (kind_name == "identity") kind = Kind::identity;
    if (kind_name == "linear") {
      const std::int64_t taps = kernel.size();
      Shape shape = taps > 1 ? kernel : Shape();
      shape.push_back(channels);
      shape.push_back(channels);
      kind = taps > 1 ? Kind::convolution : Kind::linear;
      weight = store.uniform(name + ".weight", shape, taps * channels).variable;
      if (biased) bias = store.uniform(name + ".bias", {channels}, taps * channels).variable;
    }
    if (kind_name == "soft-gating") {
      kind = Kind::soft_gating;
      weight = store.constant(name + ".weight", {channels}, 1).variable;
    }
  }

  // The skip of x, plus `extra_bias` if given, in memory of its own; empty for no skip.
  Variable<T> forward(const Variable<T>& x, const Variable<T>& extra_bias = {}) const {
    const bool extra = extra_bias.value().defined();
    Variable<T> y;
    switch (kind) {
      case Kind::none:
        return {};
      case Kind::linear:
      case Kind::convolution:
        if (!bias.value().defined()) return mix(x, extra_bias);
        y = mix(x, bias);
        break;
      case Kind::identity:
        y = copy(x);
        break;
      case Kind::soft_gating:
        y = soft_gating(x, weight);
        break;
    }
    return extra ? add_bias(y, extra_bias) : y;
  }

  Cost cost(const Shape& x) const {
    if (kind == Kind::convolution) return convolution_cost<T>(x, weight.shape(), same_grid(x));
    if (kind == Kind::linear)
      return {.flops = 2 * static_cast<double>(x.product(0, x.rank() - 1) * weight.value().size())};
    return {};
  }

 private:
  Variable<T> mix(const Variable<T>& x, const Variable<T>& b) const {
    return kind == Kind::linear ? linear(x, weight, b)
                                : convolution(x, weight, b, same_grid(x.shape()));
  }

  // Zero margins, so that the result lies on the points of x: "same" padding, the larger half of an
  // odd number of points behind.
  ConvolutionOptions same_grid(const Shape& x) const {
    ConvolutionOptions options;
    for (int j = 0; j + 2 < x.rank(); ++j) {
      options.offset[static_cast<std::size_t>(j)] = -(weight.shape()[j] - 1) / 2;
      options.extents.push_back(x[j + 1]);
    }
    return options;
  }
};

}  // namespace nopal::detail
