// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/profile.hpp>
#include <nopal/nn/windows.hpp>

#include "core/parallel.hpp"

namespace nopal {
namespace {

// Three axes, missing ones lead with one window of one point.
struct Layout {
  std::int64_t batch, n[3], k[3], stride[3], w[3], channels;

  std::int64_t points() const { return batch * k[0] * k[1] * k[2] * w[0] * w[1] * w[2]; }
  // Where point p of the windows lies in the field.
  KOKKOS_INLINE_FUNCTION std::int64_t place(std::int64_t p) const {
    std::int64_t at[3];
    for (int a = 2; a >= 0; --a) {
      at[a] = p % w[a];
      p /= w[a];
    }
    for (int a = 2; a >= 0; --a) {
      at[a] += p % k[a] * stride[a];
      p /= k[a];
    }
    return ((p * n[0] + at[0]) * n[1] + at[1]) * n[2] + at[2];
  }
};

Layout layout(const Shape& x, const Shape& counts, const Shape& strides, const Shape& sizes) {
  const int d = counts.rank();
  NOPAL_CHECK(
      d >= 1 && d <= 3 && x.rank() == d + 2 && strides.rank() == d && sizes.rank() == d,
      "windows: expected a field (B, X1, ..., Xd, C), d = 1, 2, 3, and d counts, strides and ",
      "sizes, got ", x, ", ", counts, ", ", strides, " and ", sizes);
  Layout f{x[0], {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, x[-1]};
  for (int a = 0; a < d; ++a) {
    const int to = 3 - d + a;
    f.n[to] = x[a + 1];
    f.k[to] = counts[a];
    f.stride[to] = strides[a];
    f.w[to] = sizes[a];
    NOPAL_CHECK(counts[a] >= 0 && strides[a] >= 1 && sizes[a] >= 0 &&
                    (counts[a] == 0 || (counts[a] - 1) * strides[a] + sizes[a] <= x[a + 1]),
                "windows: ", counts[a], " windows of ", sizes[a], " points, ", strides[a],
                " apart, do not fit the ", x[a + 1], " points of axis ", a);
  }
  return f;
}

template <class T>
void gather(const Layout& f, const T* x, T* y) {
  const std::int64_t channels = f.channels;
  detail::parallel_for(
      "nopal::windows", detail::ItemRange(0, f.points()), KOKKOS_LAMBDA(std::int64_t p) {
        const T* from = x + f.place(p) * channels;
        T* to = y + p * channels;
        for (std::int64_t c = 0; c < channels; ++c)
          to[c] = from[c];
      });
}

// x += the transpose of gather(). A window after the other, so that overlaps add up in one order.
template <class T>
void scatter(const Layout& f, const T* y, T* x) {
  const std::int64_t channels = f.channels, a_window = f.w[0] * f.w[1] * f.w[2];
  if (a_window == 0) return;
  for (std::int64_t window = 0; window < f.points() / a_window; ++window)
    detail::parallel_for(
        "nopal::windows_adjoint", detail::ItemRange(window * a_window, (window + 1) * a_window),
        KOKKOS_LAMBDA(std::int64_t p) {
          const T* from = y + p * channels;
          T* to = x + f.place(p) * channels;
          for (std::int64_t c = 0; c < channels; ++c)
            to[c] += from[c];
        });
}

}  // namespace

template <class T>
Variable<T> windows(const Variable<T>& x, const Shape& counts, const Shape& strides,
                    const Shape& sizes) {
  const ScopedRegion region("windows");
  const Layout f = layout(x.shape(), counts, strides, sizes);
  Shape shape{f.batch * counts.size()};
  for (const std::int64_t w : sizes)
    shape.push_back(w);
  shape.push_back(f.channels);
  const Tensor<T> y(shape);
  gather(f, x.value().data(), y.data());
  if (!needs_record(x)) return y;
  return record<T>(y, [x, f](const Tensor<T>& dy) {
    const auto [dx, beta] = x.gradient_slot();
    if (beta == T(0)) dx.fill(T(0));
    scatter(f, dy.data(), dx.data());
  });
}

template <class T>
Variable<T> join_windows(const Variable<T>& x, const Shape& counts) {
  const ScopedRegion region("join_windows");
  const int d = counts.rank();
  NOPAL_CHECK(x.shape().rank() == d + 2 && counts.size() > 0 && x.shape()[0] % counts.size() == 0,
              "join_windows: expected ", counts, " windows a sample, got a field ", x.shape());
  const Shape sizes(x.shape().begin() + 1, x.shape().end() - 1);
  Shape shape{x.shape()[0] / counts.size()};
  for (int a = 0; a < d; ++a)
    shape.push_back(counts[a] * sizes[a]);
  shape.push_back(x.shape()[-1]);
  const Layout f = layout(shape, counts, sizes, sizes);
  const auto y = Tensor<T>::zeros(shape);
  scatter(f, x.value().data(), y.data());
  if (!needs_record(x)) return y;
  return record<T>(y, [x, f](const Tensor<T>& dy) {
    const Tensor<T> dx(x.shape());
    gather(f, dy.data(), dx.data());
    x.accumulate(dx);
  });
}

#define NOPAL_INSTANTIATE(T)                                                                     \
  template Variable<T> windows<T>(const Variable<T>&, const Shape&, const Shape&, const Shape&); \
  template Variable<T> join_windows<T>(const Variable<T>&, const Shape&);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal
