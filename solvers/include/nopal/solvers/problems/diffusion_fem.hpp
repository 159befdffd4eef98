// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/solvers/petsc.hpp>
#include <nopal/solvers/problems/planar_mesh.hpp>

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace nopal {

/// -div(k grad u) = f by linear finite elements on a DMPlex of triangles or tetrahedra; natural
/// boundary condition (no flux) where none is given.
class DiffusionFem {
 public:
  using Function = std::function<double(std::span<const double> x)>;

  /// Distributes the mesh over the ranks of `comm`, which all have it. The solver is CG with GAMG,
  /// or a direct one on one rank in the plane, and takes PETSc's options with `prefix`. Collective.
  DiffusionFem(const SimplexMesh& mesh, const Communicator& comm, const std::string& prefix);

  /// u at the points of the mesh, in its order, on every rank. k and f are taken at the middle of
  /// each cell; `boundary` gives the value at a point of the mesh, or nothing where u is free.
  /// Collective; Error if the solver does not converge or if no value is given.
  std::vector<double> solve(const Function& k, const Function& f,
                            const std::function<std::optional<double>(std::span<const double> x,
                                                                      bool on_boundary)>& boundary);

  DM mesh() const { return mesh_; }  ///< the DMPlex
  /// The last solution as a vector on its vertices, for viewers; see mesh_field().
  Vec solution() const { return solution_; }

 private:
  Communicator comm_;
  std::string prefix_;
  int dimension_;
  OwnedDM mesh_, field_;
  OwnedMat matrix_;
  OwnedVec right_, solution_;
  OwnedKSP ksp_;
  std::vector<std::int64_t> numbers_;   // of the points that this rank owns, in the given mesh
  std::vector<char> boundary_;          // of all points
  std::vector<double> coordinates_;     // of all points
  std::vector<std::int64_t> vertices_;  // of this rank's DMPlex vertices, number in the given mesh
};

}  // namespace nopal
