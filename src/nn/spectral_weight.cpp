// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/blas.hpp>
#include <nopal/core/random.hpp>
#include <nopal/nn/initialisation.hpp>
#include <nopal/nn/spectral_weight.hpp>

#include <Kokkos_Complex.hpp>

#include <algorithm>
#include <cmath>

namespace nopal {
namespace {

// Position among the stored modes of active mode k.
std::int64_t stored_position(std::int64_t k, const Shape& stored, const Shape& active,
                             const Shape& first) {
  std::int64_t position = 0, stride = 1;
  for (int j = stored.rank() - 1; j >= 0; --j) {
    position += (k % active[j] + first[j]) * stride;
    k /= active[j];
    stride *= stored[j];
  }
  return position;
}

}  // namespace

Shape factorization_ranks(Factorization factorization, const Shape& n, double,
                          const std::vector<int>&) {
  NOPAL_CHECK(factorization == Factorization::dense, "factorised weights are not in this build");
  return n;
}

template <class T>
SpectralWeight<T>::SpectralWeight(const SpectralWeightOptions& options) : options_(options) {
  const SpectralWeightOptions& o = options_;
  NOPAL_CHECK(o.factorization == Factorization::dense && !o.separable,
              "factorised and separable weights are not in this build");
  Shape shape = o.modes;
  shape.push_back(o.in_channels);
  shape.push_back(o.out_channels);
  shape.push_back(2);
  const Tensor<T> weight(shape);
  const Random random(o.seed, parameter_stream(o.name));
  const auto in = static_cast<double>(o.in_channels), out = static_cast<double>(o.out_channels);
  if (o.initialisation == SpectralInitialisation::uniform)
    fill_uniform(weight, 0, 1 / (in * out), random);
  else
    fill_normal(weight, 0, (o.init_std > 0 ? o.init_std : std::sqrt(2 / (in + out))) / std::sqrt(2),
                random);
  parameters_.push_back({o.name, Variable<T>::leaf(weight), true});
}

template <class T>
Shape SpectralWeight<T>::first_mode(const Shape& active) const {
  Shape first;
  for (int j = 0; j < active.rank(); ++j)
    first.push_back(j + 1 < active.rank() ? options_.modes[j] / 2 - active[j] / 2 : 0);
  return first;
}

template <class T>
Variable<T> SpectralWeight<T>::contract(const Variable<T>& x) const {
  using C = Kokkos::complex<T>;
  const Variable<T> w = parameters_[0].variable;
  const Shape active(x.shape().begin() + 1, x.shape().end() - 2), stored = options_.modes;
  const Shape first = first_mode(active);
  const std::int64_t batch = x.shape()[0], in = options_.in_channels, out = options_.out_channels;
  const std::int64_t modes = active.size();
  const auto complex = [](const Tensor<T>& t) { return reinterpret_cast<C*>(t.data()); };
  const Tensor<T> y(x.shape().with(-2, out));
  for (std::int64_t k = 0; k < modes; ++k)
    gemm<C>(Op::none, Op::none, batch, out, in, C(1), complex(x.value()) + k * in, modes * in,
            complex(w.value()) + stored_position(k, stored, active, first) * in * out, out, C(0),
            complex(y) + k * out, modes * out);
  if (!needs_record(x, w)) return y;
  return record<T>(y, [=](const Tensor<T>& dy) {
    if (x.requires_gradient()) {
      const auto [dx, beta] = x.gradient_slot();
      for (std::int64_t k = 0; k < modes; ++k)
        gemm<C>(Op::none, Op::conjugate_transpose, batch, in, out, C(1), complex(dy) + k * out,
                modes * out,
                complex(w.value()) + stored_position(k, stored, active, first) * in * out, out,
                C(beta), complex(dx) + k * in, modes * in);
    }
    if (w.requires_gradient()) {
      const auto [dw, beta] = w.gradient_slot();
      if (beta == T(0) && modes < stored.size()) dw.fill(T(0));
      for (std::int64_t k = 0; k < modes; ++k)
        gemm<C>(Op::conjugate_transpose, Op::none, in, out, batch, C(1),
                complex(x.value()) + k * in, modes * in, complex(dy) + k * out, modes * out,
                C(modes < stored.size() ? T(1) : beta),
                complex(dw) + stored_position(k, stored, active, first) * in * out, out);
    }
  });
}

template <class T>
Cost SpectralWeight<T>::cost(std::int64_t batch, const Shape& active) const {
  const auto b = static_cast<double>(batch), k = static_cast<double>(active.size());
  const auto in = static_cast<double>(options_.in_channels);
  const auto out = static_cast<double>(options_.out_channels);
  return {8 * b * k * in * out, 2 * sizeof(T) * k * (in * out + b * (in + out))};
}

template <class T>
void SpectralWeight<T>::append_parameters(Parameters<T>& list) {
  for (Parameter<T>& parameter : parameters_)
    list.push_back(&parameter);
}

template class SpectralWeight<float>;
template class SpectralWeight<double>;

}  // namespace nopal
