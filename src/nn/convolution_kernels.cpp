// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "nn/convolution_kernels.hpp"

#include "core/parallel.hpp"
#include "nn/activation_functions.hpp"
#include "nn/convolution_blocks.hpp"
#include "nn/convolution_map.hpp"

#include <algorithm>

namespace nopal::detail {
namespace {

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

Panels choose_panels(const MapAxis& last, std::int64_t in, std::int64_t out, int width) {
  if (!on_host) return {out, out};
  // Dot products waste less than vectors of channels that are mostly empty.
  const bool full_dots = last.taps / last.classes() * in >= width;
  const std::int64_t filled = has_half_vectors ? width / 2 : width;  // a vector, at half its price
  if (out == 1 || (2 * out <= filled && full_dots)) return {1, 1};
  const std::int64_t vectors = (out + width - 1) / width;
  const std::int64_t lead = vectors == 1 ? 1 : vectors % 2 == 1 ? 3 : 2;
  return {lead * width, 2 * width};
}

// A row of points of one class, for one panel of output channels.
template <class T>
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
    return vectors == 0   ? block_table<T, 0, false>.data()
           : vectors == 1 ? block_table<T, 1, Half>.data()
           : vectors == 2 ? block_table<T, 2, Half>.data()
                          : block_table<T, 3, Half>.data();
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
constexpr std::int64_t segment_points = 128;

// Output row (b, z0, z1), points [begin, end) of the last axis.
template <class T>
void apply_row(const Map& m, const T* w, const T* x, const MapOutput<T>& o, std::int64_t b,
               std::int64_t z0, std::int64_t z1, std::int64_t begin, std::int64_t end) {
  const MapAxis &a0 = m.axes[0], &a1 = m.axes[1], &last = m.axes[2];
  const Taps t0 = a0.taps_of(z0), t1 = a1.taps_of(z1);
  const std::int64_t outer = t0.count * t1.count, line = last.in * m.in;
  const std::int64_t row = ((b * a0.out + z0) * a1.out + z1) * last.out;
  PanelRow<T> p{};
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
      const std::int64_t place = (row + begin + skip) * m.out + channel;
      p.y = o.y + place;
      p.init = o.init ? o.init + place : nullptr;
      p.bias = o.bias ? o.bias + channel : nullptr;
      p.run_all(points);
    }
  }
  if (o.activation == Activation::identity && !o.slope) return;
  const std::int64_t place = (row + begin) * m.out;
  activate_row(o.activation, o.y + place, o.slope ? o.slope + place : nullptr,
               (end - begin) * m.out);
}

template <class T>
void apply_kernel_host(const ConvolutionGeometry& g, const PackedKernel<T>& kernel, const T* x,
                       const MapOutput<T>& output, const Box& box) {
  const Map m(g, kernel);
  const T* w = kernel.entries.data();
  const std::int64_t segments = (box.count[2] + segment_points - 1) / segment_points;
  detail::parallel_for(
      "nopal::convolution", ItemRange(0, g.batch * box.count[0] * box.count[1] * segments),
      [=](std::int64_t item) {
        const std::int64_t s = item % segments, line = item / segments;
        const std::int64_t z1 = line % box.count[1];
        const std::int64_t z0 = line / box.count[1] % box.count[0];
        apply_row(m, w, x, output, line / (box.count[0] * box.count[1]), box.first[0] + z0,
                  box.first[1] + z1, box.first[2] + box.count[2] * s / segments,
                  box.first[2] + box.count[2] * (s + 1) / segments);
      });
}

}  // namespace

Box whole_output(const ConvolutionGeometry& g, Direction direction) {
  Box box{};
  for (std::size_t j = 0; j < 3; ++j)
    box.count[j] = direction == Direction::to_fine ? g.axes[j].fine : g.axes[j].coarse;
  return box;
}

template <class T>
PackedKernel<T> pack_kernel(const ConvolutionGeometry& g, Direction direction,
                            const Tensor<T>& weight, bool swapped) {
  const bool fine = direction == Direction::to_fine;
  const MapAxis a0(g.axes[0], direction), a1(g.axes[1], direction), a2(g.axes[2], direction);
  const std::int64_t in = fine ? g.coarse_channels : g.fine_channels;
  const std::int64_t out = fine ? g.fine_channels : g.coarse_channels;
  const Panels panels = choose_panels(a2, in, out, vector_width<T>);
  if (!fine && !swapped && panels.lead == out) return {weight, direction, in, out, panels};

  const std::int64_t taps = a0.taps * a1.taps * a2.taps;
  PackedKernel<T> kernel{Tensor<T>({taps * in * panels.padded(out)}), direction, in, out, panels};
  const T* source = weight.data();
  T* entries = kernel.entries.data();
  const std::int64_t i_stride = swapped ? 1 : out, o_stride = swapped ? in : 1;
  detail::parallel_for(
      "nopal::pack_kernel", ItemRange(0, taps), KOKKOS_LAMBDA(std::int64_t t) {
        const std::int64_t k0 = t / (a1.taps * a2.taps), k1 = t / a2.taps % a1.taps;
        const std::int64_t k2 = t % a2.taps;
        const std::int64_t c0 = k0 % a0.classes(), c1 = k1 % a1.classes(), c2 = k2 % a2.classes();
        const std::int64_t n0 = a0.count(c0), n1 = a1.count(c1), n2 = a2.count(c2);
        T* target = entries + taps_before(a0, a1, a2, c0, c1, c2) * in * panels.padded(out);
        const std::int64_t place = (a0.place_of(k0) * n1 + a1.place_of(k1)) * n2 + a2.place_of(k2);
        for (std::int64_t first = 0; first < out; first += panels.width(first)) {
          const std::int64_t width = panels.width(first);
          const std::int64_t filled = out - first < width ? out - first : width;
          for (std::int64_t i = 0; i < in; ++i) {
            const T* from = source + t * in * out + i * i_stride + first * o_stride;
            T* to = target + first * n0 * n1 * n2 * in + (place * in + i) * width;
            for (std::int64_t o = 0; o < filled; ++o)
              to[o] = from[o * o_stride];
            for (std::int64_t o = filled; o < width; ++o)
              to[o] = T(0);
          }
        }
      });
  return kernel;
}

template <class T>
void apply_kernel(const ConvolutionGeometry& g, const PackedKernel<T>& kernel, const T* x,
                  const MapOutput<T>& output, const Box& box) {
  if constexpr (on_host)
    apply_kernel_host(g, kernel, x, output, box);
  else
    apply_kernel_kokkos(g, kernel, x, output, box);
}

namespace {

// F is the activation, one of activation_functions.hpp.
template <class F, class T>
void apply_kernel_kokkos_by(const Map& m, const T* w, std::int64_t batch, const T* x,
                            const MapOutput<T>& out, const Box& box) {
  // Plain numbers: std::array is not for device code.
  const std::int64_t n0 = box.count[0], n1 = box.count[1];
  const std::int64_t first0 = box.first[0], first1 = box.first[1], first2 = box.first[2];
  using Policy =
      Kokkos::MDRangePolicy<ExecutionSpace, Kokkos::Rank<3>, Kokkos::IndexType<std::int64_t>>;
  detail::parallel_for(
      "nopal::convolution", Policy({0, 0, 0}, {batch * n0 * n1, box.count[2], m.out}),
      KOKKOS_LAMBDA(std::int64_t line, std::int64_t point, std::int64_t o) {
        const std::int64_t b = line / (n0 * n1);
        const std::int64_t z0 = first0 + line / n1 % n0;
        const std::int64_t z1 = first1 + line % n1;
        const std::int64_t z2 = first2 + point;
        const MapAxis &a0 = m.axes[0], &a1 = m.axes[1], &a2 = m.axes[2];
        const Taps t0 = a0.taps_of(z0), t1 = a1.taps_of(z1), t2 = a2.taps_of(z2);
        const std::int64_t before = taps_before(a0, a1, a2, t0.which, t1.which, t2.which);
        const std::int64_t first = m.panels.first_of(o), width = m.panels.width(first);
        const T* entries = w + before * m.in * m.panels.padded(m.out) +
                           first * t0.count * t1.count * t2.count * m.in + (o - first);
        T sum = 0;
        for (std::int64_t j0 = t0.low; j0 < t0.high; ++j0)
          for (std::int64_t j1 = t1.low; j1 < t1.high; ++j1)
            for (std::int64_t j2 = t2.low; j2 < t2.high; ++j2) {
              const std::int64_t t = (j0 * t1.count + j1) * t2.count + j2;
              const T* xi = x + (((b * a0.in + t0.first + j0) * a1.in + t1.first + j1) * a2.in +
                                 t2.first + j2) *
                                    m.in;
              for (std::int64_t i = 0; i < m.in; ++i)
                sum += xi[i] * entries[(t * m.in + i) * width];
            }
        const std::int64_t place = (((b * a0.out + z0) * a1.out + z1) * a2.out + z2) * m.out + o;
        T y = out.sign * sum, slope;
        if (out.bias) y += out.bias[o];
        if (out.init) y += out.init[place];
        F::apply(y, out.y[place], slope);
        if (out.slope) out.slope[place] = slope;
      });
}

}  // namespace

template <class T>
void apply_kernel_kokkos(const ConvolutionGeometry& g, const PackedKernel<T>& kernel, const T* x,
                         const MapOutput<T>& output, const Box& box) {
  with_activation(output.activation, [&](auto function) {
    apply_kernel_kokkos_by<decltype(function)>(Map(g, kernel), kernel.entries.data(), g.batch, x,
                                               output, box);
  });
}

#define NOPAL_INSTANTIATE(T)                                                                       \
  template PackedKernel<T> pack_kernel<T>(const ConvolutionGeometry&, Direction, const Tensor<T>&, \
                                          bool);                                                   \
  template void apply_kernel<T>(const ConvolutionGeometry&, const PackedKernel<T>&, const T*,      \
                                const MapOutput<T>&, const Box&);                                  \
  template void apply_kernel_kokkos<T>(const ConvolutionGeometry&, const PackedKernel<T>&,         \
                                       const T*, const MapOutput<T>&, const Box&);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal::detail
