// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/random.hpp>
#include <nopal/nn/initialisation.hpp>
#include <nopal/nn/spectral_weight.hpp>

#include "nn/complex_operations.hpp"

#include <cmath>
#include <iterator>

namespace nopal {

using detail::apply_factor;
using detail::column_products;
using detail::complex_product;
using detail::complex_transpose;
using detail::cut;
using detail::modewise_product;
using detail::modewise_scale;

namespace {

// `leading` followed by the remaining extents and the complex axis.
template <class... Extents>
Shape complex_shape(Shape leading, Extents... extents) {
  (leading.push_back(extents), ...);
  leading.push_back(2);
  return leading;
}

// (Cin, Cout, M1, ..., Md), or (C, M1, ..., Md).
Shape tensor_shape(const SpectralWeightOptions& o) {
  Shape n{o.in_channels};
  if (!o.separable) n.push_back(o.out_channels);
  for (const std::int64_t m : o.modes)
    n.push_back(m);
  return n;
}

void check(const SpectralWeightOptions& o) {
  NOPAL_CHECK(o.modes.rank() >= 1 && o.modes.rank() <= 3, "spectral weight '", o.name,
              "': expected modes in 1 to 3 dimensions, got ", o.modes);
  NOPAL_CHECK(o.modes.size() > 0 && o.in_channels > 0 && o.out_channels > 0, "spectral weight '",
              o.name, "': modes ", o.modes, " and channels ", o.in_channels, ", ", o.out_channels,
              " must be positive");
  NOPAL_CHECK(!o.separable || o.in_channels == o.out_channels, "spectral weight '", o.name,
              "': separable needs equal channels, got ", o.in_channels, " and ", o.out_channels);
  NOPAL_CHECK(o.rank > 0 && o.rank <= 1, "spectral weight '", o.name,
              "': rank must be in (0, 1], got ", o.rank);
  NOPAL_CHECK(
      o.initialisation == SpectralInitialisation::normal || o.factorization == Factorization::dense,
      "spectral weight '", o.name, "': uniform initialisation is for dense weights");
}

}  // namespace

template <class T>
SpectralWeight<T>::SpectralWeight(const SpectralWeightOptions& options, const Shape& ranks,
                                  const std::vector<Variable<T>>& tensors)
    : options_(options), ranks_(ranks) {
  for (const Variable<T>& tensor : tensors)
    parameters_.push_back({options.name, tensor, true});
}

template <class T>
SpectralWeight<T>::SpectralWeight(const SpectralWeightOptions& options) : options_(options) {
  check(options_);
  const SpectralWeightOptions& o = options_;
  const Shape n = tensor_shape(o);
  const int axes = n.rank();
  const auto in = static_cast<double>(o.in_channels), out = static_cast<double>(o.out_channels);
  const double sigma = o.scale * (o.init_std > 0 ? o.init_std : std::sqrt(2 / (in + out)));
  const auto make = [&](const std::string& suffix, const Shape& shape, double deviation) {
    const Tensor<T> value(shape);
    const std::string name = o.name + suffix;
    // Half of the variance each for real and imaginary parts.
    fill_normal(value, 0, deviation / std::sqrt(2.0), Random(o.seed, parameter_stream(name)));
    parameters_.push_back({name, Variable<T>::leaf(value), true, o.scale});
  };
  const auto suffix = [](int j) { return ".factor." + std::to_string(j); };

  if (o.factorization == Factorization::dense) {
    make("",
         o.separable ? complex_shape(o.modes, o.in_channels)
                     : complex_shape(o.modes, o.in_channels, o.out_channels),
         sigma);
    if (o.initialisation == SpectralInitialisation::uniform)
      fill_uniform(parameters_[0].value(), 0, o.scale / (in * out),
                   Random(o.seed, parameter_stream(o.name)));
    return;
  }

  ranks_ = o.ranks.rank() > 0 ? o.ranks
                              : factorization_ranks(o.factorization, n, o.rank, o.fixed_rank_modes);
  const int expected = o.factorization == Factorization::tucker ? axes
                       : o.factorization == Factorization::cp   ? 1
                                                                : axes - 1;
  NOPAL_CHECK(ranks_.rank() == expected && ranks_.size() > 0, "spectral weight '", o.name,
              "': expected ", expected, " positive ranks, got ", ranks_);
  double product = 1;
  for (const std::int64_t r : ranks_)
    product *= static_cast<double>(r);
  switch (o.factorization) {
    case Factorization::tucker: {
      const double deviation = std::pow(sigma / std::sqrt(product), 1.0 / (axes + 1));
      make(".core", complex_shape(ranks_), deviation);
      for (int j = 0; j < axes; ++j)
        make(suffix(j), {n[j], ranks_[j], 2}, deviation);
      break;
    }
    case Factorization::cp: {
      const double deviation = std::pow(sigma / std::sqrt(product), 1.0 / axes);
      make(".weights", {ranks_[0], 2}, 0);
      std::vector<T> ones(static_cast<std::size_t>(2 * ranks_[0]), T(0));
      for (std::size_t i = 0; i < ones.size(); i += 2)
        ones[i] = T(1);
      parameters_[0].value().copy_from_host(ones.data());
      for (int j = 0; j < axes; ++j)
        make(suffix(j), {n[j], ranks_[0], 2}, deviation);
      break;
    }
    default: {
      const double deviation = std::pow(sigma / product, 1.0 / axes);
      for (int j = 0; j < axes; ++j)
        make(suffix(j), {j > 0 ? ranks_[j - 1] : 1, n[j], j + 1 < axes ? ranks_[j] : 1, 2},
             deviation);
    }
  }
}

template <class T>
Shape SpectralWeight<T>::first_mode(const Shape& active) const {
  const Shape& stored = options_.modes;
  const int d = stored.rank();
  NOPAL_CHECK(active.rank() == d, "spectral weight with modes ", stored, " got ", active);
  Shape first;
  for (int j = 0; j < d; ++j) {
    const std::int64_t offset = j + 1 < d ? stored[j] / 2 - active[j] / 2 : 0;
    NOPAL_CHECK(active[j] >= 1 && offset >= 0 && offset + active[j] <= stored[j],
                "spectral weight with modes ", stored, " has no weights for ", active);
    first.push_back(offset);
  }
  return first;
}

// The factors' product over the mode axes alone:
// Tucker (K1, ..., Kd, r_I, r_O, 2), CP (K1, ..., Kd, R, 2), TT (r, K1, ..., Kd, 2).
template <class T>
Variable<T> SpectralWeight<T>::mode_product(const Shape& active) const {
  const Shape first = first_mode(active);
  const int d = active.rank(), channels = options_.separable ? 1 : 2;
  const auto factor = [&](int j) -> const Variable<T>& {
    const bool leading = options_.factorization != Factorization::tt;
    return std::next(parameters_.begin(), channels + j + (leading ? 1 : 0))->variable;
  };

  if (options_.factorization == Factorization::tt) {
    // From the right: (r_j, K_j, ..., K_d) = G_j (r_j K_j, r_{j+1}) times (r_{j+1}, rest).
    Variable<T> product = cut(factor(d - 1), 1, first[d - 1], active[d - 1]);
    std::int64_t rest = active[d - 1];
    for (int j = d - 2; j >= 0; --j) {
      const Variable<T> core = cut(factor(j), 1, first[j], active[j]);
      const std::int64_t left = core.shape()[0], inner = core.shape()[2];
      product = complex_product(core, Op::none, product, Op::none, left * active[j], rest, inner,
                                {left, active[j], rest, 2});
      rest *= active[j];
    }
    return product;
  }
  if (options_.factorization == Factorization::cp) {
    Variable<T> product = parameters_[0].variable;  // (R)
    std::int64_t rows = 1;
    for (int j = 0; j < d; ++j) {
      rows *= active[j];
      product =
          column_products(product, cut(factor(j), 0, first[j], active[j]), {rows, ranks_[0], 2});
    }
    return product;
  }
  // Tucker: bring the channel axes of the core to the end, then grow the mode axes.
  const std::int64_t channel_ranks = ranks_.product(0, channels);
  std::int64_t after = ranks_.size() / channel_ranks, before = 1;
  Variable<T> product =
      complex_transpose(parameters_[0].variable, channel_ranks, after, {after, channel_ranks, 2});
  after *= channel_ranks;
  for (int j = 0; j < d; ++j) {
    after /= ranks_[channels + j];
    product = apply_factor(product, cut(factor(j), 0, first[j], active[j]), before, after,
                           {before, active[j], after, 2});
    before *= active[j];
  }
  return product;
}

template <class T>
Variable<T> SpectralWeight<T>::dense(const Shape& active) const {
  const Shape first = first_mode(active);
  const std::int64_t modes = active.size(), in = options_.in_channels, out = options_.out_channels;
  const bool separable = options_.separable;
  const Shape shape = separable ? complex_shape(active, in) : complex_shape(active, in, out);
  if (options_.factorization == Factorization::dense) {
    Variable<T> weight = parameters_[0].variable;
    for (int j = 0; j < active.rank(); ++j)
      weight = cut(weight, j, first[j], active[j]);
    return weight;
  }
  const Variable<T> product = mode_product(active);
  const auto channel = [&](int j) -> const Variable<T>& {
    const int leading = options_.factorization == Factorization::tt ? 0 : 1;
    return std::next(parameters_.begin(), leading + j)->variable;
  };
  switch (options_.factorization) {
    case Factorization::tucker:
      if (separable) return apply_factor(product, channel(0), modes, 1, shape);
      return apply_factor(
          apply_factor(product, channel(0), modes, ranks_[1], {modes, in, ranks_[1], 2}),
          channel(1), modes * in, 1, shape);
    case Factorization::cp:
      if (separable) return apply_factor(product, channel(0), modes, 1, shape);
      return apply_factor(column_products(product, channel(0), {modes, in, ranks_[0], 2}),
                          channel(1), modes * in, 1, shape);
    default: {
      if (separable)  // (K, C) = H^T G_1^T, H (r_1, K), G_1 (C, r_1)
        return complex_product(product, Op::transpose, channel(0), Op::transpose, modes, in,
                               ranks_[0], shape);
      // P (Cin Cout, r_2) = G_1 G_2; W (K, Cin Cout) = H^T P^T
      const Variable<T> pair = complex_product(channel(0), Op::none, channel(1), Op::none, in,
                                               out * ranks_[1], ranks_[0], {in, out, ranks_[1], 2});
      return complex_product(product, Op::transpose, pair, Op::transpose, modes, in * out,
                             ranks_[1], shape);
    }
  }
}

// Channel factors as plain products around a small core for each mode.
template <class T>
Variable<T> SpectralWeight<T>::contract_factors(const Variable<T>& x, const Shape& active) const {
  const std::int64_t modes = active.size(), batch = x.shape()[0], points = batch * modes;
  const std::int64_t in = options_.in_channels, out = options_.out_channels;
  Shape field{batch};
  for (const std::int64_t k : active)
    field.push_back(k);
  const Variable<T> core = mode_product(active);
  const bool tt = options_.factorization == Factorization::tt;
  const Variable<T>& in_factor = parameters_[tt ? 0 : 1].variable;
  const Variable<T>& out_factor = parameters_[tt ? 1 : 2].variable;
  const std::int64_t r = ranks_[0];
  const Variable<T> reduced =
      complex_product(x, Op::none, in_factor, Op::none, points, r, in, complex_shape(field, r));
  const auto as_matrices = [&](const Variable<T>& w, std::int64_t columns) {
    return modewise_product(reduced, w, Shape{modes}, Shape{modes}, Shape{0}, columns);
  };
  switch (options_.factorization) {
    case Factorization::tucker:
      return apply_factor(as_matrices(core, ranks_[1]), out_factor, points, 1,
                          complex_shape(field, out));
    case Factorization::cp:
      return apply_factor(modewise_scale(reduced, core), out_factor, points, 1,
                          complex_shape(field, out));
    default: {
      // V (K, r_1 Cout) = H^T G_2^T, H (r_2, K), G_2 (r_1 Cout, r_2)
      const Variable<T> matrices = complex_product(core, Op::transpose, out_factor, Op::transpose,
                                                   modes, r * out, ranks_[1], {modes, r, out, 2});
      return as_matrices(matrices, out);
    }
  }
}

template <class T>
Variable<T> SpectralWeight<T>::contract(const Variable<T>& x) const {
  const int d = options_.modes.rank();
  NOPAL_CHECK(x.shape().rank() == d + 3 && x.shape()[-2] == options_.in_channels,
              "spectral weight ", "with modes ", options_.modes, " and ", options_.in_channels,
              " input channels got a spectrum of shape ", x.shape());
  const Shape active(x.shape().begin() + 1, x.shape().begin() + 1 + d);
  if (options_.separable) return modewise_scale(x, dense(active));
  if (options_.factorization == Factorization::dense)
    return modewise_product(x, parameters_[0].variable, options_.modes, active, first_mode(active),
                            options_.out_channels);
  if (options_.implementation == Implementation::factorized ||
      (options_.implementation == Implementation::automatic &&
       factors_are_cheaper(x.shape()[0], active)))
    return contract_factors(x, active);
  Shape none;
  for (int j = 0; j < d; ++j)
    none.push_back(0);
  return modewise_product(x, dense(active), active, active, none, options_.out_channels);
}

template <class T>
typename SpectralWeight<T>::Flops SpectralWeight<T>::flops(std::int64_t batch,
                                                           const Shape& active) const {
  const auto b = static_cast<double>(batch), k = static_cast<double>(active.size());
  const auto in = static_cast<double>(options_.in_channels);
  const auto out = static_cast<double>(options_.out_channels);
  if (options_.separable) return {8 * b * k * in, 8 * b * k * in};
  const double apply = 8 * b * k * in * out;  // a complex multiply-add is 8 flops
  const auto r = [&](int j) { return static_cast<double>(ranks_[j]); };
  switch (options_.factorization) {
    case Factorization::dense:
      return {apply, apply};
    case Factorization::tucker:
      return {apply + 8 * k * in * r(1) * (r(0) + out),
              8 * b * k * (in * r(0) + r(0) * r(1) + r(1) * out)};
    case Factorization::cp:
      return {apply + 8 * k * in * r(0) * (1 + out), 8 * b * k * r(0) * (in + 1 + out)};
    default:
      return {apply + 8 * in * out * r(1) * (r(0) + k),
              8 * b * k * r(0) * (in + out) + 8 * k * r(0) * out * r(1)};
  }
}

template <class T>
bool SpectralWeight<T>::factors_are_cheaper(std::int64_t batch, const Shape& active) const {
  const Flops work = flops(batch, active);
  return work.factorized < work.reconstructed;
}

template <class T>
Cost SpectralWeight<T>::cost(std::int64_t batch, const Shape& active) const {
  const Flops work = flops(batch, active);
  const bool factors =
      options_.implementation == Implementation::factorized ||
      (options_.implementation == Implementation::automatic && factors_are_cheaper(batch, active));
  double entries = static_cast<double>(batch * active.size()) *
                   static_cast<double>(options_.in_channels + options_.out_channels);
  for (const Parameter<T>& p : parameters_)
    entries += static_cast<double>(p.value().size()) / 2;
  return {factors ? work.factorized : work.reconstructed,
          2 * static_cast<double>(sizeof(T)) * entries};
}

template <class T>
void SpectralWeight<T>::append_parameters(Parameters<T>& list) {
  for (Parameter<T>& parameter : parameters_)
    list.push_back(&parameter);
}

template class SpectralWeight<float>;
template class SpectralWeight<double>;

}  // namespace nopal
