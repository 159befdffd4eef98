// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/core/tensor.hpp>

namespace nopal::detail {

/// A field (1, n1, ..., nd, C) from an array of the caller: row-major, or column-major with the
/// first axis fastest and channels slowest.
template <class T>
void from_layout(const T* from, const Tensor<T>& field, bool column_major);

/// The way back.
template <class T>
void to_layout(const Tensor<T>& field, T* to, bool column_major);

}  // namespace nopal::detail
