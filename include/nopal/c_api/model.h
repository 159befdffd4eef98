/* SPDX-FileCopyrightText: 2026 nopal developers
 * SPDX-License-Identifier: BSD-3-Clause */

#ifndef NOPAL_C_MODEL_H
#define NOPAL_C_MODEL_H

/**
 * \file
 * Models in C: load, describe, evaluate on boxes of a grid or at points; see nopal/nopal.h.
 */

#include <nopal/c_api/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Reads a model file (rank 0 does) for the ranks of `comm`, which is duplicated: the caller may
 * free it afterwards. `precision`, a nopal_precision, is that of the evaluation and of the arrays.
 * Collective over `comm`. On an error `*model` is NULL.
 */
NOPAL_EXPORT nopal_status nopal_model_load(MPI_Comm comm, const char* path, int precision,
                                           nopal_model* model);

/**
 * A model to be trained: an operator by its name (`nopal train -help` lists them), its options as
 * a JSON object, weights that depend on `seed` only. `nopal train -help -model fno` lists options
 * and defaults (NULL or "": those), here without the operator's name: -fno_n_modes 16,16 is
 * {"n_modes": [16, 16]}. What that command takes from its data must be said here: the channels,
 * "in_channels" and "out_channels", and of fno "n_modes", one number an axis. All arguments must be
 * the same on all ranks. Collective over `comm`.
 */
NOPAL_EXPORT nopal_status nopal_model_create(MPI_Comm comm, const char* name,
                                             const char* configuration, int precision,
                                             uint64_t seed, nopal_model* model);

/** The same two with a Fortran communicator. */
NOPAL_EXPORT nopal_status nopal_model_load_f(MPI_Fint comm, const char* path, int precision,
                                             nopal_model* model);
NOPAL_EXPORT nopal_status nopal_model_create_f(MPI_Fint comm, const char* name,
                                               const char* configuration, int precision,
                                               uint64_t seed, nopal_model* model);

/** Writes a model file, whole or not at all. Collective. */
NOPAL_EXPORT nopal_status nopal_model_save(nopal_model model, const char* path);

/** Frees the model and sets the handle to NULL; NULL is fine. Trainers of it go on. Collective. */
NOPAL_EXPORT nopal_status nopal_model_destroy(nopal_model* model);

/** Channels of the input and of the output. `*in` is 0 if the model takes functions and points
 * instead of fields, see nopal_model_functions(). Local. */
NOPAL_EXPORT nopal_status nopal_model_channels(nopal_model model, int64_t* in, int64_t* out);

/**
 * Name and unit of channel `channel`, from 0, of the input or output (`side`, a nopal_side), as
 * its training data called them (attributes x_channels, x_units, ... of docs/formats.md); "" if
 * they are not known. Local; valid until the key is set, or the model destroyed.
 */
NOPAL_EXPORT nopal_status nopal_model_field(nopal_model model, int side, int64_t channel,
                                            const char** name, const char** unit);

/**
 * The grid of the training data: `*dimension` axes (0: not known) of extents[a] points, at most 3.
 * A model may take others. One whose weights belong to the spacing (MgNO, U-Net) says so in a line
 * of the log, see nopal_set_log(), when it is first evaluated there. Local.
 */
NOPAL_EXPORT nopal_status nopal_model_grid(nopal_model model, int* dimension, int64_t* extents);

/**
 * Axis `axis`, from 0, of that grid: its name (attribute `axes` of the data; "x", "y", "z" unless
 * told), and the ends of the domain along it with their unit (attributes `domain`, `axes_units`);
 * NaN and "" if they are not known. Local; valid until the key is set, or the model destroyed.
 */
NOPAL_EXPORT nopal_status nopal_model_axis(nopal_model model, int axis, const char** name,
                                           double* low, double* high, const char** unit);

/**
 * What is known of a model under a key, as text: "operator", "configuration" (JSON),
 * "training_grid", "validation_relative_l2", "data.equation", ...: what `nopal inspect` shows.
 * `*value` is NULL if there is nothing, otherwise valid until that key is set. Local.
 */
NOPAL_EXPORT nopal_status nopal_model_metadata(nopal_model model, const char* key,
                                               const char** value);

/**
 * Sets it, to be saved with the model: "data.x_channels" = "rho u v", "case" = "airfoil 12". Must
 * be called on all ranks; keys that the library writes itself are refused. Local.
 */
NOPAL_EXPORT nopal_status nopal_model_set_metadata(nopal_model model, const char* key,
                                                   const char* value);

/**
 * The points of a grid that this rank has: begin[a] <= i < end[a] of extents[a] points along axis
 * a, `dimension` of them; `layout` is a nopal_layout. The boxes of all ranks must be the products
 * of cuts along the axes, none empty, in any order of ranks. Takes all memory that
 * nopal_model_infer() needs. Collective; may be called again. On an error the box before stays.
 */
NOPAL_EXPORT nopal_status nopal_model_set_box(nopal_model model, int dimension,
                                              const int64_t* extents, const int64_t* begin,
                                              const int64_t* end, int layout);

/** Where the arrays of this model and of trainers to come are, a nopal_memory; NOPAL_HOST at
 * first. Local. */
NOPAL_EXPORT nopal_status nopal_model_set_memory(nopal_model model, int memory);

/** NOPAL_ERROR_ARGUMENT unless arrays of this model have that `precision`, for callers that know
 * the type of theirs, such as the Fortran module. Local. */
NOPAL_EXPORT nopal_status nopal_model_check_precision(nopal_model model, int precision);

/**
 * y := the model's output for the input x, on this rank's box, in physical units. `x_count` and
 * `y_count` are the numbers in the arrays, checked against box and channels. x and y may overlap.
 * Asks for no memory from the system from the second call on. Collective.
 */
NOPAL_EXPORT nopal_status nopal_model_infer(nopal_model model, const void* x, size_t x_count,
                                            void* y, size_t y_count);

/**
 * Of an operator that is asked at points (DeepONets): the number of its input functions and of the
 * coordinates of a point; 0 functions: it is none. Local.
 */
NOPAL_EXPORT nopal_status nopal_model_functions(nopal_model model, int* functions, int* dimension);

/** Values (sensors) of input function `function`, from 0. Local. */
NOPAL_EXPORT nopal_status nopal_model_function_size(nopal_model model, int function, int64_t* size);

/**
 * y := the output, C channels, at P points of this rank's choice, which may be none: `functions`
 * has the values of all input functions, one after another, `points` P x d coordinates and y P x C
 * numbers in the order that `layout` says; the counts are of numbers. Local: ranks may call it at
 * different times. Asks for no memory from the system from the second call with as many points on.
 */
NOPAL_EXPORT nopal_status nopal_model_infer_points(nopal_model model, const void* functions,
                                                   size_t functions_count, const void* points,
                                                   size_t points_count, void* y, size_t y_count,
                                                   int layout);

#ifdef __cplusplus
}
#endif

#endif
