// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/nn/convolution.hpp>

#include "nn/activation_functions.hpp"
#include "nn/convolution_map.hpp"
#include "nn/convolution_node.hpp"
#include "nn/row_kernels.hpp"

#include <algorithm>
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

// Outputs that read a point of the input, as a box; of no points if there are none.
detail::Box reached_outputs(const ConvolutionGeometry& g, Direction direction) {
  detail::Box box = detail::whole_output(g, direction);
  for (std::size_t j = 0; j < 3; ++j) {
    const ConvolutionAxis& a = g.axes[j];
    const bool fine = direction == Direction::to_fine;
    const std::int64_t in = fine ? a.coarse : a.fine, out = box.count[j];
    std::int64_t first = a.offset, end = a.offset + a.stride * (in - 1) + a.taps;
    if (!fine) {
      // 0 <= offset + stride p + t < in for some tap t
      const auto ceil_divide = [&](std::int64_t n) {
        return n > 0 ? (n + a.stride - 1) / a.stride : -(-n / a.stride);
      };
      first = ceil_divide(-a.offset - (a.taps - 1));
      end = ceil_divide(in - a.offset);
    }
    first = std::clamp<std::int64_t>(first, 0, out);
    end = in == 0 ? first : std::clamp<std::int64_t>(end, first, out);
    box.first[j] = first;
    box.count[j] = end - first;
  }
  return box;
}

bool empty(const detail::Box& box) {
  return std::any_of(box.count.begin(), box.count.end(), [](std::int64_t n) { return n == 0; });
}

// A part of the input of a convolution, and how it lies to the output.
template <class T>
struct Part {
  Tensor<T> field;
  ConvolutionGeometry geometry;
};

}  // namespace

template <class T>
Variable<T> detail::convolve(const char* what, Direction direction, const Variable<T>& x,
                             const Variable<T>& weight, const Variable<T>& bias,
                             const ConvolutionOptions& options, Variable<T> add,
                             const std::shared_ptr<const ConvolutionHalo<T>>& halo) {
  const ScopedRegion region(what);
  const bool fine = direction == Direction::to_fine;
  std::vector<Part<T>> margins;
  if (halo)
    for (const ConvolutionMargin<T>& margin : halo->margins) {
      const nopal::Box& box = margin.exchange.box();
      NOPAL_CHECK(x.shape().rank() == box.dimension + 2, what, ": the field ", x.shape(),
                  " is not one of a grid in ", box.dimension, " dimensions");
      const Tensor<T> field(box.field(x.shape()[0], x.shape()[-1]));
      margins.push_back(
          {field, make_geometry(what, direction, field.shape(), weight.shape(), margin.options)});
    }
  const bool own = !halo || halo->own;
  const Part<T> first =
      own ? Part<T>{x.value(), make_geometry(what, direction, x.shape(), weight.shape(), options)}
          : margins[0];
  const ConvolutionGeometry& g = first.geometry;
  const std::int64_t channels = weight.shape()[-1];
  const Shape shape = output_shape(g, direction, first.field.shape(), channels);
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
  const auto start = [&] {
    for (std::size_t i = 0; i < margins.size(); ++i)
      halo->margins[i].exchange.start(x.value(), margins[i].field);
  };
  const auto finish = [&](std::size_t i) { halo->margins[i].exchange.finish(margins[i].field); };
  start();
  if (!own) finish(0);
  // The activation comes after all parts of the sum.
  const bool at_once = !own || margins.empty();
  apply_kernel(
      g, kernel, first.field.data(),
      {y.data(), add.value().data(), bias.value().data(), sign,
       at_once ? options.activation : Activation::identity, at_once ? slope.data() : nullptr},
      whole_output(g, direction));
  for (std::size_t i = own ? 0 : 1; i < margins.size(); ++i) {
    finish(i);
    const Box box = reached_outputs(margins[i].geometry, direction);
    if (!empty(box))
      apply_kernel(margins[i].geometry, kernel, margins[i].field.data(),
                   {y.data(), y.data(), nullptr, sign}, box);
  }
  if (!at_once && options.activation != Activation::identity) {
    const std::int64_t rows = y.size() / channels;
    if (slope.defined())
      activate_rows_with_slope<T>(y.data(), nullptr, y.data(), slope.data(), rows, channels,
                                  options.activation);
    else
      activate_rows<T>(y.data(), nullptr, rows, channels, options.activation);
  }
  if (!recorded) return y;

  return record<T>(y, [=](const Tensor<T>& dy) {
    const ScopedRegion adjoint("convolution_adjoint");
    // dz = f'(z) dy takes the memory of dy, which nobody needs afterwards.
    if (slope.defined()) multiply(slope.data(), dy.data(), dy.size());
    const Direction back = fine ? Direction::to_coarse : Direction::to_fine;
    std::vector<Tensor<T>> sent;  // gradients of the margins, on their way to the owners
    if (x.requires_gradient()) {
      const auto reverse = pack_kernel(g, back, weight.value(), true);
      const auto adjoint_into = [&](const ConvolutionGeometry& geometry, const Tensor<T>& dx,
                                    T beta) {
        apply_kernel(geometry, reverse, dy.data(),
                     {dx.data(), beta == T(0) ? nullptr : dx.data(), nullptr, sign},
                     whole_output(geometry, back));
      };
      for (std::size_t i = 0; i < margins.size(); ++i) {
        sent.emplace_back(margins[i].field.shape());
        adjoint_into(margins[i].geometry, sent[i], T(0));
        halo->margins[i].exchange.start_adjoint(sent[i]);
      }
      if (own) {
        const auto [dx, beta] = x.gradient_slot();
        adjoint_into(g, dx, beta);
      }
    }
    if (weight.requires_gradient()) {
      const auto [dw, beta] = weight.gradient_slot();
      const auto gradient_of = [&, dw = dw](const Part<T>& part, T factor) {
        kernel_gradient<T>(part.geometry, fine ? dy.data() : part.field.data(),
                           fine ? part.field.data() : dy.data(), dw.data(), fine, sign, factor);
      };
      gradient_of(first, beta);
      for (std::size_t i = own ? 0 : 1; i < margins.size(); ++i)
        if (margins[i].field.size() > 0) gradient_of(margins[i], T(1));
    }
    if (bias.requires_gradient()) {
      const auto [db, beta] = bias.gradient_slot();
      sum_rows(dy.data(), db.data(), dy.size() / channels, channels, beta);
    }
    for (std::size_t i = 0; i < sent.size(); ++i) {
      const auto [dx, beta] = x.gradient_slot();
      halo->margins[i].exchange.finish_adjoint(sent[i], dx, own || i > 0 || beta != T(0));
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
      const ConvolutionOptions&, Variable<T>, const std::shared_ptr<const ConvolutionHalo<T>>&);  \
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
