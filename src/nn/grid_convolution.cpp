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

// Whether each rank that reads anything reads some of its own points along every axis: then the
// rest is margins. (Not so if the outputs are on fewer ranks.)
bool has_own_part(const Boxes& own, const Boxes& wanted) {
  for (std::size_t a = 0; a < wanted.ranges.size(); ++a)
    for (std::size_t p = 0; p < wanted.ranges[a].size(); ++p) {
      const Range &o = own.ranges[a][p], &w = wanted.ranges[a][p];
      if (std::max(o.begin, w.begin) >= std::min(o.end, w.end)) return false;
    }
  return true;
}

// The points of `wanted` outside `own`: a box for each side of each axis, for the ranks that want
// none there without points. Along the axes before it a box has own points, along those after it
// all that are wanted.
std::vector<Boxes> outside(const Boxes& own, const Boxes& wanted) {
  std::vector<Boxes> result;
  Boxes rest = wanted;
  for (std::size_t a = 0; a < wanted.ranges.size(); ++a)
    for (const bool high : {false, true}) {
      Boxes side = rest;
      bool any = false;
      for (std::size_t p = 0; p < side.ranges[a].size(); ++p) {
        const Range &o = own.ranges[a][p], &w = wanted.ranges[a][p];
        Range& r = side.ranges[a][p];
        r = high ? Range{std::max(o.end, w.begin), w.end}
                 : Range{w.begin, std::min(o.begin, w.end)};
        r.end = std::max(r.begin, r.end);
        any = any || r.size() > 0;
      }
      if (any) result.push_back(side);
      if (high)
        for (std::size_t p = 0; p < rest.ranges[a].size(); ++p) {
          const Range &o = own.ranges[a][p], &w = wanted.ranges[a][p];
          rest.ranges[a][p] = {std::max(o.begin, w.begin), std::min(o.end, w.end)};
        }
    }
  return result;
}

// The options of a convolution whose input is the box `in` of the input grid and whose output is
// the box `out` of the output grid.
ConvolutionOptions placed(const GridStencil& s, const Box& in, const Box& out) {
  ConvolutionOptions options;
  options.stride = s.stride;
  for (int a = 0; a < out.dimension; ++a) {
    const std::int64_t fine = s.transposed ? out[a].begin : in[a].begin;
    const std::int64_t coarse = s.transposed ? in[a].begin : out[a].begin;
    options.offset[static_cast<std::size_t>(a)] = s.stride * coarse - s.padding[a] - fine;
    options.extents.push_back(out[a].size());
  }
  return options;
}

}  // namespace

template <class T>
struct GridConvolution<T>::Plan {
  detail::Direction direction;
  Box in;                      // all points that are read
  ConvolutionOptions options;  // for the own box
  ConvolutionOptions all;      // for `in`
  std::shared_ptr<const detail::ConvolutionHalo<T>> halo;
};

template <class T>
GridConvolution<T>::GridConvolution(const Grid& from, const Grid& to, const GridStencil& stencil) {
  const int d = from.dimension();
  NOPAL_CHECK(to.dimension() == d && stencil.kernel.rank() == d && stencil.padding.rank() == d,
              "a convolution between grids: expected a grid, kernel and padding in ", d,
              " dimensions, got ", to.extents(), ", ", stencil.kernel, ", ", stencil.padding);
  auto plan = std::make_shared<Plan>();
  plan->direction = stencil.transposed ? detail::Direction::to_fine : detail::Direction::to_coarse;
  const Boxes wanted = inputs(from, to.boxes(), stencil);
  plan->in = wanted.box(from.comm().rank());
  plan->options = placed(stencil, from.box(), to.box());
  plan->all = placed(stencil, plan->in, to.box());
  auto halo = std::make_shared<detail::ConvolutionHalo<T>>();
  halo->own = has_own_part(from.boxes(), wanted);
  for (const Boxes& boxes : halo->own ? outside(from.boxes(), wanted) : std::vector<Boxes>{wanted})
    halo->margins.push_back(
        {Exchange<T>(from, boxes), placed(stencil, boxes.box(from.comm().rank()), to.box())});
  if (!halo->margins.empty()) plan->halo = std::move(halo);
  plan_ = std::move(plan);
}

template <class T>
Variable<T> GridConvolution<T>::operator()(const Variable<T>& x, const Variable<T>& weight,
                                           const Variable<T>& bias, Activation activation,
                                           double sign, Variable<T> add) const {
  ConvolutionOptions options = plan_->options;
  options.activation = activation;
  options.sign = sign;
  return detail::convolve(
      plan_->direction == detail::Direction::to_fine ? "transposed_convolution" : "convolution",
      plan_->direction, x, weight, bias, options, std::move(add), plan_->halo);
}

template <class T>
Cost GridConvolution<T>::cost(std::int64_t batch, const Shape& weight) const {
  const Shape x = plan_->in.field(batch, weight[-2]);
  return plan_->direction == detail::Direction::to_fine
             ? transposed_convolution_cost<T>(x, weight, plan_->all)
             : convolution_cost<T>(x, weight, plan_->all);
}

template <class T>
std::int64_t GridConvolution<T>::bytes_sent(std::int64_t batch, std::int64_t in_channels) const {
  std::int64_t bytes = 0;
  if (plan_->halo)
    for (const auto& margin : plan_->halo->margins)
      bytes += margin.exchange.bytes_sent(batch, in_channels);
  return bytes;
}

template class GridConvolution<float>;
template class GridConvolution<double>;

}  // namespace nopal
