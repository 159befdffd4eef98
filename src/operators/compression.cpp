// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/operators/compression.hpp>
#include <nopal/operators/fno.hpp>

#include "operators/tensor_factors.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <map>

namespace nopal {
namespace {

using detail::Complex;
using detail::ComplexTensor;

// A stored weight (M1, ..., Md, Cin, Cout, 2), or (M1, ..., Md, C, 2), with the channels first.
template <class T>
ComplexTensor channels_first(const Tensor<T>& weight, int channel_axes) {
  const std::vector<T> numbers = weight.to_vector();
  const int axes = weight.rank() - 1, d = axes - channel_axes;
  const std::int64_t modes = weight.shape().product(0, d);
  const std::int64_t channels = weight.shape().product(d, axes);
  ComplexTensor tensor;
  for (int j = d; j < axes; ++j)
    tensor.n.push_back(weight.extent(j));
  for (int j = 0; j < d; ++j)
    tensor.n.push_back(weight.extent(j));
  tensor.entries.resize(static_cast<std::size_t>(modes * channels));
  for (std::int64_t k = 0; k < modes; ++k)
    for (std::int64_t c = 0; c < channels; ++c) {
      const auto from = static_cast<std::size_t>(2 * (k * channels + c));
      tensor.entries[static_cast<std::size_t>(c * modes + k)] = {
          static_cast<double>(numbers[from]), static_cast<double>(numbers[from + 1])};
    }
  return tensor;
}

template <class T>
using Named = std::map<std::string, Tensor<T>>;

template <class T>
Named<T> by_name(const Operator<T>& op) {
  Named<T> tensors;
  for (const NamedTensor<T>& tensor : state_tensors(op))
    tensors[tensor.name] = tensor.value;
  return tensors;
}

template <class T>
void assign(const Named<T>& tensors, const std::string& name, const Complex* entries) {
  const Tensor<T>& target = tensors.at(name);
  std::vector<T> numbers(static_cast<std::size_t>(target.size()));
  for (std::size_t i = 0; i < numbers.size() / 2; ++i) {
    numbers[2 * i] = static_cast<T>(entries[i].real());
    numbers[2 * i + 1] = static_cast<T>(entries[i].imag());
  }
  target.copy_from_host(numbers.data());
}

// Factors of one tensor into the parameters called `name`; of all layers if `joint`, whose axis
// comes first.
template <class T>
void put_factors(const ComplexTensor& tensor, const FnoOptions& o, const Named<T>& into,
                 const std::string& name, bool joint) {
  const SpectralWeightOptions weight = o.spectral_weight();
  const Shape ranks =
      factorization_ranks(weight.factorization, tensor.n, weight.rank, weight.fixed_rank_modes);
  const auto factor = [&](int j) {
    return joint && j == 0 ? name + ".layers"
                           : name + ".factor." + std::to_string(j - (joint ? 1 : 0));
  };
  if (weight.factorization == Factorization::tt) {
    const auto cores = detail::tensor_train_svd(tensor, ranks);
    for (int j = 0; j < tensor.n.rank(); ++j)
      assign(into, factor(j), cores[static_cast<std::size_t>(j)].entries.data());
    return;
  }
  const auto factors = detail::higher_order_svd(tensor, ranks);
  assign(into, name + ".core", factors.core.entries.data());
  for (int j = 0; j < tensor.n.rank(); ++j)
    assign(into, factor(j), factors.factors[static_cast<std::size_t>(j)].data());
}

}  // namespace

template <class T>
Model<T> compressed(const Model<T>& model, const CompressionOptions& options,
                    std::vector<double>* errors) {
  const auto* dense = dynamic_cast<const Fno<T>*>(&model.op());
  NOPAL_CHECK(dense != nullptr && dense->options().factorization == "dense",
              "compression: expected an fno with dense weights, got ", model.op().name(),
              dense ? " with factorization " + dense->options().factorization : std::string());
  NOPAL_CHECK(options.factorization == "tucker" || options.factorization == "tt",
              "compression: expected the factorization tucker or tt, got ", options.factorization,
              options.factorization == "cp" ? ", which has no SVD: train it from the start" : "");
  FnoOptions o = dense->options();
  o.factorization = options.factorization;
  o.rank = options.rank;
  o.joint_factorization = options.joint_factorization;
  o.fixed_rank_modes = options.fixed_rank_modes;
  o.spectral_initialisation = "normal";
  auto op = std::make_unique<Fno<T>>(o);

  const Named<T> from = by_name<T>(*dense), to = by_name<T>(*op);
  for (const auto& [name, value] : to)
    if (name.find("spectral.weight") == std::string::npos) value.copy_from(from.at(name));
  const auto layer_name = [](std::int64_t l) {
    return "blocks." + std::to_string(l) + ".spectral.weight";
  };
  ComplexTensor all;
  for (std::int64_t l = 0; l < o.n_layers; ++l) {
    const ComplexTensor layer = channels_first(from.at(layer_name(l)), o.separable ? 1 : 2);
    if (!o.joint_factorization) {
      put_factors(layer, o, to, layer_name(l), false);
      continue;
    }
    if (l == 0) {
      all.n = {o.n_layers};
      for (const std::int64_t n : layer.n)
        all.n.push_back(n);
    }
    all.entries.insert(all.entries.end(), layer.entries.begin(), layer.entries.end());
  }
  if (o.joint_factorization) put_factors(all, o, to, "spectral.weight", true);

  if (errors) {
    errors->clear();
    for (std::int64_t l = 0; l < o.n_layers; ++l) {
      const std::vector<T> w = from.at(layer_name(l)).to_vector();
      const std::vector<T> v = op->spectral_weight(l).to_vector();
      double difference = 0, size = 0;
      for (std::size_t i = 0; i < w.size(); ++i) {
        difference += std::pow(static_cast<double>(w[i]) - static_cast<double>(v[i]), 2);
        size += std::pow(static_cast<double>(w[i]), 2);
      }
      errors->push_back(size > 0 ? std::sqrt(difference / size) : 0);
    }
  }
  Model<T> result(std::move(op), model.input_normaliser(), model.output_normaliser());
  result.provenance() = model.provenance();
  result.set_training_grid(model.training_grid());
  return result;
}

template Model<float> compressed<float>(const Model<float>&, const CompressionOptions&,
                                        std::vector<double>*);
template Model<double> compressed<double>(const Model<double>&, const CompressionOptions&,
                                          std::vector<double>*);

}  // namespace nopal
