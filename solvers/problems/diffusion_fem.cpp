// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "problem_tools.hpp"

#include <nopal/solvers/bridge/mesh.hpp>
#include <nopal/solvers/problems/diffusion_fem.hpp>

#include <petscdmplex.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace nopal {
namespace {

using Coordinates = std::array<double, 3>;

Coordinates at(std::span<const double> points, int d, std::size_t i) {
  Coordinates x{};
  for (int a = 0; a < d; ++a)
    x[static_cast<std::size_t>(a)] =
        points[i * static_cast<std::size_t>(d) + static_cast<std::size_t>(a)];
  return x;
}

std::vector<double> sum_over(const Communicator& comm, const std::vector<double>& values) {
  const auto all = Tensor<double>::from_host({static_cast<std::int64_t>(values.size())}, values);
  comm.sum(all);
  return all.to_vector();
}

// Gradients of the barycentric coordinates of a simplex (d + 1, d), and its volume.
double gradients(const std::vector<double>& x, int d, std::vector<double>& g) {
  const auto n = static_cast<std::size_t>(d);
  // Inverse of the matrix of edges by Gauss-Jordan; the volume is its determinant over d!.
  std::vector<double> a(n * n), inverse(n * n);
  for (std::size_t k = 0; k < n; ++k)
    for (std::size_t i = 0; i < n; ++i) {
      a[k * n + i] = x[(k + 1) * n + i] - x[i];
      inverse[k * n + i] = k == i;
    }
  double determinant = 1;
  for (std::size_t c = 0; c < n; ++c) {
    std::size_t pivot = c;
    for (std::size_t r = c + 1; r < n; ++r)
      if (std::abs(a[r * n + c]) > std::abs(a[pivot * n + c])) pivot = r;
    if (pivot != c) {
      determinant = -determinant;
      for (std::size_t i = 0; i < n; ++i) {
        std::swap(a[c * n + i], a[pivot * n + i]);
        std::swap(inverse[c * n + i], inverse[pivot * n + i]);
      }
    }
    const double diagonal = a[c * n + c];
    determinant *= diagonal;
    for (std::size_t i = 0; i < n; ++i) {
      a[c * n + i] /= diagonal;
      inverse[c * n + i] /= diagonal;
    }
    for (std::size_t r = 0; r < n; ++r) {
      if (r == c) continue;
      const double factor = a[r * n + c];
      for (std::size_t i = 0; i < n; ++i) {
        a[r * n + i] -= factor * a[c * n + i];
        inverse[r * n + i] -= factor * inverse[c * n + i];
      }
    }
  }
  // lambda_k (x) = row k of (edges^-T) (x - x_0), k = 1, ..., d.
  g.assign((n + 1) * n, 0);
  for (std::size_t k = 0; k < n; ++k)
    for (std::size_t i = 0; i < n; ++i) {
      g[(k + 1) * n + i] = inverse[i * n + k];
      g[i] -= inverse[i * n + k];
    }
  return std::abs(determinant) / (d == 2 ? 2 : 6);
}

}  // namespace

