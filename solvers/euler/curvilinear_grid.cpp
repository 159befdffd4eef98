// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/error.hpp>
#include <nopal/solvers/euler/curvilinear_grid.hpp>

#include <vector>

namespace nopal::euler {

CurvilinearGrid::CurvilinearGrid(std::int64_t nx, std::int64_t ny, const Mapping& mapping,
                                 std::array<bool, 2> periodic, const Communicator& comm)
    : nx_(nx), ny_(ny), mapping_(mapping), periodic_(periodic), comm_(comm) {
  NOPAL_CHECK(nx >= 3 && ny >= 3, "curvilinear grid: expected at least 3 cells a direction, got ",
              nx, " x ", ny);
  const auto boundary = [](bool is_periodic) {
    return is_periodic ? DM_BOUNDARY_PERIODIC : DM_BOUNDARY_GHOSTED;
  };
  NOPAL_PETSC(DMDACreate2d(petsc_communicator(comm), boundary(periodic[0]), boundary(periodic[1]),
                           DMDA_STENCIL_STAR, static_cast<PetscInt>(nx), static_cast<PetscInt>(ny),
                           PETSC_DECIDE, PETSC_DECIDE, 4, 2, nullptr, nullptr, dm_.receive()));
  NOPAL_PETSC(DMSetUp(dm_));
  PetscInt x = 0, y = 0, m = 0, n = 0;
  NOPAL_PETSC(DMDAGetCorners(dm_, &x, &y, nullptr, &m, &n, nullptr));
  first_ = {x, y};
  count_ = {m, n};

  std::vector<Point> vertices;
  for (std::int64_t j = y; j <= y + n; ++j)
    for (std::int64_t i = x; i <= x + m; ++i)
      vertices.push_back(vertex(i, j));
  const auto at = [&](std::int64_t i, std::int64_t j) -> const Point& {
    return vertices[static_cast<std::size_t>(j * (m + 1) + i)];
  };
  for (int a = 0; a < 2; ++a) {
    x_faces_[static_cast<std::size_t>(a)] = Tensor<double>({n, m + 1});
    y_faces_[static_cast<std::size_t>(a)] = Tensor<double>({n + 1, m});
  }
  areas_ = Tensor<double>({n, m});
  for (std::int64_t j = 0; j < n; ++j)
    for (std::int64_t i = 0; i <= m; ++i) {
      const Point &a = at(i, j), &b = at(i, j + 1);
      x_faces_[0].data()[j * (m + 1) + i] = b[1] - a[1];
      x_faces_[1].data()[j * (m + 1) + i] = a[0] - b[0];
    }
  for (std::int64_t j = 0; j <= n; ++j)
    for (std::int64_t i = 0; i < m; ++i) {
      const Point &a = at(i, j), &b = at(i + 1, j);
      y_faces_[0].data()[j * m + i] = a[1] - b[1];
      y_faces_[1].data()[j * m + i] = b[0] - a[0];
    }
  comm.together([&] {
    for (std::int64_t j = 0; j < n; ++j)
      for (std::int64_t i = 0; i < m; ++i) {
        const Point &a = at(i, j), &b = at(i + 1, j), &c = at(i + 1, j + 1), &d = at(i, j + 1);
        const double area = 0.5 * ((c[0] - a[0]) * (d[1] - b[1]) - (d[0] - b[0]) * (c[1] - a[1]));
        areas_.data()[j * m + i] = area;
        NOPAL_CHECK(area > 0, "curvilinear grid: cell (", x + i, ", ", y + j, ") has the area ",
                    area, "; it is inverted or empty, with vertices (", a[0], ", ", a[1], "), (",
                    b[0], ", ", b[1], "), (", c[0], ", ", c[1], "), (", d[0], ", ", d[1], ")");
      }
  });
}

Point CurvilinearGrid::vertex(std::int64_t i, std::int64_t j) const {
  return mapping_(static_cast<double>(i) / static_cast<double>(nx_),
                  static_cast<double>(j) / static_cast<double>(ny_));
}

Point CurvilinearGrid::centre(std::int64_t i, std::int64_t j) const {
  // Beyond a side: as far from the vertices of the side as the mirrored cell inside.
  const auto inside = [](std::int64_t k, std::int64_t n) {
    return k < 0 ? -k - 1 : k >= n ? 2 * n - 1 - k : k;
  };
  const std::int64_t ii = inside(i, nx_), jj = inside(j, ny_);
  Point mean{0, 0};
  for (const std::int64_t di : {0, 1})
    for (const std::int64_t dj : {0, 1}) {
      const Point v = vertex(ii + di, jj + dj);
      mean[0] += 0.25 * v[0];
      mean[1] += 0.25 * v[1];
    }
  if (ii == i && jj == j) return mean;
  const Point a = ii != i ? vertex(i < 0 ? 0 : nx_, jj) : vertex(ii, j < 0 ? 0 : ny_);
  const Point b = ii != i ? vertex(i < 0 ? 0 : nx_, jj + 1) : vertex(ii + 1, j < 0 ? 0 : ny_);
  return {a[0] + b[0] - mean[0], a[1] + b[1] - mean[1]};
}

}  // namespace nopal::euler
