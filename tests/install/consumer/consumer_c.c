/* SPDX-FileCopyrightText: 2026 nopal developers
 * SPDX-License-Identifier: BSD-3-Clause */

/* A C program that uses the installed library: versions of header and library agree, and an error
 * is a code and a text. */

#include <nopal/nopal.h>

#include <stdio.h>
#include <string.h>

int main(int argc, char** argv) {
  nopal_model model = NULL;
  char version[64];
  int good = 1;
  MPI_Init(&argc, &argv);
  snprintf(version, sizeof version, "%d.%d.%d", NOPAL_VERSION_MAJOR, NOPAL_VERSION_MINOR,
           NOPAL_VERSION_PATCH);
  good = good && strcmp(version, nopal_version()) == 0;
  good = good && nopal_initialise() == NOPAL_SUCCESS;
  good =
      good && nopal_model_load(MPI_COMM_WORLD, "absent", NOPAL_FLOAT, &model) == NOPAL_ERROR_MODEL;
  good = good && strstr(nopal_error_text(), "absent") != NULL;
  good = good && nopal_finalise() == NOPAL_SUCCESS;
  MPI_Finalize();
  printf("nopal %s from C: %s\n", nopal_version(), good ? "passed" : "failed");
  return good ? 0 : 1;
}
