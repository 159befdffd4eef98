// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "nn/row_kernels.hpp"
#include "core/parallel.hpp"

#include <nopal/core/blas.hpp>

#include <algorithm>

namespace nopal::detail {
namespace {

using Rows = Kokkos::RangePolicy<ExecutionSpace, Kokkos::IndexType<std::int64_t>>;

constexpr bool on_host = Kokkos::SpaceAccessibility<Kokkos::HostSpace, MemorySpace>::accessible;

}  // namespace

template <class T>
std::int64_t tile_rows(std::int64_t entries) {
  const std::int64_t bytes = on_host ? (std::int64_t(128) << 10) * ExecutionSpace().concurrency()
                                     : std::int64_t(256) << 20;
  return std::max<std::int64_t>(64, bytes / (entries * static_cast<std::int64_t>(sizeof(T))));
}

template <class T>
void fill_rows(const T* b, T* y, std::int64_t rows, std::int64_t columns) {
  detail::parallel_for(
      "nopal::fill_rows", Rows(0, rows), KOKKOS_LAMBDA(std::int64_t r) {
        T* yr = y + r * columns;
#pragma GCC ivdep
        for (std::int64_t c = 0; c < columns; ++c)
          yr[c] = b[c];
      });
}

template <class T>
void add_rows(const T* b, T* y, std::int64_t rows, std::int64_t columns) {
  detail::parallel_for(
      "nopal::add_rows", Rows(0, rows), KOKKOS_LAMBDA(std::int64_t r) {
        T* yr = y + r * columns;
#pragma GCC ivdep
        for (std::int64_t c = 0; c < columns; ++c)
          yr[c] += b[c];
      });
}

namespace {

// s[c] := beta s[c] + sum_r entry(r * columns + c). Partial sums over blocks of rows keep float
// rounding small for millions of points.
template <class T, class Entry>
void reduce_rows(const char* name, T* s, std::int64_t rows, std::int64_t columns, T beta,
                 const Entry& entry) {
  constexpr std::int64_t block = 64;
  detail::parallel_for(
      name, Rows(0, (columns + 15) / 16), KOKKOS_LAMBDA(std::int64_t group) {
        const std::int64_t first = group * 16;
        const int width = static_cast<int>(columns - first < 16 ? columns - first : 16);
        double total[16] = {};
        for (std::int64_t r0 = 0; r0 < rows; r0 += block) {
          const std::int64_t end = r0 + block < rows ? r0 + block : rows;
          T part[16] = {};
          if (width == 16) {
            for (std::int64_t r = r0; r < end; ++r)
#pragma GCC ivdep
              for (int c = 0; c < 16; ++c)
                part[c] += entry(r * columns + first + c);
          } else {
            for (std::int64_t r = r0; r < end; ++r)
              for (int c = 0; c < width; ++c)
                part[c] += entry(r * columns + first + c);
          }
          for (int c = 0; c < 16; ++c)
            total[c] += part[c];
        }
        for (int c = 0; c < width; ++c)
          s[first + c] = (beta == T(0) ? T(0) : beta * s[first + c]) + static_cast<T>(total[c]);
      });
}

}  // namespace

template <class T>
void sum_rows(const T* x, T* s, std::int64_t rows, std::int64_t columns, T beta) {
  reduce_rows(
      "nopal::sum_rows", s, rows, columns, beta, KOKKOS_LAMBDA(std::int64_t i) { return x[i]; });
}

template <class T>
void dot_rows(const T* x, const T* y, T* s, std::int64_t rows, std::int64_t columns, T beta) {
  reduce_rows(
      "nopal::dot_rows", s, rows, columns, beta,
      KOKKOS_LAMBDA(std::int64_t i) { return x[i] * y[i]; });
}

template <class T>
void scale_rows(const T* g, const T* x, T* y, std::int64_t rows, std::int64_t columns, T beta) {
  const bool add = beta != T(0);
  detail::parallel_for(
      "nopal::scale_rows", Rows(0, rows), KOKKOS_LAMBDA(std::int64_t r) {
        const T* xr = x + r * columns;
        T* yr = y + r * columns;
        // Two loops: the compiler does not take the condition out, and then does not vectorise.
        if (add) {
#pragma GCC ivdep
          for (std::int64_t c = 0; c < columns; ++c)
            yr[c] += g[c] * xr[c];
        } else {
#pragma GCC ivdep
          for (std::int64_t c = 0; c < columns; ++c)
            yr[c] = g[c] * xr[c];
        }
      });
}

template <class T>
void standardise_rows(const T* x, const T* mean, const T* inverse, T* y, std::int64_t rows,
                      std::int64_t columns) {
  detail::parallel_for(
      "nopal::standardise", Rows(0, rows), KOKKOS_LAMBDA(std::int64_t r) {
#pragma GCC ivdep
        for (std::int64_t c = 0; c < columns; ++c)
          y[r * columns + c] = (x[r * columns + c] - mean[c]) * inverse[c];
      });
}

template <class T>
void standardise_rows_adjoint(const T* dy, const T* z, const T* scale, const T* inverse,
                              const T* m1, const T* m2, T* dx, std::int64_t rows,
                              std::int64_t columns, T beta) {
  const bool add = beta != T(0);
  detail::parallel_for(
      "nopal::standardise_adjoint", Rows(0, rows), KOKKOS_LAMBDA(std::int64_t r) {
        for (std::int64_t c = 0; c < columns; ++c) {
          const std::int64_t i = r * columns + c;
          dx[i] = (add ? dx[i] : T(0)) + inverse[c] * (scale[c] * dy[i] - m1[c] - z[i] * m2[c]);
        }
      });
}

template <class T>
void multiply(const T* x, T* y, std::int64_t size) {
  detail::parallel_for(
      "nopal::multiply", Rows(0, (size + 1023) / 1024), KOKKOS_LAMBDA(std::int64_t block) {
        const std::int64_t end = (block + 1) * 1024 < size ? (block + 1) * 1024 : size;
#pragma GCC ivdep
        for (std::int64_t i = block * 1024; i < end; ++i)
          y[i] *= x[i];
      });
}

#define NOPAL_INSTANTIATE(T)                                                                       \
  template std::int64_t tile_rows<T>(std::int64_t);                                                \
  template void fill_rows<T>(const T*, T*, std::int64_t, std::int64_t);                            \
  template void add_rows<T>(const T*, T*, std::int64_t, std::int64_t);                             \
  template void sum_rows<T>(const T*, T*, std::int64_t, std::int64_t, T);                          \
  template void dot_rows<T>(const T*, const T*, T*, std::int64_t, std::int64_t, T);                \
  template void scale_rows<T>(const T*, const T*, T*, std::int64_t, std::int64_t, T);              \
  template void standardise_rows<T>(const T*, const T*, const T*, T*, std::int64_t, std::int64_t); \
  template void standardise_rows_adjoint<T>(const T*, const T*, const T*, const T*, const T*,      \
                                            const T*, T*, std::int64_t, std::int64_t, T);          \
  template void multiply<T>(const T*, T*, std::int64_t);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal::detail
