/* SPDX-FileCopyrightText: 2026 nopal developers
 * SPDX-License-Identifier: BSD-3-Clause */

#ifndef NOPAL_C_TRAINER_H
#define NOPAL_C_TRAINER_H

/**
 * \file
 * Training in C, from a running simulation (in situ); see nopal/nopal.h.
 *
 *     nopal_model_create(comm, "fno", "{\"n_modes\": [16, 16]}", NOPAL_DOUBLE, 0, &model);
 *     nopal_model_set_box(model, 2, extents, begin, end, NOPAL_ROW_MAJOR);
 *     nopal_trainer_create(model, "{\"learning_rate\": 0.002}", &trainer);
 *     for (...) {                                             // the simulation's time loop
 *       nopal_trainer_add(trainer, x, x_count, y, y_count);   // before and after a step, say
 *       nopal_trainer_step(trainer, 4, &loss);                // once enough samples have come
 *     }
 *     nopal_trainer_save(trainer, "flow.safetensors");
 *
 * The C++ class is OnlineTrainer, nopal/train/online_trainer.hpp, which says what is done. All
 * functions are collective over the model's communicator unless they say "local".
 */

#include <nopal/c_api/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A training of `model`, an operator on fields, on the box that it has. `options` is a JSON object
 * (NULL: the defaults):
 *
 *     batch 8, capacity 256, keep "uniform" or "newest", warm_up 8, normalise true, seed 0,
 *     loss "l2", "h1", "h1_fourier" or "mse", boundary "periodic" or "one_sided",
 *     optimizer "adamw", optimizer_options {}, learning_rate 0.001, clip_norm 0
 *
 * The model stays usable: nopal_model_infer() then gives what was learned so far.
 */
NOPAL_EXPORT nopal_status nopal_trainer_create(nopal_model model, const char* options,
                                               nopal_trainer* trainer);

/** Frees the trainer and sets the handle to NULL; NULL is fine. */
NOPAL_EXPORT nopal_status nopal_trainer_destroy(nopal_trainer* trainer);

/** As nopal_model_check_precision(). Local. */
NOPAL_EXPORT nopal_status nopal_trainer_check_precision(nopal_trainer trainer, int precision);

/** Takes a copy of a sample, arrays as for nopal_model_infer(). */
NOPAL_EXPORT nopal_status nopal_trainer_add(nopal_trainer trainer, const void* x, size_t x_count,
                                            const void* y, size_t y_count);

/** The model's relative L2 error on a sample, over all ranks. Asked before nopal_trainer_add() it
 * is that on what the training has not seen. */
NOPAL_EXPORT nopal_status nopal_trainer_error(nopal_trainer trainer, const void* x, size_t x_count,
                                              const void* y, size_t y_count, double* error);

/** Takes `steps` steps, each with a batch of the samples kept; `*loss`, unless NULL, is their mean
 * loss. NOPAL_ERROR_STATE before `warm_up` samples have come; after nopal_trainer_restore() of a
 * training that had begun, before the first one. */
NOPAL_EXPORT nopal_status nopal_trainer_step(nopal_trainer trainer, int64_t steps, double* loss);

/** The learning rate of the steps to come. */
NOPAL_EXPORT nopal_status nopal_trainer_set_learning_rate(nopal_trainer trainer, double rate);

/** Samples that came and steps that were taken, those before a restart included. Local. */
NOPAL_EXPORT nopal_status nopal_trainer_counts(nopal_trainer trainer, int64_t* samples,
                                               int64_t* steps);

/** Writes the model with the state of the training, whole or not at all: a model file for all who
 * read one, and a restart file for nopal_trainer_restore(). Samples are not in it. */
NOPAL_EXPORT nopal_status nopal_trainer_save(nopal_trainer trainer, const char* path);

/** Puts model, optimiser, learning rate and counts back as they were saved; other options stay as
 * they were given to nopal_trainer_create(). On an error nothing is changed. */
NOPAL_EXPORT nopal_status nopal_trainer_restore(nopal_trainer trainer, const char* path);

#ifdef __cplusplus
}
#endif

#endif
