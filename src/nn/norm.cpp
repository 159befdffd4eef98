// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/nn/norm.hpp>

#include "core/parallel.hpp"
#include "nn/row_kernels.hpp"

#include <algorithm>
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

}  // namespace

template <class T>
Variable<T> group_norm(const Variable<T>& x, std::int64_t groups, const Variable<T>& scale,
                       const Variable<T>& shift, const Communicator& comm) {
  const Shape& shape = x.shape();
  NOPAL_CHECK(shape.rank() >= 3, "group norm: expected a field (B, X1, ..., C), got ", shape);
  const std::int64_t batch = shape[0], channels = shape[-1];
  const std::int64_t points = shape.product(1, shape.rank() - 1), sample = points * channels;
  NOPAL_CHECK(groups >= 1 && channels % groups == 0, "group norm: ", groups,
              " groups do not divide the ", channels, " channels of ", shape);
  const bool affine = scale.value().defined();
  const auto fits = [&](const Variable<T>& v) {
    return v.value().size() == channels || v.value().size() == batch * channels;
  };
  NOPAL_CHECK(affine == shift.value().defined() &&
                  (!affine || (fits(scale) && scale.value().size() == shift.value().size())),
              "group norm: scale ", scale.shape(), " and shift ", shift.shape(), " do not fit the ",
              batch, " samples or the ", channels, " channels of ", shape);
  // From the scale of one sample to that of the next: they may share one.
  const std::int64_t step = affine && scale.value().size() != channels ? channels : 0;
  const std::int64_t width = channels / groups;
  const T count = static_cast<T>(comm.sum(static_cast<double>(points * width)));

  const Tensor<T> y(shape), mean({batch, channels}), inverse({batch, channels});
  const Tensor<T> one({channels});
  one.fill(T(1));
  // A sample at a time, which stays in cache; on several ranks all of them, for one sum.
  const std::int64_t group = comm.size() > 1 ? std::max<std::int64_t>(batch, 1) : 1;
  for (std::int64_t first = 0; first < batch; first += group) {
    for (std::int64_t b = first; b < first + group; ++b)
      detail::sum_rows(x.value().data() + b * sample, mean.data() + b * channels, points, channels,
                       T(0));
    comm.sum(mean.slice(first, group));
    for (std::int64_t b = first; b < first + group; ++b) {
      T *yb = y.data() + b * sample, *mb = mean.data() + b * channels;
      over_groups(
          mb, channels, groups, KOKKOS_LAMBDA(T sum) { return sum / count; });
      detail::standardise_rows(x.value().data() + b * sample, mb, one.data(), yb, points, channels);
      detail::dot_rows(yb, yb, inverse.data() + b * channels, points, channels, T(0));
    }
    comm.sum(inverse.slice(first, group));
    for (std::int64_t b = first; b < first + group; ++b) {
      T *yb = y.data() + b * sample, *ib = inverse.data() + b * channels;
      over_groups(
          ib, channels, groups,
          KOKKOS_LAMBDA(T sum) { return T(1) / std::sqrt(sum / count + static_cast<T>(epsilon)); });
      if (affine) {
        const T *g = scale.value().data() + b * step, *s = shift.value().data() + b * step;
        detail::parallel_for(
            "nopal::group_norm", Range(0, points), KOKKOS_LAMBDA(std::int64_t p) {
              for (std::int64_t c = 0; c < channels; ++c)
                yb[p * channels + c] = yb[p * channels + c] * ib[c] * g[c] + s[c];
            });
      } else {
        detail::scale_rows(ib, yb, yb, points, channels, T(0));
      }
    }
  }
  if (!needs_record(x, scale, shift)) return y;

  return record<T>(y, [=](const Tensor<T>& dy) {
    // With z the standardised x, S1 = sum dy and S2 = sum dy z over the points:
    // dshift = S1, dscale = S2, dx = inverse (scale dy - mean(scale S1) - z mean(scale S2)).
    const Tensor<T> z({points, channels}), sums({2, group, channels});
    typename Variable<T>::Slot dx{};
    Tensor<T> dscale, dshift;
    if (x.requires_gradient()) dx = x.gradient_slot();
    if (scale.requires_gradient()) dscale = Tensor<T>::zeros(scale.shape());
    if (shift.requires_gradient()) dshift = Tensor<T>::zeros(shift.shape());
    const auto standardised = [&](std::int64_t b) {
      detail::standardise_rows(x.value().data() + b * sample, mean.data() + b * channels,
                               inverse.data() + b * channels, z.data(), points, channels);
    };
    for (std::int64_t first = 0; first < batch; first += group) {
      const auto sums_of = [&](std::int64_t b) { return sums.data() + (b - first) * channels; };
      for (std::int64_t b = first; b < first + group; ++b) {
        const T* dyb = dy.data() + b * sample;
        const T* g = affine ? scale.value().data() + b * step : one.data();
        T *s1 = sums_of(b), *s2 = s1 + group * channels;
        standardised(b);
        detail::sum_rows(dyb, s1, points, channels, T(0));
        detail::dot_rows(dyb, z.data(), s2, points, channels, T(0));
        if (dshift.defined()) detail::add_rows(s1, dshift.data() + b * step, 1, channels);
        if (dscale.defined()) detail::add_rows(s2, dscale.data() + b * step, 1, channels);
        detail::multiply(g, s1, channels);
        detail::multiply(g, s2, channels);
      }
      comm.sum(sums);
      for (std::int64_t b = first; b < first + group && dx.buffer.defined(); ++b) {
        const T* g = affine ? scale.value().data() + b * step : one.data();
        T *s1 = sums_of(b), *s2 = s1 + group * channels;
        for (T* sum : {s1, s2})
          over_groups(
              sum, channels, groups, KOKKOS_LAMBDA(T total) { return total / count; });
        if (group > 1) standardised(b);
        detail::standardise_rows_adjoint(dy.data() + b * sample, z.data(), g,
                                         inverse.data() + b * channels, s1, s2,
                                         dx.buffer.data() + b * sample, points, channels, dx.beta);
      }
    }
    if (dshift.defined()) shift.accumulate(dshift);
    if (dscale.defined()) scale.accumulate(dscale);
  });
}

template <class T>
Variable<T> instance_norm(const Variable<T>& x, const Communicator& comm) {
  return group_norm<T>(x, x.shape()[-1], {}, {}, comm);
}

#define NOPAL_INSTANTIATE(T)                                                               \
  template Variable<T> group_norm<T>(const Variable<T>&, std::int64_t, const Variable<T>&, \
                                     const Variable<T>&, const Communicator&);             \
  template Variable<T> instance_norm<T>(const Variable<T>&, const Communicator&);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal
