/* SPDX-FileCopyrightText: 2026 nopal developers
 * SPDX-License-Identifier: BSD-3-Clause */

#pragma once

#include <petscksp.h>
#include <petscsnes.h>
#include <petscts.h>

/** \file
 * The preconditioner `nopal` for PETSc programs in C, C++ and (by options) Fortran.
 *
 * A program that links nopal calls nopal_register() once after PetscInitialize(); any other loads
 * the plug-in by the option `-dll_append libnopal_petsc.so`. Then `-pc_type nopal` is what its
 * model says: a learned multigrid cycle for matrices with a stencil of 3^d points on a structured
 * grid, or a direction network for flexible methods. See docs/preconditioner.md for the options.
 */

#ifdef __cplusplus
extern "C" {
#endif

/** Registers PC type and KSPGuess type `nopal`. Error if PETSc's version, scalars or integers are
 * not those that nopal was compiled for. */
PetscErrorCode nopal_register(void);

/** The model: a file, or "untrained" or "chebyshev". Option -pc_nopal_model. */
PetscErrorCode PCNopalSetModel(PC pc, const char model[]);

/** The grid of a matrix without DM, x first and fastest. Option -pc_nopal_grid. */
PetscErrorCode PCNopalSetGrid(PC pc, PetscInt dimension, const PetscInt sizes[]);

/** Makes the KSP, at each solve, the deep conjugate direction method: fcg with two directions,
 * standard truncation and the unpreconditioned norm. For models with a direction network. Option
 * -pc_nopal_dcdm. */
PetscErrorCode PCNopalSetDCDM(PC pc, PetscBool use);

/** The surrogate of KSPGuess `nopal`: a model whose input is the right-hand side, or a coefficient
 * (a vector composed with the matrix as "nopal_coefficient") and the right-hand side, and whose
 * output is the solution. The guess is x + a S(b - A x) with x = 0 or the previous solution
 * (-ksp_guess_nopal_start) and the a that makes the residual smallest. With
 * -ksp_guess_nopal_correction pod PETSc's POD guess is used for the error that the surrogate
 * leaves. Option -ksp_guess_nopal_model. */
PetscErrorCode KSPGuessNopalSetModel(KSPGuess guess, const char file[]);

/** Newton's method begins with S(x) in place of x, if that makes the residual smaller. The solver
 * must have a DMDA of one unknown a point. Collective. */
PetscErrorCode SNESNopalSetInitialGuess(SNES snes, const char file[]);

/** The same for each implicit step of a time integrator, where x is the state before the step (or
 * what the method extrapolates) and S(x) the surrogate's state after it. Collective. */
PetscErrorCode TSNopalSetInitialGuess(TS ts, const char file[]);

#ifdef __cplusplus
}
#endif
