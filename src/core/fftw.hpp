// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <fftw3.h>

#include <cstddef>

namespace nopal::detail {

/// FFTW's functions by scalar type. Plans have one grid of 1 to 3 axes and two loops (batch,
/// channels) in FFTW's "guru" interface, the one that knows strided batches.
template <class T>
struct Fftw;

#define NOPAL_FFTW(T, name)                                                                   \
  template <>                                                                                 \
  struct Fftw<T> {                                                                            \
    using Plan = name(plan);                                                                  \
    using Complex = name(complex);                                                            \
    using Axis = fftw_iodim64;                                                                \
    static void* malloc(std::size_t bytes) { return name(malloc)(bytes); }                    \
    static void free(void* pointer) { name(free)(pointer); }                                  \
    static void destroy(void* plan) { name(destroy_plan)(static_cast<Plan>(plan)); }          \
    static int alignment(const void* pointer) {                                               \
      return name(alignment_of)(static_cast<T*>(const_cast<void*>(pointer)));                 \
    }                                                                                         \
    static void* plan_r2c(int rank, const Axis* axes, const Axis* loops, void* in, void* out, \
                          unsigned flags) {                                                   \
      return name(plan_guru64_dft_r2c)(rank, axes, 2, loops, static_cast<T*>(in),             \
                                       static_cast<Complex*>(out), flags);                    \
    }                                                                                         \
    static void* plan_c2r(int rank, const Axis* axes, const Axis* loops, void* in, void* out, \
                          unsigned flags) {                                                   \
      return name(plan_guru64_dft_c2r)(rank, axes, 2, loops, static_cast<Complex*>(in),       \
                                       static_cast<T*>(out), flags);                          \
    }                                                                                         \
    static void* plan_c2c(int rank, const Axis* axes, const Axis* loops, void* in, void* out, \
                          int sign, unsigned flags) {                                         \
      return name(plan_guru64_dft)(rank, axes, 2, loops, static_cast<Complex*>(in),           \
                                   static_cast<Complex*>(out), sign, flags);                  \
    }                                                                                         \
    static void* plan_r2r(int rank, const Axis* axes, const Axis* loops, void* in, void* out, \
                          const fftw_r2r_kind* kinds, unsigned flags) {                       \
      return name(plan_guru64_r2r)(rank, axes, 2, loops, static_cast<T*>(in),                 \
                                   static_cast<T*>(out), kinds, flags);                       \
    }                                                                                         \
    static void execute_r2c(Plan plan, T* in, Complex* out) {                                 \
      name(execute_dft_r2c)(plan, in, out);                                                   \
    }                                                                                         \
    static void execute_c2r(Plan plan, Complex* in, T* out) {                                 \
      name(execute_dft_c2r)(plan, in, out);                                                   \
    }                                                                                         \
    static void execute_c2c(Plan plan, Complex* in, Complex* out) {                           \
      name(execute_dft)(plan, in, out);                                                       \
    }                                                                                         \
    static void execute_r2r(Plan plan, T* in, T* out) { name(execute_r2r)(plan, in, out); }   \
  }

#define NOPAL_FFTW_DOUBLE(name) fftw_##name
#define NOPAL_FFTW_FLOAT(name) fftwf_##name
NOPAL_FFTW(double, NOPAL_FFTW_DOUBLE);
NOPAL_FFTW(float, NOPAL_FFTW_FLOAT);
#undef NOPAL_FFTW_FLOAT
#undef NOPAL_FFTW_DOUBLE
#undef NOPAL_FFTW

}  // namespace nopal::detail
