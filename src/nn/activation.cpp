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

using Rows = Kokkos::RangePolicy<ExecutionSpace, Kokkos::IndexType<std::int64_t>>;

constexpr std::array<std::pair<const char*, Activation>, 5> names{
    {{"identity", Activation::identity},
     {"gelu", Activation::gelu},
     {"relu", Activation::relu},
     {"silu", Activation::silu},
     {"tanh", Activation::tanh}}};

// Flat arrays are cut into rows of this length: long enough to vectorise, short enough to spread.
constexpr std::int64_t flat_row = 1024;

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

namespace detail {

template <class T>
void activate_rows(T* z, const T* bias, std::int64_t rows, std::int64_t columns,
                   Activation activation) {
  with_activation(activation, [&](auto function) {
    using F = decltype(function);
    detail::parallel_for(
        "nopal::activate", Rows(0, rows), KOKKOS_LAMBDA(std::int64_t r) {
          T* zr = z + r * columns;
#pragma GCC ivdep
          for (std::int64_t c = 0; c < columns; ++c) {
            T value, slope;
            F::apply(bias ? zr[c] + bias[c] : zr[c], value, slope);
            zr[c] = value;
          }
        });
  });
}

template <class T>
void activate_rows_with_slope(const T* z, const T* bias, T* value, T* slope, std::int64_t rows,
                              std::int64_t columns, Activation activation) {
  with_activation(activation, [&](auto function) {
    using F = decltype(function);
    detail::parallel_for(
        "nopal::activate_with_slope", Rows(0, rows), KOKKOS_LAMBDA(std::int64_t r) {
          const T* zr = z + r * columns;
          T* vr = value + r * columns;
          T* sr = slope + r * columns;
#pragma GCC ivdep
          for (std::int64_t c = 0; c < columns; ++c) {
            T v, s;
            F::apply(bias ? zr[c] + bias[c] : zr[c], v, s);
            vr[c] = v;
            sr[c] = s;
          }
        });
  });
}

}  // namespace detail

template <class T>
Variable<T> activate(Variable<T> x, Activation activation) {
  if (activation == Activation::identity) return x;
  const ScopedRegion region("activate");
  const std::int64_t size = x.value().size();
  const std::int64_t rows = (size + flat_row - 1) / flat_row;
  const bool recorded = needs_record(x);
  const Tensor<T> y = !recorded && x.value().unique() ? x.value() : Tensor<T>(x.shape());
  const T* px = x.value().data();
  T* py = y.data();
  detail::with_activation(activation, [&](auto function) {
    using F = decltype(function);
    detail::parallel_for(
        "nopal::activate", Rows(0, rows), KOKKOS_LAMBDA(std::int64_t r) {
          const std::int64_t end = r + 1 == rows ? size : (r + 1) * flat_row;
#pragma GCC ivdep
          for (std::int64_t i = r * flat_row; i < end; ++i) {
            T value, slope;
            F::apply(px[i], value, slope);
            py[i] = value;
          }
        });
  });
  if (!recorded) return y;

  return record<T>(y, [x, activation, size, rows](const Tensor<T>& dy) {
    // dx = f'(x) dy takes the memory of dy, which nobody needs afterwards.
    const T* px = x.value().data();
    T* pdy = dy.data();
    detail::with_activation(activation, [&](auto function) {
      using F = decltype(function);
      detail::parallel_for(
          "nopal::activate_adjoint", Rows(0, rows), KOKKOS_LAMBDA(std::int64_t r) {
            const std::int64_t end = r + 1 == rows ? size : (r + 1) * flat_row;
#pragma GCC ivdep
            for (std::int64_t i = r * flat_row; i < end; ++i) {
              T value, slope;
              F::apply(px[i], value, slope);
              pdy[i] *= slope;
            }
          });
    });
    x.accumulate(dy);
  });
}

#define NOPAL_INSTANTIATE(T)                                                                    \
  template Variable<T> activate<T>(Variable<T>, Activation);                                    \
  template void detail::activate_rows<T>(T*, const T*, std::int64_t, std::int64_t, Activation); \
  template void detail::activate_rows_with_slope<T>(const T*, const T*, T*, T*, std::int64_t,   \
                                                    std::int64_t, Activation);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal
