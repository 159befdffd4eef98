// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/profile.hpp>
#include <nopal/nn/batch_norm.hpp>
#include <nopal/nn/training_mode.hpp>

#include "core/parallel.hpp"
#include "nn/row_kernels.hpp"

#include <cmath>

namespace nopal {
namespace {

using Range = Kokkos::RangePolicy<ExecutionSpace, Kokkos::IndexType<std::int64_t>>;
constexpr double epsilon = 1e-5, momentum = 0.1;

// x := sum of x over the ranks of the step. A rank that has failed in the meantime waits in the
// together() around the step; then all fail.
template <class T>
void sum(const TrainingStep& step, const Tensor<T>& x) {
  step.comm.together([] {});
  step.comm.sum(x);
}

// inverse := 1 / sqrt(variance + epsilon).
template <class T>
void invert(const Tensor<T>& variance, const Tensor<T>& inverse) {
  const T* v = variance.data();
  T* r = inverse.data();
  detail::parallel_for(
      "nopal::batch_norm_inverse", Range(0, variance.size()),
      KOKKOS_LAMBDA(std::int64_t c) { r[c] = T(1) / std::sqrt(v[c] + static_cast<T>(epsilon)); });
}

// running := (1 - momentum) running + momentum factor statistic.
template <class T>
void follow(const Tensor<T>& statistic, T factor, const Tensor<T>& running) {
  scale(static_cast<T>(1 - momentum), running);
  axpy(static_cast<T>(momentum) * factor, statistic, running);
}

// Mean and variance of the rows of all ranks, `total` in number; `x` (rows, columns) are those of
// this rank, `work` has its shape.
template <class T>
void batch_statistics(const TrainingStep& step, T total, const Tensor<T>& x, const Tensor<T>& work,
                      const Tensor<T>& mean, const Tensor<T>& variance) {
  const std::int64_t rows = x.extent(0), columns = x.extent(1);
  detail::sum_rows(x.data(), mean.data(), rows, columns, T(0));
  sum(step, mean);
  scale(T(1) / total, mean);
  const Tensor<T> one({columns});
  one.fill(T(1));
  detail::standardise_rows(x.data(), mean.data(), one.data(), work.data(), rows, columns);
  detail::dot_rows(work.data(), work.data(), variance.data(), rows, columns, T(0));
  sum(step, variance);
  scale(T(1) / total, variance);
}

}  // namespace

template <class T>
Variable<T> batch_norm(const Variable<T>& x, const Variable<T>& scale, const Variable<T>& shift,
                       const Tensor<T>& running_mean, const Tensor<T>& running_variance) {
  const ScopedRegion region("batch_norm");
  const Shape& shape = x.shape();
  NOPAL_CHECK(shape.rank() >= 2, "batch norm: expected a field (B, X1, ..., C), got ", shape);
  const std::int64_t channels = shape[-1], points = shape.product(1, shape.rank() - 1);
  const std::int64_t rows = shape[0] * points;
  for (const Tensor<T>& one : {scale.value(), shift.value(), running_mean, running_variance})
    NOPAL_CHECK(one.size() == channels, "batch norm: scale, shift or statistics of shape ",
                one.shape(), " do not fit the ", channels, " channels of ", shape);

  const TrainingStep* active = TrainingMode::active();
  const bool training = active != nullptr;
  const TrainingStep step = training ? *active : TrainingStep();
  const auto total = static_cast<T>(step.batch * points);
  Tensor<T> y(shape), mean = running_mean, variance = running_variance;
  if (training) {
    NOPAL_CHECK(step.first_sample + shape[0] <= step.batch, "batch norm: samples from ",
                step.first_sample, " on, of shape ", shape, ", are not in a batch of ", step.batch);
    NOPAL_CHECK(total > 1, "batch norm: training needs more than one value a channel, got a batch ",
                "of ", step.batch, " for samples of shape ", shape);
    mean = Tensor<T>({channels});
    variance = Tensor<T>({channels});
    const Shape matrix{rows, channels};
    batch_statistics(step, total, x.value().reshape(matrix), y.reshape(matrix), mean, variance);
    if (!step.repeated) {
      follow(mean, T(1), running_mean);
      follow(variance, total / (total - T(1)), running_variance);
    }
  }
  const Tensor<T> inverse({channels});
  invert(variance, inverse);
  const T *px = x.value().data(), *pm = mean.data(), *pi = inverse.data();
  const T *g = scale.value().data(), *s = shift.value().data();
  T* py = y.data();
  detail::parallel_for(
      "nopal::batch_norm", Range(0, rows), KOKKOS_LAMBDA(std::int64_t r) {
#pragma GCC ivdep
        for (std::int64_t c = 0; c < channels; ++c) {
          const std::int64_t i = r * channels + c;
          py[i] = (px[i] - pm[c]) * (pi[c] * g[c]) + s[c];
        }
      });
  if (!needs_record(x, scale, shift)) return y;

  return record<T>(y, [=](const Tensor<T>& dy) {
    const ScopedRegion adjoint("batch_norm_adjoint");
    // With z the standardised x, S1 = sum dy and S2 = sum dy z over this rank's rows: dshift = S1,
    // dscale = S2; with means over all rows, dx = inverse scale (dy - mean(dy) - z mean(dy z)). The
    // means are absent where the statistics are constants.
    const Tensor<T> z({rows, channels}), sums({2, channels});
    const Tensor<T> s1 = sums.slice(0, 1), s2 = sums.slice(1, 1);
    detail::standardise_rows(x.value().data(), mean.data(), inverse.data(), z.data(), rows,
                             channels);
    detail::sum_rows(dy.data(), s1.data(), rows, channels, T(0));
    detail::dot_rows(dy.data(), z.data(), s2.data(), rows, channels, T(0));
    if (shift.requires_gradient()) shift.accumulate(s1.clone());
    if (scale.requires_gradient()) scale.accumulate(s2.clone());
    if (!x.requires_gradient()) return;
    if (training) {
      sum(step, sums);
      nopal::scale(T(1) / total, sums);
      for (const Tensor<T>& one : {s1, s2})
        detail::multiply(scale.value().data(), one.data(), channels);
    } else {
      sums.fill(T(0));
    }
    const auto [dx, beta] = x.gradient_slot();
    detail::standardise_rows_adjoint(dy.data(), z.data(), scale.value().data(), inverse.data(),
                                     s1.data(), s2.data(), dx.data(), rows, channels, beta);
  });
}

#define NOPAL_INSTANTIATE(T)                                                                     \
  template Variable<T> batch_norm<T>(const Variable<T>&, const Variable<T>&, const Variable<T>&, \
                                     const Tensor<T>&, const Tensor<T>&);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal
