/* SPDX-FileCopyrightText: 2026 nopal developers
 * SPDX-License-Identifier: BSD-3-Clause */

#ifndef NOPAL_C_TYPES_H
#define NOPAL_C_TYPES_H

/**
 * \file
 * What the functions of the C interface take and return; see nopal/nopal.h.
 */

#include <mpi.h>

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define NOPAL_EXPORT __attribute__((visibility("default")))
#else
#define NOPAL_EXPORT
#endif

/* NOLINTBEGIN(modernize-use-using): a header of C */

/** What a function returns. */
typedef enum {
  NOPAL_SUCCESS = 0,
  NOPAL_ERROR_ARGUMENT = 1, /**< null, a size or a number that makes no sense */
  NOPAL_ERROR_STATE = 2,    /**< not at this time: before nopal_initialise(), before a box is set */
  NOPAL_ERROR_MODEL = 3,    /**< a file that is no model, a model that cannot do this */
  NOPAL_ERROR_BUSY = 4,     /**< another call is running */
  NOPAL_ERROR_OTHER = 5     /**< anything else, such as no memory, or an error of MPI */
} nopal_status;

/** Numbers that the caller's arrays and the evaluation have. */
typedef enum { NOPAL_FLOAT = 0, NOPAL_DOUBLE = 1 } nopal_precision;

/* clang-format off */
/**
 * Order of the values of a field with C channels on a box of n1 x n2 x n3 points, i, j, k counted
 * in it (fewer axes accordingly).
 *
 * | layout             | place of channel c at point (i, j, k)  | in C, in Fortran               |
 * | ------------------ | -------------------------------------- | ------------------------------ |
 * | NOPAL_ROW_MAJOR    | c + C (k + n3 (j + n2 i))              | x[i][j][k][c], x(c, k, j, i)   |
 * | NOPAL_COLUMN_MAJOR | i + n1 (j + n2 (k + n3 c))             | x[c][k][j][i], x(i, j, k, c)   |
 *
 * Numbers at points that are no grid have one axis, the point's: p for i.
 */
/* clang-format on */
typedef enum { NOPAL_ROW_MAJOR = 0, NOPAL_COLUMN_MAJOR = 1 } nopal_layout;

/** Where the caller's arrays are: in the memory of the host, or in that of the device that the
 * library was built for (Kokkos' default memory space; the host's again if there is none). */
typedef enum { NOPAL_HOST = 0, NOPAL_DEVICE = 1 } nopal_memory;

/** Fields that a model takes, and those that it gives. */
typedef enum { NOPAL_INPUT = 0, NOPAL_OUTPUT = 1 } nopal_side;

/** A model on a communicator. */
typedef struct nopal_model_s* nopal_model;

/** The training of a model from a running simulation. */
typedef struct nopal_trainer_s* nopal_trainer;

/* NOLINTEND(modernize-use-using) */

#endif
