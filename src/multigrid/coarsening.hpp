// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include "multigrid/level.hpp"

#include <nopal/multigrid/stencil_multigrid.hpp>

#include <memory>

namespace nopal::detail {

/// The axes to coarsen: of those that have enough points, all whose coupling is not weak; none if
/// there is no such axis. Collective.
template <class T>
std::array<bool, 3> axes_to_coarsen(const Level<T>& level, const StencilMatrix<T>& symmetric,
                                    double share);

/// Makes the vectors of a level, 0.
template <class T>
void allocate_vectors(Level<T>& level);

/// The next level after level.coarsened, and the weights of `fine` to it; it has no smoother yet.
/// Collective.
template <class T>
Level<T> coarse_level(Level<T>& fine, const StencilMatrix<T>& symmetric,
                      const MultigridOptions& options);

}  // namespace nopal::detail
