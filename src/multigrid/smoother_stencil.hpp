// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include "multigrid/level.hpp"

#include <nopal/multigrid/smoother_network.hpp>

namespace nopal::detail {

/// Slots of the offsets that a grid of `dimension` axes has, in row-major order.
std::vector<int> slots_in(int dimension);

/// The smoother S of a level for the symmetric `matrix`, see SmootherNetwork, with level.scale the
/// 1 / sqrt(d): points where that is 0 have no smoother.
template <class T>
StencilMatrix<T> smoother_stencil(const Level<T>& level, const StencilMatrix<T>& matrix,
                                  const SmootherNetwork<T>& network);

/// Guards a smoother against rows that its network was not trained for: a negative eigenvalue of S
/// would make the cycle indefinite. At each point the symbol of D^1/2 S D^1/2, as if its row were
/// everywhere, is looked at for the eight highest frequencies; where it is not positive the point's
/// couplings are made smaller, the same for both points of a coupling. Good smoothers stay as they
/// are. Uses level.r. Collective.
template <class T>
void keep_positive(const Level<T>& level, const StencilMatrix<T>& smoother);

}  // namespace nopal::detail
