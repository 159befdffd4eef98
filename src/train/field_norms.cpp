// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "train/field_norms.hpp"

#include "core/parallel.hpp"

#include <algorithm>

namespace nopal::detail {
namespace {

using Range = Kokkos::RangePolicy<ExecutionSpace, Kokkos::IndexType<std::int64_t>>;

// A work item is a segment of the line for a few rows: on the host long enough to vectorise and to
// forget the cost of its start, on a device many.
constexpr std::int64_t segment = on_host ? 256 : 32;
constexpr std::int64_t rows_per_item = on_host ? 64 : 4;

// Entries and weights of one row of a banded matrix: D_k has up to 4, D_k' D_k written as a sum
// over the rows of D_k that touch an entry up to 12.
struct Taps {
  int count = 0;
  std::int64_t index[12];
  double weight[12];
  KOKKOS_INLINE_FUNCTION void add(std::int64_t i, double w) {
    index[count] = i;
    weight[count++] = w;
  }
};

// (D v)_i += scale * ...: central difference, or the third-order one-sided stencil at the ends.
KOKKOS_INLINE_FUNCTION void add_difference(Taps& taps, std::int64_t i, std::int64_t n,
                                           bool periodic, double scale) {
  if (periodic || (i > 0 && i < n - 1)) {
    const double w = scale * 0.5 * static_cast<double>(n);
    taps.add(i == 0 ? n - 1 : i - 1, -w);
    taps.add(i == n - 1 ? 0 : i + 1, w);
    return;
  }
  const std::int64_t inward = i == 0 ? 1 : -1;
  const double w = scale * static_cast<double>(inward * n) / 6;
  taps.add(i, -11 * w);
  taps.add(i + inward, 18 * w);
  taps.add(i + 2 * inward, -9 * w);
  taps.add(i + 3 * inward, 2 * w);
}

// Entry D_ri of an end row of a one-sided D.
KOKKOS_INLINE_FUNCTION double end_weight(std::int64_t distance, double inward, std::int64_t n) {
  const double w[4] = {-11, 18, -9, 2};
  return w[distance] * inward * static_cast<double>(n) / 6;
}

KOKKOS_INLINE_FUNCTION bool is_interior_normal(std::int64_t i, std::int64_t n, bool periodic) {
  return periodic ? (i >= 2 && i < n - 2) : (i >= 4 && i < n - 4);
}

// Row i of D'D.
KOKKOS_INLINE_FUNCTION Taps normal_taps(std::int64_t i, std::int64_t n, bool periodic) {
  Taps taps;
  const double half = 0.5 * static_cast<double>(n);
  if (is_interior_normal(i, n, periodic)) {
    taps.add(i - 2, -half * half);
    taps.add(i, 2 * half * half);
    taps.add(i + 2, -half * half);
    return taps;
  }
  if (periodic) {
    add_difference(taps, i == 0 ? n - 1 : i - 1, n, true, half);
    add_difference(taps, i == n - 1 ? 0 : i + 1, n, true, -half);
    return taps;
  }
  if (i <= 3) add_difference(taps, 0, n, false, end_weight(i, 1, n));
  if (i >= 2) add_difference(taps, i - 1, n, false, half);
  if (i <= n - 3) add_difference(taps, i + 1, n, false, -half);
  if (n - 1 - i <= 3) add_difference(taps, n - 1, n, false, end_weight(n - 1 - i, -1, n));
  return taps;
}

// sum += (sum_t w_t v[offset_t + j])^2 over a segment, for two fields at once.
template <class T>
KOKKOS_INLINE_FUNCTION void add_squares(const Taps& taps, std::int64_t stride,
                                        const T* KOKKOS_RESTRICT p, const T* KOKKOS_RESTRICT y,
                                        std::int64_t count, double* KOKKOS_RESTRICT sum_d,
                                        double* KOKKOS_RESTRICT sum_y) {
  if (taps.count == 2) {  // central: weights -w, w
    const T* p0 = p + taps.index[0] * stride;
    const T* p1 = p + taps.index[1] * stride;
    const T* y0 = y + taps.index[0] * stride;
    const T* y1 = y + taps.index[1] * stride;
    const double w = taps.weight[1];
    // Differences of p - y, not of p minus those of y: a perfect prediction gives exactly 0.
    for (std::int64_t j = 0; j < count; ++j) {
      const double ya = y0[j], yb = y1[j];
      const double dy = w * (yb - ya), dd = w * ((double(p1[j]) - yb) - (double(p0[j]) - ya));
      sum_y[j] += dy * dy;
      sum_d[j] += dd * dd;
    }
    return;
  }
  for (std::int64_t j = 0; j < count; ++j) {
    double dd = 0, dy = 0;
    for (int t = 0; t < taps.count; ++t) {
      const double target = y[taps.index[t] * stride + j];
      dd += taps.weight[t] * (double(p[taps.index[t] * stride + j]) - target);
      dy += taps.weight[t] * target;
    }
    sum_y[j] += dy * dy;
    sum_d[j] += dd * dd;
  }
}

// result[j] += sum_t w_t d[offset_t + j] over a segment.
template <class T>
KOKKOS_INLINE_FUNCTION void add_taps(const Taps& taps, std::int64_t stride,
                                     const T* KOKKOS_RESTRICT d, std::int64_t count,
                                     double* KOKKOS_RESTRICT result) {
  if (taps.count == 3) {  // interior: weights -w, 2 w, -w
    const T* d0 = d + taps.index[0] * stride;
    const T* d1 = d + taps.index[1] * stride;
    const T* d2 = d + taps.index[2] * stride;
    const double w = taps.weight[2];
    for (std::int64_t j = 0; j < count; ++j)
      result[j] += w * (double(d0[j]) - 2 * double(d1[j]) + double(d2[j]));
    return;
  }
  for (int t = 0; t < taps.count; ++t) {
    const T* dt = d + taps.index[t] * stride;
    for (std::int64_t j = 0; j < count; ++j)
      result[j] += taps.weight[t] * double(dt[j]);
  }
}

// Item -> (sample, segment of the line, rows); the same split for norms and gradients.
struct Items {
  std::int64_t segments, tiles, count;
  explicit Items(const FieldNorm& norm)
      : segments((norm.line + segment - 1) / segment),
        tiles((norm.rows + rows_per_item - 1) / rows_per_item),
        count(norm.samples * segments * tiles) {}
};

struct Item {
  std::int64_t sample, first, count, row_begin, row_end;
  KOKKOS_INLINE_FUNCTION Item(const FieldNorm& norm, const Items& items, std::int64_t i) {
    const std::int64_t tile = i % items.tiles, s = i / items.tiles % items.segments;
    sample = i / items.tiles / items.segments;
    first = s * segment;
    count = first + segment < norm.line ? segment : norm.line - first;
    row_begin = tile * rows_per_item;
    row_end = row_begin + rows_per_item < norm.rows ? row_begin + rows_per_item : norm.rows;
  }
};

template <class T>
struct NormKernel {
  FieldNorm norm;
  Items items;
  const T* p;
  const T* y;
  T* d;  // may be null
  double* partial;

  KOKKOS_FUNCTION void operator()(std::int64_t i) const {
    const Item item(norm, items, i);
    double sum_d[segment], sum_y[segment];
    for (std::int64_t j = 0; j < segment; ++j)
      sum_d[j] = sum_y[j] = 0;
    const std::int64_t sample = item.sample * norm.sample_size();
    for (std::int64_t row = item.row_begin; row < item.row_end; ++row) {
      const std::int64_t start = sample + row * norm.line;
      values(start + item.first, item.count, sum_d, sum_y);
      for (int k = 0; k + 1 < norm.axes; ++k) {
        const std::int64_t index = row / norm.rows_per_step[k] % norm.extent[k];
        Taps taps;
        add_difference(taps, index, norm.extent[k], norm.periodic, 1);
        const std::int64_t stride = norm.rows_per_step[k] * norm.line;
        const std::int64_t base = start - index * stride + item.first;
        add_squares(taps, stride, p + base, y + base, item.count, sum_d, sum_y);
      }
      if (norm.axes > 0) along_line(start, item, sum_d, sum_y);
    }
    double* result = partial + i * norm.channels * 2;
    if (norm.channels == 1) {
      for (std::int64_t half = segment / 2; half > 0; half /= 2)
        for (std::int64_t j = 0; j < half; ++j) {
          sum_d[j] += sum_d[j + half];
          sum_y[j] += sum_y[j + half];
        }
      result[0] = sum_d[0];
      result[1] = sum_y[0];
      return;
    }
    for (std::int64_t c = 0; c < 2 * norm.channels; ++c)
      result[c] = 0;
    std::int64_t c = item.first % norm.channels;
    for (std::int64_t j = 0; j < item.count; ++j) {
      result[2 * c] += sum_d[j];
      result[2 * c + 1] += sum_y[j];
      if (++c == norm.channels) c = 0;
    }
  }

  KOKKOS_INLINE_FUNCTION void values(std::int64_t start, std::int64_t count,
                                     double* KOKKOS_RESTRICT sum_d,
                                     double* KOKKOS_RESTRICT sum_y) const {
    const T* KOKKOS_RESTRICT ps = p + start;
    const T* KOKKOS_RESTRICT ys = y + start;
    if (d) {
      T* KOKKOS_RESTRICT ds = d + start;
      for (std::int64_t j = 0; j < count; ++j)
        ds[j] = ps[j] - ys[j];
    }
    for (std::int64_t j = 0; j < count; ++j) {
      const double target = ys[j], difference = double(ps[j]) - target;
      sum_d[j] += difference * difference;
      sum_y[j] += target * target;
    }
  }

  // The last axis: neighbours lie `channels` entries apart in the same row.
  KOKKOS_INLINE_FUNCTION void along_line(std::int64_t start, const Item& item, double* sum_d,
                                         double* sum_y) const {
    const std::int64_t n = norm.extent[norm.axes - 1], c = norm.channels;
    const std::int64_t end = item.first + item.count;
    std::int64_t j = item.first;
    while (j < end) {
      const std::int64_t index = j / c;
      const bool interior = index > 0 && index < n - 1;
      const std::int64_t last = interior ? (n - 1) * c : (index + 1) * c;
      const std::int64_t count = (last < end ? last : end) - j;
      Taps taps;
      add_difference(taps, index, n, norm.periodic, 1);
      const std::int64_t base = start + j - index * c;
      add_squares(taps, c, p + base, y + base, count, sum_d + (j - item.first),
                  sum_y + (j - item.first));
      j += count;
    }
  }
};

template <class T>
struct GradientKernel {
  FieldNorm norm;
  Items items;
  const T* d;
  const double* coefficient;
  const T* seed;
  T beta;
  T* result;

  KOKKOS_FUNCTION void operator()(std::int64_t i) const {
    const Item item(norm, items, i);
    double factor[segment], value[segment];
    std::int64_t c = item.first % norm.channels;
    for (std::int64_t j = 0; j < item.count; ++j) {
      factor[j] = double(seed[0]) * coefficient[item.sample * norm.channels + c];
      if (++c == norm.channels) c = 0;
    }
    const std::int64_t sample = item.sample * norm.sample_size();
    for (std::int64_t row = item.row_begin; row < item.row_end; ++row) {
      const std::int64_t start = sample + row * norm.line;
      const T* source = d + start + item.first;
      for (std::int64_t j = 0; j < item.count; ++j)
        value[j] = double(source[j]);
      for (int k = 0; k + 1 < norm.axes; ++k) {
        const std::int64_t index = row / norm.rows_per_step[k] % norm.extent[k];
        const std::int64_t stride = norm.rows_per_step[k] * norm.line;
        add_taps(normal_taps(index, norm.extent[k], norm.periodic), stride,
                 d + start - index * stride + item.first, item.count, value);
      }
      if (norm.axes > 0) along_line(start, item, value);
      store(start + item.first, item.count, factor, value);
    }
  }

  KOKKOS_INLINE_FUNCTION void store(std::int64_t start, std::int64_t count,
                                    const double* KOKKOS_RESTRICT factor,
                                    const double* KOKKOS_RESTRICT value) const {
    T* KOKKOS_RESTRICT target = result + start;
    if (beta == T(0)) {
      for (std::int64_t j = 0; j < count; ++j)
        target[j] = static_cast<T>(factor[j] * value[j]);
    } else {
      for (std::int64_t j = 0; j < count; ++j)
        target[j] = beta * target[j] + static_cast<T>(factor[j] * value[j]);
    }
  }

  KOKKOS_INLINE_FUNCTION void along_line(std::int64_t start, const Item& item,
                                         double* value) const {
    const std::int64_t n = norm.extent[norm.axes - 1], c = norm.channels;
    const std::int64_t end = item.first + item.count;
    std::int64_t j = item.first;
    while (j < end) {
      const std::int64_t index = j / c;
      const bool interior = is_interior_normal(index, n, norm.periodic);
      const std::int64_t last = interior ? (n - (norm.periodic ? 2 : 4)) * c : (index + 1) * c;
      const std::int64_t count = (last < end ? last : end) - j;
      add_taps(normal_taps(index, n, norm.periodic), c, d + start + j - index * c, count,
               value + (j - item.first));
      j += count;
    }
  }
};

}  // namespace

FieldNorm::FieldNorm(const Shape& shape, bool derivatives, Boundary boundary)
    : periodic(boundary == Boundary::periodic) {
  const int rank = shape.rank();
  NOPAL_CHECK(rank >= 2, "a loss needs fields of shape (samples, grid..., channels), got ", shape);
  samples = shape[0];
  channels = shape[-1];
  rows = rank > 2 ? shape.product(1, rank - 2) : 1;
  line = rank > 2 ? shape[-2] * channels : channels;
  if (!derivatives) return;
  NOPAL_CHECK(rank >= 3, "an H1 loss needs at least one grid axis, got shape ", shape);
  axes = rank - 2;
  for (int k = 0; k < axes; ++k) {
    extent[k] = shape[k + 1];
    rows_per_step[k] = shape.product(k + 2, rank - 2);
    NOPAL_CHECK(periodic || extent[k] >= 4,
                "one-sided differences need at least 4 points along each axis, got shape ", shape);
  }
}

template <class T>
Tensor<double> squared_norms(const FieldNorm& norm, const Tensor<T>& prediction,
                             const Tensor<T>& target, const Tensor<T>& difference) {
  const Items items(norm);
  Tensor<double> partial({items.count, norm.channels, 2});
  parallel_for("nopal::squared_norms", Range(0, items.count),
               NormKernel<T>{norm, items, prediction.data(), target.data(), difference.data(),
                             partial.data()});
  Tensor<double> result({norm.samples, norm.channels, 2});
  const std::int64_t per_item = norm.channels * 2;
  const std::int64_t per_sample = items.segments * items.tiles;
  const double* from = partial.data();
  double* to = result.data();
  parallel_for(
      "nopal::squared_norms_sum", Range(0, result.size()), KOKKOS_LAMBDA(std::int64_t i) {
        const double* first = from + i / per_item * per_sample * per_item + i % per_item;
        double sum = 0;
        for (std::int64_t s = 0; s < per_sample; ++s)
          sum += first[s * per_item];
        to[i] = sum;
      });
  return result;
}

template <class T>
void half_gradient(const FieldNorm& norm, const Tensor<T>& difference,
                   const Tensor<double>& coefficient, const Tensor<T>& seed, T beta,
                   const Tensor<T>& result) {
  const Items items(norm);
  parallel_for("nopal::half_gradient", Range(0, items.count),
               GradientKernel<T>{norm, items, difference.data(), coefficient.data(), seed.data(),
                                 beta, result.data()});
}

#define NOPAL_INSTANTIATE(T)                                                                     \
  template Tensor<double> squared_norms<T>(const FieldNorm&, const Tensor<T>&, const Tensor<T>&, \
                                           const Tensor<T>&);                                    \
  template void half_gradient<T>(const FieldNorm&, const Tensor<T>&, const Tensor<double>&,      \
                                 const Tensor<T>&, T, const Tensor<T>&);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal::detail
