// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "nn/row_kernels.hpp"
#include "core/parallel.hpp"

#include <algorithm>

namespace nopal::detail {
template <class T>
std::int64_t tile_rows(std::int64_t entries) {
  const std::int64_t bytes = on_host ? (std::int64_t(128) << 10) * ExecutionSpace().concurrency()
                                     : std::int64_t(256) << 20;
  const std::int64_t rows = bytes / (entries * static_cast<std::int64_t>(sizeof(T)));
  // Whole blocks of rows of a product: 14 or 6, see panel_gemm.hpp.
  constexpr std::int64_t whole_blocks = 42;
  return std::max<std::int64_t>(2 * whole_blocks, rows - rows % whole_blocks);
}

template <class T>
void fill_rows(const T* b, T* y, std::int64_t rows, std::int64_t columns) {
  parallel_entries(
      "nopal::fill_rows", rows, columns,
      KOKKOS_LAMBDA(std::int64_t r, std::int64_t c) { y[r * columns + c] = b[c]; });
}

template <class T>
void add_rows(const T* b, T* y, std::int64_t rows, std::int64_t columns) {
  parallel_entries(
      "nopal::add_rows", rows, columns,
      KOKKOS_LAMBDA(std::int64_t r, std::int64_t c) { y[r * columns + c] += b[c]; });
}

namespace {

// Partial sums over blocks of rows keep float rounding small for millions of points.
constexpr std::int64_t block_rows = 64;

// s[c] := beta s[c] + sum_r entry(r * columns + c) on the host: 16 columns an item.
template <class T, class Entry>
void reduce_rows_host(const char* name, T* s, std::int64_t rows, std::int64_t columns, T beta,
                      const Entry& entry) {
  parallel_for(
      name, ItemRange(0, (columns + 15) / 16), KOKKOS_LAMBDA(std::int64_t group) {
        const std::int64_t first = group * 16;
        const int width = static_cast<int>(columns - first < 16 ? columns - first : 16);
        double total[16] = {};
        for (std::int64_t r0 = 0; r0 < rows; r0 += block_rows) {
          const std::int64_t end = r0 + block_rows < rows ? r0 + block_rows : rows;
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

// The same on a device: an item for each column of each part of the rows, then one for each column.
template <class T, class Entry>
void reduce_rows_device(const char* name, T* s, std::int64_t rows, std::int64_t columns, T beta,
                        const Entry& entry) {
  const std::int64_t most = std::max<std::int64_t>(1, (std::int64_t(1) << 18) / columns);
  const std::int64_t parts = std::clamp<std::int64_t>(rows / 32, 1, std::min(most, rows / 8 + 1));
  const Tensor<double> partial({parts, columns});
  double* sums = partial.data();
  parallel_for(
      name, ItemRange(0, parts * columns), KOKKOS_LAMBDA(std::int64_t i) {
        const std::int64_t part = i / columns, c = i % columns;
        double sum = 0;
        for (std::int64_t r = rows * part / parts; r < rows * (part + 1) / parts; ++r)
          sum += static_cast<double>(entry(r * columns + c));
        sums[i] = sum;
      });
  // Four lanes a column shorten the chain of additions.
  parallel_for(
      name, ItemRange(0, columns), KOKKOS_LAMBDA(std::int64_t c) {
        double lanes[4] = {};
        for (std::int64_t part = 0; part < parts; ++part)
          lanes[part % 4] += sums[part * columns + c];
        const double sum = (lanes[0] + lanes[2]) + (lanes[1] + lanes[3]);
        s[c] = (beta == T(0) ? T(0) : beta * s[c]) + static_cast<T>(sum);
      });
}

template <class T, class Entry>
void reduce_rows(const char* name, T* s, std::int64_t rows, std::int64_t columns, T beta,
                 const Entry& entry) {
  if (columns == 0) return;
  if (on_host)
    reduce_rows_host(name, s, rows, columns, beta, entry);
  else
    reduce_rows_device(name, s, rows, columns, beta, entry);
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
  // Two loops: the compiler does not take the condition out, and then does not vectorise.
  if (beta != T(0))
    parallel_entries(
        "nopal::scale_rows", rows, columns, KOKKOS_LAMBDA(std::int64_t r, std::int64_t c) {
          y[r * columns + c] += g[c] * x[r * columns + c];
        });
  else
    parallel_entries(
        "nopal::scale_rows", rows, columns, KOKKOS_LAMBDA(std::int64_t r, std::int64_t c) {
          y[r * columns + c] = g[c] * x[r * columns + c];
        });
}

template <class T>
void standardise_rows(const T* x, const T* mean, const T* inverse, T* y, std::int64_t rows,
                      std::int64_t columns) {
  parallel_entries(
      "nopal::standardise", rows, columns, KOKKOS_LAMBDA(std::int64_t r, std::int64_t c) {
        y[r * columns + c] = (x[r * columns + c] - mean[c]) * inverse[c];
      });
}

template <class T>
void standardise_rows_adjoint(const T* dy, const T* z, const T* scale, const T* inverse,
                              const T* m1, const T* m2, T* dx, std::int64_t rows,
                              std::int64_t columns, T beta) {
  const bool add = beta != T(0);
  parallel_entries(
      "nopal::standardise_adjoint", rows, columns, KOKKOS_LAMBDA(std::int64_t r, std::int64_t c) {
        const std::int64_t i = r * columns + c;
        dx[i] = (add ? dx[i] : T(0)) + inverse[c] * (scale[c] * dy[i] - m1[c] - z[i] * m2[c]);
      });
}

template <class T>
void transpose(const T* x, T* y, std::int64_t rows, std::int64_t columns) {
  // Reads by rows of a block of columns, whose lines of y stay in cache.
  parallel_for(
      "nopal::transpose",
      Kokkos::RangePolicy<ExecutionSpace, Kokkos::IndexType<std::int64_t>>(0, (columns + 15) / 16),
      KOKKOS_LAMBDA(std::int64_t block) {
        const std::int64_t first = 16 * block, end = first + 16 < columns ? first + 16 : columns;
        for (std::int64_t r = 0; r < rows; ++r)
          for (std::int64_t c = first; c < end; ++c)
            y[c * rows + r] = x[r * columns + c];
      });
}

template <class T>
void multiply(const T* x, T* y, std::int64_t size) {
  parallel_flat(
      "nopal::multiply", size, KOKKOS_LAMBDA(std::int64_t i) { y[i] *= x[i]; });
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
  template void transpose<T>(const T*, T*, std::int64_t, std::int64_t);                            \
  template void multiply<T>(const T*, T*, std::int64_t);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal::detail
