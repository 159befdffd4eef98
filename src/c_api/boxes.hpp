// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/comm/grid.hpp>

#include <vector>

namespace nopal::c {

/// The grid that the boxes of all ranks make, its ranks numbered as Grid does. Refuses boxes that
/// are no products of cuts along the axes. Collective.
Grid grid_of_boxes(const Communicator& comm, const Box& own, const Shape& extents,
                   const std::vector<AxisRule>& rules);

}  // namespace nopal::c
