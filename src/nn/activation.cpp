// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "core/parallel.hpp"
#include "nn/activation_functions.hpp"

#include <nopal/core/error.hpp>
#include <nopal/core/profile.hpp>

#include <algorithm>
#include <array>

namespace nopal {
namespace {

constexpr std::array<std::pair<const char*, Activation>, 9> names{
    {{"identity", Activation::identity},
     {"elu", Activation::elu},
     {"gelu", Activation::gelu},
     {"leaky_relu", Activation::leaky_relu},
     {"relu", Activation::relu},
     {"selu", Activation::selu},
     {"silu", Activation::silu},
     {"sin", Activation::sin},
     {"tanh", Activation::tanh}}};

}  // namespace

Activation activation_from_string(const std::string& name) {
  std::vector<std::string> known;
  for (const auto& [candidate, value] : names) {
    if (name == candidate) return value;
    known.emplace_back(candidate);
  }
  NOPAL_CHECK(false, "unknown activation '", name, "'", suggestion(name, known));
}

const char* to_string(Activation activation) {
  return std::find_if(names.begin(), names.end(),
                      [&](const auto& entry) { return entry.second == activation; })
      ->first;
}

namespace {

// Kernels for one function F of activation_functions.hpp. Templates and not bodies of the generic
// lambdas below: CUDA takes no kernel from there.

template <class F, class T>
void activate_rows_by(T* z, const T* bias, std::int64_t rows, std::int64_t columns) {
  detail::parallel_entries(
      "nopal::activate", rows, columns, KOKKOS_LAMBDA(std::int64_t r, std::int64_t c) {
        T& entry = z[r * columns + c];
        T value, slope;
        F::apply(entry + bias[c], value, slope);
        entry = value;
      });
}

template <class F, class T>
void activate_with_slope_by(const T* z, T* value, T* slope, std::int64_t size) {
  detail::parallel_flat(
      "nopal::activate_with_slope", size, KOKKOS_LAMBDA(std::int64_t i) {
        T v, s;
        F::apply(z[i], v, s);
        value[i] = v;
        slope[i] = s;
      });
}

template <class F, class T>
void activate_rows_with_slope_by(const T* z, const T* bias, T* value, T* slope, std::int64_t rows,
                                 std::int64_t columns) {
  detail::parallel_entries(
      "nopal::activate_with_slope", rows, columns, KOKKOS_LAMBDA(std::int64_t r, std::int64_t c) {
        const std::int64_t i = r * columns + c;
        T v, s;
        F::apply(z[i] + bias[c], v, s);
        value[i] = v;
        slope[i] = s;
      });
}

template <class F, class T>
void activate_by(const T* x, T* y, std::int64_t size) {
  detail::parallel_flat(
      "nopal::activate", size, KOKKOS_LAMBDA(std::int64_t i) {
        T value, slope;
        F::apply(x[i], value, slope);
        y[i] = value;
      });
}

// dy *= f'(x)
template <class F, class T>
void activate_adjoint_by(const T* x, T* dy, std::int64_t size) {
  detail::parallel_flat(
      "nopal::activate_adjoint", size, KOKKOS_LAMBDA(std::int64_t i) {
        T value, slope;
        F::apply(x[i], value, slope);
        dy[i] *= slope;
      });
}

}  // namespace

namespace detail {

template <class T>
void activate_rows(T* z, const T* bias, std::int64_t rows, std::int64_t columns,
                   Activation activation) {
  with_activation(activation, [&](auto function) {
    // Narrow rows do not fill vectors.
    if (bias)
      activate_rows_by<decltype(function)>(z, bias, rows, columns);
    else
      activate_by<decltype(function)>(z, z, rows * columns);
  });
}

template <class T>
void activate_rows_with_slope(const T* z, const T* bias, T* value, T* slope, std::int64_t rows,
                              std::int64_t columns, Activation activation) {
  with_activation(activation, [&](auto function) {
    if (bias)
      activate_rows_with_slope_by<decltype(function)>(z, bias, value, slope, rows, columns);
    else
      activate_with_slope_by<decltype(function)>(z, value, slope, rows * columns);
  });
}

template <class T>
void activate_to(const T* x, T* y, std::int64_t size, Activation activation) {
  with_activation(activation, [&](auto function) { activate_by<decltype(function)>(x, y, size); });
}

template <class T>
void activate_adjoint(const T* x, T* dy, std::int64_t size, Activation activation) {
  with_activation(activation,
                  [&](auto function) { activate_adjoint_by<decltype(function)>(x, dy, size); });
}

}  // namespace detail

template <class T>
Variable<T> activate(Variable<T> x, Activation activation) {
  if (activation == Activation::identity) return x;
  const ScopedRegion region("activate");
  const bool recorded = needs_record(x);
  const Tensor<T> y = !recorded && x.value().unique() ? x.value() : Tensor<T>(x.shape());
  detail::activate_to(x.value().data(), y.data(), y.size(), activation);
  if (!recorded) return y;

  return record<T>(y, [x, activation](const Tensor<T>& dy) {
    // dx = f'(x) dy takes the memory of dy, which nobody needs afterwards.
    detail::activate_adjoint(x.value().data(), dy.data(), dy.size(), activation);
    x.accumulate(dy);
  });
}

#define NOPAL_INSTANTIATE(T)                                                                    \
  template Variable<T> activate<T>(Variable<T>, Activation);                                    \
  template void detail::activate_rows<T>(T*, const T*, std::int64_t, std::int64_t, Activation); \
  template void detail::activate_rows_with_slope<T>(const T*, const T*, T*, T*, std::int64_t,   \
                                                    std::int64_t, Activation);                  \
  template void detail::activate_to<T>(const T*, T*, std::int64_t, Activation);                 \
  template void detail::activate_adjoint<T>(const T*, T*, std::int64_t, Activation);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal
