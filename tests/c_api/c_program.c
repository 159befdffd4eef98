/* SPDX-FileCopyrightText: 2026 nopal developers
 * SPDX-License-Identifier: BSD-3-Clause */

/* The header in C, linked with the C library alone: a program as a user begins it. */

#include <nopal/nopal.h>

#include <stdio.h>
#include <string.h>

#define EXPECT(condition)                                              \
  do {                                                                 \
    if (!(condition)) {                                                \
      fprintf(stderr, "line %d: expected %s\n", __LINE__, #condition); \
      ++failures;                                                      \
    }                                                                  \
  } while (0)

int main(int argc, char** argv) {
  int failures = 0;
  nopal_model model = NULL;
  EXPECT(nopal_initialise() == NOPAL_ERROR_STATE); /* before MPI_Init() */
  EXPECT(strstr(nopal_error_text(), "MPI_Init") != NULL);
  MPI_Init(&argc, &argv);
  EXPECT(nopal_initialise() == NOPAL_SUCCESS);
  EXPECT(strlen(nopal_version()) > 0);
  EXPECT(nopal_model_load(MPI_COMM_WORLD, "no_such_file", NOPAL_DOUBLE, &model) ==
         NOPAL_ERROR_MODEL);
  EXPECT(model == NULL);
  EXPECT(strstr(nopal_error_text(), "no_such_file") != NULL);
  EXPECT(nopal_finalise() == NOPAL_SUCCESS);
  MPI_Finalize();
  if (failures == 0) printf("nopal %s: passed\n", nopal_version());
  return failures == 0 ? 0 : 1;
}
