// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/solvers/bridge/grid.hpp>

#include <algorithm>
#include <array>

namespace nopal {
namespace {

BoundaryRule rule_of(DMBoundaryType type) {
  switch (type) {
    case DM_BOUNDARY_MIRROR:
      return BoundaryRule::reflect;
    case DM_BOUNDARY_PERIODIC:
      return BoundaryRule::periodic;
    default:
      NOPAL_CHECK(type == DM_BOUNDARY_NONE || type == DM_BOUNDARY_GHOSTED,
                  "a grid has no boundary of the DMDA's type ", DMBoundaryTypes[type],
                  ": use none, ghosted, mirror or periodic");
      return BoundaryRule::zero;
  }
}

}  // namespace

Grid grid_of(DM dmda) {
  PetscInt d = 0;
  std::array<PetscInt, 3> extents{}, processes{};
  std::array<DMBoundaryType, 3> types{};
  std::array<const PetscInt*, 3> owned{};
  NOPAL_PETSC(DMDAGetInfo(dmda, &d, &extents[0], &extents[1], &extents[2], &processes[0],
                          &processes[1], &processes[2], nullptr, nullptr, &types[0], &types[1],
                          &types[2], nullptr));
  NOPAL_PETSC(DMDAGetOwnershipRanges(dmda, &owned[0], &owned[1], &owned[2]));
  Shape shape;
  std::vector<AxisRule> rules;
  std::vector<std::vector<std::int64_t>> counts;
  for (int axis = static_cast<int>(d) - 1; axis >= 0; --axis) {  // from z to x
    shape.push_back(extents[axis]);
    rules.emplace_back(rule_of(types[axis]));
    counts.emplace_back(owned[axis], owned[axis] + processes[axis]);
  }
  return Grid(shape, rules, communicator_of(dmda), counts);
}

Tensor<double> grid_points(DM dmda) {
  grid_of(dmda);  // checks the type
  PetscInt d = 0, n[3]{1, 1, 1}, first[3]{0, 0, 0}, count[3]{1, 1, 1};
  DMBoundaryType type[3]{};
  NOPAL_PETSC(DMDAGetInfo(dmda, &d, &n[0], &n[1], &n[2], nullptr, nullptr, nullptr, nullptr,
                          nullptr, &type[0], &type[1], &type[2], nullptr));
  NOPAL_PETSC(
      DMDAGetCorners(dmda, &first[0], &first[1], &first[2], &count[0], &count[1], &count[2]));
  std::vector<double> points;
  Vec coordinates = nullptr;
  NOPAL_PETSC(DMGetCoordinates(dmda, &coordinates));
  if (coordinates) {
    PetscInt size = 0;
    const PetscScalar* values = nullptr;
    NOPAL_PETSC(VecGetLocalSize(coordinates, &size));
    NOPAL_PETSC(VecGetArrayRead(coordinates, &values));
    points.assign(values, values + size);
    NOPAL_PETSC(VecRestoreArrayRead(coordinates, &values));
  } else {
    for (PetscInt k = 0; k < count[2]; ++k)
      for (PetscInt j = 0; j < count[1]; ++j)
        for (PetscInt i = 0; i < count[0]; ++i) {
          const PetscInt at[3]{first[0] + i, first[1] + j, first[2] + k};
          for (int a = 0; a < d; ++a) {
            const PetscInt intervals = type[a] == DM_BOUNDARY_PERIODIC ? n[a] : n[a] - 1;
            points.push_back(
                intervals > 0 ? static_cast<double>(at[a]) / static_cast<double>(intervals) : 0);
          }
        }
  }
  return Tensor<double>::from_host({static_cast<std::int64_t>(points.size()) / d, d}, points);
}

}  // namespace nopal
