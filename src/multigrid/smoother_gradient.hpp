// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include "multigrid/level.hpp"

#include <nopal/multigrid/smoother_network.hpp>

namespace nopal::detail {

/// The adjoint of smoother_stencil(): adds `share` times the derivative in the network's weights to
/// `gradient`, given that in the smoother's entries (slots from the centre on) on a level.
void add_smoother_gradient(const Level<double>& level,
                           const std::array<Tensor<double>, slots>& entries,
                           const SmootherNetwork<double>& network, double share,
                           SmootherNetwork<double>& gradient);

}  // namespace nopal::detail
