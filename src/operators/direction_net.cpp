// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/io/option_reader.hpp>
#include <nopal/nn/convolution.hpp>
#include <nopal/nn/elementwise.hpp>
#include <nopal/nn/initialisation.hpp>
#include <nopal/nn/linear.hpp>
#include <nopal/nn/pooling.hpp>
#include <nopal/operators/direction_net.hpp>

#include <nlohmann/json.hpp>

#include <array>
#include <cmath>

namespace nopal {
namespace {

constexpr std::int64_t taps = 3;  // an axis

ConvolutionOptions same(int dimension, const Shape& field, Activation activation) {
  ConvolutionOptions options;
  options.activation = activation;
  for (int a = 0; a < dimension; ++a)
    options.offset[static_cast<std::size_t>(a)] = -(taps / 2);
  options.extents = Shape(field.begin() + 1, field.end() - 1);
  return options;
}

Shape kernel(std::int64_t dimension, std::int64_t in, std::int64_t out) {
  Shape shape;
  for (std::int64_t a = 0; a < dimension; ++a)
    shape.push_back(taps);
  shape.push_back(in);
  shape.push_back(out);
  return shape;
}

}  // namespace

DirectionNetOptions DirectionNetOptions::from_json(const nlohmann::json& json) {
  DirectionNetOptions o;
  OptionReader read(json, "direction_net");
  read("dimension", o.dimension, 2, 3);
  read("filters", o.filters, 1);
  read("head_blocks", o.head_blocks, 0);
  read("coarse_blocks", o.coarse_blocks, 0);
  read("tail_blocks", o.tail_blocks, 0);
  read.finish();
  return o;
}

nlohmann::json DirectionNetOptions::to_json() const {
  return {{"dimension", dimension},
          {"filters", filters},
          {"head_blocks", head_blocks},
          {"coarse_blocks", coarse_blocks},
          {"tail_blocks", tail_blocks}};
}

double DirectionNetOptions::parameter_count() const {
  const auto f = static_cast<double>(filters);
  const double k = std::pow(static_cast<double>(taps), static_cast<double>(dimension));
  const double inner = 2 + 2 * static_cast<double>(head_blocks + coarse_blocks + tail_blocks);
  return (k + 1) * f + inner * (k * f + 1) * f + f + 1;
}

template <class T>
struct DirectionNet<T>::Layers {
  struct Convolution {
    const Parameter<T>*weight, *bias;
  };
  using Block = std::array<Convolution, 2>;

  explicit Layers(std::uint64_t seed) : store(seed) {}

  Convolution convolution(const std::string& name, std::int64_t dimension, std::int64_t in,
                          std::int64_t out) {
    const Shape shape = kernel(dimension, in, out);
    const double size = std::pow(static_cast<double>(taps), static_cast<double>(dimension));
    // Glorot and Bengio, AISTATS 2010.
    const double deviation = std::sqrt(2 / (size * static_cast<double>(in + out)));
    return {&store.normal(name + ".weight", shape, deviation),
            &store.constant(name + ".bias", {out}, 0)};
  }
  std::vector<Block> blocks(const std::string& name, const DirectionNetOptions& o,
                            std::int64_t count) {
    std::vector<Block> result;
    for (std::int64_t i = 0; i < count; ++i) {
      const std::string one = name + "." + std::to_string(i);
      result.push_back({convolution(one + ".0", o.dimension, o.filters, o.filters),
                        convolution(one + ".1", o.dimension, o.filters, o.filters)});
    }
    return result;
  }

  static Variable<T> apply(const Convolution& c, const Variable<T>& x, Activation activation) {
    const int dimension = x.shape().rank() - 2;
    return nopal::convolution(x, c.weight->variable, c.bias->variable,
                              same(dimension, x.shape(), activation));
  }
  static Variable<T> apply(const std::vector<Block>& blocks, Variable<T> x) {
    for (const Block& block : blocks)
      x = add(apply(block[1], apply(block[0], x, Activation::relu), Activation::relu), x);
    return x;
  }

  ParameterStore<T> store;
  Convolution first{}, second{}, third{};
  std::vector<Block> head, coarse, tail;
  const Parameter<T>*weight = nullptr, *bias = nullptr;
};

template <class T>
DirectionNet<T>::DirectionNet(const DirectionNetOptions& options, std::uint64_t seed)
    : options_(options), layers_(std::make_unique<Layers>(seed)) {
  Layers& l = *layers_;
  const DirectionNetOptions& o = options_;
  l.first = l.convolution("first", o.dimension, 1, o.filters);
  l.second = l.convolution("second", o.dimension, o.filters, o.filters);
  l.head = l.blocks("head", o, o.head_blocks);
  l.third = l.convolution("third", o.dimension, o.filters, o.filters);
  l.coarse = l.blocks("coarse", o, o.coarse_blocks);
  l.tail = l.blocks("tail", o, o.tail_blocks);
  l.weight = &l.store.normal("last.weight", {o.filters, 1},
                             std::sqrt(2 / static_cast<double>(o.filters + 1)));
  l.bias = &l.store.constant("last.bias", {1}, 0);
  l.store.append_parameters(parameters_);
}

template <class T>
DirectionNet<T>::~DirectionNet() = default;

template <class T>
nlohmann::json DirectionNet<T>::configuration() const {
  return options_.to_json();
}

template <class T>
void DirectionNet<T>::check_inputs(std::span<const Shape> inputs) const {
  NOPAL_CHECK(inputs.size() == 1, "direction_net takes one field, got ", inputs.size());
  const Shape& x = inputs[0];
  bool even = x.rank() == options_.dimension + 2 && x[-1] == 1;
  for (int a = 1; even && a + 1 < x.rank(); ++a)
    even = x[a] >= 2 && x[a] % 2 == 0;
  NOPAL_CHECK(even, "direction_net takes a field (B, X1, ..., X", options_.dimension,
              ", 1) of an even number of points an axis, got ", x);
}

template <class T>
Variable<T> DirectionNet<T>::forward(std::span<const Variable<T>> inputs) const {
  const ScopedRegion region("direction_net");
  const Shape shapes[] = {inputs[0].shape()};
  check_inputs(shapes);
  const Layers& l = *layers_;
  Variable<T> h = Layers::apply(l.first, inputs[0], Activation::identity);
  h = Layers::apply(l.head, Layers::apply(l.second, h, Activation::relu));
  h = Layers::apply(l.third, h, Activation::relu);
  const Variable<T> g = Layers::apply(l.coarse, average_pool(h, 2));
  const Variable<T> y = Layers::apply(l.tail, add(upsample_nearest(g, 2), h));
  return linear(y, l.weight->variable, l.bias->variable);
}

template <class T>
Cost DirectionNet<T>::cost(std::span<const Shape> inputs) const {
  check_inputs(inputs);
  const Shape &x = inputs[0], fine = x.with(-1, options_.filters);
  Shape coarse = fine;
  for (int a = 1; a + 1 < fine.rank(); ++a)
    coarse = coarse.with(a, fine[a] / 2);
  const Shape inner = kernel(options_.dimension, options_.filters, options_.filters);
  Cost total;
  const auto add_cost = [&](const Shape& field, const Shape& weight, std::int64_t count) {
    const Cost one =
        convolution_cost<T>(field, weight, same(field.rank() - 2, field, Activation::identity));
    total.flops += static_cast<double>(count) * one.flops;
    total.bytes += static_cast<double>(count) * one.bytes;
  };
  add_cost(x, kernel(options_.dimension, 1, options_.filters), 1);
  add_cost(fine, inner, 2 + 2 * (options_.head_blocks + options_.tail_blocks));
  add_cost(coarse, inner, 2 * options_.coarse_blocks);
  total.flops += 2 * static_cast<double>(fine.size());
  total.bytes += sizeof(T) * static_cast<double>(fine.size() + x.size());
  return total;
}

template class DirectionNet<float>;
template class DirectionNet<double>;

}  // namespace nopal
