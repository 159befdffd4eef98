// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/solvers/bridge/mesh.hpp>

#include <petscdmplex.h>
#include <petscviewer.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace nopal {
namespace {

void check_mesh(DM mesh) {
  PetscBool plex = PETSC_FALSE;
  NOPAL_PETSC(PetscObjectTypeCompare(reinterpret_cast<PetscObject>(mesh), DMPLEX, &plex));
  DMType type = nullptr;
  NOPAL_PETSC(DMGetType(mesh, &type));
  NOPAL_CHECK(plex, "expected a mesh of the type plex, got a DM of the type ",
              type ? type : "(none)");
}

void point_range(DM mesh, MeshPoints where, PetscInt& begin, PetscInt& end) {
  // Cells that were added to stand for neighbours or boundaries are not counted.
  if (where == MeshPoints::vertices)
    NOPAL_PETSC(DMPlexGetDepthStratum(mesh, 0, &begin, &end));
  else
    NOPAL_PETSC(DMPlexGetSimplexOrBoxCells(mesh, 0, &begin, &end));
}

}  // namespace

OwnedDM mesh_field(DM mesh, MeshPoints where, std::int64_t components) {
  check_mesh(mesh);
  NOPAL_CHECK(components >= 1, "a field needs at least 1 component, got ", components);
  OwnedDM field;
  NOPAL_PETSC(DMClone(mesh, field.receive()));
  PetscOwner<PetscSection, PetscSectionDestroy> section;
  NOPAL_PETSC(
      PetscSectionCreate(PetscObjectComm(reinterpret_cast<PetscObject>(mesh)), section.receive()));
  PetscInt first = 0, last = 0, begin = 0, end = 0;
  NOPAL_PETSC(DMPlexGetChart(mesh, &first, &last));
  NOPAL_PETSC(PetscSectionSetNumFields(section, 1));
  NOPAL_PETSC(PetscSectionSetFieldComponents(section, 0, static_cast<PetscInt>(components)));
  NOPAL_PETSC(PetscSectionSetChart(section, first, last));
  point_range(mesh, where, begin, end);
  for (PetscInt p = begin; p < end; ++p) {
    NOPAL_PETSC(PetscSectionSetDof(section, p, static_cast<PetscInt>(components)));
    NOPAL_PETSC(PetscSectionSetFieldDof(section, p, 0, static_cast<PetscInt>(components)));
  }
  NOPAL_PETSC(PetscSectionSetUp(section));
  NOPAL_PETSC(DMSetLocalSection(field, section));
  return field;
}

Tensor<double> mesh_points(DM mesh, MeshPoints where) {
  const OwnedDM field = mesh_field(mesh, where);
  PetscInt d = 0, begin = 0, end = 0;
  Vec coordinates = nullptr;
  NOPAL_PETSC(DMGetCoordinateDim(mesh, &d));
  NOPAL_PETSC(DMGetCoordinatesLocal(mesh, &coordinates));
  communicator_of(mesh).together([&] {
    NOPAL_CHECK(coordinates, "the mesh has no coordinates (DMSetCoordinates)");
    NOPAL_CHECK(d >= 1 && d <= 3, "a mesh has 1 to 3 coordinates, got ", d);
  });
  point_range(mesh, where, begin, end);
  PetscSection places = nullptr, global = nullptr;
  NOPAL_PETSC(DMGetCoordinateSection(mesh, &places));
  NOPAL_PETSC(DMGetGlobalSection(field, &global));
  const PetscScalar* values = nullptr;
  NOPAL_PETSC(VecGetArrayRead(coordinates, &values));
  std::vector<double> result;
  for (PetscInt p = begin; p < end; ++p) {
    PetscInt owned = 0;  // negative: another rank's
    NOPAL_PETSC(PetscSectionGetDof(global, p, &owned));
    if (owned <= 0) continue;
    std::array<PetscReal, 3> at{};
    if (where == MeshPoints::cells) {
      NOPAL_PETSC(DMPlexComputeCellGeometryFVM(mesh, p, nullptr, at.data(), nullptr));
    } else {
      PetscInt offset = 0;
      NOPAL_PETSC(PetscSectionGetOffset(places, p, &offset));
      std::copy_n(values + offset, d, at.begin());
    }
    result.insert(result.end(), at.begin(), at.begin() + d);
  }
  NOPAL_PETSC(VecRestoreArrayRead(coordinates, &values));
  return Tensor<double>::from_host({static_cast<std::int64_t>(result.size()) / d, d}, result);
}

void write_vtu(const std::string& path, DM mesh, Vec field, const std::string& name) {
  // PETSc's writer would leave the other ranks waiting.
  const Communicator comm = communicator_of(mesh);
  comm.together([&] {
    if (comm.rank() == 0)
      NOPAL_CHECK(std::ofstream(path, std::ios::app).good(), "cannot write ", path, ": ",
                  std::strerror(errno));
  });
  PetscViewer viewer = nullptr;
  NOPAL_PETSC(PetscObjectSetName(reinterpret_cast<PetscObject>(field), name.c_str()));
  NOPAL_PETSC(PetscViewerVTKOpen(PetscObjectComm(reinterpret_cast<PetscObject>(mesh)), path.c_str(),
                                 FILE_MODE_WRITE, &viewer));
  NOPAL_PETSC(VecView(field, viewer));
  NOPAL_PETSC(PetscViewerDestroy(&viewer));
}

}  // namespace nopal
