// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/core/tensor.hpp>

#include <vector>

namespace nopal {

/// The least and largest value of each channel, and their difference.
struct ChannelRanges {
  std::vector<double> low, high, width;
};

/// Of fields or points (..., C). Error if there are none.
template <class T>
ChannelRanges channel_ranges(const Tensor<T>& values);

/// |p - y| / |y| of each channel, norms over all samples and points of (..., C); `mask`, of a
/// number a point, 1: counts, 0: not. Error if shapes do not fit or a channel of y is 0.
template <class T>
std::vector<double> channel_errors(const Tensor<T>& prediction, const Tensor<T>& values,
                                   const Tensor<T>& mask = {});

}  // namespace nopal
