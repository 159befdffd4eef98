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

}  // namespace nopal::detail
