// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/nn/norm.hpp>

#include "core/parallel.hpp"
#include "nn/row_kernels.hpp"

#include <cmath>

namespace nopal {
namespace {

using Range = Kokkos::RangePolicy<ExecutionSpace, Kokkos::IndexType<std::int64_t>>;
constexpr double epsilon = 1e-5;  // PyTorch's default

// s[c] := finish(sum of s over the group of c), for all channels c.
template <class T, class Finish>
void over_groups(T* s, std::int64_t channels, std::int64_t groups, const Finish& finish) {
  const std::int64_t width = channels / groups;
  detail::parallel_for(
      "nopal::over_groups", Range(0, groups), KOKKOS_LAMBDA(std::int64_t g) {
        T sum = 0;
        for (std::int64_t c = g * width; c < (g + 1) * width; ++c)
          sum += s[c];
        for (std::int64_t c = g * width; c < (g + 1) * width; ++c)
          s[c] = finish(sum);
      });
}

// y := (x - mean) inverse, channel by channel.
template <class T>
void standardise(const T* x, const T* mean, const T* inverse, T* y, std::int64_t points,
                 std::int64_t channels) {
  detail::parallel_for(
      "nopal::standardise", Range(0, points), KOKKOS_LAMBDA(std::int64_t p) {
#pragma GCC ivdep
        for (std::int64_t c = 0; c < channels; ++c)
          y[p * channels + c] = (x[p * channels + c] - mean[c]) * inverse[c];
      });
}

}  // namespace

template <class T>
Variable<T> group_norm(const Variable<T>& x, std::int64_t groups, const Variable<T>& scale,
                       const Variable<T>& shift) {
  const Shape& shape = x.shape();
  NOPAL_CHECK(shape.rank() >= 3, "group norm: expected a field (B, X1, ..., C), got ", shape);
  const std::int64_t batch = shape[0], channels = shape[-1];
  const std::int64_t points = shape.product(1, shape.rank() - 1), sample = points * channels;
  NOPAL_CHECK(groups >= 1 && channels % groups == 0, "group norm: ", groups,
              " groups do not divide the ", channels, " channels of ", shape);
  const bool affine = scale.value().defined();
  NOPAL_CHECK(affine == shift.value().defined() && (!affine || (scale.value().size() == channels &&
                                                                shift.value().size() == channels)),
              "group norm: scale ", scale.shape(), " and shift ", shift.shape(), " do not fit the ",
              channels, " channels of ", shape);
  const T count = static_cast<T>(points * (channels / groups));

  const Tensor<T> y(shape), mean({batch, channels}), inverse({batch, channels});
  const Tensor<T> one({channels});
  one.fill(T(1));
  for (std::int64_t b = 0; b < batch; ++b) {
    const T* xb = x.value().data() + b * sample;
    T *yb = y.data() + b * sample, *mb = mean.data() + b * channels;
    T* ib = inverse.data() + b * channels;
    detail::sum_rows(xb, mb, points, channels, T(0));
    over_groups(
        mb, channels, groups, KOKKOS_LAMBDA(T sum) { return sum / count; });
    standardise(xb, mb, one.data(), yb, points, channels);
    detail::dot_rows(yb, yb, ib, points, channels, T(0));
    over_groups(
        ib, channels, groups,
        KOKKOS_LAMBDA(T sum) { return T(1) / std::sqrt(sum / count + static_cast<T>(epsilon)); });
    if (affine) {
      const T *g = scale.value().data(), *s = shift.value().data();
      detail::parallel_for(
          "nopal::group_norm", Range(0, points), KOKKOS_LAMBDA(std::int64_t p) {
            for (std::int64_t c = 0; c < channels; ++c)
              yb[p * channels + c] = yb[p * channels + c] * ib[c] * g[c] + s[c];
          });
    } else {
      detail::scale_rows(ib, yb, yb, points, channels, T(0));
    }
  }
  if (!needs_record(x, scale, shift)) return y;

  return record<T>(y, [=](const Tensor<T>& dy) {
    // With z the standardised x, S1 = sum dy and S2 = sum dy z over the points:
    // dshift = S1, dscale = S2, dx = inverse (scale dy - mean(scale S1) - z mean(scale S2)).
    const Tensor<T> z({points, channels}), s1({channels}), s2({channels});
    typename Variable<T>::Slot dx{}, dscale{}, dshift{};
    if (x.requires_gradient()) dx = x.gradient_slot();
    if (scale.requires_gradient()) dscale = scale.gradient_slot();
    if (shift.requires_gradient()) dshift = shift.gradient_slot();
    const T* g = affine ? scale.value().data() : one.data();
    for (std::int64_t b = 0; b < batch; ++b) {
      const T *dyb = dy.data() + b * sample, *ib = inverse.data() + b * channels;
      standardise(x.value().data() + b * sample, mean.data() + b * channels, ib, z.data(), points,
                  channels);
      if (dshift.buffer.defined())
        detail::sum_rows(dyb, dshift.buffer.data(), points, channels, b > 0 ? T(1) : dshift.beta);
      if (dscale.buffer.defined())
        detail::dot_rows(dyb, z.data(), dscale.buffer.data(), points, channels,
                         b > 0 ? T(1) : dscale.beta);
      if (!dx.buffer.defined()) continue;
      detail::sum_rows(dyb, s1.data(), points, channels, T(0));
      detail::dot_rows(dyb, z.data(), s2.data(), points, channels, T(0));
      detail::multiply(g, s1.data(), channels);
      detail::multiply(g, s2.data(), channels);
      over_groups(
          s1.data(), channels, groups, KOKKOS_LAMBDA(T sum) { return sum / count; });
      over_groups(
          s2.data(), channels, groups, KOKKOS_LAMBDA(T sum) { return sum / count; });
      T *dxb = dx.buffer.data() + b * sample, *pz = z.data(), *p1 = s1.data(), *p2 = s2.data();
      const bool add = dx.beta != T(0);
      detail::parallel_for(
          "nopal::group_norm_adjoint", Range(0, points), KOKKOS_LAMBDA(std::int64_t p) {
            for (std::int64_t c = 0; c < channels; ++c) {
              const std::int64_t i = p * channels + c;
              dxb[i] = (add ? dxb[i] : T(0)) + ib[c] * (g[c] * dyb[i] - p1[c] - pz[i] * p2[c]);
            }
          });
    }
  });
}

template <class T>
Variable<T> instance_norm(const Variable<T>& x) {
  return group_norm(x, x.shape()[-1]);
}

#define NOPAL_INSTANTIATE(T)                                                               \
  template Variable<T> group_norm<T>(const Variable<T>&, std::int64_t, const Variable<T>&, \
                                     const Variable<T>&);                                  \
  template Variable<T> instance_norm<T>(const Variable<T>&);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal
