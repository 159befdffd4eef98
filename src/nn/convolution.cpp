// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/nn/convolution.hpp>

#include "nn/convolution_map.hpp"
#include "nn/convolution_node.hpp"
#include "nn/row_kernels.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace nopal {

detail::ConvolutionGeometry detail::make_geometry(const char* what, Direction direction,
                                                  const Shape& x, const Shape& weight,
                                                  const ConvolutionOptions& options) {
  const int d = weight.rank() - 2;
  NOPAL_CHECK(d >= 1 && d <= 3 && weight.size() > 0, what,
              ": expected a weight (K1, ..., Kd, Cin, Cout), d = 1, 2, 3, not empty, got ", weight);
  NOPAL_CHECK(x.rank() == d + 2 && x[-1] == weight[-2], what, ": the input ", x,
              " does not match the weight ", weight, "; expected (B, X1, ..., Xd, ", weight[-2],
              "), d = ", d);
  NOPAL_CHECK(options.stride >= 1, what, ": the stride must be 1 or more, got ", options.stride);
  NOPAL_CHECK(options.extents.rank() == 0 || options.extents.rank() == d, what,
              ": expected an output extent for each of ", d, " axes, got ", options.extents);
  const bool fine = direction == Direction::to_fine;
  ConvolutionGeometry g{x[0], fine ? weight[-1] : weight[-2], fine ? weight[-2] : weight[-1], {}};
  for (int j = 0; j < d; ++j) {
    ConvolutionAxis& axis = g.axes[static_cast<std::size_t>(3 - d + j)];
    axis.taps = weight[j];
    axis.stride = options.stride;
    axis.offset = options.offset[static_cast<std::size_t>(j)];
    const std::int64_t in = x[j + 1], room = in - axis.taps - axis.offset;
    std::int64_t out = 0;
    if (options.extents.rank() > 0)
      out = options.extents[j];
    else if (!fine && room >= 0)
      out = room / axis.stride + 1;
    else if (fine && in > 0)
      out = std::max<std::int64_t>(0, axis.offset + axis.stride * (in - 1) + axis.taps);
    axis.fine = fine ? out : in;
    axis.coarse = fine ? in : out;
  }
  return g;
}

namespace {

using detail::ConvolutionAxis;
using detail::ConvolutionGeometry;
using detail::Direction;

Shape output_shape(const ConvolutionGeometry& g, Direction direction, const Shape& x,
                   std::int64_t channels) {
  const detail::Box box = detail::whole_output(g, direction);
  Shape shape{x[0]};
  for (int j = 0; j < x.rank() - 2; ++j)
    shape.push_back(box.count[static_cast<std::size_t>(3 - (x.rank() - 2) + j)]);
  shape.push_back(channels);
  return shape;
}

// The parts of `whole` outside `inner`, slab by slab.
std::vector<detail::Box> outside(detail::Box whole, const detail::Box& inner) {
  std::vector<detail::Box> slabs;
  for (std::size_t j = 0; j < 3; ++j) {
    const std::int64_t begin = whole.first[j], end = begin + whole.count[j];
    const std::int64_t inner_end = inner.first[j] + inner.count[j];
    for (const auto& [first, last] :
         {std::pair(begin, inner.first[j]), std::pair(inner_end, end)}) {
      if (first >= last) continue;
      detail::Box slab = whole;
      slab.first[j] = first;
      slab.count[j] = last - first;
      slabs.push_back(slab);
    }
    whole.first[j] = inner.first[j];
    whole.count[j] = inner.count[j];
  }
  return slabs;
}

bool empty(const detail::Box& box) {
  return std::any_of(box.count.begin(), box.count.end(), [](std::int64_t n) { return n == 0; });
}

}  // namespace

template <class T>
Variable<T> detail::convolve(const char* what, Direction direction, const Variable<T>& x,
                             const Variable<T>& weight, const Variable<T>& bias,
                             const ConvolutionOptions& options, Variable<T> add,
                             const ConvolutionHalo<T>* halo) {
  const ScopedRegion region(what);
  const bool fine = direction == Direction::to_fine;
  // `wide`: what the kernels read, x itself without a halo.
  Tensor<T> wide = x.value();
  if (halo) {
    NOPAL_CHECK(x.shape().rank() == halo->exchange.box().dimension + 2, what, ": the field ",
                x.shape(), " is not one of a grid in ", halo->exchange.box().dimension,
                " dimensions");
    wide = Tensor<T>(halo->exchange.box().field(x.shape()[0], x.shape()[-1]));
  }
  const ConvolutionGeometry g =
      make_geometry(what, direction, wide.shape(), weight.shape(), options);
  const std::int64_t channels = weight.shape()[-1];
  const Shape shape = output_shape(g, direction, wide.shape(), channels);
  NOPAL_CHECK(!bias.value().defined() || bias.value().size() == channels, what, ": the bias ",
              bias.shape(), " does not match the weight ", weight.shape());
  const bool added = add.value().defined();
  NOPAL_CHECK(!added || add.shape() == shape, what, ": the field to add to has shape ", add.shape(),
              ", the result has ", shape);

  const bool recorded = needs_record(x, weight, bias, add);
  const Tensor<T> y = added && add.value().unique() ? add.value() : Tensor<T>(shape);
  const T sign = static_cast<T>(options.sign);
  Tensor<T> slope;
  if (recorded && options.activation != Activation::identity) slope = Tensor<T>(shape);
  const auto kernel = pack_kernel(g, direction, weight.value(), false);
  const MapOutput<T> output{y.data(), add.value().data(), bias.value().data(),
                            sign,     options.activation, slope.data()};
  const Box whole = whole_output(g, direction);
  if (halo) {
    halo->exchange.start(x.value(), wide);
    const bool interior = !empty(halo->interior);
    if (interior) apply_kernel(g, kernel, wide.data(), output, halo->interior);
    halo->exchange.finish(wide);
    for (const Box& slab : interior ? outside(whole, halo->interior) : std::vector<Box>{whole})
      if (!empty(slab)) apply_kernel(g, kernel, wide.data(), output, slab);
  } else {
    apply_kernel(g, kernel, wide.data(), output, whole);
  }
  if (!recorded) return y;

  std::optional<Exchange<T>> exchange;
  if (halo) exchange = halo->exchange;
  return record<T>(y, [=](const Tensor<T>& dy) {
    const ScopedRegion adjoint("convolution_adjoint");
    // dz = f'(z) dy takes the memory of dy, which nobody needs afterwards.
    if (slope.defined()) multiply(slope.data(), dy.data(), dy.size());
    const Direction back = fine ? Direction::to_coarse : Direction::to_fine;
    const auto adjoint_into = [&](const Tensor<T>& dx, T beta) {
      apply_kernel(g, pack_kernel(g, back, weight.value(), true), dy.data(),
                   {dx.data(), beta == T(0) ? nullptr : dx.data(), nullptr, sign},
                   whole_output(g, back));
    };
    Tensor<T> dwide;
    if (x.requires_gradient()) {
      if (exchange) {
        dwide = Tensor<T>(wide.shape());
        adjoint_into(dwide, T(0));
        exchange->start_adjoint(dwide);
      } else {
        const auto [dx, beta] = x.gradient_slot();
        adjoint_into(dx, beta);
      }
    }
    if (weight.requires_gradient()) {
      const auto [dw, beta] = weight.gradient_slot();
      kernel_gradient<T>(g, fine ? dy.data() : wide.data(), fine ? wide.data() : dy.data(),
                         dw.data(), fine, sign, beta);
    }
    if (bias.requires_gradient()) {
      const auto [db, beta] = bias.gradient_slot();
      sum_rows(dy.data(), db.data(), dy.size() / channels, channels, beta);
    }
    if (dwide.defined()) {
      const auto [dx, beta] = x.gradient_slot();
      exchange->finish_adjoint(dwide, dx, beta != T(0));
    }
    if (add.requires_gradient()) add.accumulate(dy);
  });
}

namespace {

template <class T>
Cost cost(const char* what, Direction direction, const Shape& x, const Shape& weight,
          const ConvolutionOptions& options) {
  const ConvolutionGeometry g = detail::make_geometry(what, direction, x, weight, options);
  const std::int64_t channels = weight[-1];
  double products = static_cast<double>(x[0]);
  for (const ConvolutionAxis& axis : g.axes) {
    const detail::MapAxis map(axis, direction);
    std::int64_t pairs = 0;
    for (std::int64_t z = 0; z < map.out; ++z) {
      const detail::Taps taps = map.taps_of(z);
      pairs += taps.high - taps.low;
    }
    products *= static_cast<double>(pairs);
  }
  const std::int64_t entries =
      x.size() + weight.size() + output_shape(g, direction, x, channels).size();
  return {2 * products * static_cast<double>(weight[-2] * channels),
          static_cast<double>(sizeof(T)) * static_cast<double>(entries)};
}

}  // namespace

template <class T>
Variable<T> convolution(const Variable<T>& x, const Variable<T>& weight, const Variable<T>& bias,
                        const ConvolutionOptions& options, Variable<T> add) {
  return detail::convolve("convolution", Direction::to_coarse, x, weight, bias, options,
                          std::move(add));
}

template <class T>
Variable<T> transposed_convolution(const Variable<T>& x, const Variable<T>& weight,
                                   const Variable<T>& bias, const ConvolutionOptions& options,
                                   Variable<T> add) {
  return detail::convolve("transposed_convolution", Direction::to_fine, x, weight, bias, options,
                          std::move(add));
}

template <class T>
Cost convolution_cost(const Shape& x, const Shape& weight, const ConvolutionOptions& options) {
  return cost<T>("convolution", Direction::to_coarse, x, weight, options);
}

template <class T>
Cost transposed_convolution_cost(const Shape& x, const Shape& weight,
                                 const ConvolutionOptions& options) {
  return cost<T>("transposed_convolution", Direction::to_fine, x, weight, options);
}

#define NOPAL_INSTANTIATE(T)                                                                      \
  template Variable<T> detail::convolve<T>(                                                       \
      const char*, Direction, const Variable<T>&, const Variable<T>&, const Variable<T>&,         \
      const ConvolutionOptions&, Variable<T>, const ConvolutionHalo<T>*);                         \
  template Variable<T> convolution<T>(const Variable<T>&, const Variable<T>&, const Variable<T>&, \
                                      const ConvolutionOptions&, Variable<T>);                    \
  template Variable<T> transposed_convolution<T>(const Variable<T>&, const Variable<T>&,          \
                                                 const Variable<T>&, const ConvolutionOptions&,   \
                                                 Variable<T>);                                    \
  template Cost convolution_cost<T>(const Shape&, const Shape&, const ConvolutionOptions&);       \
  template Cost transposed_convolution_cost<T>(const Shape&, const Shape&,                        \
                                               const ConvolutionOptions&);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal
