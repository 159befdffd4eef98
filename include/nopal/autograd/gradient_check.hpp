// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/autograd/variable.hpp>

#include <functional>
#include <vector>

namespace nopal {

/// Result of check_gradient(): the largest relative deviation and where it was found.
struct GradientCheck {
  double error = 0;   ///< max over leaves of |directional derivative - finite difference| / scale
  std::string where;  ///< leaf and direction of the largest error
};

/// Compares the gradients of `f` with central differences along random directions.
///
/// For each leaf p and each of `directions` random directions v, <grad, v> is compared with the
/// fourth-order central difference (8 (F(p + h v) - F(p - h v)) - F(p + 2 h v) + F(p - 2 h v)) /
/// (12 h), where F = sum(f * w) for fixed random w of order 1. Errors are relative to the largest
/// of both numbers, |grad| and 1e-6 |f| |w|. In double, with h = 1e-3, 1e-8 is typical. Local.
GradientCheck check_gradient(const std::function<Variable<double>()>& f,
                             const std::vector<Variable<double>>& leaves, int directions = 4,
                             double step = 1e-3, std::uint64_t seed = 1);

}  // namespace nopal
