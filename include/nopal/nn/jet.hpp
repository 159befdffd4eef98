// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/autograd/variable.hpp>
#include <nopal/nn/activation.hpp>

#include <cstdint>
#include <vector>

namespace nopal {

/// Which derivatives go along with a value: up to the order 0, 1 or 2 in each coordinate, without
/// mixed ones. A jet (J, P, W) holds the value at P points, then for each coordinate in turn the
/// derivatives of order 1 and 2 that are asked for. (Truncated Taylor series, one a coordinate:
/// Griewank, Walther, "Evaluating Derivatives", 2nd ed., SIAM 2008, chapter 13.)
class JetLayout {
 public:
  /// Error if an order is not 0, 1 or 2.
  explicit JetLayout(std::vector<int> orders);

  std::int64_t count() const noexcept { return count_; }  ///< J
  const std::vector<int>& orders() const noexcept { return orders_; }
  std::int64_t dimension() const { return static_cast<std::int64_t>(orders_.size()); }

  /// Place in the jet of the derivative of that order in coordinate j; order 0 is the value. Error
  /// if it is not part of the jet.
  std::int64_t place(std::size_t j, int order) const;

 private:
  std::vector<int> orders_;
  std::int64_t count_ = 1;
};

/// f(z + b) of a jet z (J, P, W), b (W): with v the value, v_j and v_jj the derivatives in
/// coordinate j, f(v), f'(v) v_j, f''(v) v_j^2 + f'(v) v_jj. The bias goes to the value only.
/// Error if f has no second derivative and the layout asks for one.
template <class T>
Variable<T> activate_jet(const Variable<T>& z, const Variable<T>& bias, const JetLayout& layout,
                         Activation activation);

/// The jet of the coordinates themselves at points (P, d), (J, P, d).
template <class T>
Tensor<T> coordinate_jet(const Tensor<T>& points, const JetLayout& layout);

/// The jet of a product, by Leibniz' rule: u (J, P, W) times a constant factor (J, P, 1).
template <class T>
Variable<T> multiply_jet(const Variable<T>& u, const Tensor<T>& factor, const JetLayout& layout);

/// The rows first, ..., first + count - 1 of x along its first axis, in the memory of x.
template <class T>
Variable<T> slice(const Variable<T>& x, std::int64_t first, std::int64_t count);

}  // namespace nopal
