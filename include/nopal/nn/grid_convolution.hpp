// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/comm/exchange.hpp>
#include <nopal/nn/convolution.hpp>

#include <memory>

namespace nopal {

/// Which points a convolution joins. Output i reads inputs stride i - padding + t, or, transposed,
/// input q is added to outputs stride q - padding + t, for taps t = 0, ..., kernel - 1 (each axis).
struct GridStencil {
  Shape kernel;             ///< an entry an axis
  std::int64_t stride = 1;  ///< of all axes
  Shape padding;            ///< an entry an axis
  bool transposed = false;
};

/// A convolution or transposed convolution from the points of one grid to those of another, both
/// divided among the same ranks. Beyond the domain the input is what the boundary rules of its grid
/// say; the result does not depend on the number of ranks, to rounding.
///
/// Points of other ranks and reflected or periodic ones come as margins, an exchange for each side
/// of the box that has some, while the own box is convolved as if there were zeros; then the
/// margins add what is missing. The adjoint sends their gradients back while it computes those of
/// the own box and of the kernel. The field itself is not copied. The two grids may be cut
/// differently and ranks may have no points: restriction to a coarse grid on fewer ranks is a
/// convolution like any other. A value to keep: it holds plan and buffers, not the weights. A
/// handle; copies share them.
template <class T>
class GridConvolution {
 public:
  GridConvolution() = default;

  /// Collective over the grids' communicator. Error if the boundary rule asks for more reflected
  /// points than the grid has.
  GridConvolution(const Grid& from, const Grid& to, const GridStencil& stencil);

  /// y = act(add + bias + sign * sum) on this rank's box of the output grid: see convolution() for
  /// shapes and for what becomes of `add`. Collective: all ranks must call it, record it or not,
  /// and run the tape alike.
  Variable<T> operator()(const Variable<T>& x, const Variable<T>& weight,
                         const Variable<T>& bias = {}, Activation activation = Activation::identity,
                         double sign = 1, Variable<T> add = {}) const;

  /// Work of one forward call on this rank.
  Cost cost(std::int64_t batch, const Shape& weight) const;

  /// Bytes that this rank sends in a forward call.
  std::int64_t bytes_sent(std::int64_t batch, std::int64_t in_channels) const;

 private:
  struct Plan;
  std::shared_ptr<const Plan> plan_;
};

}  // namespace nopal
