// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Geometry of the elements of a DGSEM, and its boundaries.

#include <nopal/core/error.hpp>

#include "euler/dgsem_state.hpp"

#include <cmath>

namespace nopal::euler {

void DgsemSolver::State::make_geometry() {
  const auto d = [&](std::size_t a, std::size_t l) { return basis.derivative[a * n + l]; };
  comm.together([&] {
    for (std::int64_t j = 0; j < count[1]; ++j)
      for (std::int64_t i = 0; i < count[0]; ++i) {
        const std::size_t base = places.size();
        for (std::size_t b = 0; b < n; ++b)
          for (std::size_t a = 0; a < n; ++a)
            places.push_back(
                mapping((double(first[0] + i) + 0.5 * (basis.nodes[a] + 1)) / double(nx),
                        (double(first[1] + j) + 0.5 * (basis.nodes[b] + 1)) / double(ny)));
        for (std::size_t b = 0; b < n; ++b)
          for (std::size_t a = 0; a < n; ++a) {
            Point xi{}, eta{};  // derivatives of the place
            for (std::size_t l = 0; l < n; ++l)
              for (std::size_t c = 0; c < 2; ++c) {
                xi[c] += d(a, l) * places[base + b * n + l][c];
                eta[c] += d(b, l) * places[base + l * n + a][c];
              }
            const double jacobian = xi[0] * eta[1] - xi[1] * eta[0];
            NOPAL_CHECK(jacobian > 0, "DGSEM: element (", first[0] + i, ", ", first[1] + j,
                        ") is inverted or empty: its Jacobian is ", jacobian, " at (",
                        places[base + b * n + a][0], ", ", places[base + b * n + a][1], ")");
            jacobians.push_back(jacobian);
            along.push_back({eta[1], -eta[0]});
            across.push_back({-xi[1], xi[0]});
          }
        // Cuts between nodes, so that finite volumes keep a uniform flow: the normal changes over a
        // node's cell as the metric terms do.
        for (std::size_t line = 0; line < n; ++line) {
          Point x = along[base + line * n], y = across[base + line];
          for (std::size_t a = 0; a + 1 < n; ++a) {
            for (std::size_t l = 0; l < n; ++l)
              for (std::size_t c = 0; c < 2; ++c) {
                x[c] += basis.weights[a] * d(a, l) * along[base + line * n + l][c];
                y[c] += basis.weights[a] * d(a, l) * across[base + l * n + line][c];
              }
            cuts_along.push_back(x);
            cuts_across.push_back(y);
          }
        }
      }
  });
}

void DgsemSolver::State::check_boundaries() const {
  for (std::size_t e = 0; e < elements(); ++e) {
    const std::int64_t i = first[0] + static_cast<std::int64_t>(e) % count[0],
                       j = first[1] + static_cast<std::int64_t>(e) / count[0];
    for (int side = 0; side < 4; ++side) {
      const std::int64_t di = side == 0   ? -1
                              : side == 1 ? 1
                                          : 0,
                         dj = side == 2   ? -1
                              : side == 3 ? 1
                                          : 0;
      if (has(i + di, j + dj)) continue;
      const char* const names[] = {"west", "east", "south", "north"};
      NOPAL_CHECK(rule(side), "DGSEM: the ", names[side], " side of the grid has no boundary rule");
      for (std::size_t k = 0; k < n; ++k) {
        const Point& at = places[e * nodes + node_of(side, k)];
        const Boundary b = rule(side)(at, 0);
        check_boundary(b, at, outwards(e, side, k), options.gamma, "DGSEM", names[side]);
      }
    }
  }
}

}  // namespace nopal::euler
