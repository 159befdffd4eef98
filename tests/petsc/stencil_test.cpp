// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "petsc/petsc_test_tools.hpp"

#include <gtest/gtest.h>
#include <nopal/solvers/bridge/grid.hpp>
#include <nopal/solvers/bridge/stencil.hpp>

#include <cmath>

namespace {

using nopal::Grid;
using nopal::Shape;
using nopal::StencilField;
using nopal::test::message_of;

// A matrix on a DMDA in `d` dimensions with couplings that depend on the global points: `wide`
// ones to all 3^d - 1 neighbours.
struct System {
  nopal::OwnedDM dm;
  nopal::OwnedMat matrix;
};

System make_system(const std::vector<PetscInt>& n, bool periodic, bool wide) {
  System s;
  const auto d = static_cast<PetscInt>(n.size());
  const DMBoundaryType type = periodic ? DM_BOUNDARY_PERIODIC : DM_BOUNDARY_NONE;
  NOPAL_PETSC(DMDACreate(PETSC_COMM_WORLD, s.dm.receive()));
  NOPAL_PETSC(DMSetDimension(s.dm, d));
  NOPAL_PETSC(DMDASetSizes(s.dm, n[0], d > 1 ? n[1] : 1, d > 2 ? n[2] : 1));
  NOPAL_PETSC(DMDASetBoundaryType(s.dm, type, type, type));
  NOPAL_PETSC(DMDASetStencilType(s.dm, DMDA_STENCIL_BOX));
  NOPAL_PETSC(DMDASetStencilWidth(s.dm, 1));
  NOPAL_PETSC(DMDASetDof(s.dm, 1));
  NOPAL_PETSC(DMSetUp(s.dm));
  NOPAL_PETSC(DMCreateMatrix(s.dm, s.matrix.receive()));
  PetscInt x0[3] = {0, 0, 0}, m[3] = {1, 1, 1};
  NOPAL_PETSC(DMDAGetCorners(s.dm, &x0[0], &x0[1], &x0[2], &m[0], &m[1], &m[2]));
  for (PetscInt k = x0[2]; k < x0[2] + m[2]; ++k)
    for (PetscInt j = x0[1]; j < x0[1] + m[1]; ++j)
      for (PetscInt i = x0[0]; i < x0[0] + m[0]; ++i)
        for (int o = 0; o < 27; ++o) {
          const int step[3] = {o % 3 - 1, o / 3 % 3 - 1, o / 9 - 1};
          if ((d < 3 && step[2]) || (d < 2 && step[1])) continue;
          if (!wide && std::abs(step[0]) + std::abs(step[1]) + std::abs(step[2]) > 1) continue;
          const PetscInt to[3] = {i + step[0], j + step[1], k + step[2]};
          bool inside = true;
          for (PetscInt a = 0; a < d; ++a)
            inside = inside && to[a] >= 0 && to[a] < n[static_cast<std::size_t>(a)];
          if (!inside && !periodic) continue;
          MatStencil row{}, column{};
          row.i = i, row.j = j, row.k = k;
          column.i = to[0], column.j = to[1], column.k = to[2];
          const PetscScalar value = o == 13 ? 30 : std::sin(1.0 + i + 7 * j + 31 * k + 3 * o);
          NOPAL_PETSC(MatSetValuesStencil(s.matrix, 1, &row, 1, &column, &value, ADD_VALUES));
        }
  NOPAL_PETSC(MatAssemblyBegin(s.matrix, MAT_FINAL_ASSEMBLY));
  NOPAL_PETSC(MatAssemblyEnd(s.matrix, MAT_FINAL_ASSEMBLY));
  return s;
}

// A u by the stencils against MatMult, u gathered by number of the point in the whole grid.
void check_product(const System& s) {
  const Grid grid = nopal::grid_of(s.dm);
  const StencilField<double> field = nopal::stencil_of<double>(s.matrix, grid);
  nopal::OwnedVec u, v;
  NOPAL_PETSC(MatCreateVecs(s.matrix, u.receive(), v.receive()));
  const Shape& n = grid.extents();
  const auto value = [&](const std::array<std::int64_t, 3>& p) {
    return std::cos(1.0 + double(p[0]) + 3.3 * double(p[1]) + 5.7 * double(p[2] * p[2]));
  };
  const nopal::Box box = grid.box();
  const auto point = [&](std::int64_t i) {
    std::array<std::int64_t, 3> p{};
    for (int a = grid.dimension() - 1; a >= 0; --a) {
      p[static_cast<std::size_t>(a)] = box[a].begin + i % box[a].size();
      i /= box[a].size();
    }
    return p;
  };
  PetscScalar* values = nullptr;
  NOPAL_PETSC(VecGetArray(u, &values));
  for (std::int64_t i = 0; i < box.size(); ++i)
    values[i] = value(point(i));
  NOPAL_PETSC(VecRestoreArray(u, &values));
  NOPAL_PETSC(MatMult(s.matrix, u, v));
  const PetscScalar* product = nullptr;
  NOPAL_PETSC(VecGetArrayRead(v, &product));
  for (std::int64_t i = 0; i < box.size(); ++i) {
    double sum = 0, row = 0;
    for (std::size_t k = 0; k < field.offsets.size(); ++k) {
      auto p = point(i);
      const double entry = field.values.data()[static_cast<std::int64_t>(k) * box.size() + i];
      row += entry;
      for (int a = 0; a < grid.dimension(); ++a) {
        auto& place = p[static_cast<std::size_t>(a)];
        place = (place + field.offsets[k][static_cast<std::size_t>(a)] + n[a]) % n[a];
      }
      sum += entry * value(p);
    }
    EXPECT_NEAR(sum, product[i], 1e-12) << n << " point " << i;
    EXPECT_NEAR(field.row_sums.data()[i], row, 1e-12);
  }
  NOPAL_PETSC(VecRestoreArrayRead(v, &product));
}

TEST(Stencil, IsTheMatrix) {
  for (const bool periodic : {false, true})
    for (const bool wide : {false, true}) {
      check_product(make_system({23}, periodic, wide));
      check_product(make_system({9, 14}, periodic, wide));
      check_product(make_system({8, 5, 6}, periodic, wide));
    }
  check_product(make_system({2, 9}, false, true));
  check_product(make_system({4, 5}, true, true));
}

TEST(Stencil, OtherMatricesAreRefused) {
  const System s = make_system({12, 10}, false, false);
  const Grid grid = nopal::grid_of(s.dm);
  const System larger = make_system({12, 11}, false, false);
  EXPECT_NE(message_of([&] {
              nopal::stencil_of<float>(larger.matrix, grid);
            }).find("there must be one unknown a point"),
            std::string::npos);
  nopal::OwnedMat shell;
  PetscInt rows = 0, all = 0;
  NOPAL_PETSC(MatGetLocalSize(s.matrix, &rows, nullptr));
  NOPAL_PETSC(MatGetSize(s.matrix, &all, nullptr));
  NOPAL_PETSC(MatCreateShell(PETSC_COMM_WORLD, rows, rows, all, all, nullptr, shell.receive()));
  EXPECT_NE(message_of([&] { nopal::stencil_of<float>(shell, grid); }).find("use aij"),
            std::string::npos);
  // Two points to the right, inside the first rank's part.
  int rank = 0;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  NOPAL_PETSC(MatSetOption(s.matrix, MAT_NEW_NONZERO_ALLOCATION_ERR, PETSC_FALSE));
  if (rank == 0) NOPAL_PETSC(MatSetValue(s.matrix, 0, 2, 1.0, INSERT_VALUES));
  NOPAL_PETSC(MatAssemblyBegin(s.matrix, MAT_FINAL_ASSEMBLY));
  NOPAL_PETSC(MatAssemblyEnd(s.matrix, MAT_FINAL_ASSEMBLY));
  const std::string message = message_of([&] { nopal::stencil_of<float>(s.matrix, grid); });
  EXPECT_NE(message.find("row of grid point (0, 0) couples with point (0, 2)"), std::string::npos)
      << message;
}

}  // namespace
