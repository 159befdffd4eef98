// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/autograd/variable.hpp>

#include <utility>
#include <vector>

namespace nopal {

/// a + b, entry by entry, in the memory of `a`, which is overwritten: pass a value that nothing
/// else uses. Shapes must be equal.
template <class T>
Variable<T> add(const Variable<T>& a, const Variable<T>& b);

/// y(..., c) = x(..., c) + bias(c) in the memory of `x`, which is overwritten.
template <class T>
Variable<T> add_bias(const Variable<T>& x, const Variable<T>& bias);

/// -x in new memory.
template <class T>
Variable<T> negate(const Variable<T>& x);

/// The channels first, ..., first + count - 1 of x, in new memory.
template <class T>
Variable<T> channel_range(const Variable<T>& x, std::int64_t first, std::int64_t count);

/// The two halves of the channels, x(..., 0 : C / 2) and x(..., C / 2 : C), in new memory. C must
/// be even.
template <class T>
std::pair<Variable<T>, Variable<T>> halves(const Variable<T>& x);

/// a * b, entry by entry, in new memory. Shapes must be equal.
template <class T>
Variable<T> product(const Variable<T>& a, const Variable<T>& b);

/// The same entries in another shape, in the memory of x.
template <class T>
Variable<T> reshape(const Variable<T>& x, const Shape& shape);

/// All rows of x (R, ...) `times` times over, (times R, ...), in new memory.
template <class T>
Variable<T> repeat_rows(const Variable<T>& x, std::int64_t times);

/// The channels of all fields, one after the other, as those of one field, in new memory.
template <class T>
Variable<T> join_channels(const std::vector<Variable<T>>& x);

/// y(..., c) = scale_c x(..., c) + shift_c with constants; empty: 1 and 0. In new memory, unless
/// there is nothing to do.
template <class T>
Variable<T> affine_channels(Variable<T> x, const std::vector<double>& scale,
                            const std::vector<double>& shift);

/// Sum of a_i x_i over fields x_i of equal shapes, in new memory: the residual of an equation, for
/// instance.
template <class T>
Variable<T> linear_combination(const std::vector<std::pair<double, Variable<T>>>& terms);

/// A copy of x in new memory, for the functions that overwrite.
template <class T>
Variable<T> copy(const Variable<T>& x);

}  // namespace nopal
