// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "nn/axis_transform.hpp"

#include <nopal/core/blas.hpp>

#include "core/panel_gemm.hpp"
#include "core/parallel.hpp"

#include <algorithm>
#include <cmath>

namespace nopal::detail {
namespace {

// A panel of columns is folded, multiplied and done with before the next one: its N rows stay in
// the first-level cache. Longer axes than `longest` are not folded.
constexpr std::int64_t widest_panel = 64, longest = 1024, panel_entries = 16 * longest;

std::int64_t panel_width(std::int64_t points) {
  return std::clamp<std::int64_t>(8192 / points / 16 * 16, 16, widest_panel);
}

// Asks for a panel that comes next: its rows lie too far apart, or are too short, for the
// processor to foresee.
template <bool Write, class T>
void prefetch(const T* x, std::int64_t ld, std::int64_t rows, std::int64_t columns) {
  constexpr std::int64_t line = 64 / static_cast<std::int64_t>(sizeof(T));
  for (std::int64_t n = 0; n < rows; ++n)
    for (std::int64_t c = 0; c < columns; c += line)
      __builtin_prefetch(x + n * ld + c, Write ? 1 : 0);
}

template <class T>
Tensor<T> waves(std::int64_t points, std::int64_t first_k, std::int64_t step, std::int64_t count,
                bool sines, std::int64_t first_n, std::int64_t length) {
  std::vector<T> matrix(static_cast<std::size_t>(count * length));
  for (std::int64_t r = 0; r < count; ++r)
    for (std::int64_t i = 0; i < length; ++i) {
      const std::int64_t k = first_k + r * step, n = first_n + i;
      // Reduce k n modulo N first: the argument stays small and the table exactly periodic.
      const double angle =
          2 * M_PI * static_cast<double>(k * n % points) / static_cast<double>(points);
      matrix[static_cast<std::size_t>(r * length + i)] =
          static_cast<T>(sines ? std::sin(angle) : std::cos(angle));
    }
  return Tensor<T>::from_host({count, length}, matrix);
}

}  // namespace

template <class T>
AxisTransform<T>::AxisTransform(std::int64_t points, std::int64_t highest, std::int64_t first,
                                std::int64_t count)
    : points_(points),
      highest_(highest),
      count_(count),
      half_(points % 2 == 0 ? points / 2 : points) {
  const std::int64_t h = highest;
  const Tensor<T> cosines = waves<T>(points, 0, 1, h + 1, false, first, count);
  const Tensor<T> sines = waves<T>(points, 1, 1, h, true, first, count);
  std::vector<T> all = cosines.to_vector();
  const std::vector<T> rest = sines.to_vector();
  all.insert(all.end(), rest.begin(), rest.end());
  matrix_ = Tensor<T>::from_host({2 * h + 1, count}, all);
  if (count < points) return;

  const bool even = points % 2 == 0;
  const std::int64_t step = even ? 2 : 1;
  std::int64_t offset = 0;
  const auto add = [&](std::int64_t first_k, bool sines, std::int64_t first_n,
                       std::int64_t length) {
    const std::int64_t count = h < first_k ? 0 : (h - first_k) / step + 1;
    parts_.push_back({first_k + (sines ? h : 0), step, count, offset, length,
                      waves<T>(points, first_k, step, count, sines, first_n, length)});
    offset += length;
  };
  add(0, false, 0, half_ / 2 + 1);
  add(step, true, 1, (half_ - 1) / 2);
  if (even) {
    add(1, false, 0, (half_ - 1) / 2 + 1);
    add(1, true, 1, half_ / 2);
  }
}

template <class T>
bool AxisTransform<T>::folds(std::int64_t after) const noexcept {
  return on_host && count_ == points_ && after >= vector_width<T> && points_ <= longest;
}

// The folded data of the parts, one below the other, each row `columns` of panel_width(N) long.
template <class T>
void AxisTransform<T>::fold(const T* x, std::int64_t ld, T* panel, std::int64_t columns) const {
  const std::int64_t width = panel_width(points_), half = half_, pairs = (half - 1) / 2;
  const auto row = [&](std::size_t part, std::int64_t i) {
    return panel + (parts_[part].offset + i) * width;
  };
  const auto in = [&](std::int64_t n) { return x + n * ld; };
  if (points_ % 2 == 1) {
    std::copy_n(x, columns, row(0, 0));
    for (std::int64_t n = 1; n <= pairs; ++n) {
      const T *a = in(n), *b = in(points_ - n);
      T *cosine = row(0, n), *sine = row(1, n - 1);
#pragma GCC ivdep
      for (std::int64_t c = 0; c < columns; ++c) {
        cosine[c] = a[c] + b[c];
        sine[c] = a[c] - b[c];
      }
    }
    return;
  }
  const auto two = [&](std::int64_t n, T* sum, T* difference) {
    const T *a = in(n), *b = in(n + half);
#pragma GCC ivdep
    for (std::int64_t c = 0; c < columns; ++c) {
      sum[c] = a[c] + b[c];
      difference[c] = a[c] - b[c];
    }
  };
  two(0, row(0, 0), row(2, 0));
  for (std::int64_t n = 1; n <= pairs; ++n) {
    const T *a = in(n), *b = in(n + half), *p = in(half - n), *q = in(2 * half - n);
    T *even_cosine = row(0, n), *even_sine = row(1, n - 1);
    T *odd_cosine = row(2, n), *odd_sine = row(3, n - 1);
#pragma GCC ivdep
    for (std::int64_t c = 0; c < columns; ++c) {
      const T even = a[c] + b[c], mirrored_even = p[c] + q[c];
      const T odd = a[c] - b[c], mirrored_odd = p[c] - q[c];
      even_cosine[c] = even + mirrored_even;
      even_sine[c] = even - mirrored_even;
      odd_cosine[c] = odd - mirrored_odd;
      odd_sine[c] = odd + mirrored_odd;
    }
  }
  if (half % 2 == 0) two(half / 2, row(0, half / 2), row(3, half / 2 - 1));
}

// The transpose of fold(), added to x or instead of what it holds.
template <class T>
template <bool Add>
void AxisTransform<T>::unfold(const T* panel, T* x, std::int64_t ld, std::int64_t columns) const {
  const std::int64_t width = panel_width(points_), half = half_, pairs = (half - 1) / 2;
  const auto row = [&](std::size_t part, std::int64_t i) {
    return panel + (parts_[part].offset + i) * width;
  };
  const auto out = [&](std::int64_t n) { return x + n * ld; };
  const auto put = [](T& entry, T value) {
    if constexpr (Add)
      entry += value;
    else
      entry = value;
  };
  if (points_ % 2 == 1) {
    const T* constant = row(0, 0);
    for (std::int64_t c = 0; c < columns; ++c)
      put(x[c], constant[c]);
    for (std::int64_t n = 1; n <= pairs; ++n) {
      T *a = out(n), *b = out(points_ - n);
      const T *cosine = row(0, n), *sine = row(1, n - 1);
#pragma GCC ivdep
      for (std::int64_t c = 0; c < columns; ++c) {
        put(a[c], cosine[c] + sine[c]);
        put(b[c], cosine[c] - sine[c]);
      }
    }
    return;
  }
  const auto two = [&](std::int64_t n, const T* sum, const T* difference) {
    T *a = out(n), *b = out(n + half);
#pragma GCC ivdep
    for (std::int64_t c = 0; c < columns; ++c) {
      put(a[c], sum[c] + difference[c]);
      put(b[c], sum[c] - difference[c]);
    }
  };
  two(0, row(0, 0), row(2, 0));
  for (std::int64_t n = 1; n <= pairs; ++n) {
    T *a = out(n), *b = out(n + half), *p = out(half - n), *q = out(2 * half - n);
    const T *even_cosine = row(0, n), *even_sine = row(1, n - 1);
    const T *odd_cosine = row(2, n), *odd_sine = row(3, n - 1);
#pragma GCC ivdep
    for (std::int64_t c = 0; c < columns; ++c) {
      const T even = even_cosine[c] + even_sine[c], mirrored_even = even_cosine[c] - even_sine[c];
      const T odd = odd_cosine[c] + odd_sine[c], mirrored_odd = odd_sine[c] - odd_cosine[c];
      put(a[c], even + odd);
      put(b[c], even - odd);
      put(p[c], mirrored_even + mirrored_odd);
      put(q[c], mirrored_even - mirrored_odd);
    }
  }
  if (half % 2 == 0) two(half / 2, row(0, half / 2), row(3, half / 2 - 1));
}

template <class T>
void AxisTransform<T>::analyse(const T* x, T* y, std::int64_t before, std::int64_t after) const {
  const std::int64_t n = count_, rows = this->rows();
  if (!folds(after)) {
    gemm_batched(Op::none, Op::none, rows, after, n, T(1), matrix_.data(), n, 0, x, after,
                 n * after, T(0), y, after, rows * after, before);
    return;
  }
  if constexpr (on_host) {
    const std::int64_t width = panel_width(n), panels = (after + width - 1) / width;
    detail::parallel_for(
        "nopal::axis_transform", ItemRange(0, before * panels), [=, this](const std::int64_t task) {
          const std::int64_t first = task % panels * width;
          const std::int64_t columns = std::min(width, after - first);
          T* out = y + task / panels * rows * after + first;
          if (const std::int64_t next = task + 1; next < before * panels)
            prefetch<false>(x + next / panels * n * after + next % panels * width, after, n,
                            columns);
          alignas(64) T panel[panel_entries];
          fold(x + task / panels * n * after + first, after, panel, columns);
          for (const Part& p : parts_)
            panel_row_blocks(p.count, columns, p.length, {p.matrix.data(), p.length, 1},
                             panel + p.offset * width, width, out + p.first * after,
                             p.stride * after, false);
        });
  }
}

template <class T>
void AxisTransform<T>::synthesise(const T* y, T* x, std::int64_t before, std::int64_t after,
                                  T beta) const {
  const std::int64_t n = count_, rows = this->rows();
  if (!folds(after)) {
    gemm_batched(Op::transpose, Op::none, n, after, rows, T(1), matrix_.data(), n, 0, y, after,
                 rows * after, beta, x, after, n * after, before);
    return;
  }
  if constexpr (on_host) {
    const std::int64_t width = panel_width(n), panels = (after + width - 1) / width;
    detail::parallel_for("nopal::axis_transform_transpose", ItemRange(0, before * panels),
                         [=, this](const std::int64_t task) {
                           const std::int64_t first = task % panels * width;
                           const std::int64_t columns = std::min(width, after - first);
                           const T* in = y + task / panels * rows * after + first;
                           T* out = x + task / panels * n * after + first;
                           prefetch<true>(out, after, n, columns);
                           alignas(64) T panel[panel_entries];
                           for (const Part& p : parts_)
                             panel_row_blocks(p.length, columns, p.count,
                                              {p.matrix.data(), 1, p.length}, in + p.first * after,
                                              p.stride * after, panel + p.offset * width, width,
                                              false);
                           if (beta == T(0))
                             unfold<false>(panel, out, after, columns);
                           else
                             unfold<true>(panel, out, after, columns);
                         });
  }
}

template <class T>
double AxisTransform<T>::flops() const noexcept {
  if (count_ < points_) return 2.0 * static_cast<double>(rows() * count_);
  double flops =
      points_ % 2 == 0 ? 2.0 * static_cast<double>(points_) : static_cast<double>(points_);
  for (const Part& p : parts_)
    flops += 2 * static_cast<double>(p.count * p.length);
  return flops;
}

template class AxisTransform<float>;
template class AxisTransform<double>;

}  // namespace nopal::detail
