// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/operators/deeponet.hpp>
#include <nopal/solvers/bridge/field_map.hpp>
#include <nopal/solvers/petsc.hpp>

#include <vector>

namespace nopal {

/// Coarse spaces of learned operators and of past solutions, as vectors of PETSc. All functions are
/// collective.

/// The `count` leading left singular vectors of the matrix whose columns are given, orthonormal:
/// the proper orthogonal decomposition. Fewer if the columns span less (singular values below 1e-7
/// of the largest are left out). Error if nothing is left.
std::vector<OwnedVec> leading_vectors(const std::vector<OwnedVec>& columns, std::int64_t count);

/// The basis functions of a DeepONet's trunk at `points` (P, d), the rows that this rank has of
/// vectors like `like`: C K columns. Kopanicakova, Karniadakis, arXiv 2401.02016: a trunk basis as
/// coarse space.
std::vector<OwnedVec> trunk_vectors(const DeepONet<float>& op, const Tensor<double>& points,
                                    Vec like);

/// What a surrogate answers to `count` random smooth inputs (right-hand sides, sums of sines): its
/// columns are solutions, to the surrogate's error. Vectors like `like`.
std::vector<OwnedVec> response_vectors(FieldMap& surrogate, std::int64_t count, std::uint64_t seed,
                                       Vec like);

/// The vectors as the columns of a matrix, AIJ with all entries, as PCDeflationSetSpace() needs it.
OwnedMat columns_of(const std::vector<OwnedVec>& vectors);

}  // namespace nopal
