// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/core/random.hpp>
#include <nopal/multigrid/stencil_field.hpp>

#include <string>
#include <vector>

namespace nopal::detail {

/// Kinds of diffusion coefficients: "poisson" (1), "lognormal" (exp of a few random waves),
/// "jumps" (a checkerboard), "cells" (each cell on its own), "anisotropic" (1, but weaker along one
/// axis).
const std::vector<std::string>& coefficient_kinds();

/// A random matrix of -div(k grad u) on about `points` points an axis, at least three quarters of
/// them, with a contrast of k between 1 and `contrast`, u = 0 or du/dn = 0 on the boundary.
StencilField<double> training_matrix(const std::string& kind, int dimension, std::int64_t points,
                                     double contrast, const Random& random);

}  // namespace nopal::detail
