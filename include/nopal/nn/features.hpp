// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/autograd/variable.hpp>

#include <cstdint>
#include <vector>

namespace nopal {

/// Coordinates as features of a network that is periodic in some of them: x (..., d) to (..., F).
/// Coordinate j with H = harmonics[j] > 0 becomes cos(w x), sin(w x), cos(2 w x), ..., sin(H w x),
/// w = 2 pi / periods[j]; with H = 0 it stays. F = periodic_feature_count(). Source: Lu et al.,
/// CMAME 393, 2022, section 3.1.1.
template <class T>
Variable<T> periodic_features(const Variable<T>& x, const std::vector<std::int64_t>& harmonics,
                              const std::vector<double>& periods);

/// x (..., d) from the box with corners `lower` and `upper` to [-1, 1]^d: 2 (x - lower) / (upper -
/// lower) - 1.
template <class T>
Variable<T> affine_features(const Variable<T>& x, const std::vector<double>& lower,
                            const std::vector<double>& upper);

/// The points x (P, d) of the unit cube in that box: lower + x (upper - lower).
template <class T>
Tensor<T> affine_points(const Tensor<T>& x, const std::vector<double>& lower,
                        const std::vector<double>& upper);

std::int64_t periodic_feature_count(const std::vector<std::int64_t>& harmonics);

}  // namespace nopal
