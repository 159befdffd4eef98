// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/comm/exchange.hpp>
#include <nopal/nn/convolution.hpp>

#include "nn/convolution_kernels.hpp"

namespace nopal::detail {

/// Where the input of a convolution comes from if not from its caller alone: the margins of
/// `exchange`, and the part of the output that needs nothing from other ranks.
template <class T>
struct ConvolutionHalo {
  const Exchange<T>& exchange;
  Box interior;
};

/// convolution() or, to_fine, transposed_convolution() as a node of the tape. With a `halo`, x is
/// the field on the rank's own box and `options` are those for the wider box of the exchange.
template <class T>
Variable<T> convolve(const char* what, Direction direction, const Variable<T>& x,
                     const Variable<T>& weight, const Variable<T>& bias,
                     const ConvolutionOptions& options, Variable<T> add,
                     const ConvolutionHalo<T>* halo = nullptr);

}  // namespace nopal::detail
