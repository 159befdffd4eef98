// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include "multigrid/level.hpp"

namespace nopal::detail {

/// The coarse matrix P^T A P on all stored points, P by fine.weights, again with a stencil of 3^d
/// points; symmetric if A is stored so. Uses the vectors of both levels, and leaves 0 in them.
/// Collective.
template <class T>
StencilMatrix<T> galerkin_product(const Level<T>& fine, const Level<T>& coarse);

}  // namespace nopal::detail
