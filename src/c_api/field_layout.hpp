// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/core/tensor.hpp>

namespace nopal::c {

/// How the caller's arrays are: in the order of column_major (first axis fastest, channels
/// slowest) or else as tensors are, in the memory of the device or of the host.
struct Arrays {
  bool column_major = false, device = false;
};

/// A field (1, n1, ..., nd, C) from an array of the caller.
template <class T>
void from_array(const T* from, const Tensor<T>& field, Arrays arrays);

/// The way back.
template <class T>
void to_array(const Tensor<T>& field, T* to, Arrays arrays);

}  // namespace nopal::c
