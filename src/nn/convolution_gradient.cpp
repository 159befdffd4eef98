// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// The gradient of a convolution's kernel: for each tap a matrix product over points,
// dw(t, f, g) = sum fine(b, offset + stride q + t, f) coarse(b, q, g).

#include "core/parallel.hpp"
#include "nn/convolution_blocks.hpp"
#include "nn/convolution_kernels.hpp"

#include <algorithm>

namespace nopal::detail {
namespace {

// Coarse points [first, end) of an axis.
struct Range {
  std::int64_t first, end;
};

// Those whose fine point at tap t is inside the field.
Range reached(const ConvolutionAxis& a, std::int64_t t, Range range) {
  const std::int64_t low = a.offset + t, left = a.fine - low, s = a.stride;
  range.first = std::max(range.first, low >= 0 ? 0 : (-low + s - 1) / s);
  range.end = std::min(range.end, left <= 0 ? 0 : (left + s - 1) / s);
  range.end = std::max(range.first, range.end);
  return range;
}

// C (m x n) += sum over rows and points of a(i) b(j).
template <class T>
void add_points(std::int64_t m, std::int64_t n, std::int64_t rows, std::int64_t points,
                PointOperand<T> a, PointOperand<T> b, T* c, std::int64_t ldc) {
  constexpr std::int64_t width = vector_width<T>;
  for (std::int64_t j = 0; j < n;) {
    const std::int64_t left = (n - j + width - 1) / width;
    const std::int64_t vectors = left == 1 ? 1 : left % 2 == 1 ? 3 : 2;
    const std::int64_t tail = std::min(n - j - vectors * width, std::int64_t(0)) + width;
    const auto table_of = [vectors]<bool Half>(std::bool_constant<Half>) {
      return vectors == 1   ? point_table<T, 1, Half>.data()
             : vectors == 2 ? point_table<T, 2, Half>.data()
                            : point_table<T, 3, Half>.data();
    };
    const PointBlock<T>* table =
        tail > width / 2 ? table_of(std::false_type()) : table_of(std::true_type());
    const std::int64_t blocks = (m + max_rows[vectors] - 1) / max_rows[vectors];
    for (std::int64_t i = 0, block = 0; block < blocks; ++block) {
      const std::int64_t count = (m - i + blocks - block - 1) / (blocks - block);
      table[count - 1](rows, points, {a.entry + i, a.row, a.point}, {b.entry + j, b.row, b.point},
                       c + i * ldc + j, ldc, static_cast<int>(tail));
      i += count;
    }
    j += vectors * width;
  }
}

// Sums in the order (t0, t1, t2, f, g), or with few coarse channels (t0, t1, g, t2, f), so that
// vectors are full.
template <class T>
struct Sums {
  ConvolutionGeometry g;
  const T *fine, *coarse;
  bool few_coarse;

  std::int64_t size() const {
    return g.axes[0].taps * g.axes[1].taps * g.axes[2].taps * g.fine_channels * g.coarse_channels;
  }

