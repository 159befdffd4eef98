// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include "multigrid/cycle_rows.hpp"

namespace nopal::detail {

/// An upper estimate of the largest eigenvalue of S A: a quotient in the inner product of A after
/// a few steps of power iteration, times a safety factor that is smaller after more steps. Stops
/// early if that is not above `enough`. Uses the vectors of the level and leaves 0 in them.
/// Collective.
template <class T>
double spectral_radius(const Level<T>& level, const CycleRows<T>& rows, double enough);

}  // namespace nopal::detail
