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
 * expected, what came, and what to do. Nothing aborts: null handles, those of models that were
 * destroyed and calls after MPI_Finalize() are errors, too. Functions that are collective must be
 * called by all ranks of the model's communicator, with the same numbers and options (arrays and
 * boxes are each rank's own; what differs is refused), and return the same status on all.
 *
 * Threads: one call at a time, of whichever model; a call while another one runs gets
 * NOPAL_ERROR_BUSY at once (so does one from within a function that nopal_set_log() was given). If
 * several threads take turns, MPI must be initialised with MPI_THREAD_SERIALIZED. Older versions of
 * Kokkos (Debian 12's) with OpenMP work on the thread that initialised them only, and none within
 * parallel regions: other calls get NOPAL_ERROR_STATE. For more at a time take more ranks. No
 * threads are started; a library that was built on Kokkos with OpenMP uses those that the program
 * allows.
 */

#include <nopal/c_api/model.h>
#include <nopal/c_api/trainer.h>
#include <nopal/c_api/types.h>

/** Version of this header; nopal_version() is that of the library. */
#define NOPAL_VERSION_MAJOR 0
#define NOPAL_VERSION_MINOR 1
#define NOPAL_VERSION_PATCH 0

#ifdef __cplusplus
extern "C" {
#endif

/** The text of this thread's last error; "" if there was none. Valid until its next call. */
NOPAL_EXPORT const char* nopal_error_text(void);

/** `major.minor.patch`, the commit, and compiler and settings of the library. */
NOPAL_EXPORT const char* nopal_version(void);
NOPAL_EXPORT const char* nopal_commit(void);
NOPAL_EXPORT const char* nopal_configuration(void);

/**
 * Brings up what the library needs (Kokkos, unless the program has done so). MPI must be
 * initialised. May be called again, by libraries that do not know of each other: as many calls of
 * nopal_finalise() take it down, the last one before MPI_Finalize(). That is refused, with
 * NOPAL_ERROR_STATE, while there are models or trainers. Not to be called by several threads at
 * once. Local.
 */
NOPAL_EXPORT nopal_status nopal_initialise(void);
NOPAL_EXPORT nopal_status nopal_finalise(void);

/**
 * Where the library's rare lines go, such as the warning that a model is used on another grid than
 * its own (standard output of rank 0 unless told): sink(line, context), NULL for nowhere. Local.
 */
NOPAL_EXPORT nopal_status nopal_set_log(void (*sink)(const char* line, void* context),
                                        void* context);

#ifdef __cplusplus
}
#endif

#endif
