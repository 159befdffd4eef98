// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/nn/grid_convolution.hpp>

#include "nn/convolution_node.hpp"

#include <algorithm>

namespace nopal {
namespace {

Shape repeated(std::int64_t value, int count) {
  Shape result;
  for (int a = 0; a < count; ++a)
    result.push_back(value);
  return result;
}

// What the outputs read, without the points beyond a side where fields are zero: the convolution
// leaves those out by itself.
Boxes inputs(const Grid& from, const Boxes& outputs, const GridStencil& s) {
  const Shape stride = repeated(s.stride, from.dimension());
  Boxes boxes = s.transposed ? transposed_convolution_inputs(outputs, s.kernel, stride, s.padding)
                             : convolution_inputs(outputs, s.kernel, stride, s.padding);
  for (int a = 0; a < from.dimension(); ++a)
    for (Range& range : boxes.ranges[static_cast<std::size_t>(a)]) {
      const std::int64_t n = from.extents()[a];
      if (from.rule(a).low == BoundaryRule::zero)
        range.begin = std::clamp<std::int64_t>(range.begin, 0, n);
      if (from.rule(a).high == BoundaryRule::zero) range.end = std::min(range.end, n);
      range.end = std::max(range.end, range.begin);
    }
  return boxes;
}

// Of the `out` points along an axis, as [first, last) from the first of them, those that read only
// points which are this rank's own or left out by the convolution.
std::pair<std::int64_t, std::int64_t> interior(const Range& out, const Range& own,
                                               const Range& wanted, const GridStencil& s,
                                               int axis) {
  const auto reads_own = [&](std::int64_t i) {
    const Range one{i, i + 1};
    const Boxes boxes{Shape{1}, {{one}}};
    const Shape kernel{s.kernel[axis]}, stride{s.stride}, padding{s.padding[axis]};
    const Range r = s.transposed
                        ? transposed_convolution_inputs(boxes, kernel, stride, padding).ranges[0][0]
                        : convolution_inputs(boxes, kernel, stride, padding).ranges[0][0];
    const std::int64_t begin = std::max(r.begin, wanted.begin), end = std::min(r.end, wanted.end);
    return begin >= end || (begin >= own.begin && end <= own.end);
  };
  std::int64_t first = out.begin, last = out.end;
  while (first < last && !reads_own(first))
    ++first;
  while (last > first && !reads_own(last - 1))
    --last;
  return {first - out.begin, last - out.begin};
}

}  // namespace

template <class T>
struct GridConvolution<T>::Plan {
  Exchange<T> exchange;
  detail::Direction direction;
  ConvolutionOptions options;
  detail::Box interior{{0, 0, 0}, {1, 1, 1}};
};

template <class T>
GridConvolution<T>::GridConvolution(const Grid& from, const Grid& to, const GridStencil& stencil) {
  const int d = from.dimension();
  NOPAL_CHECK(to.dimension() == d && stencil.kernel.rank() == d && stencil.padding.rank() == d,
              "a convolution between grids: expected a grid, kernel and padding in ", d,
              " dimensions, got ", to.extents(), ", ", stencil.kernel, ", ", stencil.padding);
  auto plan = std::make_shared<Plan>();
  plan->exchange = Exchange<T>(from, inputs(from, to.boxes(), stencil));
  plan->direction = stencil.transposed ? detail::Direction::to_fine : detail::Direction::to_coarse;
  const Box out = to.box(), own = from.box(), wanted = plan->exchange.box();
  plan->options.stride = stencil.stride;
  for (int a = 0; a < d; ++a) {
    const std::int64_t fine = stencil.transposed ? out[a].begin : wanted[a].begin;
    const std::int64_t coarse = stencil.transposed ? wanted[a].begin : out[a].begin;
    plan->options.offset[static_cast<std::size_t>(a)] =
        stencil.stride * coarse - stencil.padding[a] - fine;
    plan->options.extents.push_back(out[a].size());
    const auto j = static_cast<std::size_t>(3 - d + a);
    // Alone, a rank has all values once the exchange has started.
    const auto [first, last] = from.comm().size() == 1
                                   ? std::pair<std::int64_t, std::int64_t>(0, out[a].size())
                                   : interior(out[a], own[a], wanted[a], stencil, a);
    plan->interior.first[j] = first;
    plan->interior.count[j] = last - first;
  }
  plan_ = std::move(plan);
}

template <class T>
Variable<T> GridConvolution<T>::operator()(const Variable<T>& x, const Variable<T>& weight,
                                           const Variable<T>& bias, Activation activation,
                                           double sign, Variable<T> add) const {
  ConvolutionOptions options = plan_->options;
  options.activation = activation;
  options.sign = sign;
  const detail::ConvolutionHalo<T> halo{plan_->exchange, plan_->interior};
  return detail::convolve(
      plan_->direction == detail::Direction::to_fine ? "transposed_convolution" : "convolution",
      plan_->direction, x, weight, bias, options, std::move(add),
      plan_->exchange.identity() ? nullptr : &halo);
}

template <class T>
Cost GridConvolution<T>::cost(std::int64_t batch, const Shape& weight) const {
  const Shape x = plan_->exchange.box().field(batch, weight[-2]);
  return plan_->direction == detail::Direction::to_fine
             ? transposed_convolution_cost<T>(x, weight, plan_->options)
             : convolution_cost<T>(x, weight, plan_->options);
}

template <class T>
std::int64_t GridConvolution<T>::bytes_sent(std::int64_t batch, std::int64_t in_channels) const {
  return plan_->exchange.bytes_sent(batch, in_channels);
}

template class GridConvolution<float>;
template class GridConvolution<double>;

}  // namespace nopal
