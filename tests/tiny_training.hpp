// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// A small operator and data for it, for the tests of training.

#pragma once

#include "test_tools.hpp"

#include <nopal/core/random.hpp>
#include <nopal/nn/activation.hpp>
#include <nopal/nn/linear.hpp>
#include <nopal/operators/model.hpp>
#include <nopal/train/trainer.hpp>

#include <nlohmann/json.hpp>

#include <cmath>
#include <cstring>

namespace nopal::test {

/// y = W2 g(tanh(W1 x + b1)) + b2 at each point, g_c(h) = h (1 + re a_c) + h^2 im a_c with a
/// complex parameter a: real and complex parameters of odd sizes.
template <class T>
class TinyOperator : public Operator<T> {
 public:
  explicit TinyOperator(std::int64_t hidden = 7, std::uint64_t seed = 0) : hidden_(hidden) {
    add("lift.weight", {1, hidden}, false, seed);
    add("lift.bias", {hidden}, false, seed + 1);
    add("gate", {hidden, 2}, true, seed + 2);
    add("project.weight", {hidden, 1}, false, seed + 3);
    add("project.bias", {1}, false, seed + 4);
    for (auto& parameter : owned_)
      parameters_.push_back(parameter.get());
  }

  std::string name() const override { return "tiny"; }
  nlohmann::json configuration() const override { return {{"hidden", hidden_}}; }
  Cost cost(std::span<const Shape>) const override { return {}; }
  const Parameters<T>& parameters() const override { return parameters_; }

  void check_inputs(std::span<const Shape> inputs) const override {
    NOPAL_CHECK(inputs.size() == 1 && inputs[0].rank() >= 3 && inputs[0][-1] == 1,
                "tiny: expected an input of shape (samples, grid..., 1), got ", inputs[0]);
  }

  Variable<T> forward(std::span<const Variable<T>> inputs) const override {
    const Variable<T> h = activate(linear(inputs[0], variable(0), variable(1)), Activation::tanh);
    return linear(gate(h), variable(3), variable(4));
  }

 private:
  void add(const std::string& name, const Shape& shape, bool is_complex, std::uint64_t seed) {
    Tensor<T> value(shape);
    fill_normal(value, 0, 0.5, Random(seed, 77));
    owned_.push_back(
        std::make_unique<Parameter<T>>(Parameter<T>{name, Variable<T>::leaf(value), is_complex}));
  }
  const Variable<T>& variable(std::size_t i) const { return owned_[i]->variable; }

  Variable<T> gate(const Variable<T>& h) const {
    const Variable<T> a = variable(2);
    const auto channels = static_cast<std::size_t>(hidden_);
    const std::vector<T> x = h.value().to_vector(), factors = a.value().to_vector();
    std::vector<T> y(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      const std::size_t c = i % channels;
      y[i] = x[i] * (1 + factors[2 * c]) + x[i] * x[i] * factors[2 * c + 1];
    }
    const auto value = Tensor<T>::from_host(h.shape(), y);
    if (!needs_record(h, a)) return value;
    return record<T>(value, [=](const Tensor<T>& dy) {
      const std::vector<T> g = dy.to_vector();
      std::vector<T> dh(x.size()), da(factors.size());
      for (std::size_t i = 0; i < x.size(); ++i) {
        const std::size_t c = i % channels;
        dh[i] = g[i] * (1 + factors[2 * c] + 2 * x[i] * factors[2 * c + 1]);
        da[2 * c] += g[i] * x[i];
        da[2 * c + 1] += g[i] * x[i] * x[i];
      }
      h.accumulate(Tensor<T>::from_host(h.shape(), dh));
      a.accumulate(Tensor<T>::from_host(a.shape(), da));
    });
  }

  std::int64_t hidden_;
  std::vector<std::unique_ptr<Parameter<T>>> owned_;
  Parameters<T> parameters_;
};

/// y = 2 + 3 (0.4 x^2 - x) at random x: samples on a grid of any shape.
template <class T>
std::shared_ptr<const Dataset<T>> tiny_data(std::int64_t samples, const Shape& grid,
                                            std::uint64_t seed = 1) {
  Shape shape{samples};
  for (const std::int64_t n : grid)
    shape.push_back(n);
  shape.push_back(1);
  Tensor<T> x(shape);
  fill_uniform(x, -1, 1, Random(seed, 5));
  std::vector<T> y = x.to_vector();
  for (T& value : y)
    value = T(2) + T(3) * (T(0.4) * value * value - value);
  return std::make_shared<InMemoryDataset<T>>(x, Tensor<T>::from_host(shape, y), "tiny data");
}

/// With normalisers that suit tiny_data().
template <class T>
Model<T> tiny_model(std::int64_t hidden = 7, std::uint64_t seed = 0) {
  const auto number = [](double x) { return Tensor<T>::from_host({1}, {static_cast<T>(x)}); };
  return Model<T>(std::make_unique<TinyOperator<T>>(hidden, seed),
                  Normaliser<T>(number(0.1), number(0.6)), Normaliser<T>(number(2.4), number(1.8)));
}

/// A Fourier neural operator on a line with dropout and batch norm, random and collective in
/// training, with the normalisers of tiny_model().
template <class T>
Model<T> noisy_model(std::uint64_t seed = 0) {
  const Model<T> tiny = tiny_model<T>();
  return Model<T>(make_operator<T>("fno",
                                   {{"n_modes", {4}},
                                    {"hidden_channels", 6},
                                    {"n_layers", 2},
                                    {"norm", "batch_norm"},
                                    {"channel_mlp_dropout", 0.2}},
                                   seed),
                  tiny.input_normaliser(), tiny.output_normaliser());
}

/// All entries one after the other.
template <class T>
std::vector<T> values(const std::vector<Tensor<T>>& tensors) {
  std::vector<T> all;
  for (const Tensor<T>& tensor : tensors) {
    const std::vector<T> one = tensor.to_vector();
    all.insert(all.end(), one.begin(), one.end());
  }
  return all;
}

/// All parameters and buffers.
template <class T>
std::vector<T> values(const Model<T>& model) {
  std::vector<Tensor<T>> tensors;
  for (const auto& [name, value] : state_tensors(model.op()))
    tensors.push_back(value);
  return values(tensors);
}

/// Equal bit for bit: also tells 0 from -0.
template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

/// Quiet options for short runs.
inline TrainOptions tiny_options(std::int64_t epochs = 5, std::int64_t batch = 4) {
  TrainOptions options;
  options.epochs = epochs;
  options.batch = batch;
  options.learning_rate = 0.02;
  options.progress = [](const std::string&) {};
  return options;
}

}  // namespace nopal::test
