/* SPDX-FileCopyrightText: 2026 nopal developers
 * SPDX-License-Identifier: BSD-3-Clause */

#ifndef NOPAL_NOPAL_H
#define NOPAL_NOPAL_H

/**
 * \file
 * nopal from C: a trained model in a simulation, on its communicator, its boxes and its arrays.
 * Library libnopal_c.
 *
 *     nopal_initialise();                                         // MPI is initialised already
 *     nopal_model model;
 *     nopal_model_load(comm, "flow.safetensors", NOPAL_DOUBLE, &model);
 *     nopal_model_set_box(model, 2, extents, begin, end, NOPAL_ROW_MAJOR);
 *     for (...) nopal_model_infer(model, x, x_count, y, y_count); // each time step
 *     nopal_model_destroy(&model);
 *     nopal_finalise();
 *
 * Each function returns NOPAL_SUCCESS or the kind of error; nopal_error_text() then says what was
 * expected, what came, and what to do. Nothing is printed and nothing aborts. Functions that are
 * collective must be called by all ranks of the model's communicator, and return the same status
 * on all. A model may be used by one thread at a time (another gets NOPAL_ERROR_BUSY), different
 * models by different threads, if MPI was initialised for that.
 */

#include <mpi.h>

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define NOPAL_EXPORT __attribute__((visibility("default")))
#else
#define NOPAL_EXPORT
#endif

/** Version of this header; nopal_version() is that of the library. */
#define NOPAL_VERSION_MAJOR 0
#define NOPAL_VERSION_MINOR 1
#define NOPAL_VERSION_PATCH 0

#ifdef __cplusplus
extern "C" {
#endif

/* NOLINTBEGIN(modernize-use-using): a header of C */

/** What a function returns. */
typedef enum {
  NOPAL_SUCCESS = 0,
  NOPAL_ERROR_ARGUMENT = 1, /**< null, a size or a number that makes no sense */
  NOPAL_ERROR_STATE = 2,    /**< not at this time: before nopal_initialise(), before a box is set */
  NOPAL_ERROR_MODEL = 3,    /**< the file cannot be read, or is no model that this library knows */
  NOPAL_ERROR_BUSY = 4,     /**< another thread is using the model */
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
 */
/* clang-format on */
typedef enum { NOPAL_ROW_MAJOR = 0, NOPAL_COLUMN_MAJOR = 1 } nopal_layout;

/** A trained model on a communicator. */
typedef struct nopal_model_s* nopal_model;

/* NOLINTEND(modernize-use-using) */

/** The text of this thread's last error; "" if there was none. Valid until its next call. */
NOPAL_EXPORT const char* nopal_error_text(void);

/** `major.minor.patch`, the commit, and compiler and settings of the library. */
NOPAL_EXPORT const char* nopal_version(void);
NOPAL_EXPORT const char* nopal_commit(void);
NOPAL_EXPORT const char* nopal_configuration(void);

/**
 * Brings up what the library needs (Kokkos, unless the program has done so). MPI must be
 * initialised. May be called again; as many calls of nopal_finalise() take it down, the last one
 * before MPI_Finalize() and after all models are destroyed.
 */
NOPAL_EXPORT nopal_status nopal_initialise(void);
NOPAL_EXPORT nopal_status nopal_finalise(void);

/**
 * Reads a model file (rank 0 does) for the ranks of `comm`, which is duplicated: the caller may
 * free it afterwards. `precision`, a nopal_precision, is that of the evaluation and of the arrays
 * for nopal_model_infer(). Collective over `comm`. On an error `*model` is NULL.
 */
NOPAL_EXPORT nopal_status nopal_model_load(MPI_Comm comm, const char* path, int precision,
                                           nopal_model* model);

/** The same with a Fortran communicator. */
NOPAL_EXPORT nopal_status nopal_model_load_f(MPI_Fint comm, const char* path, int precision,
                                             nopal_model* model);

/** Frees the model and sets the handle to NULL; NULL is fine. Collective. */
NOPAL_EXPORT nopal_status nopal_model_destroy(nopal_model* model);

/** Channels of the input and of the output. Local. */
NOPAL_EXPORT nopal_status nopal_model_channels(nopal_model model, int64_t* in, int64_t* out);

/**
 * What is known of a model under a key, as text: "operator", "configuration" (JSON), "grid",
 * "validation_relative_l2", "data.x", "data.y", ...: what `nopal inspect` shows. `*value` is NULL
 * if there is nothing, otherwise valid while the model lives. Local.
 */
NOPAL_EXPORT nopal_status nopal_model_metadata(nopal_model model, const char* key,
                                               const char** value);

/**
 * The points of a grid that this rank has: begin[a] <= i < end[a] of extents[a] points along axis
 * a, `dimension` of them. The boxes of all ranks must be the products of cuts along the axes, none
 * empty, in any order of ranks. Takes all memory that nopal_model_infer() needs. Collective; may be
 * called again. On an error the box before stays in use.
 */
NOPAL_EXPORT nopal_status nopal_model_set_box(nopal_model model, int dimension,
                                              const int64_t* extents, const int64_t* begin,
                                              const int64_t* end, int layout);

/**
 * y := the model's output for the input x, on this rank's box, in physical units. `x_count` and
 * `y_count` are the numbers in the arrays, checked against box and channels; both arrays have the
 * precision that the model was loaded with. Asks for no memory from the system from the second call
 * on. Collective.
 */
NOPAL_EXPORT nopal_status nopal_model_infer(nopal_model model, const void* x, size_t x_count,
                                            void* y, size_t y_count);

#ifdef __cplusplus
}
#endif

#endif
