// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/comm/exchange.hpp>
#include <nopal/nn/convolution.hpp>

#include "nn/convolution_kernels.hpp"

#include <memory>
#include <vector>

namespace nopal::detail {

/// What a convolution on divided fields reads beyond the rank's own box: boxes of points, each with
/// the options that place it in the same output.
template <class T>
struct ConvolutionMargin {
  Exchange<T> exchange;
  ConvolutionOptions options;
};

/// `margins` add to what the own box gives; or, without `own`, there is one, which holds all
/// inputs.
template <class T>
struct ConvolutionHalo {
  bool own = true;
  std::vector<ConvolutionMargin<T>> margins;
};

/// convolution() or, to_fine, transposed_convolution() as a node of the tape. With a `halo`, x is
/// the field on the rank's own box and `options` are those for it.
template <class T>
Variable<T> convolve(const char* what, Direction direction, const Variable<T>& x,
                     const Variable<T>& weight, const Variable<T>& bias,
                     const ConvolutionOptions& options, Variable<T> add,
                     const std::shared_ptr<const ConvolutionHalo<T>>& halo = nullptr);

}  // namespace nopal::detail
