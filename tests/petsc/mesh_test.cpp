// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "petsc/petsc_test_tools.hpp"

#include <gtest/gtest.h>
#include <nopal/solvers/bridge/mesh.hpp>
#include <nopal/solvers/bridge/vec.hpp>

#include <petscdmplex.h>

#include <algorithm>
#include <array>

namespace {

using nopal::MeshPoints;
using nopal::Tensor;
using nopal::VecTensor;
using nopal::test::message_of;

// Squares of a box, or their triangles, over all ranks.
nopal::OwnedDM make_mesh(PetscInt cells, bool triangles) {
  nopal::OwnedDM mesh;
  const std::array<PetscInt, 2> faces{cells, cells + 1};
  const std::array<PetscReal, 2> low{0, 0}, high{static_cast<double>(cells), cells + 1.0};
  NOPAL_PETSC(DMPlexCreateBoxMesh(PETSC_COMM_WORLD, 2, PETSC_FALSE, faces.data(), low.data(),
                                  high.data(), nullptr, PETSC_TRUE, mesh.receive()));
  if (triangles) {
    const std::array<PetscInt, 6> corners{0, 1, 2, 1, 3, 2};
    const std::array<PetscReal, 8> at{0, 0, 1, 0, 0, 1, 1, 1};
    const bool first = nopal::Communicator::world().rank() == 0;
    NOPAL_PETSC(DMPlexCreateFromCellListPetsc(PETSC_COMM_WORLD, 2, first ? 2 : 0, first ? 4 : 0, 3,
                                              PETSC_TRUE, corners.data(), 2, at.data(),
                                              mesh.receive()));
    for (int level = 0; level < 3; ++level) {
      DM finer = nullptr;
      NOPAL_PETSC(DMRefine(mesh, PETSC_COMM_WORLD, &finer));
      *mesh.receive() = finer;
    }
  }
  DM shared = nullptr;
  NOPAL_PETSC(DMPlexDistribute(mesh, 0, nullptr, &shared));
  if (shared) *mesh.receive() = shared;
  return mesh;
}

// Sorted coordinates of all ranks.
std::vector<std::pair<double, double>> all_points(const Tensor<double>& own) {
  const auto& comm = nopal::Communicator::world();
  const auto values = own.to_vector();
  int count = static_cast<int>(values.size());
  std::vector<int> counts(static_cast<std::size_t>(comm.size())), starts(counts.size());
  MPI_Allgather(&count, 1, MPI_INT, counts.data(), 1, MPI_INT, PETSC_COMM_WORLD);
  int total = 0;
  for (std::size_t r = 0; r < counts.size(); ++r) {
    starts[r] = total;
    total += counts[r];
  }
  std::vector<double> all(static_cast<std::size_t>(total));
  MPI_Allgatherv(values.data(), count, MPI_DOUBLE, all.data(), counts.data(), starts.data(),
                 MPI_DOUBLE, PETSC_COMM_WORLD);
  std::vector<std::pair<double, double>> points;
  for (std::size_t i = 0; i + 1 < all.size(); i += 2)
    points.emplace_back(all[i], all[i + 1]);
  std::sort(points.begin(), points.end());
  return points;
}

TEST(Mesh, PointsBelongToOneRankEach) {
  const auto mesh = make_mesh(5, false);
  std::vector<std::pair<double, double>> vertices, cells;
  for (int i = 0; i <= 5; ++i)
    for (int j = 0; j <= 6; ++j) {
      vertices.emplace_back(i, j);
      if (i < 5 && j < 6) cells.emplace_back(i + 0.5, j + 0.5);
    }
  EXPECT_EQ(all_points(nopal::mesh_points(mesh, MeshPoints::vertices)), vertices);
  EXPECT_EQ(all_points(nopal::mesh_points(mesh, MeshPoints::cells)), cells);
}

TEST(Mesh, TrianglesHaveVerticesAndCentroids) {
  const auto mesh = make_mesh(0, true);
  const auto vertices = all_points(nopal::mesh_points(mesh, MeshPoints::vertices));
  EXPECT_EQ(vertices.size(), 81u);
  for (const auto& [x, y] : vertices)
    EXPECT_EQ(8 * x, std::round(8 * x)) << y;
  const auto cells = all_points(nopal::mesh_points(mesh, MeshPoints::cells));
  ASSERT_EQ(cells.size(), 128u);
  EXPECT_NEAR(cells.front().first, 1.0 / 24, 1e-14);
}

// Values by coordinates go into a global vector through a tensor, and are found at the points of a
// local one.
TEST(Mesh, FieldsAreTensorsInTheOrderOfThePoints) {
  const auto mesh = make_mesh(4, false);
  for (const MeshPoints where : {MeshPoints::vertices, MeshPoints::cells}) {
    const auto points = nopal::mesh_points(mesh, where);
    const auto field = nopal::mesh_field(mesh, where, 3);
    nopal::OwnedVec global, local;
    NOPAL_PETSC(DMCreateGlobalVector(field, global.receive()));
    NOPAL_PETSC(DMCreateLocalVector(field, local.receive()));
    {
      const VecTensor view(global, VecTensor::Access::write, {points.shape()[0], 3});
      for (std::int64_t p = 0; p < points.shape()[0]; ++p)
        for (std::int64_t c = 0; c < 3; ++c)
          view.tensor().data()[3 * p + c] = points.data()[2 * p] + 100 * points.data()[2 * p + 1] +
                                            10000 * static_cast<double>(c);
    }
    NOPAL_PETSC(DMGlobalToLocal(field, global, INSERT_VALUES, local));
    PetscSection section = nullptr;
    PetscInt begin = 0, end = 0;
    const PetscScalar* values = nullptr;
    NOPAL_PETSC(DMGetLocalSection(field, &section));
    NOPAL_PETSC(VecGetArrayRead(local, &values));
    NOPAL_PETSC(DMPlexGetHeightStratum(mesh, where == MeshPoints::cells ? 0 : 2, &begin, &end));
    for (PetscInt p = begin; p < end; ++p) {
      std::array<PetscReal, 3> centre{};
      PetscInt offset = 0;
      NOPAL_PETSC(DMPlexComputeCellGeometryFVM(mesh, p, nullptr, centre.data(), nullptr));
      NOPAL_PETSC(PetscSectionGetOffset(section, p, &offset));
      for (int c = 0; c < 3; ++c)
        EXPECT_NEAR(values[offset + c], centre[0] + 100 * centre[1] + 10000 * c, 1e-9) << p;
    }
    NOPAL_PETSC(VecRestoreArrayRead(local, &values));
  }
}

TEST(Mesh, BadInputIsRefused) {
  nopal::OwnedDM grid, bare;
  NOPAL_PETSC(DMDACreate1d(PETSC_COMM_WORLD, DM_BOUNDARY_NONE, 9, 1, 1, nullptr, grid.receive()));
  const auto type = message_of([&] { nopal::mesh_points(grid, MeshPoints::cells); });
  EXPECT_NE(type.find("plex, got a DM of the type da"), std::string::npos) << type;
  NOPAL_PETSC(DMPlexCreate(PETSC_COMM_WORLD, bare.receive()));
  NOPAL_PETSC(DMSetDimension(bare, 2));
  NOPAL_PETSC(DMPlexSetChart(bare, 0, 0));
  NOPAL_PETSC(DMSetUp(bare));
  NOPAL_PETSC(DMPlexStratify(bare));
  const auto coordinates = message_of([&] { nopal::mesh_points(bare, MeshPoints::vertices); });
  EXPECT_NE(coordinates.find("no coordinates"), std::string::npos) << coordinates;
  const auto components = message_of([&] { nopal::mesh_field(bare, MeshPoints::cells, 0); });
  EXPECT_NE(components.find("at least 1 component"), std::string::npos) << components;
}

}  // namespace
