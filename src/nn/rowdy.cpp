// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/profile.hpp>
#include <nopal/nn/rowdy.hpp>

#include "core/parallel.hpp"
#include "nn/activation_functions.hpp"
#include "nn/row_kernels.hpp"

#include <algorithm>
#include <type_traits>

namespace nopal {
namespace {

using detail::ItemRange;

// f and its derivatives at x, and those of f and f' in the five numbers.
template <class T>
struct Rowdy {
  T a, c, a1, f1, c1;

  KOKKOS_INLINE_FUNCTION explicit Rowdy(const T* numbers)
      : a(numbers[0]), c(numbers[1]), a1(numbers[2]), f1(numbers[3]), c1(numbers[4]) {}

  struct Parts {
    T tanh, rest, sin, cos;  // rest = 1 - tanh^2
  };
  KOKKOS_INLINE_FUNCTION Parts parts(T x) const {
    Parts p;
    p.tanh = detail::fast_tanh(T(10) * a * x + c);
    p.rest = T(1) - p.tanh * p.tanh;
    detail::fast_sincos(T(10) * f1 * x + c1, p.sin, p.cos);
    return p;
  }
  KOKKOS_INLINE_FUNCTION T value(const Parts& p) const { return p.tanh + T(10) * a1 * p.sin; }
  KOKKOS_INLINE_FUNCTION T slope(const Parts& p) const {
    return T(10) * a * p.rest + T(100) * a1 * f1 * p.cos;
  }
  KOKKOS_INLINE_FUNCTION T second(const Parts& p) const {
    return T(-200) * a * a * p.tanh * p.rest - T(1000) * a1 * f1 * f1 * p.sin;
  }
};

constexpr int sums = 6;  // of the gate and the five numbers

struct Sizes {
  std::int64_t rows, width, tangents;
  std::int64_t plane() const { return rows * width; }
};

// Calls action(std::integral_constant<int, J>{}): loops over entries vectorise only if those over
// tangents have a known end.
template <class Action>
void with_tangents(std::int64_t tangents, Action&& action) {
  switch (tangents) {
    case 0:
      return action(std::integral_constant<int, 0>{});
    case 1:
      return action(std::integral_constant<int, 1>{});
    case 2:
      return action(std::integral_constant<int, 2>{});
    default:
      return action(std::integral_constant<int, 3>{});
  }
}

constexpr std::int64_t chunk_rows = 64;

// A chunk of the rows [first, first + count), which have the gate s (null: none).
template <int Tangents, class T>
struct ForwardChunk {
  std::int64_t first, count, width, plane;
  const T *z, *bias, *numbers, *s;
  T shift;
  T* y;

  // On the host an item is a chunk, on a device a column of one.
  KOKKOS_INLINE_FUNCTION void operator()(std::int64_t item) const {
    const std::int64_t chunk = detail::on_host ? item : item / width;
    const std::int64_t begin = detail::on_host ? 0 : item % width;
    const std::int64_t end = detail::on_host ? width : begin + 1;
    const Rowdy<T> f(numbers);
    const std::int64_t low = chunk * chunk_rows;
    const std::int64_t high = low + chunk_rows < count ? low + chunk_rows : count;
    for (std::int64_t row = low; row < high; ++row)
#pragma GCC ivdep
      for (std::int64_t col = begin; col < end; ++col) {
        const std::int64_t i = (first + row) * width + col;
        const auto p = f.parts(z[i] + bias[col]);
        const T factor = s ? shift + s[col] : T(1);
        y[i] = factor * f.value(p);
#pragma GCC unroll 4
        for (int j = 1; j <= Tangents; ++j)
          y[j * plane + i] = factor * f.slope(p) * z[j * plane + i];
      }
  }
};

std::int64_t chunks_of(std::int64_t rows) {
  return (rows + chunk_rows - 1) / chunk_rows;
}

// The adjoint for the rows of a chunk: dz in the memory of dy, and sums (6, W) over the rows.
template <int Tangents, class T>
struct AdjointChunk {
  std::int64_t first, count, width, plane;
  const T *z, *bias, *numbers, *s;
  T shift;
  T *d, *sum;

  KOKKOS_INLINE_FUNCTION void entry(const Rowdy<T>& f, std::int64_t row, std::int64_t col,
                                    T* to) const {
    const std::int64_t i = row * width + col;
    const T x = z[i] + bias[col];
    const auto p = f.parts(x);
    const T factor = s ? shift + s[col] : T(1);
    const T slope = f.slope(p), dy = d[i];
    T along = 0;
#pragma GCC unroll 4
    for (int j = 1; j <= Tangents; ++j) {
      T& dj = d[j * plane + i];
      along += z[j * plane + i] * dj;
      dj *= factor * slope;
    }
    const T g0 = factor * dy, g1 = factor * along;
    d[i] = slope * g0 + f.second(p) * g1;
    const T product = p.tanh * p.rest;
    to[col] += f.value(p) * dy + slope * along;
    to[width + col] += g0 * T(10) * x * p.rest + g1 * (T(10) * p.rest - T(200) * f.a * x * product);
    to[2 * width + col] += g0 * p.rest - g1 * T(20) * f.a * product;
    to[3 * width + col] += g0 * T(10) * p.sin + g1 * T(100) * f.f1 * p.cos;
    to[4 * width + col] +=
        g0 * T(100) * f.a1 * x * p.cos + g1 * f.a1 * (T(100) * p.cos - T(1000) * f.f1 * x * p.sin);
    to[5 * width + col] += g0 * T(10) * f.a1 * p.cos - g1 * T(100) * f.a1 * f.f1 * p.sin;
  }

  // As above.
  KOKKOS_INLINE_FUNCTION void operator()(std::int64_t item) const {
    const std::int64_t chunk = detail::on_host ? item : item / width;
    const std::int64_t begin = detail::on_host ? 0 : item % width;
    const std::int64_t end = detail::on_host ? width : begin + 1;
    const Rowdy<T> f(numbers);
    T* const to = sum + chunk * sums * width;
    for (int k = 0; k < sums; ++k)
      for (std::int64_t col = begin; col < end; ++col)
        to[k * width + col] = 0;
    const std::int64_t low = chunk * chunk_rows;
    const std::int64_t high = low + chunk_rows < count ? low + chunk_rows : count;
    for (std::int64_t row = low; row < high; ++row)
#pragma GCC ivdep
      for (std::int64_t col = begin; col < end; ++col)
        entry(f, first + row, col, to);
  }
};

template <class T>
void check(const Variable<T>& z, const Variable<T>& bias, const Variable<T>& numbers,
           const RowGate<T>& gate, std::int64_t tangents) {
  const Shape& shape = z.shape();
  const bool jet = tangents > 0;
  NOPAL_CHECK(tangents >= 0 && tangents <= 3 && shape.rank() == (jet ? 3 : 2) &&
                  (!jet || shape[0] == 1 + tangents),
              "rowdy: expected ", jet ? "a jet (" : "rows (",
              jet ? std::to_string(1 + tangents) : "R", jet ? ", R, W)" : ", W)", ", got ", shape);
  NOPAL_CHECK(bias.value().size() == shape[-1] && numbers.value().size() == 5, "rowdy: a bias ",
              bias.shape(), " and numbers ", numbers.shape(), " do not fit rows ", shape,
              "; expected as many as channels, and 5");
  if (!gate.factors.value().defined()) return;
  const Shape& s = gate.factors.shape();
  NOPAL_CHECK(s.rank() == 2 && s[1] == shape[-1] &&
                  static_cast<std::int64_t>(gate.offsets.size()) == s[0] + 1 &&
                  gate.offsets.front() == 0 && gate.offsets.back() == shape[-2] &&
                  std::is_sorted(gate.offsets.begin(), gate.offsets.end()),
              "rowdy: a gate ", s, " with ", gate.offsets.size(), " offsets does not fit rows ",
              shape, "; expected (B, ", shape[-1], ") and B + 1 offsets from 0 to ", shape[-2]);
}

}  // namespace

template <class T>
Variable<T> rowdy(const Variable<T>& z, const Variable<T>& bias, const Variable<T>& numbers,
                  const RowGate<T>& gate, std::int64_t tangents) {
  const ScopedRegion region("rowdy");
  check(z, bias, numbers, gate, tangents);
  const Sizes size{z.shape()[-2], z.shape()[-1], tangents};
  const Tensor<T> y(z.shape());
  const bool gated = gate.factors.value().defined();
  const std::vector<std::int64_t> offsets =
      gated ? gate.offsets : std::vector<std::int64_t>{0, size.rows};
  const T shift = static_cast<T>(gate.shift);
  const auto factors_of = [gated, width = size.width](const Variable<T>& factors, std::size_t b) {
    return gated ? factors.value().data() + static_cast<std::int64_t>(b) * width : nullptr;
  };
  with_tangents(tangents, [&](auto order) {
    for (std::size_t b = 0; b + 1 < offsets.size(); ++b) {
      const std::int64_t count = offsets[b + 1] - offsets[b];
      const ForwardChunk<decltype(order)::value, T> body{offsets[b],
                                                         count,
                                                         size.width,
                                                         size.plane(),
                                                         z.value().data(),
                                                         bias.value().data(),
                                                         numbers.value().data(),
                                                         factors_of(gate.factors, b),
                                                         shift,
                                                         y.data()};
      detail::parallel_for("nopal::rowdy",
                           ItemRange(0, chunks_of(count) * (detail::on_host ? 1 : size.width)),
                           body);
    }
  });
  if (!needs_record(z, bias, numbers, gate.factors)) return y;

  return record<T>(y, [=, factors = gate.factors](const Tensor<T>& dy) {
    const ScopedRegion adjoint("rowdy_adjoint");
    std::int64_t chunks = 0;
    for (std::size_t b = 0; b + 1 < offsets.size(); ++b)
      chunks += chunks_of(offsets[b + 1] - offsets[b]);
    const Tensor<T> sum({chunks, sums * size.width});
    typename Variable<T>::Slot ds{};
    if (gated && factors.requires_gradient()) ds = factors.gradient_slot();
    std::int64_t before = 0;
    for (std::size_t b = 0; b + 1 < offsets.size(); ++b) {
      const std::int64_t count = offsets[b + 1] - offsets[b], own = chunks_of(count);
      T* const first = sum.data() + before * sums * size.width;
      with_tangents(tangents, [&](auto order) {
        const AdjointChunk<decltype(order)::value, T> body{offsets[b],
                                                           count,
                                                           size.width,
                                                           size.plane(),
                                                           z.value().data(),
                                                           bias.value().data(),
                                                           numbers.value().data(),
                                                           factors_of(factors, b),
                                                           shift,
                                                           dy.data(),
                                                           first};
        detail::parallel_for("nopal::rowdy_adjoint",
                             ItemRange(0, own * (detail::on_host ? 1 : size.width)), body);
      });
      if (ds.buffer.defined()) {
        T* const to = ds.buffer.data() + static_cast<std::int64_t>(b) * size.width;
        const T beta = ds.beta;
        const std::int64_t stride = sums * size.width;
        detail::parallel_flat(
            "nopal::rowdy_gate", size.width, KOKKOS_LAMBDA(std::int64_t col) {
              T total = 0;
              for (std::int64_t k = 0; k < own; ++k)
                total += first[k * stride + col];
              to[col] = beta == T(0) ? total : total + beta * to[col];
            });
      }
      before += own;
    }
    if (numbers.requires_gradient()) {
      const Tensor<T> columns({sums, size.width});
      detail::sum_rows(sum.data(), columns.data(), chunks, sums * size.width, T(0));
      const auto [dn, beta] = numbers.gradient_slot();
      const T* from = columns.data();
      T* to = dn.data();
      const T factor = beta;
      const std::int64_t width = size.width;
      detail::parallel_for(
          "nopal::rowdy_numbers", ItemRange(0, sums - 1), KOKKOS_LAMBDA(std::int64_t k) {
            T total = 0;
            for (std::int64_t col = 0; col < width; ++col)
              total += from[(k + 1) * width + col];
            to[k] = factor == T(0) ? total : total + factor * to[k];
          });
    }
    if (bias.requires_gradient()) {
      const auto [db, beta] = bias.gradient_slot();
      detail::sum_rows(dy.data(), db.data(), size.rows, size.width, beta);
    }
    if (z.requires_gradient()) z.accumulate(dy);
  });
}

#define NOPAL_INSTANTIATE(T)                                                                \
  template Variable<T> rowdy<T>(const Variable<T>&, const Variable<T>&, const Variable<T>&, \
                                const RowGate<T>&, std::int64_t);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal
