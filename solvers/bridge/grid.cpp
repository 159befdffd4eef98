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

}  // namespace nopal
