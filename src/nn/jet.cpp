// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/profile.hpp>
#include <nopal/nn/jet.hpp>

#include "core/parallel.hpp"
#include "nn/activation_functions.hpp"
#include "nn/row_kernels.hpp"

#include <algorithm>
#include <array>

namespace nopal {
namespace {

using Range = Kokkos::RangePolicy<ExecutionSpace, Kokkos::IndexType<std::int64_t>>;
constexpr int max_coordinates = 4;

// f with three derivatives.
struct JetTanh {
  template <class T>
  KOKKOS_INLINE_FUNCTION static void apply(T x, T& f, T& f1, T& f2, T& f3) {
    f = detail::fast_tanh(x);
    f1 = T(1) - f * f;
    f2 = T(-2) * f * f1;
    f3 = T(-2) * (f1 * f1 + f * f2);
  }
};

struct JetSin {
  template <class T>
  KOKKOS_INLINE_FUNCTION static void apply(T x, T& f, T& f1, T& f2, T& f3) {
    f = std::sin(x);
    f1 = std::cos(x);
    f2 = -f;
    f3 = -f1;
  }
};

struct JetSilu {
  template <class T>
  KOKKOS_INLINE_FUNCTION static void apply(T x, T& f, T& f1, T& f2, T& f3) {
    const T s = T(1) / (T(1) + detail::fast_exp(-x));
    const T s1 = s * (T(1) - s), s2 = s1 * (T(1) - T(2) * s),
            s3 = s2 * (T(1) - T(2) * s) - T(2) * s1 * s1;
    f = x * s;
    f1 = s + x * s1;
    f2 = T(2) * s1 + x * s2;
    f3 = T(3) * s2 + x * s3;
  }
};

struct JetGelu {
  template <class T>
  KOKKOS_INLINE_FUNCTION static void apply(T x, T& f, T& f1, T& f2, T& f3) {
    T cumulative, density;
    detail::normal_distribution(x, cumulative, density);
    f = x * cumulative;
    f1 = cumulative + x * density;
    f2 = density * (T(2) - x * x);
    f3 = density * x * (x * x - T(4));
  }
};

// For piecewise linear functions and jets of first order.
template <class F>
struct FirstOrder {
  template <class T>
  KOKKOS_INLINE_FUNCTION static void apply(T x, T& f, T& f1, T& f2, T& f3) {
    F::apply(x, f, f1);
    f2 = f3 = T(0);
  }
};

template <class Action>
void with_jet_activation(Activation activation, int order, Action&& action) {
  switch (activation) {
    case Activation::identity:
      return action(FirstOrder<detail::Identity>{});
    case Activation::tanh:
      return action(JetTanh{});
    case Activation::sin:
      return action(JetSin{});
    case Activation::silu:
      return action(JetSilu{});
    case Activation::gelu:
      return action(JetGelu{});
    case Activation::relu:
      if (order < 2) return action(FirstOrder<detail::Relu>{});
      break;
    case Activation::leaky_relu:
      if (order < 2) return action(FirstOrder<detail::LeakyRelu>{});
      break;
    case Activation::elu:
    case Activation::selu:
      break;
  }
  NOPAL_CHECK(false, "the activation '", to_string(activation), "' has no continuous derivative ",
              "of order ", order, ", which the equation needs; take tanh, sin, silu or gelu");
}

// The layout as kernels want it: places of first and second derivatives, 0 for none.
struct Places {
  int coordinates = 0;
  std::int64_t first[max_coordinates]{}, second[max_coordinates]{};
};

Places places_of(const JetLayout& layout) {
  Places places;
  for (std::size_t j = 0; j < layout.orders().size(); ++j) {
    if (layout.orders()[j] == 0) continue;
    const auto c = static_cast<std::size_t>(places.coordinates++);
    places.first[c] = layout.place(j, 1);
    if (layout.orders()[j] > 1) places.second[c] = layout.place(j, 2);
  }
  return places;
}

template <class T>
void check_jet(const char* what, const Shape& shape, const JetLayout& layout) {
  NOPAL_CHECK(shape.rank() == 3 && shape[0] == layout.count(), what, ": expected a jet (",
              layout.count(), ", P, W), got ", shape);
}

template <class F, class T>
void forward_jet(const Places& places, std::int64_t rows, std::int64_t width, const T* z,
                 const T* bias, T* y, T* slopes) {
  const std::int64_t size = rows * width;
  detail::parallel_for(
      "nopal::activate_jet", Range(0, rows), KOKKOS_LAMBDA(std::int64_t r) {
        const T* const zr = z + r * width;
        T* const yr = y + r * width;
#pragma GCC ivdep
        for (std::int64_t c = 0; c < width; ++c) {
          T f, f1, f2, f3;
          F::apply(zr[c] + bias[c], f, f1, f2, f3);
          yr[c] = f;
          for (int j = 0; j < places.coordinates; ++j) {
            const std::int64_t one = places.first[j] * size + c, two = places.second[j] * size + c;
            yr[one] = f1 * zr[one];
            if (places.second[j] > 0) yr[two] = f2 * zr[one] * zr[one] + f1 * zr[two];
          }
          if (slopes) {
            slopes[r * width + c] = f1;
            slopes[size + r * width + c] = f2;
            slopes[2 * size + r * width + c] = f3;
          }
        }
      });
}

// dz in the memory of dy.
template <class T>
void adjoint_jet(const Places& places, std::int64_t rows, std::int64_t width, const T* z,
                 const T* slopes, T* dy) {
  const std::int64_t size = rows * width;
  detail::parallel_for(
      "nopal::activate_jet_adjoint", Range(0, rows), KOKKOS_LAMBDA(std::int64_t r) {
        const T* const zr = z + r * width;
        T* const dr = dy + r * width;
#pragma GCC ivdep
        for (std::int64_t c = 0; c < width; ++c) {
          const T f1 = slopes[r * width + c], f2 = slopes[size + r * width + c],
                  f3 = slopes[2 * size + r * width + c];
          T value = f1 * dr[c];
          for (int j = 0; j < places.coordinates; ++j) {
            const std::int64_t one = places.first[j] * size + c, two = places.second[j] * size + c;
            const T z1 = zr[one], g1 = dr[one];
            value += g1 * f2 * z1;
            T d1 = f1 * g1;
            if (places.second[j] > 0) {
              const T z2 = zr[two], g2 = dr[two];
              value += g2 * (f3 * z1 * z1 + f2 * z2);
              d1 += T(2) * g2 * f2 * z1;
              dr[two] = f1 * g2;
            }
            dr[one] = d1;
          }
          dr[c] = value;
        }
      });
}

}  // namespace

JetLayout::JetLayout(std::vector<int> orders) : orders_(std::move(orders)) {
  NOPAL_CHECK(orders_.size() <= max_coordinates, "derivatives: expected at most ", max_coordinates,
              " coordinates, got ", orders_.size());
  for (const int order : orders_) {
    NOPAL_CHECK(order >= 0 && order <= 2, "derivatives: expected orders 0, 1 or 2, got ", order);
    count_ += order;
  }
}

std::int64_t JetLayout::place(std::size_t j, int order) const {
  if (order == 0) return 0;
  NOPAL_CHECK(j < orders_.size() && order >= 1 && order <= orders_[j], "derivatives: order ", order,
              " in coordinate ", j, " was not asked for");
  std::int64_t at = 0;
  for (std::size_t i = 0; i < j; ++i)
    at += orders_[i];
  return at + order;
}

template <class T>
Variable<T> activate_jet(const Variable<T>& z, const Variable<T>& bias, const JetLayout& layout,
                         Activation activation) {
  const ScopedRegion region("activate_jet");
  check_jet<T>("activate_jet", z.shape(), layout);
  const std::int64_t rows = z.shape()[1], width = z.shape()[2];
  NOPAL_CHECK(bias.value().size() == width, "activate_jet: a bias of shape ", bias.shape(),
              " does not fit a jet ", z.shape());
  const Places places = places_of(layout);
  const int order = layout.orders().empty()
                        ? 0
                        : *std::max_element(layout.orders().begin(), layout.orders().end());
  const Tensor<T> y(z.shape());
  const bool recorded = needs_record(z, bias);
  const Tensor<T> slopes = recorded ? Tensor<T>({3, rows, width}) : Tensor<T>();
  with_jet_activation(activation, order, [&](auto function) {
    forward_jet<decltype(function)>(places, rows, width, z.value().data(), bias.value().data(),
                                    y.data(), recorded ? slopes.data() : nullptr);
  });
  if (!recorded) return y;
  return record<T>(y, [=](const Tensor<T>& dy) {
    adjoint_jet(places, rows, width, z.value().data(), slopes.data(), dy.data());
    if (bias.requires_gradient()) {
      const auto [db, beta] = bias.gradient_slot();
      detail::sum_rows(dy.data(), db.data(), rows, width, beta);
    }
    if (z.requires_gradient()) z.accumulate(dy);
  });
}

template <class T>
Tensor<T> coordinate_jet(const Tensor<T>& points, const JetLayout& layout) {
  NOPAL_CHECK(points.rank() == 2 && points.extent(1) == layout.dimension(),
              "derivatives: points of shape ", points.shape(), " do not fit ", layout.dimension(),
              " coordinates");
  const std::int64_t rows = points.extent(0), d = points.extent(1);
  Tensor<T> jet = Tensor<T>::zeros({layout.count(), rows, d});
  jet.slice(0, 1).copy_from(points);
  T* const data = jet.data();
  for (std::size_t j = 0; j < layout.orders().size(); ++j) {
    if (layout.orders()[j] == 0) continue;
    T* const first = data + layout.place(j, 1) * rows * d + static_cast<std::int64_t>(j);
    detail::parallel_for(
        "nopal::coordinate_jet", Range(0, rows),
        KOKKOS_LAMBDA(std::int64_t r) { first[r * d] = T(1); });
  }
  return jet;
}

template <class T>
Variable<T> multiply_jet(const Variable<T>& u, const Tensor<T>& factor, const JetLayout& layout) {
  check_jet<T>("multiply_jet", u.shape(), layout);
  const std::int64_t rows = u.shape()[1], width = u.shape()[2], size = rows * width;
  NOPAL_CHECK(factor.shape() == (Shape{layout.count(), rows, 1}),
              "multiply_jet: a factor of shape ", factor.shape(), " does not fit a jet ",
              u.shape());
  const Places places = places_of(layout);
  const Tensor<T> y(u.shape());
  const T *pu = u.value().data(), *a = factor.data();
  T* py = y.data();
  detail::parallel_for(
      "nopal::multiply_jet", Range(0, rows), KOKKOS_LAMBDA(std::int64_t r) {
        for (std::int64_t c = 0; c < width; ++c) {
          const std::int64_t i = r * width + c;
          py[i] = a[r] * pu[i];
          for (int j = 0; j < places.coordinates; ++j) {
            const std::int64_t one = places.first[j], two = places.second[j];
            const T a1 = a[one * rows + r], u1 = pu[one * size + i];
            py[one * size + i] = a[r] * u1 + a1 * pu[i];
            if (two > 0)
              py[two * size + i] =
                  a[r] * pu[two * size + i] + T(2) * a1 * u1 + a[two * rows + r] * pu[i];
          }
        }
      });
  if (!needs_record(u)) return y;
  return record<T>(y, [=](const Tensor<T>& dy) {
    // The transpose, in the memory of dy.
    const T* const pa = factor.data();
    T* const d = dy.data();
    detail::parallel_for(
        "nopal::multiply_jet_adjoint", Range(0, rows), KOKKOS_LAMBDA(std::int64_t r) {
          for (std::int64_t c = 0; c < width; ++c) {
            const std::int64_t i = r * width + c;
            T value = pa[r] * d[i];
            for (int j = 0; j < places.coordinates; ++j) {
              const std::int64_t one = places.first[j], two = places.second[j];
              const T a1 = pa[one * rows + r], g1 = d[one * size + i];
              T d1 = pa[r] * g1;
              value += a1 * g1;
              if (two > 0) {
                const T g2 = d[two * size + i];
                value += pa[two * rows + r] * g2;
                d1 += T(2) * a1 * g2;
                d[two * size + i] = pa[r] * g2;
              }
              d[one * size + i] = d1;
            }
            d[i] = value;
          }
        });
    u.accumulate(dy);
  });
}

template <class T>
Variable<T> slice(const Variable<T>& x, std::int64_t first, std::int64_t count) {
  const Tensor<T> y = x.value().slice(first, count);
  if (!needs_record(x)) return y;
  return record<T>(y, [x, first, count](const Tensor<T>& dy) {
    const auto [dx, beta] = x.gradient_slot();
    if (beta == T(0)) dx.fill(T(0));
    axpy(T(1), dy, dx.slice(first, count));
  });
}

#define NOPAL_INSTANTIATE(T)                                                                     \
  template Variable<T> activate_jet<T>(const Variable<T>&, const Variable<T>&, const JetLayout&, \
                                       Activation);                                              \
  template Tensor<T> coordinate_jet<T>(const Tensor<T>&, const JetLayout&);                      \
  template Variable<T> multiply_jet<T>(const Variable<T>&, const Tensor<T>&, const JetLayout&);  \
  template Variable<T> slice<T>(const Variable<T>&, std::int64_t, std::int64_t);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal
