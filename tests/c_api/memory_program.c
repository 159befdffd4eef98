/* SPDX-FileCopyrightText: 2026 nopal developers
 * SPDX-License-Identifier: BSD-3-Clause */

/* All of the C interface once, and its errors, for scripts/check-memory: what it takes it gives back. */

#include <nopal/nopal.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures = 0;

static void expect(int line, nopal_status got, nopal_status expected) {
  if (got == expected) return;
  fprintf(stderr, "line %d: expected status %d, got %d: %s\n", line, expected, got,
          nopal_error_text());
  ++failures;
}
#define SUCCEEDS(call) expect(__LINE__, call, NOPAL_SUCCESS)
#define FAILS(call, status) expect(__LINE__, call, status)

static void fields(void) {
  const int64_t extents[] = {12, 10}, begin[] = {0, 0}, wrong[] = {13, 10};
  double x[240], y[120], loss, error, low, high;
  const char *text, *unit;
  int64_t in, out, samples, steps, points[3];
  int dimension;
  nopal_model model = NULL, again = NULL;
  nopal_trainer trainer = NULL;
  for (int i = 0; i < 240; ++i)
    x[i] = (double)(i * 7 % 13) / 13;
  memset(y, 0, sizeof y);

  SUCCEEDS(nopal_model_create(MPI_COMM_WORLD, "fno",
                              "{\"n_modes\": [4, 4], \"in_channels\": 2, \"hidden_channels\": 4}",
                              NOPAL_DOUBLE, 1, &model));
  FAILS(nopal_model_infer(model, x, 240, y, 120), NOPAL_ERROR_STATE);
  FAILS(nopal_model_set_box(model, 2, extents, begin, wrong, NOPAL_ROW_MAJOR),
        NOPAL_ERROR_ARGUMENT);
  for (int layout = NOPAL_ROW_MAJOR; layout <= NOPAL_COLUMN_MAJOR; ++layout) {
    SUCCEEDS(nopal_model_set_box(model, 2, extents, begin, extents, layout));
    SUCCEEDS(nopal_model_infer(model, x, 240, y, 120));
  }
  FAILS(nopal_model_infer(model, x, 1, y, 120), NOPAL_ERROR_ARGUMENT);
  SUCCEEDS(nopal_model_channels(model, &in, &out));
  SUCCEEDS(nopal_model_set_metadata(model, "data.x_channels", "a b"));
  SUCCEEDS(nopal_model_field(model, NOPAL_INPUT, 1, &text, &unit));
  SUCCEEDS(nopal_model_metadata(model, "operator", &text));

  FAILS(nopal_trainer_create(model, "{\"no\": 1}", &trainer), NOPAL_ERROR_ARGUMENT);
  SUCCEEDS(nopal_trainer_create(model, "{\"batch\": 2, \"warm_up\": 2, \"capacity\": 3}", &trainer));
  FAILS(nopal_trainer_step(trainer, 1, &loss), NOPAL_ERROR_STATE);
  for (int i = 0; i < 5; ++i) {
    x[i] += 1;
    y[i] += 1;
    SUCCEEDS(nopal_trainer_add(trainer, x, 240, y, 120));
  }
  SUCCEEDS(nopal_trainer_step(trainer, 3, &loss));
  SUCCEEDS(nopal_trainer_error(trainer, x, 240, y, 120, &error));
  SUCCEEDS(nopal_trainer_counts(trainer, &samples, &steps));
  SUCCEEDS(nopal_trainer_save(trainer, "memory.safetensors"));
  SUCCEEDS(nopal_trainer_restore(trainer, "memory.safetensors"));
  FAILS(nopal_trainer_restore(trainer, "/nowhere/at/all"), NOPAL_ERROR_MODEL);
  SUCCEEDS(nopal_model_grid(model, &dimension, points));
  SUCCEEDS(nopal_model_axis(model, 0, &text, &low, &high, &unit));
  FAILS(nopal_finalise(), NOPAL_ERROR_STATE);
  SUCCEEDS(nopal_model_destroy(&model));
  SUCCEEDS(nopal_trainer_destroy(&trainer));
  SUCCEEDS(nopal_model_load(MPI_COMM_WORLD, "memory.safetensors", NOPAL_FLOAT, &again));
  SUCCEEDS(nopal_model_save(again, "memory.safetensors"));
  SUCCEEDS(nopal_model_destroy(&again));
  FAILS(nopal_model_load(MPI_COMM_WORLD, "/nowhere/at/all", NOPAL_FLOAT, &again),
        NOPAL_ERROR_MODEL);
}

static void points(void) {
  float functions[6] = {1, 2, 3, 4, 5, 6}, at[10] = {0.5f}, y[5];
  int64_t size;
  int count, dimension;
  nopal_model model = NULL;
  SUCCEEDS(nopal_model_create(MPI_COMM_WORLD, "deeponet",
                              "{\"sensors\": [6], \"dimension\": 2, \"branch\": [5, 4],"
                              " \"trunk\": [5, 4]}",
                              NOPAL_FLOAT, 1, &model));
  SUCCEEDS(nopal_model_functions(model, &count, &dimension));
  SUCCEEDS(nopal_model_function_size(model, 0, &size));
  SUCCEEDS(nopal_model_infer_points(model, functions, 6, at, 10, y, 5, NOPAL_ROW_MAJOR));
  FAILS(nopal_model_infer_points(model, functions, 5, at, 10, y, 5, NOPAL_ROW_MAJOR),
        NOPAL_ERROR_ARGUMENT);
  SUCCEEDS(nopal_model_destroy(&model));
}

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  SUCCEEDS(nopal_initialise());
  fields();
  points();
  SUCCEEDS(nopal_finalise());
  remove("memory.safetensors");
  MPI_Finalize();
  printf("%s\n", failures == 0 ? "passed" : "failed");
  return failures == 0 ? 0 : 1;
}
