// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include "multigrid/cycle_rows.hpp"

namespace nopal::detail {

/// The largest eigenvalue of S A, from below, by power iteration: a quotient in the inner product
/// of A. Uses the vectors of the level and leaves 0 in them. Collective.
template <class T>
double spectral_radius(const Level<T>& level, const CycleRows<T>& rows);

}  // namespace nopal::detail
