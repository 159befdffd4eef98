// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/autograd/variable.hpp>

namespace nopal {

/// Windows of a field as samples: x (B, N1, ..., Nd, C), d = 1, 2, 3, to (B k1 ... kd, w1, ..., wd,
/// C); window i = (i1, ..., id) begins at point i_j stride_j of each axis and has w_j = size_j
/// points; the windows of a sample follow each other, the last axis fastest. They may overlap.
/// Error if the last does not end within the field. Local.
template <class T>
Variable<T> windows(const Variable<T>& x, const Shape& counts, const Shape& strides,
                    const Shape& sizes);

/// The way back for windows that lie side by side: x (B k1 ... kd, w1, ..., wd, C) to (B, k1 w1,
/// ..., kd wd, C).
template <class T>
Variable<T> join_windows(const Variable<T>& x, const Shape& counts);

}  // namespace nopal
