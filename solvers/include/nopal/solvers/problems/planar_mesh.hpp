// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace nopal {

/// A domain of the plane by its horizontal sections. Between two consecutive `levels`, a band, the
/// section at height y is the intervals that `sections` gives, from left to right, in the same
/// number throughout the band; at its ends they may shrink to points.
struct PlanarDomain {
  std::vector<double> levels;  ///< y, rising; the first and last are bottom and top
  std::function<std::vector<std::pair<double, double>>(std::size_t band, double y)> sections;

  /// Whether a point lies in the domain or on its boundary.
  bool contains(double x, double y) const;
};

/// The square [0, 1]^2, the disc in it, the triangle (0, 0), (1, 0), (1/2, sqrt(3)/2), the square
/// without a cross in its middle (bars of width 0.1 and length 0.5), and the triangle without the
/// notch 0.49 < x < 0.51, y < 0.4.
PlanarDomain unit_square();
PlanarDomain unit_disc();
PlanarDomain unit_triangle();
PlanarDomain square_with_cross();
PlanarDomain triangle_with_notch();
/// The rectangle [0, width] x [0, height] without discs of one radius, centred at the same height,
/// equally spaced.
PlanarDomain plate_with_holes(double width, double height, std::int64_t holes, double centre,
                              double radius);

/// Simplices by their corners: triangles in the plane or tetrahedra in space.
struct SimplexMesh {
  int dimension = 2;
  std::vector<double> points;         ///< coordinates (P, d)
  std::vector<std::int64_t> corners;  ///< (N, d + 1)

  std::int64_t point_count() const { return std::int64_t(points.size()) / dimension; }
  std::int64_t cell_count() const { return std::int64_t(corners.size()) / (dimension + 1); }

  /// For each point 1 on the boundary, 0 inside.
  std::vector<char> boundary() const;
};

/// Triangles with edges of about `h`: rows of points on horizontal lines, joined to triangles, then
/// flipped to the Delaunay triangulation within the boundary and smoothed. Error if h is not above
/// 0.
SimplexMesh make_mesh(const PlanarDomain& domain, double h);

/// The mesh in `layers` layers of prisms, each of three tetrahedra, up to z = `thickness`: point i
/// of layer l is l P + i.
SimplexMesh extrude(const SimplexMesh& plane, double thickness, std::int64_t layers);

/// Piecewise linear interpolation in triangles.
class TriangleInterpolation {
 public:
  explicit TriangleInterpolation(const SimplexMesh& mesh);

  /// Corners and weights of a point, or of the nearest triangle for one outside the mesh.
  struct Place {
    std::array<std::int64_t, 3> corners{};
    std::array<double, 3> weights{};
  };
  Place find(double x, double y) const;

 private:
  const SimplexMesh mesh_;
  double low_[2]{}, width_[2]{};
  std::int64_t bins_ = 1;
  std::vector<std::vector<std::int64_t>> triangles_;  // of each bin
};

}  // namespace nopal
