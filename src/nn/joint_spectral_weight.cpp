// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/random.hpp>
#include <nopal/nn/initialisation.hpp>
#include <nopal/nn/spectral_weight.hpp>

#include "nn/complex_operations.hpp"

#include <cmath>

namespace nopal {
namespace {

// (L, Cin, Cout, M1, ..., Md), or (L, C, M1, ..., Md).
Shape tensor_shape(const SpectralWeightOptions& o, std::int64_t layers) {
  Shape n{layers, o.in_channels};
  if (!o.separable) n.push_back(o.out_channels);
  for (const std::int64_t m : o.modes)
    n.push_back(m);
  return n;
}

}  // namespace

template <class T>
JointSpectralWeight<T>::JointSpectralWeight(const SpectralWeightOptions& options,
                                            std::int64_t layers)
    : options_(options), layers_(layers) {
  const SpectralWeightOptions& o = options_;
  NOPAL_CHECK(o.factorization != Factorization::dense && layers >= 1, "spectral weight '", o.name,
              "': a joint factorization needs tucker, cp or tt and at least 1 layer, got ",
              o.factorization == Factorization::dense ? "dense" : "a factorization", " and ",
              layers);
  NOPAL_CHECK(o.rank > 0 && o.rank <= 1, "spectral weight '", o.name,
              "': rank must be in (0, 1], got ", o.rank);
  const Shape n = tensor_shape(o, layers);
  const int axes = n.rank();
  ranks_ = o.ranks.rank() > 0 ? o.ranks
                              : factorization_ranks(o.factorization, n, o.rank, o.fixed_rank_modes);
  const int expected = o.factorization == Factorization::tucker ? axes
                       : o.factorization == Factorization::cp   ? 1
                                                                : axes - 1;
  NOPAL_CHECK(ranks_.rank() == expected && ranks_.size() > 0, "spectral weight '", o.name,
              "': expected ", expected, " positive ranks, that of the layers first, got ", ranks_);
  double product = 1;
  for (const std::int64_t r : ranks_)
    product *= static_cast<double>(r);
  const double sigma = o.scale * (o.init_std > 0 ? o.init_std
                                                 : 1 / (static_cast<double>(o.in_channels) *
                                                        static_cast<double>(o.out_channels)));
  const bool tt = o.factorization == Factorization::tt, cp = o.factorization == Factorization::cp;
  const double deviation = tt   ? std::pow(sigma / product, 1.0 / axes)
                           : cp ? std::pow(sigma / std::sqrt(product), 1.0 / axes)
                                : std::pow(sigma / std::sqrt(product), 1.0 / (axes + 1));
  const auto make = [&](const std::string& suffix, const Shape& shape) {
    const Tensor<T> value(shape);
    const std::string name = o.name + suffix;
    fill_normal(value, 0, deviation / std::sqrt(2.0), Random(o.seed, parameter_stream(name)));
    parameters_.push_back({name, Variable<T>::leaf(value), true, o.scale});
  };
  if (cp) {
    std::vector<T> ones;
    for (std::int64_t r = 0; r < ranks_[0]; ++r)
      ones.insert(ones.end(), {T(1), T(0)});
    parameters_.push_back({o.name + ".weights",
                           Variable<T>::leaf(Tensor<T>::from_host({ranks_[0], 2}, ones)), true,
                           o.scale});
  } else if (!tt) {
    const int first_mode = o.separable ? 2 : 3;
    Shape core{ranks_[0], ranks_.product(1, first_mode)};
    for (int j = first_mode; j < axes; ++j)
      core.push_back(ranks_[j]);
    core.push_back(2);
    make(".core", core);
  }
  for (int j = 1; j < axes; ++j) {
    const std::string suffix = ".factor." + std::to_string(j - 1);
    if (tt)
      make(suffix, {ranks_[j - 1], n[j], j + 1 < axes ? ranks_[j] : 1, 2});
    else
      make(suffix, {n[j], cp ? ranks_[0] : ranks_[j], 2});
  }
  make(".layers", tt ? Shape{1, layers, ranks_[0], 2} : Shape{layers, ranks_[0], 2});
}

template <class T>
SpectralWeight<T> JointSpectralWeight<T>::layer(std::int64_t l) const {
  NOPAL_CHECK(l >= 0 && l < layers_, "spectral weight '", options_.name, "' has the layers 0 to ",
              layers_ - 1, ", got ", l);
  const bool tt = options_.factorization == Factorization::tt,
             cp = options_.factorization == Factorization::cp;
  const Variable<T> row = detail::cut(parameters_.back().variable, tt ? 1 : 0, l, 1);
  Shape ranks = ranks_;
  if (!cp) ranks = Shape(ranks_.begin() + 1, ranks_.end());
  std::vector<Variable<T>> tensors;
  for (std::size_t i = 0; i + 1 < parameters_.size(); ++i)
    tensors.push_back(parameters_[i].variable);
  if (cp) {
    tensors[0] = detail::column_products(tensors[0], row, {ranks_[0], 2});
  } else {
    // The row times the core, or the first factor of TT, (r_0, ...).
    Shape shape = tt ? Shape{1, tensors[0].shape()[1], tensors[0].shape()[2]} : ranks;
    const std::int64_t rest = tensors[0].value().size() / (2 * ranks_[0]);
    shape.push_back(2);
    tensors[0] =
        detail::complex_product(row, Op::none, tensors[0], Op::none, 1, rest, ranks_[0], shape);
  }
  return SpectralWeight<T>(options_, ranks, tensors);
}

template <class T>
void JointSpectralWeight<T>::append_parameters(Parameters<T>& list) {
  for (Parameter<T>& parameter : parameters_)
    list.push_back(&parameter);
}

template class JointSpectralWeight<float>;
template class JointSpectralWeight<double>;

}  // namespace nopal
