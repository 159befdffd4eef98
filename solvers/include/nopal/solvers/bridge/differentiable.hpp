// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/autograd/variable.hpp>
#include <nopal/solvers/petsc.hpp>

namespace nopal {

/// y = A x for a PETSc matrix, as a node of the tape: its adjoint is x' = A^T y'.
///
/// Shapes on this rank: x (B, n...) holds B vectors, the product of the axes n... being the local
/// columns of A, or x (n...) one vector. y has x's shape if A has as many local rows as columns,
/// otherwise (B, local rows) or (local rows). B must be the same on all ranks. Values pass through
/// PetscScalar, whatever T is. The matrix is referenced until the tape has gone back, and must not
/// be changed before. Collective on the matrix, forward and backward. Errors, the same on all
/// ranks: a shape that does not fit; PETSc's own (a matrix without products with its transpose).
template <class T>
Variable<T> multiply(Mat matrix, const Variable<T>& x);

/// x = A^-1 b by a PETSc solver with its operators set, as a node of the tape: its adjoint solves
/// A^T b' = x' with the same solver and tolerances, so a gradient is as good as these are. With a
/// matrix that is known to be symmetric (MatSetOption) that is a plain solve, which asks for no
/// transpose of the preconditioner.
///
/// Shapes as for multiply(), with x as b. The solver is referenced until the tape has gone back.
/// Collective. Error, the same on all ranks: a solve that does not converge, with PETSc's reason.
template <class T>
Variable<T> solve(KSP solver, const Variable<T>& b);

}  // namespace nopal
