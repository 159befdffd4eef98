// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "mesh_improvement.hpp"

#include <nopal/core/error.hpp>
#include <nopal/solvers/problems/planar_mesh.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

namespace nopal {
namespace {

using Intervals = std::vector<std::pair<double, double>>;
constexpr double tiny = 1e-12;

// The points of a row, and their numbers in the mesh.
struct Row {
  double y = 0;
  std::vector<double> x;
  std::int64_t first = 0;

  // Places of the first and last point in [a, b].
  std::pair<std::size_t, std::size_t> range(double a, double b) const {
    const auto low = std::lower_bound(x.begin(), x.end(), a - tiny);
    const auto high = std::upper_bound(x.begin(), x.end(), b + tiny);
    return {static_cast<std::size_t>(low - x.begin()),
            static_cast<std::size_t>(high - x.begin()) - 1};
  }
};

// Ends of all intervals, and points of distance about h between them where there is an interval.
std::vector<double> row_points(const Intervals& below, const Intervals& above, double h) {
  std::vector<double> ends;
  Intervals all = below;
  all.insert(all.end(), above.begin(), above.end());
  for (const auto& [a, b] : all) {
    ends.push_back(a);
    ends.push_back(b);
  }
  std::sort(ends.begin(), ends.end());
  ends.erase(std::unique(ends.begin(), ends.end(), [](double a, double b) { return b - a < tiny; }),
             ends.end());
  std::vector<double> x;
  for (std::size_t i = 0; i < ends.size(); ++i) {
    x.push_back(ends[i]);
    if (i + 1 == ends.size()) break;
    const double length = ends[i + 1] - ends[i], middle = ends[i] + length / 2;
    const bool inside = std::any_of(all.begin(), all.end(), [&](const auto& interval) {
      return interval.first < middle && middle < interval.second;
    });
    const auto parts = inside ? std::max(1.0, std::round(length / h)) : 1.0;
    for (double k = 1; k < parts; ++k)
      x.push_back(ends[i] + k * length / parts);
  }
  return x;
}

// Triangles between points p, ..., p_end of the lower row and q, ..., q_end of the upper one.
void join(const Row& lower, std::pair<std::size_t, std::size_t> p, const Row& upper,
          std::pair<std::size_t, std::size_t> q, std::vector<std::int64_t>& corners) {
  const auto number = [](const Row& row, std::size_t i) {
    return row.first + static_cast<std::int64_t>(i);
  };
  while (p.first < p.second || q.first < q.second) {
    const bool along_lower =
        q.first == q.second ||
        (p.first < p.second && std::abs(lower.x[p.first + 1] - upper.x[q.first]) <=
                                   std::abs(lower.x[p.first] - upper.x[q.first + 1]));
    corners.push_back(number(lower, p.first));
    corners.push_back(along_lower ? number(lower, p.first + 1) : number(upper, q.first + 1));
    corners.push_back(number(upper, q.first));
    ++(along_lower ? p.first : q.first);
  }
}

// The heights of rows in [low, high) of a band: at most about h apart, and no end of an interval
// moves by much more than h from one to the next.
void divide_band(const PlanarDomain& domain, std::size_t band, double low, double high, double h,
                 std::vector<double>& heights) {
  const Intervals a = domain.sections(band, low), b = domain.sections(band, high);
  double moved = 0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    moved =
        std::max({moved, std::abs(a[i].first - b[i].first), std::abs(a[i].second - b[i].second)});
  const double width = high - low;
  if (width > 1.4 * h || (moved > 1.4 * h && moved > 2 * width && width > 1e-3 * h)) {
    const double middle = low + width / 2;
    divide_band(domain, band, low, middle, h, heights);
    divide_band(domain, band, middle, high, h, heights);
  } else {
    heights.push_back(low);
  }
}

constexpr int improvements = 8;

std::vector<double> circle_levels(double centre, double radius, int count) {
  std::vector<double> levels;
  for (int k = 0; k <= count; ++k)
    levels.push_back(centre - radius * std::cos(std::numbers::pi * k / count));
  return levels;
}

double half_chord(double y, double centre, double radius) {
  return std::sqrt(std::max(0.0, radius * radius - (y - centre) * (y - centre)));
}

const double triangle_height = std::sqrt(3.0) / 2;

}  // namespace

bool PlanarDomain::contains(double x, double y) const {
  for (std::size_t band = 0; band + 1 < levels.size(); ++band) {
    if (y < levels[band] - tiny || y > levels[band + 1] + tiny) continue;
    for (const auto& [a, b] : sections(band, std::clamp(y, levels[band], levels[band + 1])))
      if (x >= a - tiny && x <= b + tiny) return true;
  }
  return false;
}

PlanarDomain unit_square() {
  return {{0, 1}, [](std::size_t, double) { return Intervals{{0, 1}}; }};
}

PlanarDomain unit_disc() {
  return {circle_levels(0.5, 0.5, 16), [](std::size_t, double y) {
            const double half = half_chord(y, 0.5, 0.5);
            return Intervals{{0.5 - half, 0.5 + half}};
          }};
}

PlanarDomain unit_triangle() {
  return {{0, triangle_height}, [](std::size_t, double y) {
            const double left = 0.5 * y / triangle_height;
            return Intervals{{left, 1 - left}};
          }};
}

PlanarDomain square_with_cross() {
  return {{0, 0.25, 0.45, 0.55, 0.75, 1}, [](std::size_t band, double) {
            if (band == 0 || band == 4) return Intervals{{0, 1}};
            if (band == 2) return Intervals{{0, 0.25}, {0.75, 1}};
            return Intervals{{0, 0.45}, {0.55, 1}};
          }};
}

PlanarDomain triangle_with_notch() {
  return {{0, 0.4, triangle_height}, [](std::size_t band, double y) {
            const double left = 0.5 * y / triangle_height;
            if (band == 0) return Intervals{{left, 0.49}, {0.51, 1 - left}};
            return Intervals{{left, 1 - left}};
          }};
}

PlanarDomain plate_with_holes(double width, double height, std::int64_t holes, double centre,
                              double radius) {
  NOPAL_CHECK(holes >= 1 && radius > 0 && centre - radius > 0 && centre + radius < height &&
                  2 * radius * static_cast<double>(holes) < width,
              "a plate of ", width, " x ", height, " has no room for ", holes, " holes of radius ",
              radius, " at the height ", centre);
  std::vector<double> levels{0};
  const auto circle = circle_levels(centre, radius, 12);
  levels.insert(levels.end(), circle.begin(), circle.end());
  levels.push_back(height);
  return {levels, [=](std::size_t band, double y) {
            if (band == 0 || band + 2 == levels.size()) return Intervals{{0, width}};
            const double half = half_chord(y, centre, radius);
            Intervals all;
            double left = 0;
            for (std::int64_t k = 0; k < holes; ++k) {
              const double x = width * (static_cast<double>(k) + 0.5) / static_cast<double>(holes);
              all.emplace_back(left, x - half);
              left = x + half;
            }
            all.emplace_back(left, width);
            return all;
          }};
}

std::vector<char> SimplexMesh::boundary() const {
  const auto n = static_cast<std::size_t>(dimension + 1);
  std::map<std::vector<std::int64_t>, int> faces;
  for (std::size_t c = 0; c < corners.size(); c += n)
    for (std::size_t skip = 0; skip < n; ++skip) {
      std::vector<std::int64_t> face;
      for (std::size_t k = 0; k < n; ++k)
        if (k != skip) face.push_back(corners[c + k]);
      std::sort(face.begin(), face.end());
      ++faces[face];
    }
  std::vector<char> on(static_cast<std::size_t>(point_count()));
  for (const auto& [face, count] : faces)
    if (count == 1)
      for (const std::int64_t point : face)
        on[static_cast<std::size_t>(point)] = 1;
  return on;
}

SimplexMesh make_mesh(const PlanarDomain& domain, double h) {
  NOPAL_CHECK(h > 0 && std::isfinite(h), "a mesh needs edges of a length above 0, got ", h);
  SimplexMesh mesh;
  std::vector<Row> rows;
  // Each row with the band below it and above it (or none), and where in them.
  std::vector<std::size_t> band_of_strip;
  for (std::size_t band = 0; band + 1 < domain.levels.size(); ++band) {
    const double low = domain.levels[band], high = domain.levels[band + 1];
    std::vector<double> heights;
    divide_band(domain, band, low, high, h, heights);
    for (const double y : heights) {
      rows.push_back({y, {}, 0});
      band_of_strip.push_back(band);
    }
  }
  rows.push_back({domain.levels.back(), {}, 0});
  for (std::size_t r = 0; r < rows.size(); ++r) {
    Row& row = rows[r];
    const Intervals below = r > 0 ? domain.sections(band_of_strip[r - 1], row.y) : Intervals();
    const Intervals above =
        r < band_of_strip.size() ? domain.sections(band_of_strip[r], row.y) : Intervals();
    row.x = row_points(below, above, h);
    row.first = mesh.point_count();
    for (const double x : row.x) {
      mesh.points.push_back(x);
      mesh.points.push_back(row.y);
    }
  }
  for (std::size_t r = 0; r + 1 < rows.size(); ++r) {
    const Intervals lower = domain.sections(band_of_strip[r], rows[r].y),
                    upper = domain.sections(band_of_strip[r], rows[r + 1].y);
    NOPAL_CHECK(lower.size() == upper.size(), "a band of a domain must have the same number of ",
                "intervals throughout, got ", lower.size(), " and ", upper.size());
    for (std::size_t i = 0; i < lower.size(); ++i)
      join(rows[r], rows[r].range(lower[i].first, lower[i].second), rows[r + 1],
           rows[r + 1].range(upper[i].first, upper[i].second), mesh.corners);
  }
  for (int round = 0; round < improvements; ++round) {
    detail::flip_edges(mesh);
    detail::smooth(mesh);
  }
  detail::flip_edges(mesh);
  return mesh;
}

SimplexMesh extrude(const SimplexMesh& plane, double thickness, std::int64_t layers) {
  NOPAL_CHECK(plane.dimension == 2 && thickness > 0 && layers >= 1,
              "a plane mesh can be extruded to a thickness above 0 in at least 1 layer, got ",
              thickness, " and ", layers);
  SimplexMesh mesh;
  mesh.dimension = 3;
  const std::int64_t points = plane.point_count();
  for (std::int64_t l = 0; l <= layers; ++l)
    for (std::size_t i = 0; i < plane.points.size(); i += 2) {
      mesh.points.push_back(plane.points[i]);
      mesh.points.push_back(plane.points[i + 1]);
      mesh.points.push_back(thickness * static_cast<double>(l) / static_cast<double>(layers));
    }
  for (std::int64_t l = 0; l < layers; ++l)
    for (std::size_t c = 0; c < plane.corners.size(); c += 3) {
      // Sorted corners make the diagonals of a side the same in both prisms that share it.
      std::array<std::int64_t, 3> low{plane.corners[c], plane.corners[c + 1], plane.corners[c + 2]};
      std::sort(low.begin(), low.end());
      for (std::int64_t& corner : low)
        corner += l * points;
      const auto up = [&](std::size_t k) { return low[k] + points; };
      for (const auto& tetrahedron :
           {std::array{low[0], low[1], low[2], up(2)}, std::array{low[0], low[1], up(1), up(2)},
            std::array{low[0], up(0), up(1), up(2)}})
        mesh.corners.insert(mesh.corners.end(), tetrahedron.begin(), tetrahedron.end());
    }
  // PETSc wants corners in an order of positive volume.
  for (std::size_t c = 0; c < mesh.corners.size(); c += 4) {
    const auto edge = [&](std::size_t k, std::size_t a) {
      return mesh.points[3 * static_cast<std::size_t>(mesh.corners[c + k]) + a] -
             mesh.points[3 * static_cast<std::size_t>(mesh.corners[c]) + a];
    };
    const double volume = edge(1, 0) * (edge(2, 1) * edge(3, 2) - edge(2, 2) * edge(3, 1)) -
                          edge(1, 1) * (edge(2, 0) * edge(3, 2) - edge(2, 2) * edge(3, 0)) +
                          edge(1, 2) * (edge(2, 0) * edge(3, 1) - edge(2, 1) * edge(3, 0));
    if (volume > 0) std::swap(mesh.corners[c + 1], mesh.corners[c + 2]);
  }
  return mesh;
}

TriangleInterpolation::TriangleInterpolation(const SimplexMesh& mesh) : mesh_(mesh) {
  NOPAL_CHECK(mesh.dimension == 2 && mesh.cell_count() >= 1, "interpolation needs triangles");
  double high[2]{-INFINITY, -INFINITY};
  low_[0] = low_[1] = INFINITY;
  for (std::size_t i = 0; i < mesh.points.size(); ++i) {
    low_[i % 2] = std::min(low_[i % 2], mesh.points[i]);
    high[i % 2] = std::max(high[i % 2], mesh.points[i]);
  }
  bins_ = std::max<std::int64_t>(
      1, static_cast<std::int64_t>(std::sqrt(static_cast<double>(mesh.cell_count()) / 4)));
  for (int a = 0; a < 2; ++a)
    width_[a] = (high[a] - low_[a]) / static_cast<double>(bins_);
  triangles_.resize(static_cast<std::size_t>(bins_ * bins_));
  for (std::int64_t c = 0; c < mesh.cell_count(); ++c) {
    std::int64_t from[2]{bins_, bins_}, to[2]{0, 0};
    for (int k = 0; k < 3; ++k)
      for (std::size_t a = 0; a < 2; ++a) {
        const double x = mesh.points[2 * static_cast<std::size_t>(
                                             mesh.corners[static_cast<std::size_t>(3 * c + k)]) +
                                     a];
        const auto bin = std::clamp<std::int64_t>(
            static_cast<std::int64_t>((x - low_[a]) / width_[a]), 0, bins_ - 1);
        from[a] = std::min(from[a], bin);
        to[a] = std::max(to[a], bin);
      }
    for (std::int64_t i = from[0]; i <= to[0]; ++i)
      for (std::int64_t j = from[1]; j <= to[1]; ++j)
        triangles_[static_cast<std::size_t>(i * bins_ + j)].push_back(c);
  }
}

TriangleInterpolation::Place TriangleInterpolation::find(double x, double y) const {
  Place best;
  double least = -INFINITY;
  const auto look = [&](std::int64_t c) {
    const std::int64_t* corner = &mesh_.corners[static_cast<std::size_t>(3 * c)];
    const auto px = [&](int k) { return mesh_.points[2 * static_cast<std::size_t>(corner[k])]; };
    const auto py = [&](int k) {
      return mesh_.points[2 * static_cast<std::size_t>(corner[k]) + 1];
    };
    const double area = (px(1) - px(0)) * (py(2) - py(0)) - (px(2) - px(0)) * (py(1) - py(0));
    std::array<double, 3> w{};
    w[1] = ((x - px(0)) * (py(2) - py(0)) - (px(2) - px(0)) * (y - py(0))) / area;
    w[2] = ((px(1) - px(0)) * (y - py(0)) - (x - px(0)) * (py(1) - py(0))) / area;
    w[0] = 1 - w[1] - w[2];
    const double smallest = std::min({w[0], w[1], w[2]});
    if (smallest <= least) return;
    least = smallest;
    best = {{corner[0], corner[1], corner[2]}, w};
  };
  const auto bin = [&](double v, int a) {
    return std::clamp<std::int64_t>(static_cast<std::int64_t>((v - low_[a]) / width_[a]), 0,
                                    bins_ - 1);
  };
  const std::int64_t i = bin(x, 0), j = bin(y, 1);
  for (const std::int64_t c : triangles_[static_cast<std::size_t>(i * bins_ + j)])
    look(c);
  // Outside: bins around, wider and wider, until there is a triangle.
  for (std::int64_t r = 1; least < -tiny && r < bins_; ++r) {
    for (std::int64_t a = std::max<std::int64_t>(0, i - r); a <= std::min(bins_ - 1, i + r); ++a)
      for (std::int64_t b = std::max<std::int64_t>(0, j - r); b <= std::min(bins_ - 1, j + r); ++b)
        if (std::max(std::abs(a - i), std::abs(b - j)) == r)
          for (const std::int64_t c : triangles_[static_cast<std::size_t>(a * bins_ + b)])
            look(c);
    if (least > -INFINITY && r >= 2) break;
  }
  // No extrapolation: the nearest point of the triangle, nearly.
  double sum = 0;
  for (double& weight : best.weights)
    sum += weight = std::max(weight, 0.0);
  for (double& weight : best.weights)
    weight /= sum;
  return best;
}

}  // namespace nopal