  // Adds coarse points q0, rows, points of sample b: those for which all taps of the last axis are
  // inside the fine field, all these taps at once, or tap by tap the rest.
  void add(T* sum, std::int64_t b, std::int64_t q0, Range rows, Range points, bool inner) const {
    const ConvolutionAxis &a0 = g.axes[0], &a1 = g.axes[1], &a2 = g.axes[2];
    const std::int64_t columns = a2.taps * g.fine_channels;
    const std::int64_t coarse_row = a2.coarse * g.coarse_channels;
    const std::int64_t fine_row = a2.fine * g.fine_channels;
    const Range common = reached(a2, 0, reached(a2, a2.taps - 1, points));
    for (std::int64_t t0 = 0; t0 < a0.taps; ++t0) {
      const std::int64_t x0 = a0.offset + a0.stride * q0 + t0;
      if (x0 < 0 || x0 >= a0.fine) continue;
      for (std::int64_t t1 = 0; t1 < a1.taps; ++t1) {
        const Range inside = reached(a1, t1, rows);
        const std::int64_t x1 = a1.offset + a1.stride * inside.first + t1;
        T* tap_sum = sum + (t0 * a1.taps + t1) * columns * g.coarse_channels;
        // Taps [from, to) for points p.
        const auto run = [&](std::int64_t from, std::int64_t to, Range p) {
          if (p.first >= p.end || inside.first >= inside.end) return;
          const std::int64_t x2 = a2.offset + a2.stride * p.first + from;
          const PointOperand<T> f{
              fine + ((b * a0.fine + x0) * a1.fine + x1) * fine_row + x2 * g.fine_channels,
              a1.stride * fine_row, a2.stride * g.fine_channels};
          const PointOperand<T> c{
              coarse + ((b * a0.coarse + q0) * a1.coarse + inside.first) * coarse_row +
                  p.first * g.coarse_channels,
              coarse_row, g.coarse_channels};
          const std::int64_t m = (to - from) * g.fine_channels, n = g.coarse_channels;
          const std::int64_t first = from * g.fine_channels, count = inside.end - inside.first;
          if (few_coarse)
            add_points(n, m, count, p.end - p.first, c, f, tap_sum + first, columns);
          else
            add_points(m, n, count, p.end - p.first, f, c, tap_sum + first * n, n);
        };
        if (inner) {
          run(0, a2.taps, common);
          continue;
        }
        for (std::int64_t t2 = 0; t2 < a2.taps; ++t2) {
          const Range all = reached(a2, t2, points);
          run(t2, t2 + 1, {all.first, std::min(all.end, common.first)});
          run(t2, t2 + 1, {std::max(all.first, common.end), all.end});
        }
      }
    }
  }
};

// Coarse points that are summed at once, so that both fields' points stay in first-level cache, and
// rows of a work item.
constexpr std::int64_t chunk_points = 256, item_rows = 32;

std::int64_t ceil_divide(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

template <class T>
void kernel_gradient_host(const ConvolutionGeometry& g, const T* fine, const T* coarse, T* dw,
                          bool coarse_first, T sign, T beta) {
  const std::int64_t nf = g.fine_channels, ng = g.coarse_channels;
  const Sums<T> sums{g, fine, coarse, ng < vector_width<T> && g.axes[2].taps * nf > ng};
  const std::int64_t n0 = g.axes[0].coarse, n1 = g.axes[1].coarse, n2 = g.axes[2].coarse;
  const std::int64_t pieces = ceil_divide(n2, chunk_points), groups = ceil_divide(n1, item_rows);
  const std::int64_t items = g.batch * n0 * groups * pieces;
  const std::int64_t threads = ExecutionSpace().concurrency();
  const std::int64_t parts = std::max<std::int64_t>(1, std::min(threads, items));
  const std::int64_t size = sums.size();
  const Tensor<T> partial = Tensor<T>::zeros({parts, size});
  T* sum = partial.data();
  detail::parallel_for("nopal::kernel_gradient", ItemRange(0, parts), [=](std::int64_t part) {
    for (std::int64_t i = items * part / parts; i < items * (part + 1) / parts; ++i) {
      const std::int64_t piece = i % pieces, group = i / pieces % groups;
      const std::int64_t q0 = i / (pieces * groups) % n0, b = i / (pieces * groups * n0);
      const Range rows{n1 * group / groups, n1 * (group + 1) / groups};
      const Range points{n2 * piece / pieces, n2 * (piece + 1) / pieces};
      sums.add(sum + part * size, b, q0, rows, points, false);
      const std::int64_t chunk =
          std::max<std::int64_t>(1, chunk_points / (points.end - points.first));
      for (std::int64_t r = rows.first; r < rows.end; r += chunk)
        sums.add(sum + part * size, b, q0, {r, std::min(r + chunk, rows.end)}, points, true);
    }
  });
  const std::int64_t taps = g.axes[2].taps;
  const std::int64_t outer = g.axes[0].taps * g.axes[1].taps * taps;
  const bool few_coarse = sums.few_coarse;
  detail::parallel_for("nopal::kernel_gradient_sum", ItemRange(0, outer), [=](std::int64_t t) {
    // Strides of (f, g) in the sums and in dw.
    const T* s = few_coarse ? sum + (t / taps * ng * taps + t % taps) * nf : sum + t * nf * ng;
    const std::int64_t s_f = few_coarse ? 1 : ng, s_g = few_coarse ? taps * nf : 1;
    const std::int64_t d_f = coarse_first ? 1 : ng, d_g = coarse_first ? nf : 1;
    T* d = dw + t * nf * ng;
    for (std::int64_t part = 0; part < parts; ++part) {
      const T factor = part > 0 ? T(1) : beta;
      for (std::int64_t i = 0; i < nf; ++i)
        for (std::int64_t j = 0; j < ng; ++j) {
          T& entry = d[i * d_f + j * d_g];
          const T add = sign * s[part * size + i * s_f + j * s_g];
          entry = factor == T(0) ? add : factor * entry + add;
        }
    }
  });
}

}  // namespace

template <class T>
void kernel_gradient(const ConvolutionGeometry& g, const T* fine, const T* coarse, T* dw,
                     bool coarse_first, T sign, T beta) {
  if constexpr (on_host)
    kernel_gradient_host(g, fine, coarse, dw, coarse_first, sign, beta);
  else
    kernel_gradient_kokkos(g, fine, coarse, dw, coarse_first, sign, beta);
}

template <class T>
void kernel_gradient_kokkos(const ConvolutionGeometry& g, const T* fine, const T* coarse, T* dw,
                            bool coarse_first, T sign, T beta) {
  const ConvolutionAxis a0 = g.axes[0], a1 = g.axes[1], a2 = g.axes[2];
  const std::int64_t batch = g.batch, nf = g.fine_channels, ng = g.coarse_channels;
  using Policy =
      Kokkos::MDRangePolicy<ExecutionSpace, Kokkos::Rank<3>, Kokkos::IndexType<std::int64_t>>;
  detail::parallel_for(
      "nopal::kernel_gradient", Policy({0, 0, 0}, {a0.taps * a1.taps * a2.taps, nf, ng}),
      KOKKOS_LAMBDA(std::int64_t t, std::int64_t f, std::int64_t c) {
        const std::int64_t t0 = t / (a1.taps * a2.taps), t1 = t / a2.taps % a1.taps;
        const std::int64_t t2 = t % a2.taps;
        T sum = 0;
        for (std::int64_t b = 0; b < batch; ++b)
          for (std::int64_t q0 = 0; q0 < a0.coarse; ++q0)
            for (std::int64_t q1 = 0; q1 < a1.coarse; ++q1)
              for (std::int64_t q2 = 0; q2 < a2.coarse; ++q2) {
                const std::int64_t x0 = a0.offset + a0.stride * q0 + t0;
                const std::int64_t x1 = a1.offset + a1.stride * q1 + t1;
                const std::int64_t x2 = a2.offset + a2.stride * q2 + t2;
                if (x0 < 0 || x0 >= a0.fine || x1 < 0 || x1 >= a1.fine || x2 < 0 || x2 >= a2.fine)
                  continue;
                sum += fine[(((b * a0.fine + x0) * a1.fine + x1) * a2.fine + x2) * nf + f] *
                       coarse[(((b * a0.coarse + q0) * a1.coarse + q1) * a2.coarse + q2) * ng + c];
              }
        T& entry = dw[t * nf * ng + (coarse_first ? c * nf + f : f * ng + c)];
        entry = beta == T(0) ? sign * sum : beta * entry + sign * sum;
      });
}

#define NOPAL_INSTANTIATE(T)                                                                    \
  template void kernel_gradient<T>(const ConvolutionGeometry&, const T*, const T*, T*, bool, T, \
                                   T);                                                          \
  template void kernel_gradient_kokkos<T>(const ConvolutionGeometry&, const T*, const T*, T*,   \
                                          bool, T, T);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal::detail
