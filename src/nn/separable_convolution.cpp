// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/nn/elementwise.hpp>
#include <nopal/nn/linear.hpp>
#include <nopal/nn/separable_convolution.hpp>

#include "core/parallel.hpp"
#include "nn/convolution_kernels.hpp"
#include "nn/row_kernels.hpp"

#include <algorithm>
#include <cmath>

namespace nopal {
namespace {

using Rows = Kokkos::RangePolicy<ExecutionSpace, Kokkos::IndexType<std::int64_t>>;

// Filters along one axis, channel by channel, and a sum over groups of channels:
//   y(l, p, m, c) = factor sum_{t, g} x(l, offset + stride p + t, m, g, c) f(t, g, c),
// l and m the points of the axes before and behind, x zero outside.
struct AxisFilter {
  std::int64_t before, in, out, behind, groups, channels;
  detail::ConvolutionAxis axis;

  std::int64_t width() const { return groups * channels; }
};

template <class T>
void filter_axis(const AxisFilter& a, const T* x, const T* f, T* y, T factor) {
  detail::parallel_for(
      "nopal::filter_axis", Rows(0, a.before * a.out * a.behind), KOKKOS_LAMBDA(std::int64_t row) {
        const std::int64_t m = row % a.behind, p = row / a.behind % a.out;
        const std::int64_t l = row / (a.behind * a.out);
        T* yr = y + row * a.channels;
        for (std::int64_t c = 0; c < a.channels; ++c)
          yr[c] = T(0);
        for (std::int64_t t = 0; t < a.axis.taps; ++t) {
          const std::int64_t n = a.axis.offset + a.axis.stride * p + t;
          if (n < 0 || n >= a.in) continue;
          for (std::int64_t g = 0; g < a.groups; ++g) {
            const T* xr = x + (((l * a.in + n) * a.behind + m) * a.groups + g) * a.channels;
            const T* fr = f + (t * a.groups + g) * a.channels;
#pragma GCC ivdep
            for (std::int64_t c = 0; c < a.channels; ++c)
              yr[c] += xr[c] * fr[c];
          }
        }
        if (factor == T(1)) return;
        for (std::int64_t c = 0; c < a.channels; ++c)
          yr[c] *= factor;
      });
}

// dx := beta dx + the transposed filters of dy.
template <class T>
void filter_axis_adjoint(const AxisFilter& a, const T* dy, const T* f, T* dx, T factor, T beta) {
  detail::parallel_for(
      "nopal::filter_axis_adjoint", Rows(0, a.before * a.in * a.behind),
      KOKKOS_LAMBDA(std::int64_t row) {
        const std::int64_t m = row % a.behind, n = row / a.behind % a.in;
        const std::int64_t l = row / (a.behind * a.in);
        T* dxr = dx + row * a.groups * a.channels;
        for (std::int64_t c = 0; c < a.groups * a.channels; ++c)
          dxr[c] = beta == T(0) ? T(0) : beta * dxr[c];
        for (std::int64_t t = 0; t < a.axis.taps; ++t) {
          const std::int64_t place = n - a.axis.offset - t, p = place / a.axis.stride;
          if (place < 0 || p * a.axis.stride != place || p >= a.out) continue;
          const T* dyr = dy + ((l * a.out + p) * a.behind + m) * a.channels;
          for (std::int64_t g = 0; g < a.groups; ++g) {
            const T* fr = f + (t * a.groups + g) * a.channels;
#pragma GCC ivdep
            for (std::int64_t c = 0; c < a.channels; ++c)
              dxr[g * a.channels + c] += factor * (fr[c] * dyr[c]);
          }
        }
      });
}

// df := beta df + factor sum over points of x dy, as independent sums over ranges of points.
template <class T>
void filter_gradient(const AxisFilter& a, const T* x, const T* dy, T* df, T factor, T beta) {
  const std::int64_t rows = a.before * a.out * a.behind, size = a.axis.taps * a.width();
  const std::int64_t parts = std::max<std::int64_t>(1, std::min<std::int64_t>(rows / 256, 1024));
  const Tensor<T> partial = Tensor<T>::zeros({parts, size});
  T* sums = partial.data();
  detail::parallel_for(
      "nopal::filter_gradient", Rows(0, parts), KOKKOS_LAMBDA(std::int64_t part) {
        for (std::int64_t row = rows * part / parts; row < rows * (part + 1) / parts; ++row) {
          const std::int64_t m = row % a.behind, p = row / a.behind % a.out;
          const std::int64_t l = row / (a.behind * a.out);
          const T* dyr = dy + row * a.channels;
          for (std::int64_t t = 0; t < a.axis.taps; ++t) {
            const std::int64_t n = a.axis.offset + a.axis.stride * p + t;
            if (n < 0 || n >= a.in) continue;
            for (std::int64_t g = 0; g < a.groups; ++g) {
              const T* xr = x + (((l * a.in + n) * a.behind + m) * a.groups + g) * a.channels;
              T* sum = sums + part * size + (t * a.groups + g) * a.channels;
#pragma GCC ivdep
              for (std::int64_t c = 0; c < a.channels; ++c)
                sum[c] += factor * (xr[c] * dyr[c]);
            }
          }
        }
      });
  detail::sum_rows(sums, df, parts, size, beta);
}

// x (.., in, .., G C) to (.., out, .., C) along axis j.
template <class T>
Variable<T> filter_along(const Variable<T>& x, const Variable<T>& f, int j, std::int64_t groups,
                         const detail::ConvolutionAxis& axis, T factor) {
  const Shape& n = x.shape();
  const AxisFilter a{n.product(0, j), n[j],           axis.coarse, n.product(j + 1, n.rank() - 1),
                     groups,          n[-1] / groups, axis};
  const Tensor<T> y(n.with(j, a.out).with(-1, a.channels));
  filter_axis(a, x.value().data(), f.value().data(), y.data(), factor);
  if (!needs_record(x, f)) return y;
  return record<T>(y, [x, f, a, factor](const Tensor<T>& dy) {
    if (x.requires_gradient()) {
      const auto [dx, beta] = x.gradient_slot();
      filter_axis_adjoint(a, dy.data(), f.value().data(), dx.data(), factor, beta);
    }
    if (f.requires_gradient()) {
      const auto [df, beta] = f.gradient_slot();
      filter_gradient(a, x.value().data(), dy.data(), df.data(), factor, beta);
    }
  });
}

detail::ConvolutionGeometry geometry(const Shape& x, const SeparableConvolutionOptions& o,
                                     const ConvolutionOptions& options) {
  Shape weight = o.kernel;
  weight.push_back(o.in_channels);
  weight.push_back(o.out_channels);
  return detail::make_geometry("separable_convolution", detail::Direction::to_coarse, x, weight,
                               options);
}

}  // namespace

template <class T>
SeparableConvolution<T>::SeparableConvolution(const SeparableConvolutionOptions& options,
                                              ParameterStore<T>& store, const std::string& name)
    : options_(options) {
  const SeparableConvolutionOptions& o = options_;
  NOPAL_CHECK(o.in_channels >= 1 && o.out_channels >= 1 && o.rank >= 1, "separable convolution '",
              name, "': expected 1 or more channels and rank, got ", o.in_channels, " to ",
              o.out_channels, " channels, rank ", o.rank);
  NOPAL_CHECK(o.kernel.rank() >= 1 && o.kernel.rank() <= 3 && o.kernel.size() > 0,
              "separable convolution '", name, "': expected 1 to 3 positive kernel extents, got ",
              o.kernel);
  const auto deviation = [](double variance, std::int64_t terms) {
    return std::sqrt(variance / static_cast<double>(terms));
  };
  channel_ = store
                 .normal(name + ".channel", {o.in_channels, o.rank * o.out_channels},
                         deviation(2, o.in_channels * o.rank))
                 .variable;
  for (int j = 0; j < o.kernel.rank(); ++j)
    axes_.push_back(store
                        .normal(name + ".axis." + std::to_string(j),
                                {o.kernel[j], o.rank * o.out_channels}, deviation(1, o.kernel[j]))
                        .variable);
  if (o.bias) bias_ = store.constant(name + ".bias", {o.out_channels}, 0).variable;
}

template <class T>
Variable<T> SeparableConvolution<T>::forward(const Variable<T>& x,
                                             const ConvolutionOptions& options) const {
  const ScopedRegion region("separable_convolution");
  const detail::ConvolutionGeometry g = geometry(x.shape(), options_, options);
  const int d = options_.kernel.rank();
  Variable<T> y = linear(x, channel_, {});
  for (int j = 0; j < d; ++j) {
    const bool last = j + 1 == d;
    y = filter_along(y, axes_[static_cast<std::size_t>(j)], j + 1, last ? options_.rank : 1,
                     g.axes[static_cast<std::size_t>(3 - d + j)],
                     last ? static_cast<T>(options.sign) : T(1));
  }
  if (bias_.value().defined()) y = add_bias(y, bias_);
  return activate(std::move(y), options.activation);
}

template <class T>
Tensor<T> SeparableConvolution<T>::kernel() const {
  const int d = options_.kernel.rank();
  const std::int64_t in = options_.in_channels, out = options_.out_channels, rank = options_.rank;
  std::int64_t taps[] = {1, 1, 1};
  const T* factors[] = {nullptr, nullptr, nullptr};
  for (int j = 0; j < d; ++j) {
    taps[3 - d + j] = options_.kernel[j];
    factors[3 - d + j] = axes_[static_cast<std::size_t>(j)].value().data();
  }
  const T *alpha = channel_.value().data(), *b0 = factors[0], *b1 = factors[1], *b2 = factors[2];
  const std::int64_t k1 = taps[1], k2 = taps[2];
  Shape shape = options_.kernel;
  shape.push_back(in);
  shape.push_back(out);
  Tensor<T> w(shape);
  T* entries = w.data();
  detail::parallel_for(
      "nopal::separable_kernel", Rows(0, shape.size()), KOKKOS_LAMBDA(std::int64_t entry) {
        const std::int64_t o = entry % out, i = entry / out % in, t = entry / (out * in);
        const std::int64_t t0 = t / (k1 * k2), t1 = t / k2 % k1, t2 = t % k2;
        T sum = 0;
        for (std::int64_t r = 0; r < rank; ++r) {
          const std::int64_t c = r * out + o, width = rank * out;
          T product = alpha[i * width + c] * b2[t2 * width + c];
          if (b1) product *= b1[t1 * width + c];
          if (b0) product *= b0[t0 * width + c];
          sum += product;
        }
        entries[entry] = sum;
      });
  return w;
}

template <class T>
Cost SeparableConvolution<T>::cost(const Shape& x, const ConvolutionOptions& options) const {
  const detail::ConvolutionGeometry g = geometry(x, options_, options);
  const int d = options_.kernel.rank();
  const auto width = static_cast<double>(options_.rank * options_.out_channels);
  double numbers = static_cast<double>(channel_.value().size() + bias_.value().size());
  double flops = 2 * static_cast<double>(x.product(0, d + 1) * options_.in_channels) * width;
  Shape points = x;
  for (int j = 0; j < d; ++j) {
    const detail::ConvolutionAxis& axis = g.axes[static_cast<std::size_t>(3 - d + j)];
    points = points.with(j + 1, axis.coarse);
    numbers += static_cast<double>(axes_[static_cast<std::size_t>(j)].value().size());
    flops += 2 * static_cast<double>(points.product(0, d + 1) * axis.taps) * width;
  }
  const auto result = static_cast<double>(points.product(0, d + 1) * options_.out_channels);
  numbers += static_cast<double>(x.size()) + result;
  return {flops, static_cast<double>(sizeof(T)) * numbers};
}

template class SeparableConvolution<float>;
template class SeparableConvolution<double>;

}  // namespace nopal
