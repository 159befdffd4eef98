// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/core/tensor.hpp>
#include <nopal/solvers/petsc.hpp>

#include <string>

namespace nopal {

/// Where functions on an unstructured mesh have their values.
enum class MeshPoints { vertices, cells };

/// A DMPlex whose vectors hold `components` numbers at each vertex or cell: a copy of `mesh` with
/// that layout. A global vector of it is a tensor (P, components) without a copy
/// (VecTensor(vec, access, {P, components})), in the order of mesh_points(). Collective. Error if
/// `mesh` is no DMPlex or components < 1.
OwnedDM mesh_field(DM mesh, MeshPoints where, std::int64_t components = 1);

/// Coordinates of the vertices, or centroids of the cells, that this rank owns: (P, d) for d
/// coordinates, P >= 0. Each point of the mesh belongs to one rank, also where ranks share it; the
/// order is that of mesh_field()'s global vectors. Collective. Error if `mesh` is no DMPlex or has
/// no coordinates.
Tensor<double> mesh_points(DM mesh, MeshPoints where);

/// Writes a DMPlex and a vector of mesh_field() to a VTU file for ParaView; VtkMesh is for fields
/// that are no vectors. Collective over the mesh's communicator. Error with PETSc's message if the
/// file cannot be written.
void write_vtu(const std::string& path, DM mesh, Vec field, const std::string& name);

}  // namespace nopal
