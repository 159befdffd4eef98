// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "train/norm_kernels.hpp"

#include "core/parallel.hpp"

#include <algorithm>

namespace nopal::detail {
namespace {

// A work item is a segment of the line for a few rows: on the host long enough to vectorise and to
// forget the cost of its start, on a device many.
constexpr std::int64_t segment = on_host ? 256 : 32;
constexpr std::int64_t rows_per_item = on_host ? 64 : 4;

// Entries and weights of one row of a banded matrix: D_k has up to 4, D_k' D_k written as a sum
// over the rows of D_k that touch an entry up to 12. Places are relative to the point `origin`.
struct Taps {
  std::int64_t origin;
  int count = 0;
  std::int64_t place[12];
  double weight[12];
  KOKKOS_INLINE_FUNCTION explicit Taps(std::int64_t i) : origin(i) {}
  KOKKOS_INLINE_FUNCTION void add(std::int64_t i, double w) {
    place[count] = i - origin;
    weight[count++] = w;
  }
};

// The points along an axis. Beyond a periodic end comes the other end of the field (wraps) or a
// margin.
struct Line {
  std::int64_t n;
  bool periodic, wraps;

  KOKKOS_INLINE_FUNCTION std::int64_t before(std::int64_t i) const {
    return wraps && i == 0 ? n - 1 : i - 1;
  }
  KOKKOS_INLINE_FUNCTION std::int64_t after(std::int64_t i) const {
    return wraps && i == n - 1 ? 0 : i + 1;
  }
  // Whether rows of D, or of D'D, are the same as those of the next points: from `reach` points off
  // the ends.
  KOKKOS_INLINE_FUNCTION bool is_interior(std::int64_t i, std::int64_t reach) const {
    return (periodic && !wraps) || (i >= reach && i < n - reach);
  }
  // End of the points that are like interior point i.
  KOKKOS_INLINE_FUNCTION std::int64_t interior_end(std::int64_t end, std::int64_t reach) const {
    return periodic && !wraps ? end : n - reach;
  }
  KOKKOS_INLINE_FUNCTION std::int64_t normal_reach() const { return periodic ? 2 : 4; }
};

// (D v)_i += scale * ...: central difference, or the third-order one-sided stencil at the ends.
KOKKOS_INLINE_FUNCTION void add_difference(Taps& taps, std::int64_t i, const Line& line,
                                           double scale) {
  const auto n = static_cast<double>(line.n);
  if (line.periodic || line.is_interior(i, 1)) {
    const double w = scale * 0.5 * n;
    taps.add(line.before(i), -w);
    taps.add(line.after(i), w);
    return;
  }
  const std::int64_t inward = i == 0 ? 1 : -1;
  const double w = scale * static_cast<double>(inward) * n / 6;
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

// Row i of D'D.
KOKKOS_INLINE_FUNCTION Taps normal_taps(std::int64_t i, const Line& line) {
  Taps taps(i);
  const std::int64_t n = line.n;
  const double half = 0.5 * static_cast<double>(n);
  if (line.is_interior(i, line.normal_reach())) {
    taps.add(i - 2, -half * half);
    taps.add(i, 2 * half * half);
    taps.add(i + 2, -half * half);
    return taps;
  }
  if (line.periodic) {
    add_difference(taps, line.before(i), line, half);
    add_difference(taps, line.after(i), line, -half);
    return taps;
  }
  if (i <= 3) add_difference(taps, 0, line, end_weight(i, 1, n));
  if (i >= 2) add_difference(taps, i - 1, line, half);
  if (i <= n - 3) add_difference(taps, i + 1, line, -half);
  if (n - 1 - i <= 3) add_difference(taps, n - 1, line, end_weight(n - 1 - i, -1, n));
  return taps;
}

// sum += (sum_t w_t v[place_t + j])^2 over a segment, for y and d = p - share y at once.
template <class T>
KOKKOS_INLINE_FUNCTION void add_squares(const Taps& taps, std::int64_t stride, double share,
                                        const T* KOKKOS_RESTRICT p, const T* KOKKOS_RESTRICT y,
                                        std::int64_t count, double* KOKKOS_RESTRICT sum_d,
                                        double* KOKKOS_RESTRICT sum_y) {
  if (taps.count == 2) {  // central: weights -w, w
    const T* p0 = p + taps.place[0] * stride;
    const T* p1 = p + taps.place[1] * stride;
    const T* y0 = y + taps.place[0] * stride;
    const T* y1 = y + taps.place[1] * stride;
    const double w = taps.weight[1];
    // Differences of p - y, not of p minus those of y: a perfect prediction gives exactly 0.
    for (std::int64_t j = 0; j < count; ++j) {
      const double ya = y0[j], yb = y1[j];
      const double dy = w * (yb - ya);
      const double dd = w * ((double(p1[j]) - share * yb) - (double(p0[j]) - share * ya));
      sum_y[j] += dy * dy;
      sum_d[j] += dd * dd;
    }
    return;
  }
  for (std::int64_t j = 0; j < count; ++j) {
    double dd = 0, dy = 0;
    for (int t = 0; t < taps.count; ++t) {
      const double target = y[taps.place[t] * stride + j];
      dd += taps.weight[t] * (double(p[taps.place[t] * stride + j]) - share * target);
      dy += taps.weight[t] * target;
    }
    sum_y[j] += dy * dy;
    sum_d[j] += dd * dd;
  }
}

// result[j] += sum_t w_t d[place_t + j] over a segment.
template <class T>
KOKKOS_INLINE_FUNCTION void add_taps(const Taps& taps, std::int64_t stride,
                                     const T* KOKKOS_RESTRICT d, std::int64_t count,
                                     double* KOKKOS_RESTRICT result) {
  if (taps.count == 3) {  // interior: weights -w, 2 w, -w
    const T* d0 = d + taps.place[0] * stride;
    const T* d1 = d + taps.place[1] * stride;
    const T* d2 = d + taps.place[2] * stride;
    const double w = taps.weight[2];
    for (std::int64_t j = 0; j < count; ++j)
      result[j] += w * (double(d0[j]) - 2 * double(d1[j]) + double(d2[j]));
    return;
  }
  for (int t = 0; t < taps.count; ++t) {
    const T* dt = d + taps.place[t] * stride;
    for (std::int64_t j = 0; j < count; ++j)
      result[j] += taps.weight[t] * double(dt[j]);
  }
}

// Item -> (sample, segment of the line, rows); the same split for norms and gradients.
struct Items {
  std::int64_t segments, tiles, count;
  explicit Items(const FieldLayout& layout)
      : segments((layout.line + segment - 1) / segment),
        tiles((layout.rows + rows_per_item - 1) / rows_per_item),
        count(layout.samples * segments * tiles) {}
};

struct Item {
  std::int64_t sample, first, count, row_begin, row_end;
  KOKKOS_INLINE_FUNCTION Item(const FieldLayout& layout, const Items& items, std::int64_t i) {
    const std::int64_t tile = i % items.tiles, s = i / items.tiles % items.segments;
    sample = i / items.tiles / items.segments;
    first = s * segment;
    count = first + segment < layout.line ? segment : layout.line - first;
    row_begin = tile * rows_per_item;
    row_end = row_begin + rows_per_item < layout.rows ? row_begin + rows_per_item : layout.rows;
  }
};

KOKKOS_INLINE_FUNCTION Line line_of(const FieldLayout& layout, int axis) {
  return {layout.extent[axis], layout.periodic, layout.wraps[axis]};
}

// Index along an axis but the last, on the whole grid, of the points of a row.
KOKKOS_INLINE_FUNCTION std::int64_t index_along(const FieldLayout& layout, int axis,
                                                std::int64_t row) {
  return layout.first[axis] + row / layout.rows_per_step[axis] % layout.count[axis];
}

KOKKOS_INLINE_FUNCTION std::int64_t minimum(std::int64_t a, std::int64_t b) {
  return a < b ? a : b;
}

template <class T>
struct NormKernel {
  FieldLayout layout;
  Items items;
  const T* p;
  const T* y;
  T* d;          // may be null
  double share;  // of y that is taken from p: 1, or 0 if p is the difference
  double* partial;

  KOKKOS_FUNCTION void operator()(std::int64_t i) const {
    const Item item(layout, items, i);
    double sum_d[segment], sum_y[segment];
    for (std::int64_t j = 0; j < segment; ++j)
      sum_d[j] = sum_y[j] = 0;
    for (std::int64_t row = item.row_begin; row < item.row_end; ++row) {
      const std::int64_t start = layout.padded(item.sample, row);
      const std::int64_t at = start + item.first;
      values(p + at, y + at, d ? d + layout.own(item.sample, row) + item.first : nullptr,
             item.count, sum_d, sum_y);
      for (int k = 0; k + 1 < layout.axes; ++k) {
        const std::int64_t index = index_along(layout, k, row);
        Taps taps(index);
        add_difference(taps, index, line_of(layout, k), 1);
        const std::int64_t stride = layout.padded_rows_per_step[k] * layout.padded_line;
        add_squares(taps, stride, share, p + at, y + at, item.count, sum_d, sum_y);
      }
      if (layout.axes > 0) along_line(start, item, sum_d, sum_y);
    }
    double* result = partial + i * layout.channels * 2;
    if (layout.channels == 1) {
      for (std::int64_t half = segment / 2; half > 0; half /= 2)
        for (std::int64_t j = 0; j < half; ++j) {
          sum_d[j] += sum_d[j + half];
          sum_y[j] += sum_y[j + half];
        }
      result[0] = sum_d[0];
      result[1] = sum_y[0];
      return;
    }
    for (std::int64_t c = 0; c < 2 * layout.channels; ++c)
      result[c] = 0;
    std::int64_t c = item.first % layout.channels;
    for (std::int64_t j = 0; j < item.count; ++j) {
      result[2 * c] += sum_d[j];
      result[2 * c + 1] += sum_y[j];
      if (++c == layout.channels) c = 0;
    }
  }

  KOKKOS_INLINE_FUNCTION void values(const T* KOKKOS_RESTRICT ps, const T* KOKKOS_RESTRICT ys,
                                     T* KOKKOS_RESTRICT ds, std::int64_t count,
                                     double* KOKKOS_RESTRICT sum_d,
                                     double* KOKKOS_RESTRICT sum_y) const {
    if (ds)
      for (std::int64_t j = 0; j < count; ++j)
        ds[j] = share == 0 ? ps[j] : ps[j] - ys[j];
    for (std::int64_t j = 0; j < count; ++j) {
      const double target = ys[j], difference = double(ps[j]) - share * target;
      sum_d[j] += difference * difference;
      sum_y[j] += target * target;
    }
  }

  // The last axis: neighbours lie `channels` entries apart in the same row.
  KOKKOS_INLINE_FUNCTION void along_line(std::int64_t start, const Item& item, double* sum_d,
                                         double* sum_y) const {
    const int k = layout.axes - 1;
    const Line line = line_of(layout, k);
    const std::int64_t c = layout.channels, first = layout.first[k];
    const std::int64_t end = item.first + item.count;
    std::int64_t j = item.first;
    while (j < end) {
      const std::int64_t index = first + j / c;
      const bool interior = line.is_interior(index, 1);
      const std::int64_t last =
          interior ? line.interior_end(first + layout.count[k], 1) : index + 1;
      const std::int64_t count = minimum((last - first) * c, end) - j;
      Taps taps(index);
      add_difference(taps, index, line, 1);
      add_squares(taps, c, share, p + start + j, y + start + j, count, sum_d + (j - item.first),
                  sum_y + (j - item.first));
      j += count;
    }
  }
};

template <class T>
struct GradientKernel {
  FieldLayout layout;
  Items items;
  const T* d;
  const double* coefficient;
  const T* seed;
  T beta;
  T* result;

  KOKKOS_FUNCTION void operator()(std::int64_t i) const {
    const Item item(layout, items, i);
    double factor[segment], value[segment];
    std::int64_t c = item.first % layout.channels;
    for (std::int64_t j = 0; j < item.count; ++j) {
      factor[j] = double(seed[0]) * coefficient[item.sample * layout.channels + c];
      if (++c == layout.channels) c = 0;
    }
    for (std::int64_t row = item.row_begin; row < item.row_end; ++row) {
      const std::int64_t start = layout.padded(item.sample, row);
      const T* source = d + start + item.first;
      for (std::int64_t j = 0; j < item.count; ++j)
        value[j] = double(source[j]);
      for (int k = 0; k + 1 < layout.axes; ++k)
        add_taps(normal_taps(index_along(layout, k, row), line_of(layout, k)),
                 layout.padded_rows_per_step[k] * layout.padded_line, source, item.count, value);
      if (layout.axes > 0) along_line(start, item, value);
      store(layout.own(item.sample, row) + item.first, item.count, factor, value);
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
    const int k = layout.axes - 1;
    const Line line = line_of(layout, k);
    const std::int64_t c = layout.channels, first = layout.first[k];
    const std::int64_t end = item.first + item.count, reach = line.normal_reach();
    std::int64_t j = item.first;
    while (j < end) {
      const std::int64_t index = first + j / c;
      const bool interior = line.is_interior(index, reach);
      const std::int64_t last =
          interior ? line.interior_end(first + layout.count[k], reach) : index + 1;
      const std::int64_t count = minimum((last - first) * c, end) - j;
      add_taps(normal_taps(index, line), c, d + start + j, count, value + (j - item.first));
      j += count;
    }
  }
};

}  // namespace

FieldLayout::FieldLayout(const Shape& shape) {
  const int rank = shape.rank();
  NOPAL_CHECK(rank >= 2, "a loss needs fields of shape (samples, grid..., channels), got ", shape);
  samples = shape[0];
  channels = shape[-1];
  rows = rank > 2 ? shape.product(1, rank - 2) : 1;
  line = rank > 2 ? shape[-2] * channels : channels;
  padded_line = line;
  padded_sample = rows * line;
}

void FieldLayout::set_axes(const Shape& shape, Boundary boundary) {
  NOPAL_CHECK(shape.rank() >= 3, "an H1 loss needs at least one grid axis, got shape ", shape);
  periodic = boundary == Boundary::periodic;
  axes = shape.rank() - 2;
  for (int k = 0; k < axes; ++k) {
    extent[k] = count[k] = shape[k + 1];
    rows_per_step[k] = padded_rows_per_step[k] = shape.product(k + 2, shape.rank() - 2);
    wraps[k] = periodic;
  }
}

FieldLayout::FieldLayout(const Shape& shape, Boundary boundary) : FieldLayout(shape) {
  set_axes(shape, boundary);
  for (int k = 0; k < axes; ++k)
    NOPAL_CHECK(periodic || extent[k] >= 4,
                "one-sided differences need at least 4 points along each axis, got shape ", shape,
                "; take periodic ones, or a loss without differences");
}

FieldLayout::FieldLayout(const Shape& shape, Boundary boundary, const Grid& grid,
                         std::int64_t width)
    : FieldLayout(shape) {
  set_axes(shape, boundary);
  const Box box = grid.box();
  NOPAL_CHECK(shape == box.field(samples, channels), "a field of shape ", shape,
              " is not one on this rank's box of ", box.extents(), " points");
  Shape padded_shape{1}, low{};
  for (int k = 0; k < axes; ++k) {
    const bool divided = grid.boxes().processes[k] > 1;
    extent[k] = grid.extents()[k];
    first[k] = box[k].begin;
    wraps[k] = periodic && !divided;
    low.push_back(divided ? width : 0);
    padded_shape.push_back(count[k] + 2 * low[k]);
    NOPAL_CHECK(periodic || extent[k] >= 4,
                "one-sided differences need at least 4 points along each axis, got a grid ",
                grid.extents(), "; take periodic ones, or a loss without differences");
  }
  padded_line = padded_shape[axes] * channels;
  padded_sample = padded_shape.product(1, axes) * padded_line;
  margin = low[axes - 1] * channels;
  for (int k = 0; k + 1 < axes; ++k) {
    padded_rows_per_step[k] = padded_shape.product(k + 2, axes);
    margin += low[k] * padded_rows_per_step[k] * padded_line;
  }
}

template <class T>
Tensor<double> squared_norms(const FieldLayout& layout, const Tensor<T>& p, const Tensor<T>& y,
                             const Tensor<T>& difference, bool given_difference) {
  const Items items(layout);
  Tensor<double> partial({items.count, layout.channels, 2});
  parallel_for("nopal::squared_norms", ItemRange(0, items.count),
               NormKernel<T>{layout, items, p.data(), y.data(), difference.data(),
                             given_difference ? 0.0 : 1.0, partial.data()});
  Tensor<double> result({layout.samples, layout.channels, 2});
  const std::int64_t per_item = layout.channels * 2;
  const std::int64_t per_sample = items.segments * items.tiles;
  const double* from = partial.data();
  double* to = result.data();
  parallel_for(
      "nopal::squared_norms_sum", ItemRange(0, result.size()), KOKKOS_LAMBDA(std::int64_t i) {
        const double* first = from + i / per_item * per_sample * per_item + i % per_item;
        double sum = 0;
        for (std::int64_t s = 0; s < per_sample; ++s)
          sum += first[s * per_item];
        to[i] = sum;
      });
  return result;
}

template <class T>
void half_gradient(const FieldLayout& layout, const Tensor<T>& difference,
                   const Tensor<double>& coefficient, const Tensor<T>& seed, T beta,
                   const Tensor<T>& result) {
  const Items items(layout);
  parallel_for("nopal::half_gradient", ItemRange(0, items.count),
               GradientKernel<T>{layout, items, difference.data(), coefficient.data(), seed.data(),
                                 beta, result.data()});
}

#define NOPAL_INSTANTIATE(T)                                                                       \
  template Tensor<double> squared_norms<T>(const FieldLayout&, const Tensor<T>&, const Tensor<T>&, \
                                           const Tensor<T>&, bool);                                \
  template void half_gradient<T>(const FieldLayout&, const Tensor<T>&, const Tensor<double>&,      \
                                 const Tensor<T>&, T, const Tensor<T>&);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal::detail
