// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "petsc/petsc_test_tools.hpp"
#include "test_tools.hpp"

#include <gtest/gtest.h>
#include <nopal/nn/exchange.hpp>
#include <nopal/solvers/bridge/grid.hpp>
#include <nopal/solvers/bridge/vec.hpp>

namespace {

using nopal::Tensor;
using nopal::VecTensor;

nopal::OwnedDM make_dmda(int d, DMBoundaryType x, DMBoundaryType y, DMBoundaryType z, PetscInt dof,
                         PetscInt width) {
  nopal::OwnedDM dmda;
  if (d == 1)
    NOPAL_PETSC(DMDACreate1d(PETSC_COMM_WORLD, x, 13, dof, width, nullptr, dmda.receive()));
  else if (d == 2)
    NOPAL_PETSC(DMDACreate2d(PETSC_COMM_WORLD, x, y, DMDA_STENCIL_BOX, 13, 9, PETSC_DECIDE,
                             PETSC_DECIDE, dof, width, nullptr, nullptr, dmda.receive()));
  else
    NOPAL_PETSC(DMDACreate3d(PETSC_COMM_WORLD, x, y, z, DMDA_STENCIL_BOX, 8, 7, 9, PETSC_DECIDE,
                             PETSC_DECIDE, PETSC_DECIDE, dof, width, nullptr, nullptr, nullptr,
                             dmda.receive()));
  NOPAL_PETSC(DMSetUp(dmda));
  return dmda;
}

// What PETSc brings to the ghost points of a DMDA is the halo on its grid. PETSc has none beyond
// boundaries of type none, and leaves those of type ghosted as they are: 0 here.
void check_ghosts(int d, DMBoundaryType x, DMBoundaryType y = DM_BOUNDARY_NONE,
                  DMBoundaryType z = DM_BOUNDARY_NONE) {
  const PetscInt dof = 2, width = 2;
  const nopal::OwnedDM dmda = make_dmda(d, x, y, z, dof, width);
  const nopal::Grid grid = nopal::grid_of(dmda);
  nopal::OwnedVec global, local;
  NOPAL_PETSC(DMCreateGlobalVector(dmda, global.receive()));
  NOPAL_PETSC(DMCreateLocalVector(dmda, local.receive()));
  PetscInt first = 0, end = 0;
  NOPAL_PETSC(VecGetOwnershipRange(global, &first, &end));
  for (PetscInt i = first; i < end; ++i)
    NOPAL_PETSC(VecSetValue(global, i, static_cast<PetscScalar>(i + 1), INSERT_VALUES));
  NOPAL_PETSC(VecAssemblyBegin(global));
  NOPAL_PETSC(VecAssemblyEnd(global));
  NOPAL_PETSC(VecSet(local, 0));
  NOPAL_PETSC(DMGlobalToLocalBegin(dmda, global, INSERT_VALUES, local));
  NOPAL_PETSC(DMGlobalToLocalEnd(dmda, global, INSERT_VALUES, local));

  ASSERT_EQ(grid.box().field(1, dof).size(), end - first);
  const auto owned = nopal::owned_first(dmda);
  nopal::Shape low, high;
  for (int a = 0; a < d; ++a) {
    EXPECT_EQ(grid.box()[a].begin, owned[a]);
    const bool ghosts = (a == d - 1 ? x : a == d - 2 ? y : z) != DM_BOUNDARY_NONE;
    low.push_back(ghosts ? width : 0);
    high.push_back(ghosts ? width : 0);
  }
  // Along axes of type none a DMDA's ghosts are cut off at the boundary.
  nopal::Boxes boxes = nopal::padded(grid.boxes(), low, high);
  for (int a = 0; a < d; ++a)
    if (low[a] == 0)
      for (nopal::Range& range : boxes.ranges[a])
        range = {std::max<std::int64_t>(0, range.begin - width),
                 std::min(grid.extents()[a], range.end + width)};
  const nopal::Exchange<PetscReal> halo(grid, boxes);
  const VecTensor u(global, VecTensor::Access::read, grid.box().field(1, dof));
  const VecTensor expected(local, VecTensor::Access::read, halo.box().field(1, dof));
  const auto y = nopal::exchange<PetscReal>(u.tensor(), halo);
  EXPECT_EQ(y.value().to_vector(), expected.tensor().to_vector());
}

TEST(GridOfDmda, HasItsGhosts) {
  check_ghosts(1, DM_BOUNDARY_PERIODIC);
  check_ghosts(1, DM_BOUNDARY_MIRROR);
  check_ghosts(1, DM_BOUNDARY_GHOSTED);
  check_ghosts(2, DM_BOUNDARY_PERIODIC, DM_BOUNDARY_NONE);
  check_ghosts(2, DM_BOUNDARY_NONE, DM_BOUNDARY_PERIODIC);
  check_ghosts(2, DM_BOUNDARY_GHOSTED, DM_BOUNDARY_PERIODIC);
  check_ghosts(2, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE);
  check_ghosts(3, DM_BOUNDARY_PERIODIC, DM_BOUNDARY_NONE, DM_BOUNDARY_PERIODIC);
  check_ghosts(3, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE);
}

TEST(GridOfDmda, GivenOwnership) {
  int size = 1;
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  std::vector<PetscInt> counts;
  PetscInt n = 0;
  for (int p = 0; p < size; ++p)
    n += counts.emplace_back(2 + p);
  nopal::OwnedDM dmda;
  NOPAL_PETSC(DMDACreate2d(PETSC_COMM_WORLD, DM_BOUNDARY_NONE, DM_BOUNDARY_MIRROR,
                           DMDA_STENCIL_STAR, n, 5, size, 1, 1, 1, counts.data(), nullptr,
                           dmda.receive()));
  NOPAL_PETSC(DMSetUp(dmda));
  const nopal::Grid grid = nopal::grid_of(dmda);
  EXPECT_EQ(grid.extents(), (nopal::Shape{5, n}));
  EXPECT_EQ(grid.box().extents(), (nopal::Shape{5, 2 + grid.comm().rank()}));
  EXPECT_EQ(grid.rule(0), nopal::AxisRule(nopal::BoundaryRule::reflect));
  EXPECT_EQ(grid.rule(1), nopal::AxisRule(nopal::BoundaryRule::zero));
}

// As PETSc has them after DMDASetUniformCoordinates, and without coordinates the same.
TEST(GridPoints, AreThoseOfPetsc) {
  for (int d = 1; d <= 3; ++d) {
    const nopal::OwnedDM dmda =
        make_dmda(d, DM_BOUNDARY_NONE, DM_BOUNDARY_PERIODIC, DM_BOUNDARY_NONE, 2, 1);
    const auto alone = nopal::grid_points(dmda).to_vector();
    NOPAL_PETSC(DMDASetUniformCoordinates(dmda, 0, 1, 0, 1, 0, 1));
    const auto set = nopal::grid_points(dmda).to_vector();
    ASSERT_EQ(alone.size(), set.size());
    for (std::size_t i = 0; i < set.size(); ++i)
      EXPECT_NEAR(alone[i], set[i], 1e-14);
    nopal::OwnedVec vec;
    NOPAL_PETSC(DMCreateGlobalVector(dmda, vec.receive()));
    const VecTensor field(vec, VecTensor::Access::read,
                          {static_cast<std::int64_t>(set.size()) / d, 2});
    EXPECT_EQ(field.tensor().extent(0) * d, static_cast<std::int64_t>(set.size()));
  }
}

TEST(GridOfDmda, BadInput) {
  const nopal::OwnedDM dmda =
      make_dmda(1, DM_BOUNDARY_TWIST, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, 1, 1);
  nopal::test::expect_error([&] { nopal::grid_of(dmda); }, {"TWIST", "periodic"});
}

}  // namespace
