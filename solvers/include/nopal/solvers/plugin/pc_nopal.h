/* SPDX-FileCopyrightText: 2026 nopal developers
 * SPDX-License-Identifier: BSD-3-Clause */

#pragma once

#include <petscpc.h>

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

/** Registers PC type `nopal`. Error if PETSc's version, scalars or integers are not those that
 * nopal was compiled for. */
PetscErrorCode nopal_register(void);

/** The model: a file, or "untrained" or "chebyshev". Option -pc_nopal_model. */
PetscErrorCode PCNopalSetModel(PC pc, const char model[]);

/** The grid of a matrix without DM, x first and fastest. Option -pc_nopal_grid. */
PetscErrorCode PCNopalSetGrid(PC pc, PetscInt dimension, const PetscInt sizes[]);

/** Makes the KSP, at each solve, the deep conjugate direction method: fcg with two directions,
 * standard truncation and the unpreconditioned norm. For models with a direction network. Option
 * -pc_nopal_dcdm. */
PetscErrorCode PCNopalSetDCDM(PC pc, PetscBool use);

#ifdef __cplusplus
}
#endif
