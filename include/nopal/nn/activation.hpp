// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/autograd/variable.hpp>

#include <string>

namespace nopal {

// clang-format off
/// Pointwise nonlinearities.
///
/// | name       | f(x)                                                                             |
/// | ---------- | -------------------------------------------------------------------------------- |
/// | identity   | x                                                                                |
/// | elu        | x for x > 0, exp(x) - 1 else; Clevert, Unterthiner, Hochreiter, ICLR 2016        |
/// | gelu       | x Phi(x), Phi the normal distribution (no tanh form); Hendrycks, Gimpel 2016     |
/// | leaky_relu | x for x > 0, 0.01 x else                                                         |
/// | relu       | max(x, 0)                                                                        |
/// | selu       | l elu_a(x), l = 1.05070, a = 1.67326; Klambauer et al., NeurIPS 2017             |
/// | silu       | x / (1 + exp(-x)), also called swish                                             |
/// | sin        | sin(x)                                                                           |
/// | tanh       | tanh(x)                                                                          |
// clang-format on
enum class Activation { identity, elu, gelu, leaky_relu, relu, selu, silu, sin, tanh };

/// "gelu" etc. to the enumerator; Error that names the nearest valid name otherwise.
Activation activation_from_string(const std::string& name);
const char* to_string(Activation activation);

/// f(x), any shape. Without recording, x's memory is overwritten if `x` is its only user: pass with
/// std::move to allow that. In float, functions with an exponential are
/// accurate to about 2e-7 absolute.
template <class T>
Variable<T> activate(Variable<T> x, Activation activation);

namespace detail {

/// z[r, c] := f(z[r, c] + bias[c]) in place; bias may be null.
template <class T>
void activate_rows(T* z, const T* bias, std::int64_t rows, std::int64_t columns,
                   Activation activation);

/// With z' = z[r, c] + bias[c]: value := f(z'), slope := f'(z'). value or slope may be z itself.
template <class T>
void activate_rows_with_slope(const T* z, const T* bias, T* value, T* slope, std::int64_t rows,
                              std::int64_t columns, Activation activation);

}  // namespace detail
}  // namespace nopal