DiffusionFem::DiffusionFem(const SimplexMesh& mesh, const Communicator& comm,
                           const std::string& prefix)
    : comm_(comm),
      prefix_(prefix),
      dimension_(mesh.dimension),
      boundary_(mesh.boundary()),
      coordinates_(mesh.points) {
  NOPAL_CHECK(mesh.cell_count() >= 1, "finite elements: the mesh has no cells");
  const MPI_Comm mpi = petsc_communicator(comm);
  const bool first = comm.rank() == 0;
  const std::vector<PetscInt> corners(mesh.corners.begin(), mesh.corners.end());
  const std::vector<PetscReal> points(mesh.points.begin(), mesh.points.end());
  NOPAL_PETSC(DMPlexCreateFromCellListPetsc(
      mpi, mesh.dimension, first ? static_cast<PetscInt>(mesh.cell_count()) : 0,
      first ? static_cast<PetscInt>(mesh.point_count()) : 0, mesh.dimension + 1, PETSC_TRUE,
      corners.data(), mesh.dimension, points.data(), mesh_.receive()));
  DM shared = nullptr;
  NOPAL_PETSC(DMPlexDistribute(mesh_, 0, nullptr, &shared));
  if (shared) *mesh_.receive() = shared;
  field_ = mesh_field(mesh_, MeshPoints::vertices);
  NOPAL_PETSC(DMCreateMatrix(field_, matrix_.receive()));
  NOPAL_PETSC(DMCreateGlobalVector(field_, right_.receive()));
  NOPAL_PETSC(VecDuplicate(right_, solution_.receive()));

  // The DMPlex has numbers of its own; coordinates, which are copies, tell which is which.
  std::map<Coordinates, std::int64_t> number;
  for (std::int64_t i = 0; i < mesh.point_count(); ++i)
    NOPAL_CHECK(number.emplace(at(mesh.points, dimension_, static_cast<std::size_t>(i)), i).second,
                "finite elements: point ", i, " of the mesh is there twice");
  const std::vector<double> own = mesh_points(mesh_, MeshPoints::vertices).to_vector();
  for (std::size_t i = 0; i < own.size() / static_cast<std::size_t>(dimension_); ++i)
    numbers_.push_back(number.at(at(own, dimension_, i)));
  PetscInt begin = 0, end = 0;
  Vec local = nullptr;
  PetscSection places = nullptr;
  const PetscScalar* values = nullptr;
  NOPAL_PETSC(DMPlexGetDepthStratum(mesh_, 0, &begin, &end));
  NOPAL_PETSC(DMGetCoordinatesLocal(mesh_, &local));
  NOPAL_PETSC(DMGetCoordinateSection(mesh_, &places));
  NOPAL_PETSC(VecGetArrayRead(local, &values));
  for (PetscInt p = begin; p < end; ++p) {
    PetscInt offset = 0;
    NOPAL_PETSC(PetscSectionGetOffset(places, p, &offset));
    Coordinates x{};
    std::copy_n(values + offset, dimension_, x.begin());
    vertices_.push_back(number.at(x));
  }
  NOPAL_PETSC(VecRestoreArrayRead(local, &values));

  NOPAL_PETSC(KSPCreate(mpi, ksp_.receive()));
  NOPAL_PETSC(KSPSetOptionsPrefix(ksp_, prefix_.c_str()));
  NOPAL_PETSC(KSPSetOperators(ksp_, matrix_, matrix_));
  PC pc = nullptr;
  NOPAL_PETSC(KSPGetPC(ksp_, &pc));
  const bool direct = comm.size() == 1 && dimension_ == 2;
  NOPAL_PETSC(KSPSetType(ksp_, direct ? KSPPREONLY : KSPCG));
  NOPAL_PETSC(PCSetType(pc, direct ? PCCHOLESKY : PCGAMG));
  const auto tolerance = std::max<PetscReal>(1e-11, 10 * PETSC_MACHINE_EPSILON);
  NOPAL_PETSC(KSPSetTolerances(ksp_, tolerance, 1e-50, NOPAL_PETSC_KEEP, 500));
  NOPAL_PETSC(KSPSetFromOptions(ksp_));
}

std::vector<double> DiffusionFem::solve(
    const Function& k, const Function& f,
    const std::function<std::optional<double>(std::span<const double>, bool)>& boundary) {
  const auto d = static_cast<std::size_t>(dimension_);
  PetscInt first_cell = 0, last_cell = 0, first_vertex = 0, end_vertex = 0;
  NOPAL_PETSC(DMPlexGetHeightStratum(mesh_, 0, &first_cell, &last_cell));
  NOPAL_PETSC(DMPlexGetDepthStratum(mesh_, 0, &first_vertex, &end_vertex));
  PetscSection global = nullptr;
  NOPAL_PETSC(DMGetGlobalSection(field_, &global));
  const auto row_of = [&](PetscInt vertex) {
    PetscInt row = 0;
    NOPAL_PETSC(PetscSectionGetOffset(global, vertex, &row));
    return row < 0 ? -(row + 1) : row;
  };
  NOPAL_PETSC(MatZeroEntries(matrix_));
  NOPAL_PETSC(VecSet(right_, 0));
  NOPAL_PETSC(VecSet(solution_, 0));

  std::vector<double> x((d + 1) * d), g, middle(d);
  std::vector<PetscInt> rows(d + 1);
  std::vector<PetscScalar> element((d + 1) * (d + 1)), load(d + 1);
  for (PetscInt c = first_cell; c < last_cell; ++c) {
    PetscInt size = 0, *closure = nullptr;
    NOPAL_PETSC(DMPlexGetTransitiveClosure(mesh_, c, PETSC_TRUE, &size, &closure));
    std::size_t corner = 0;
    std::fill(middle.begin(), middle.end(), 0);
    for (PetscInt i = 0; i < 2 * size; i += 2)
      if (closure[i] >= first_vertex && closure[i] < end_vertex) {
        const auto number = static_cast<std::size_t>(
            vertices_[static_cast<std::size_t>(closure[i] - first_vertex)]);
        for (std::size_t a = 0; a < d; ++a) {
          x[corner * d + a] = coordinates_[number * d + a];
          middle[a] += x[corner * d + a] / static_cast<double>(d + 1);
        }
        rows[corner++] = row_of(closure[i]);
      }
    NOPAL_PETSC(DMPlexRestoreTransitiveClosure(mesh_, c, PETSC_TRUE, &size, &closure));
    const double volume = gradients(x, dimension_, g), conductivity = k(middle), source = f(middle);
    for (std::size_t i = 0; i <= d; ++i) {
      load[i] = source * volume / static_cast<double>(d + 1);
      for (std::size_t j = 0; j <= d; ++j) {
        double product = 0;
        for (std::size_t a = 0; a < d; ++a)
          product += g[i * d + a] * g[j * d + a];
        element[i * (d + 1) + j] = conductivity * volume * product;
      }
    }
    const auto n = static_cast<PetscInt>(d + 1);
    NOPAL_PETSC(MatSetValues(matrix_, n, rows.data(), n, rows.data(), element.data(), ADD_VALUES));
    NOPAL_PETSC(VecSetValues(right_, n, rows.data(), load.data(), ADD_VALUES));
  }
  NOPAL_PETSC(MatAssemblyBegin(matrix_, MAT_FINAL_ASSEMBLY));
  NOPAL_PETSC(MatAssemblyEnd(matrix_, MAT_FINAL_ASSEMBLY));
  NOPAL_PETSC(VecAssemblyBegin(right_));
  NOPAL_PETSC(VecAssemblyEnd(right_));

  // Given values: rows and columns of the matrix are taken out.
  PetscInt start = 0;
  NOPAL_PETSC(VecGetOwnershipRange(right_, &start, nullptr));
  std::vector<PetscInt> fixed;
  for (std::size_t i = 0; i < numbers_.size(); ++i) {
    const auto number = static_cast<std::size_t>(numbers_[i]);
    const std::optional<double> value =
        boundary({&coordinates_[number * d], d}, boundary_[number] != 0);
    if (!value) continue;
    const PetscInt row = start + static_cast<PetscInt>(i);
    fixed.push_back(row);
    NOPAL_PETSC(VecSetValue(solution_, row, *value, INSERT_VALUES));
  }
  NOPAL_PETSC(VecAssemblyBegin(solution_));
  NOPAL_PETSC(VecAssemblyEnd(solution_));
  const std::vector<double> count = sum_over(comm_, {static_cast<double>(fixed.size())});
  NOPAL_CHECK(count[0] > 0, "finite elements: the boundary conditions give no value, and the ",
              "solution is not unique");
  NOPAL_PETSC(MatZeroRowsColumns(matrix_, static_cast<PetscInt>(fixed.size()), fixed.data(), 1,
                                 solution_, right_));
  NOPAL_PETSC(KSPSolve(ksp_, right_, solution_));
  detail::check_converged(ksp_, "finite elements", prefix_);

  std::vector<double> all(coordinates_.size() / d);
  const PetscScalar* values = nullptr;
  NOPAL_PETSC(VecGetArrayRead(solution_, &values));
  for (std::size_t i = 0; i < numbers_.size(); ++i)
    all[static_cast<std::size_t>(numbers_[i])] = values[i];
  NOPAL_PETSC(VecRestoreArrayRead(solution_, &values));
  return sum_over(comm_, all);
}

}  // namespace nopal
