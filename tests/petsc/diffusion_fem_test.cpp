// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "test_tools.hpp"

#include <gtest/gtest.h>
#include <nopal/solvers/bridge/mesh.hpp>
#include <nopal/solvers/problems/diffusion_fem.hpp>

#include <petscdmplex.h>

#include <cmath>
#include <cstdio>
#include <fstream>
#include <map>
#include <numbers>
#include <sstream>

namespace nopal {
namespace {

using Point = std::span<const double>;

double area(const SimplexMesh& mesh) {
  double sum = 0;
  for (std::size_t c = 0; c < mesh.corners.size(); c += 3) {
    const auto x = [&](std::size_t k, std::size_t a) {
      return mesh.points[2 * static_cast<std::size_t>(mesh.corners[c + k]) + a];
    };
    const double one =
        ((x(1, 0) - x(0, 0)) * (x(2, 1) - x(0, 1)) - (x(2, 0) - x(0, 0)) * (x(1, 1) - x(0, 1))) / 2;
    EXPECT_GT(one, 0) << "triangle " << c / 3;
    sum += one;
  }
  return sum;
}

// Of all triangles, in degrees.
double smallest_angle(const SimplexMesh& mesh) {
  double smallest = 180;
  for (std::size_t c = 0; c < mesh.corners.size(); c += 3)
    for (std::size_t k = 0; k < 3; ++k) {
      const auto x = [&](std::size_t corner, std::size_t a) {
        return mesh.points[2 * static_cast<std::size_t>(mesh.corners[c + (k + corner) % 3]) + a];
      };
      const double ux = x(1, 0) - x(0, 0), uy = x(1, 1) - x(0, 1), vx = x(2, 0) - x(0, 0),
                   vy = x(2, 1) - x(0, 1);
      const double angle = std::atan2(std::abs(ux * vy - uy * vx), ux * vx + uy * vy);
      smallest = std::min(smallest, angle * 180 / std::numbers::pi);
    }
  return smallest;
}

TEST(PlanarMesh, CoversTheDomain) {
  const double pi = std::numbers::pi, triangle = std::sqrt(3.0) / 4;
  EXPECT_NEAR(area(make_mesh(unit_square(), 0.1)), 1, 1e-12);
  EXPECT_NEAR(area(make_mesh(unit_triangle(), 0.07)), triangle, 1e-12);
  EXPECT_NEAR(area(make_mesh(triangle_with_notch(), 0.03)), triangle - 0.02 * 0.4, 1e-12);
  EXPECT_NEAR(area(make_mesh(square_with_cross(), 0.05)), 1 - 0.09, 1e-12);
  // A polygon in the circle.
  EXPECT_NEAR(area(make_mesh(unit_disc(), 0.05)), pi / 4, 0.01);
  EXPECT_NEAR(area(make_mesh(plate_with_holes(4, 2, 3, 1, 0.3), 0.05)), 8 - 3 * pi * 0.09, 0.02);
  EXPECT_TRUE(unit_disc().contains(0.5, 0.999));
  EXPECT_FALSE(unit_disc().contains(0.1, 0.1));
  EXPECT_FALSE(square_with_cross().contains(0.5, 0.4));
  EXPECT_TRUE(square_with_cross().contains(0.3, 0.4));
  test::expect_error([] { make_mesh(unit_square(), 0); }, {"above 0"});
  test::expect_error([] { plate_with_holes(1, 1, 9, 0.5, 0.1); }, {"no room for 9 holes"});
}

// V - E + F = 1 - holes; triangles share all edges but those of the boundary.
TEST(PlanarMesh, IsConforming) {
  for (const auto& [domain, holes] : {std::pair{unit_disc(), 0},
                                      {triangle_with_notch(), 0},
                                      {square_with_cross(), 1},
                                      {plate_with_holes(4, 2, 5, 1, 0.3), 5}}) {
    const SimplexMesh mesh = make_mesh(domain, 0.06);
    std::map<std::pair<std::int64_t, std::int64_t>, int> edges;
    for (std::size_t c = 0; c < mesh.corners.size(); c += 3)
      for (std::size_t k = 0; k < 3; ++k) {
        const std::int64_t a = mesh.corners[c + k], b = mesh.corners[c + (k + 1) % 3];
        ++edges[{std::min(a, b), std::max(a, b)}];
      }
    for (const auto& [edge, count] : edges)
      EXPECT_LE(count, 2);
    EXPECT_GT(smallest_angle(mesh), 10) << holes;
    EXPECT_EQ(mesh.point_count() - static_cast<std::int64_t>(edges.size()) + mesh.cell_count(),
              1 - holes);
  }
}

TEST(PlanarMesh, InterpolatesLinearFunctions) {
  const SimplexMesh mesh = make_mesh(triangle_with_notch(), 0.05);
  const TriangleInterpolation interpolation(mesh);
  int inside = 0;
  for (double x = 0.013; x < 1; x += 0.037)
    for (double y = 0.011; y < 0.86; y += 0.041) {
      if (!triangle_with_notch().contains(x, y)) continue;
      ++inside;
      const auto place = interpolation.find(x, y);
      double px = 0, py = 0;
      for (std::size_t k = 0; k < 3; ++k) {
        EXPECT_GE(place.weights[k], -1e-10);
        px += place.weights[k] * mesh.points[2 * static_cast<std::size_t>(place.corners[k])];
        py += place.weights[k] * mesh.points[2 * static_cast<std::size_t>(place.corners[k]) + 1];
      }
      EXPECT_NEAR(px, x, 1e-10);
      EXPECT_NEAR(py, y, 1e-10);
    }
  EXPECT_GT(inside, 100);
}

// u = sin(2 x) exp(y) (times cos z), k = 1 + x: f = -div(k grad u).
double exact(Point x) {
  return std::sin(2 * x[0]) * std::exp(x[1]) * (x.size() > 2 ? std::cos(x[2]) : 1);
}
double source(Point x) {
  const double u = exact(x),
               ux = 2 * std::cos(2 * x[0]) * std::exp(x[1]) * (x.size() > 2 ? std::cos(x[2]) : 1);
  return -(1 + x[0]) * u * (x.size() > 2 ? -4.0 + 1 - 1 : -4.0 + 1) - ux;
}

// Root mean square over the points.
double error(const SimplexMesh& mesh) {
  DiffusionFem fem(mesh, Communicator::world(), "test_");
  const auto u = fem.solve([](Point x) { return 1 + x[0]; }, source,
                           [](Point x, bool on) -> std::optional<double> {
                             if (on) return exact(x);
                             return {};
                           });
  const auto d = static_cast<std::size_t>(mesh.dimension);
  double sum = 0;
  for (std::size_t i = 0; i < u.size(); ++i)
    sum += std::pow(u[i] - exact({&mesh.points[i * d], d}), 2);
  return std::sqrt(sum / static_cast<double>(u.size()));
}

TEST(DiffusionFem, OrderTwo) {
  for (const auto& domain : {unit_square(), unit_disc(), triangle_with_notch()}) {
    const double coarse = error(make_mesh(domain, 0.08)), fine = error(make_mesh(domain, 0.02));
    EXPECT_LT(fine, 1e-3);
    EXPECT_GT(std::log2(coarse / fine) / 2, 1.6) << coarse << " " << fine;
  }
  const auto cube = [](double h, std::int64_t layers) {
    return extrude(make_mesh(unit_square(), h), 0.5, layers);
  };
  const double coarse = error(cube(1.0 / 8, 4)), fine = error(cube(1.0 / 16, 8));
  EXPECT_GT(std::log2(coarse / fine), 1.7) << coarse << " " << fine;
}

// No flux where nothing is given: u = y between u = 0 below and u = 1 above.
TEST(DiffusionFem, NaturalBoundaryCondition) {
  const SimplexMesh mesh = make_mesh(unit_square(), 0.2);
  DiffusionFem fem(mesh, Communicator::world(), "test_");
  const auto one = [](Point) { return 1.0; };
  const auto none = [](Point) { return 0.0; };
  const auto u = fem.solve(one, none, [](Point x, bool) -> std::optional<double> {
    if (x[1] == 0 || x[1] == 1) return x[1];
    return {};
  });
  for (std::size_t i = 0; i < u.size(); ++i)
    EXPECT_NEAR(u[i], mesh.points[2 * i + 1], 1e-9);
  test::expect_error(
      [&] { fem.solve(one, none, [](Point, bool) { return std::optional<double>(); }); },
      {"not unique"});
}

// What ParaView reads has the mesh and the field, from all ranks.
TEST(DiffusionFem, WritesVtu) {
  const SimplexMesh mesh = make_mesh(unit_triangle(), 0.3);
  DiffusionFem fem(mesh, Communicator::world(), "test_");
  fem.solve([](Point) { return 1.0; }, [](Point) { return 1.0; },
            [](Point, bool on) { return on ? std::optional<double>(0) : std::nullopt; });
  const std::string path = "diffusion_fem_" + std::to_string(Communicator::world().size()) + ".vtu";
  write_vtu(path, fem.mesh(), fem.solution(), "u");
  Communicator::world().barrier();
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_NE(text.str().find("UnstructuredGrid"), std::string::npos);
  EXPECT_NE(text.str().find("Name=\"u"), std::string::npos);
  Communicator::world().barrier();
  if (Communicator::world().rank() == 0) std::remove(path.c_str());
  test::expect_error([&] { write_vtu("no/such/folder/u.vtu", fem.mesh(), fem.solution(), "u"); },
                     {"no/such"});
}

// A file of Gmsh becomes points and a field of them.
TEST(DiffusionFem, GmshFiles) {
  const auto comm = Communicator::world();
  const std::string path = "square_" + std::to_string(comm.size()) + ".msh";
  if (comm.rank() == 0)
    std::ofstream(path) << "$MeshFormat\n2.2 0 8\n$EndMeshFormat\n$Nodes\n5\n1 0 0 0\n2 1 0 0\n"
                           "3 1 1 0\n4 0 1 0\n5 0.5 0.5 0\n$EndNodes\n$Elements\n4\n"
                           "1 2 2 0 1 1 2 5\n2 2 2 0 1 2 3 5\n3 2 2 0 1 3 4 5\n4 2 2 0 1 4 1 5\n"
                           "$EndElements\n";
  comm.barrier();
  OwnedDM mesh;
  NOPAL_PETSC(
      DMPlexCreateFromFile(PETSC_COMM_WORLD, path.c_str(), "square", PETSC_TRUE, mesh.receive()));
  DM shared = nullptr;
  NOPAL_PETSC(DMPlexDistribute(mesh, 0, nullptr, &shared));
  if (shared) *mesh.receive() = shared;
  const Tensor<double> total = Tensor<double>::zeros({3});
  double* const sums = total.data();
  for (const MeshPoints where : {MeshPoints::vertices, MeshPoints::cells}) {
    const auto points = mesh_points(mesh, where).to_vector();
    for (std::size_t i = 0; i < points.size(); i += 2) {
      ++sums[0];
      sums[1] += points[i];
      sums[2] += points[i + 1];
    }
  }
  comm.sum(total);
  EXPECT_EQ(sums[0], 9);  // 5 vertices, 4 triangles
  EXPECT_NEAR(sums[1], 4.5, 1e-12);
  EXPECT_NEAR(sums[2], 4.5, 1e-12);
  if (comm.rank() == 0) std::remove(path.c_str());
}

}  // namespace
}  // namespace nopal
