// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/solvers/problems/planar_mesh.hpp>

namespace nopal::detail {

/// Replaces diagonals of pairs of triangles until no two opposite angles add up to more than 180
/// degrees (Lawson's flips): the Delaunay triangulation within the boundary.
void flip_edges(SimplexMesh& mesh);

/// Each point inside goes to the middle of its neighbours, if no triangle turns over or gets thin.
void smooth(SimplexMesh& mesh);

}  // namespace nopal::detail
