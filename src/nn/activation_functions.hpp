// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

// The activation functions themselves, written without branches so that loops over them vectorise.

#include <nopal/nn/activation.hpp>

#include <Kokkos_Core.hpp>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <utility>

namespace nopal::detail {

/// exp(x) for float. On a GPU the library function; on the host 2^n e^f with a polynomial in
/// |f| <= ln(2)/2 (Taylor to degree 6, error below 1.3e-7 relative): it vectorises where std::exp
/// does not.
KOKKOS_INLINE_FUNCTION float fast_exp(float x) {
#if defined(__CUDA_ARCH__) || defined(__HIP_DEVICE_COMPILE__)
  return ::expf(x);
#else
  constexpr float log2e = 1.44269504f, ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;
  // Clamped where products with the result would become denormal numbers, which are slow.
  x = x < -80.0f ? -80.0f : (x > 80.0f ? 80.0f : x);
  const float n = std::floor(x * log2e + 0.5f);
  const float f = (x - n * ln2_high) - n * ln2_low;
  float p = 1.0f / 720;
  p = p * f + 1.0f / 120;
  p = p * f + 1.0f / 24;
  p = p * f + 1.0f / 6;
  p = p * f + 0.5f;
  p = p * f + 1.0f;
  p = p * f + 1.0f;
  const std::int32_t bits = (static_cast<std::int32_t>(n) + 127) << 23;
  float power;
  std::memcpy(&power, &bits, sizeof(power));
  return p * power;
#endif
}
KOKKOS_INLINE_FUNCTION double fast_exp(double x) {
  return ::exp(x);
}

/// Standard normal distribution Phi(x) and density phi(x). In float by Abramowitz and Stegun 7.1.26
/// (absolute error of erf 1.5e-7), which shares the exponential with the density.
KOKKOS_INLINE_FUNCTION void normal_distribution(float x, float& cumulative, float& density) {
  const float e = fast_exp(-0.5f * x * x);
  const float magnitude = x < 0 ? -x : x;
  const float t = 1.0f / (1.0f + 0.3275911f * 0.70710678f * magnitude);
  const float poly =
      t * (0.254829592f +
           t * (-0.284496736f + t * (1.421413741f + t * (-1.453152027f + t * 1.061405429f))));
  const float tail = 0.5f * poly * e;  // Phi(-|x|)
  cumulative = x < 0 ? tail : 1.0f - tail;
  density = 0.39894228f * e;
}
KOKKOS_INLINE_FUNCTION void normal_distribution(double x, double& cumulative, double& density) {
  cumulative = 0.5 * ::erfc(-x * 0.70710678118654752440);
  density = 0.39894228040143267794 * ::exp(-0.5 * x * x);
}

struct Identity {
  template <class T>
  KOKKOS_INLINE_FUNCTION static void apply(T x, T& value, T& slope) {
    value = x;
    slope = T(1);
  }
};

struct Gelu {
  template <class T>
  KOKKOS_INLINE_FUNCTION static void apply(T x, T& value, T& slope) {
    T cumulative, density;
    normal_distribution(x, cumulative, density);
    value = x * cumulative;
    slope = cumulative + x * density;
  }
};

struct Relu {
  template <class T>
  KOKKOS_INLINE_FUNCTION static void apply(T x, T& value, T& slope) {
    value = x < T(0) ? T(0) : x;  // NaN stays NaN
    slope = x > T(0) ? T(1) : T(0);
  }
};

struct Silu {
  template <class T>
  KOKKOS_INLINE_FUNCTION static void apply(T x, T& value, T& slope) {
    const T s = T(1) / (T(1) + fast_exp(-x));
    // s does not get as small as 1 / x for the most negative x, where the value is 0.
    const T bounded = x < T(-80) ? T(-80) : x;
    value = bounded * s;
    slope = s * (T(1) + bounded * (T(1) - s));
  }
};

// a (exp(x) - 1) l below 0, l x above.
template <class T>
KOKKOS_INLINE_FUNCTION void scaled_elu(T x, T a, T l, T& value, T& slope) {
  const T e = fast_exp(x < T(0) ? x : T(0));
  value = l * (x < T(0) ? a * (e - T(1)) : x);  // NaN stays NaN
  slope = l * (x > T(0) ? T(1) : a * e);
}

struct Elu {
  template <class T>
  KOKKOS_INLINE_FUNCTION static void apply(T x, T& value, T& slope) {
    scaled_elu(x, T(1), T(1), value, slope);
  }
};

struct Selu {
  template <class T>
  KOKKOS_INLINE_FUNCTION static void apply(T x, T& value, T& slope) {
    scaled_elu(x, T(1.6732632423543772848170429916717), T(1.0507009873554804934193349852946), value,
               slope);
  }
};

struct LeakyRelu {
  template <class T>
  KOKKOS_INLINE_FUNCTION static void apply(T x, T& value, T& slope) {
    slope = x > T(0) ? T(1) : T(0.01);
    value = slope * x;
  }
};

/// sin(x) and cos(x). In float on the host with 2^-23 of absolute error up to |x| = 8000: x less a
/// multiple of pi / 2, then polynomials (coefficients: Moshier, Cephes library, sinf); it
/// vectorises where the library functions do not.
KOKKOS_INLINE_FUNCTION void fast_sincos(float x, float& sine, float& cosine) {
#if defined(__CUDA_ARCH__) || defined(__HIP_DEVICE_COMPILE__)
  sine = ::sinf(x);
  cosine = ::cosf(x);
#else
  // Larger arguments have no digits left in float; they keep the integer in its range.
  x = x < -1e6f ? -1e6f : (x > 1e6f ? 1e6f : x);
  const float n = std::floor(x * 0.636619772f + 0.5f);
  const float f =
      ((x - n * 1.5703125f) - n * 4.837512969970703125e-4f) - n * 7.54978995489188216e-8f;
  const float z = f * f;
  const float s = f + f * z * ((-1.9515295891e-4f * z + 8.3321608736e-3f) * z - 1.6666654611e-1f);
  const float c =
      1.0f - 0.5f * z +
      z * z * ((2.443315711809948e-5f * z - 1.388731625493765e-3f) * z + 4.166664568298827e-2f);
  const auto quarter = static_cast<std::int32_t>(n);
  const bool swapped = (quarter & 1) != 0;
  const float a = swapped ? c : s, b = swapped ? s : c;
  sine = (quarter & 2) != 0 ? -a : a;
  cosine = ((quarter + 1) & 2) != 0 ? -b : b;
#endif
}
KOKKOS_INLINE_FUNCTION void fast_sincos(double x, double& sine, double& cosine) {
  sine = ::sin(x);
  cosine = ::cos(x);
}

struct Sin {
  template <class T>
  KOKKOS_INLINE_FUNCTION static void apply(T x, T& value, T& slope) {
    value = std::sin(x);
    slope = std::cos(x);
  }
};

/// tanh(x), in float without branches: x + x^3 p(x^2) near 0 (coefficients: Moshier, Cephes
/// library, tanhf), 1 - 2 / (1 + e^(2 |x|)) elsewhere.
KOKKOS_INLINE_FUNCTION float fast_tanh(float x) {
  const float magnitude = x < 0 ? -x : x;
  const float z = magnitude < 0.625f ? x * x : 0.0f;
  const float p = (((-5.70498872745e-3f * z + 2.06390887954e-2f) * z - 5.37397155531e-2f) * z +
                   1.33314422036e-1f) *
                      z -
                  3.33332819422e-1f;
  const float large = 1.0f - 2.0f / (1.0f + fast_exp(2.0f * magnitude));
  return magnitude < 0.625f ? x + x * z * p : (x < 0 ? -large : large);
}
KOKKOS_INLINE_FUNCTION double fast_tanh(double x) {
  return ::tanh(x);
}

struct Tanh {
  template <class T>
  KOKKOS_INLINE_FUNCTION static void apply(T x, T& value, T& slope) {
    value = fast_tanh(x);
    slope = T(1) - value * value;
  }
};

/// Calls action(F{}) with the function object of an activation.
template <class Action>
void with_activation(Activation activation, Action&& action) {
  switch (activation) {
    case Activation::identity:
      return action(Identity{});
    case Activation::elu:
      return action(Elu{});
    case Activation::gelu:
      return action(Gelu{});
    case Activation::leaky_relu:
      return action(LeakyRelu{});
    case Activation::relu:
      return action(Relu{});
    case Activation::selu:
      return action(Selu{});
    case Activation::silu:
      return action(Silu{});
    case Activation::sin:
      return action(Sin{});
    case Activation::tanh:
      return action(Tanh{});
  }
}

/// y[i] := f(x[i]); y may be x.
template <class T>
void activate_to(const T* x, T* y, std::int64_t size, Activation activation);

/// dy[i] *= f'(x[i])
template <class T>
void activate_adjoint(const T* x, T* dy, std::int64_t size, Activation activation);

}  // namespace nopal::detail
