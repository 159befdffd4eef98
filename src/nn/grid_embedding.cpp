// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/nn/grid_embedding.hpp>

#include "core/parallel.hpp"

namespace nopal {
namespace {

using Points = Kokkos::RangePolicy<ExecutionSpace, Kokkos::IndexType<std::int64_t>>;

}  // namespace

template <class T>
Variable<T> grid_embedding(const Variable<T>& x, bool inclusive) {
  const int d = x.shape().rank() - 2;
  NOPAL_CHECK(d >= 1 && d <= 3,
              "grid embedding: expected a field (B, X1, ..., Xd, C), d = 1, 2, 3, ", "got shape ",
              x.shape());
  const std::int64_t channels = x.shape()[-1], width = channels + d;
  const std::int64_t points = x.shape().product(1, d + 1), all = x.shape()[0] * points;
  // Missing leading axes count as axes of one point.
  const std::int64_t n3 = x.shape()[d], n2 = d > 1 ? x.shape()[d - 1] : 1;
  const std::int64_t n1 = d > 2 ? x.shape()[d - 2] : 1;
  const auto spacing = [inclusive](std::int64_t n) {
    return static_cast<T>(1.0 / static_cast<double>(inclusive && n > 1 ? n - 1 : n));
  };
  const T h1 = spacing(n1), h2 = spacing(n2), h3 = spacing(n3);

  const Tensor<T> y(x.shape().with(-1, width));
  const T* px = x.value().data();
  T* py = y.data();
  detail::parallel_for(
      "nopal::grid_embedding", Points(0, all), KOKKOS_LAMBDA(std::int64_t i) {
        for (std::int64_t c = 0; c < channels; ++c)
          py[i * width + c] = px[i * channels + c];
        const std::int64_t p = i % points;
        T* coordinate = py + i * width + channels;
        if (d > 2) *coordinate++ = static_cast<T>(p / (n2 * n3) % n1) * h1;
        if (d > 1) *coordinate++ = static_cast<T>(p / n3 % n2) * h2;
        *coordinate = static_cast<T>(p % n3) * h3;
      });
  if (!needs_record(x)) return y;
  return record<T>(y, [x, all, channels, width](const Tensor<T>& dy) {
    const auto [dx, beta] = x.gradient_slot();
    const T* pdy = dy.data();
    T* pdx = dx.data();
    const bool add = beta != T(0);
    detail::parallel_for(
        "nopal::grid_embedding_adjoint", Points(0, all), KOKKOS_LAMBDA(std::int64_t i) {
          for (std::int64_t c = 0; c < channels; ++c) {
            const std::int64_t k = i * channels + c;
            pdx[k] = (add ? pdx[k] : T(0)) + pdy[i * width + c];
          }
        });
  });
}

template Variable<float> grid_embedding<float>(const Variable<float>&, bool);
template Variable<double> grid_embedding<double>(const Variable<double>&, bool);

}  // namespace nopal
