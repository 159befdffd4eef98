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
  const Shape extents(x.shape().begin() + 1, x.shape().end() - 1);
  return grid_embedding(x, inclusive, extents, Box::whole(extents));
}

template <class T>
Variable<T> grid_embedding(const Variable<T>& x, bool inclusive, const Shape& extents,
                           const Box& box) {
  const int d = box.dimension;
  NOPAL_CHECK(x.shape() == box.field(x.shape()[0], x.shape()[-1]),
              "grid embedding: expected the points of a box, ", box.field(1, 1), ", got shape ",
              x.shape());
  const std::int64_t channels = x.shape()[-1], width = channels + d;
  const std::int64_t points = x.shape().product(1, d + 1), all = x.shape()[0] * points;
  // Missing leading axes count as axes of one point.
  const std::int64_t n3 = x.shape()[d], n2 = d > 1 ? x.shape()[d - 1] : 1;
  const std::int64_t n1 = d > 2 ? x.shape()[d - 2] : 1;
  const auto spacing = [inclusive](std::int64_t n) {
    return static_cast<T>(1.0 / static_cast<double>(inclusive && n > 1 ? n - 1 : n));
  };
  const T h1 = d > 2 ? spacing(extents[d - 3]) : T(0), h2 = d > 1 ? spacing(extents[d - 2]) : T(0),
          h3 = spacing(extents[d - 1]);
  const std::int64_t b1 = d > 2 ? box[d - 3].begin : 0, b2 = d > 1 ? box[d - 2].begin : 0,
                     b3 = box[d - 1].begin;

  const Tensor<T> y(x.shape().with(-1, width));
  const T* px = x.value().data();
  T* py = y.data();
  detail::parallel_for(
      "nopal::grid_embedding", Points(0, all), KOKKOS_LAMBDA(std::int64_t i) {
        for (std::int64_t c = 0; c < channels; ++c)
          py[i * width + c] = px[i * channels + c];
        const std::int64_t p = i % points;
        T* coordinate = py + i * width + channels;
        if (d > 2) *coordinate++ = static_cast<T>(b1 + p / (n2 * n3) % n1) * h1;
        if (d > 1) *coordinate++ = static_cast<T>(b2 + p / n3 % n2) * h2;
        *coordinate = static_cast<T>(b3 + p % n3) * h3;
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

#define NOPAL_INSTANTIATE(T)                                        \
  template Variable<T> grid_embedding<T>(const Variable<T>&, bool); \
  template Variable<T> grid_embedding<T>(const Variable<T>&, bool, const Shape&, const Box&);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal
