// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "nn/convolution_kernels.hpp"

#include "nn/convolution_rows.hpp"

namespace nopal::detail {
namespace {

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

template <class T>
void apply_kernel_host(const ConvolutionGeometry& g, const PackedKernel<T>& kernel, const T* x,
                       const MapOutput<T>& output, const Box& box) {
  const Map m(g, kernel);
  const T* w = kernel.entries.data();
  for_each_segment(
      g.batch, box,
      [=](std::int64_t b, std::int64_t z0, std::int64_t z1, std::int64_t begin, std::int64_t end) {
        const std::int64_t row = (b * m.axes[0].out + z0) * m.axes[1].out + z1;
        const std::int64_t place = (row * m.axes[2].out + begin) * m.out;
        MapOutput<T> o = output;
        o.y += place;
        if (o.init) o.init += place;
        if (o.slope) o.slope += place;
        apply_row<Numbers>(m, w, x, o, b, z0, z1, begin, end);
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
