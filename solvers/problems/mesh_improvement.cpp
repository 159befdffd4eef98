// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "mesh_improvement.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

namespace nopal::detail {
namespace {

double orientation(const std::vector<double>& p, std::int64_t a, std::int64_t b, std::int64_t c) {
  const auto x = [&](std::int64_t i) { return p[2 * static_cast<std::size_t>(i)]; };
  const auto y = [&](std::int64_t i) { return p[2 * static_cast<std::size_t>(i) + 1]; };
  return (x(b) - x(a)) * (y(c) - y(a)) - (x(c) - x(a)) * (y(b) - y(a));
}

// Cosine of the angle at c over the edge a b.
double cosine(const std::vector<double>& p, std::int64_t a, std::int64_t b, std::int64_t c) {
  const auto at = [&](std::int64_t i, std::size_t k) {
    return p[2 * static_cast<std::size_t>(i) + k];
  };
  const double ux = at(a, 0) - at(c, 0), uy = at(a, 1) - at(c, 1), vx = at(b, 0) - at(c, 0),
               vy = at(b, 1) - at(c, 1);
  return (ux * vx + uy * vy) / std::sqrt((ux * ux + uy * uy) * (vx * vx + vy * vy));
}

}  // namespace

void flip_edges(SimplexMesh& mesh) {
  using Edge = std::pair<std::int64_t, std::int64_t>;
  for (int sweep = 0; sweep < 50; ++sweep) {
    std::map<Edge, std::vector<std::size_t>> triangles;  // of an edge
    for (std::size_t c = 0; c < mesh.corners.size(); c += 3)
      for (std::size_t k = 0; k < 3; ++k) {
        const std::int64_t a = mesh.corners[c + k], b = mesh.corners[c + (k + 1) % 3];
        triangles[{std::min(a, b), std::max(a, b)}].push_back(c);
      }
    std::vector<char> changed(mesh.corners.size() / 3);
    bool any = false;
    for (const auto& [edge, pair] : triangles) {
      if (pair.size() != 2 || changed[pair[0] / 3] || changed[pair[1] / 3]) continue;
      const auto [a, b] = edge;
      const auto opposite = [&, a = a, b = b](std::size_t c) {
        for (std::size_t k = 0; k < 3; ++k)
          if (mesh.corners[c + k] != a && mesh.corners[c + k] != b) return mesh.corners[c + k];
        return a;
      };
      const std::int64_t c = opposite(pair[0]), d = opposite(pair[1]);
      const double c1 = cosine(mesh.points, a, b, c), c2 = cosine(mesh.points, a, b, d);
      if (std::acos(std::clamp(c1, -1.0, 1.0)) + std::acos(std::clamp(c2, -1.0, 1.0)) <=
          std::numbers::pi + 1e-9)
        continue;
      // Only where the four points are the corners of a convex shape.
      const double first = orientation(mesh.points, c, d, a),
                   second = orientation(mesh.points, c, d, b);
      if (first * second >= 0) continue;
      const auto put = [&](std::size_t t, std::int64_t x, std::int64_t y, std::int64_t z) {
        const bool positive = orientation(mesh.points, x, y, z) > 0;
        mesh.corners[t] = x;
        mesh.corners[t + 1] = positive ? y : z;
        mesh.corners[t + 2] = positive ? z : y;
      };
      put(pair[0], c, d, a);
      put(pair[1], c, d, b);
      changed[pair[0] / 3] = changed[pair[1] / 3] = 1;
      any = true;
    }
    if (!any) return;
  }
}

void smooth(SimplexMesh& mesh) {
  const std::vector<char> fixed = mesh.boundary();
  const auto n = static_cast<std::size_t>(mesh.point_count());
  std::vector<std::vector<std::size_t>> around(n);
  for (std::size_t c = 0; c < mesh.corners.size(); c += 3)
    for (std::size_t k = 0; k < 3; ++k)
      around[static_cast<std::size_t>(mesh.corners[c + k])].push_back(c);
  for (std::size_t i = 0; i < n; ++i) {
    if (fixed[i]) continue;
    double x = 0, y = 0, count = 0, smallest = INFINITY;
    for (const std::size_t c : around[i]) {
      for (std::size_t k = 0; k < 3; ++k) {
        const auto j = static_cast<std::size_t>(mesh.corners[c + k]);
        if (j == i) continue;
        x += mesh.points[2 * j];
        y += mesh.points[2 * j + 1];
        ++count;
      }
      smallest = std::min(smallest, orientation(mesh.points, mesh.corners[c], mesh.corners[c + 1],
                                                mesh.corners[c + 2]));
    }
    const double old[2]{mesh.points[2 * i], mesh.points[2 * i + 1]};
    mesh.points[2 * i] = x / count;
    mesh.points[2 * i + 1] = y / count;
    for (const std::size_t c : around[i])
      if (orientation(mesh.points, mesh.corners[c], mesh.corners[c + 1], mesh.corners[c + 2]) <
          0.5 * smallest) {
        mesh.points[2 * i] = old[0];
        mesh.points[2 * i + 1] = old[1];
        break;
      }
  }
}

}  // namespace nopal::detail
