// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/profile.hpp>
#include <nopal/nn/pooling.hpp>

#include "core/parallel.hpp"

namespace nopal {
namespace {

// A field of up to three axes, missing ones of one point and with windows of one.
struct Blocks {
  std::int64_t batch, n[3], m[3], window[3], channels;
};

// What means over blocks and their adjoint have in common: for each output point, the sum over its
// block of x, or dy spread over the block.
template <class T>
void sum_blocks(const Blocks& f, T factor, const T* x, T* y) {
  const std::int64_t outputs = f.batch * f.m[0] * f.m[1] * f.m[2], channels = f.channels;
  detail::parallel_entries(
      "nopal::average_pool", outputs, channels, KOKKOS_LAMBDA(std::int64_t p, std::int64_t c) {
        const std::int64_t k = p % f.m[2], j = p / f.m[2] % f.m[1],
                           i = p / (f.m[2] * f.m[1]) % f.m[0], b = p / (f.m[2] * f.m[1] * f.m[0]);
        T sum = 0;
        for (std::int64_t di = 0; di < f.window[0]; ++di)
          for (std::int64_t dj = 0; dj < f.window[1]; ++dj)
            for (std::int64_t dk = 0; dk < f.window[2]; ++dk)
              sum += x[(((b * f.n[0] + i * f.window[0] + di) * f.n[1] + j * f.window[1] + dj) *
                            f.n[2] +
                        k * f.window[2] + dk) *
                           channels +
                       c];
        y[p * channels + c] = factor * sum;
      });
}

template <class T>
void spread_blocks(const Blocks& f, T factor, const T* dy, T* dx) {
  const std::int64_t inputs = f.batch * f.n[0] * f.n[1] * f.n[2], channels = f.channels;
  detail::parallel_entries(
      "nopal::average_pool_adjoint", inputs, channels,
      KOKKOS_LAMBDA(std::int64_t p, std::int64_t c) {
        const std::int64_t k = p % f.n[2] / f.window[2], j = p / f.n[2] % f.n[1] / f.window[1],
                           i = p / (f.n[2] * f.n[1]) % f.n[0] / f.window[0],
                           b = p / (f.n[2] * f.n[1] * f.n[0]);
        if (i < f.m[0] && j < f.m[1] && k < f.m[2])
          dx[p * channels + c] +=
              factor * dy[(((b * f.m[0] + i) * f.m[1] + j) * f.m[2] + k) * channels + c];
      });
}

}  // namespace

template <class T>
Variable<T> average_pool(const Variable<T>& x, std::int64_t window) {
  const ScopedRegion region("average_pool");
  const Shape& shape = x.shape();
  const int d = shape.rank() - 2;
  NOPAL_CHECK(d >= 1 && d <= 3, "average_pool: expected a field (B, X1, ..., Xd, C), d = 1, 2, 3, ",
              "got ", shape);
  NOPAL_CHECK(window >= 1, "average_pool: expected blocks of at least 1 point, got ", window);
  Blocks f{shape[0], {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, shape[-1]};
  Shape result{shape[0]};
  T factor = 1;
  for (int a = 0; a < d; ++a) {
    NOPAL_CHECK(shape[a + 1] >= window || shape[a + 1] == 0, "average_pool: blocks of ", window,
                " points do not fit a field of shape ", shape);
    f.n[a] = shape[a + 1];
    f.m[a] = shape[a + 1] / window;
    f.window[a] = window;
    factor /= static_cast<T>(window);
    result.push_back(f.m[a]);
  }
  result.push_back(shape[-1]);
  const Tensor<T> y(result);
  sum_blocks(f, factor, x.value().data(), y.data());
  if (!needs_record(x)) return y;
  return record<T>(y, [x, f, factor](const Tensor<T>& dy) {
    const auto [dx, beta] = x.gradient_slot();
    if (beta == T(0)) dx.fill(T(0));
    spread_blocks(f, factor, dy.data(), dx.data());
  });
}

template <class T>
Variable<T> upsample_nearest(const Variable<T>& x, std::int64_t factor) {
  const ScopedRegion region("upsample_nearest");
  const Shape& shape = x.shape();
  const int d = shape.rank() - 2;
  NOPAL_CHECK(d >= 1 && d <= 3 && factor >= 1,
              "upsample_nearest: expected a field (B, X1, ..., Xd, ",
              "C), d = 1, 2, 3, and a factor of at least 1, got ", shape, " and ", factor);
  Blocks f{shape[0], {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, shape[-1]};
  Shape result{shape[0]};
  for (int a = 0; a < d; ++a) {
    f.m[a] = shape[a + 1];
    f.n[a] = factor * shape[a + 1];
    f.window[a] = factor;
    result.push_back(f.n[a]);
  }
  result.push_back(shape[-1]);
  const Tensor<T> y = Tensor<T>::zeros(result);
  spread_blocks(f, T(1), x.value().data(), y.data());
  if (!needs_record(x)) return y;
  return record<T>(y, [x, f](const Tensor<T>& dy) {
    const Tensor<T> dx(x.shape());
    sum_blocks(f, T(1), dy.data(), dx.data());
    x.accumulate(dx);
  });
}

template Variable<float> upsample_nearest<float>(const Variable<float>&, std::int64_t);
template Variable<double> upsample_nearest<double>(const Variable<double>&, std::int64_t);
template Variable<float> average_pool<float>(const Variable<float>&, std::int64_t);
template Variable<double> average_pool<double>(const Variable<double>&, std::int64_t);

}  // namespace nopal
