// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

// Rows of outputs of a convolution on a CPU, put together from register blocks.

#include "core/parallel.hpp"
#include "nn/activation_functions.hpp"
#include "nn/convolution_blocks.hpp"
#include "nn/convolution_kernels.hpp"
#include "nn/convolution_map.hpp"

#include <algorithm>
#include <utility>

namespace nopal::detail {

// A map as kernels take it, by value.
struct Map {
  MapAxis axes[3];
  std::int64_t in, out;
  Panels panels;

  template <class T>
  Map(const ConvolutionGeometry& g, const PackedKernel<T>& kernel)
      : axes{{g.axes[0], kernel.direction},
             {g.axes[1], kernel.direction},
             {g.axes[2], kernel.direction}},
        in(kernel.in),
        out(kernel.out),
        panels(kernel.panels) {}
};

// A row of points of one class, for one panel of output channels.
template <class Product, class T>
struct PanelRow {
  BlockInput<T> in;  // of the block at hand, as out
  BlockOutput<T> out;
  const Block<T>* blocks;
  int max_points, tail;
  const T *x, *w, *init, *bias;  // input 0 of the row, tap 0, point 0
  T* y;
  std::int64_t first, step, inputs;  // point j reads inputs first + step j, ..., of `inputs`
  std::int64_t taps, tap_x, tap_w;   // distances from tap to tap in x and w

  template <bool Half>
  static const Block<T>* table(int vectors) {
    return vectors == 0   ? block_table<Product, T, 0, false>.data()
           : vectors == 1 ? block_table<Product, T, 1, Half>.data()
           : vectors == 2 ? block_table<Product, T, 2, Half>.data()
                          : block_table<Product, T, 3, Half>.data();
  }

  // After `tail`.
  void set_blocks(std::int64_t panel) {
    const auto vectors = static_cast<int>(panel / vector_width<T>);
    blocks = tail > vector_width<T> / 2 ? table<false>(vectors) : table<true>(vectors);
    max_points = vectors == 0 ? max_dots : max_rows[vectors];
  }

  // Points [j, j + n) by taps [from, to): sets y, or adds to it.
  void run(std::int64_t j, std::int64_t n, std::int64_t from, std::int64_t to, bool add) {
    in.x = x + (first + step * j + from) * tap_x;
    in.w = w + from * tap_w;
    in.depth = (to - from) * tap_x;
    out.y = y + j * out.point;
    out.init = add ? out.y : init ? init + j * out.point : nullptr;
    out.bias = add ? nullptr : bias;
    blocks[n - 1](in, out, tail);
  }

  // The same with points of which some taps are outside: each tap for the points that it reaches.
  void run_at_edge(std::int64_t j, std::int64_t n) {
    const auto reach = [&](std::int64_t t) {
      const std::int64_t x0 = first + step * j + t, left = inputs - x0;
      const std::int64_t low = x0 >= 0 ? 0 : std::min(n, (-x0 + step - 1) / step);
      const std::int64_t high = left <= 0 ? 0 : std::min(n, (left + step - 1) / step);
      return std::pair(low, std::max(low, high));
    };
    run(j, n, 0, 0, false);
    for (std::int64_t t = 0, end; t < taps; t = end) {
      const auto [low, high] = reach(t);
      for (end = t + 1; end < taps && reach(end) == std::pair(low, high);)
        ++end;
      if (low < high) run(j + low, high - low, t, end, true);
    }
  }

  void run_all(std::int64_t points) {
    const std::int64_t count = (points + max_points - 1) / max_points;
    for (std::int64_t j = 0, block = 0; block < count; ++block) {
      const std::int64_t n = (points - j + count - block - 1) / (count - block);
      const std::int64_t x0 = first + step * j, x1 = x0 + step * (n - 1) + taps;
      if (x0 >= 0 && x1 <= inputs)
        run(j, n, 0, taps, false);
      else
        run_at_edge(j, n);
      j += n;
    }
  }
};

template <class T>
void activate_row(Activation activation, T* y, T* slope, std::int64_t size) {
  with_activation(activation, [&](auto function) {
    using F = decltype(function);
    T derivative;
    if (slope) {
#pragma GCC ivdep
      for (std::int64_t i = 0; i < size; ++i)
        F::apply(T(y[i]), y[i], slope[i]);
    } else {
#pragma GCC ivdep
      for (std::int64_t i = 0; i < size; ++i)
        F::apply(T(y[i]), y[i], derivative);
    }
  });
}

// Points of a row that one item of a parallel loop takes: its output stays in first-level cache.
inline constexpr std::int64_t segment_points = 128;

// Output row (b, z0, z1), points [begin, end) of the last axis; y, init and slope of `o` are those
// of the first.
template <class Product, class T>
void apply_row(const Map& m, const T* w, const T* x, const MapOutput<T>& o, std::int64_t b,
               std::int64_t z0, std::int64_t z1, std::int64_t begin, std::int64_t end) {
  const MapAxis &a0 = m.axes[0], &a1 = m.axes[1], &last = m.axes[2];
  const Taps t0 = a0.taps_of(z0), t1 = a1.taps_of(z1);
  const std::int64_t outer = t0.count * t1.count, line = last.in * m.in;
  PanelRow<Product, T> p{};
  p.in.point = last.step() * m.in;
  p.in.x_outer[0] = a1.in * line;
  p.in.x_outer[1] = line;
  p.in.taps[0] = t0.high - t0.low;
  p.in.taps[1] = t1.high - t1.low;
  p.out.point = last.classes() * m.out;
  p.out.sign = o.sign;
  p.x = x + ((b * a0.in + t0.first + t0.low) * a1.in + t1.first + t1.low) * line;
  p.step = last.step();
  p.inputs = last.in;
  p.tap_x = m.in;

  for (std::int64_t which = 0; which < last.classes(); ++which) {
    const std::int64_t skip =
        (which - last.class_of(begin) + last.classes()) % last.classes();  // to the class's first
    const std::int64_t points = (end - begin - skip + last.classes() - 1) / last.classes();
    if (points <= 0) continue;
    const T* w_class =
        w + taps_before(a0, a1, last, t0.which, t1.which, which) * m.in * m.panels.padded(m.out);
    p.first = last.taps_of(begin + skip).first;
    p.taps = last.count(which);
    for (std::int64_t channel = 0, panel = 0; channel < m.out; channel += panel) {
      panel = m.panels.width(channel);
      p.tail =
          static_cast<int>(vector_width<T> - std::max<std::int64_t>(channel + panel - m.out, 0));
      p.set_blocks(panel);
      p.tap_w = m.in * panel;
      p.in.w_outer[1] = p.taps * p.tap_w;
      p.in.w_outer[0] = t1.count * p.in.w_outer[1];
      p.w = w_class + channel * outer * p.taps * m.in + t0.low * p.in.w_outer[0] +
            t1.low * p.in.w_outer[1];
      const std::int64_t place = skip * m.out + channel;
      p.y = o.y + place;
      p.init = o.init ? o.init + place : nullptr;
      p.bias = o.bias ? o.bias + channel : nullptr;
      p.run_all(points);
    }
  }
  if (o.activation == Activation::identity && !o.slope) return;
  activate_row(o.activation, o.y, o.slope, (end - begin) * m.out);
}

/// On a CPU: row(b, z0, z1, begin, end) for pieces of rows that cover `box` in each of `batch`
/// fields.
template <class Row>
void for_each_segment(std::int64_t batch, const Box& box, const Row& row) {
  const std::int64_t segments = (box.count[2] + segment_points - 1) / segment_points;
  if constexpr (on_host)
    detail::parallel_for("nopal::convolution",
                         ItemRange(0, batch * box.count[0] * box.count[1] * segments),
                         [=](std::int64_t item) {
                           const std::int64_t s = item % segments, line = item / segments;
                           const std::int64_t z1 = line % box.count[1];
                           const std::int64_t z0 = line / box.count[1] % box.count[0];
                           row(line / (box.count[0] * box.count[1]), box.first[0] + z0,
                               box.first[1] + z1, box.first[2] + box.count[2] * s / segments,
                               box.first[2] + box.count[2] * (s + 1) / segments);
                         });
}

}  // namespace nopal::detail
