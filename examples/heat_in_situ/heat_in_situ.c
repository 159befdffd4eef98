/* SPDX-FileCopyrightText: 2026 nopal developers
 * SPDX-License-Identifier: BSD-3-Clause */

/*
 * A simulation in C that trains a surrogate of itself while it runs, and then uses it.
 *
 * The simulation: heat conduction u_t = div(k(u) grad u) with k(u) = 0.02 + 0.05 u^2, periodic on
 * the unit square, by finite differences and small explicit steps. Each rank has a block of the
 * grid, and one line of points around it. The surrogate, a Fourier neural operator, learns the map
 * from the temperature to that 100 steps later, from the blocks as they are: no files, no
 * gathering.
 *
 * Sample runs:
 *
 *     heat_in_situ                            about 6 s
 *     mpiexec -n 4 heat_in_situ               the same, until rounding has grown in the training
 *     heat_in_situ 400                        400 experiments instead of 90: a better surrogate
 *
 * The last table is honest about this small problem: a coarse grid is a better surrogate than a
 * network here. What the program shows is the coupling.
 */

#include <nopal/nopal.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { n = 32, steps_of_a_jump = 100, jumps = 4 };
static const double dt = 1e-3, two_pi = 6.283185307179586;

static void check(nopal_status status) {
  if (status == NOPAL_SUCCESS) return;
  fprintf(stderr, "heat_in_situ: %s\n", nopal_error_text());
  MPI_Abort(MPI_COMM_WORLD, 1);
}

/* Blocks of a grid of `points` x `points` on the ranks of a Cartesian communicator. */
typedef struct {
  MPI_Comm comm;
  int points, ranks[2], rank[2], begin[2], end[2], rows, columns;
  double* line[4]; /* to send and receive: lines of columns */
} Blocks;

static Blocks divide(int points, MPI_Comm comm) {
  Blocks b = {.points = points};
  int size, periodic[2] = {1, 1};
  MPI_Comm_size(comm, &size);
  MPI_Dims_create(size, 2, b.ranks);
  if (b.ranks[0] > 8) {
    fprintf(stderr, "heat_in_situ: at most 8 ranks along an axis, got %d\n", b.ranks[0]);
    MPI_Abort(MPI_COMM_WORLD, 1);
  }
  MPI_Cart_create(comm, 2, b.ranks, periodic, 0, &b.comm);
  MPI_Cart_get(b.comm, 2, b.ranks, periodic, b.rank);
  for (int a = 0; a < 2; ++a) {
    /* In eighths, so that grids with half as many points are cut at the same places. */
    b.begin[a] = points / 8 * (8 * b.rank[a] / b.ranks[a]);
    b.end[a] = points / 8 * (8 * (b.rank[a] + 1) / b.ranks[a]);
  }
  b.rows = b.end[0] - b.begin[0];
  b.columns = b.end[1] - b.begin[1];
  for (int i = 0; i < 4; ++i)
    b.line[i] = malloc((size_t)b.rows * sizeof(double));
  return b;
}

/* Fields are blocks with a line of points around them. */
static size_t place(const Blocks* b, int i, int j) {
  return (size_t)(i + 1) * (size_t)(b->columns + 2) + (size_t)(j + 1);
}
static double* new_field(const Blocks* b) {
  return calloc((size_t)(b->rows + 2) * (size_t)(b->columns + 2), sizeof(double));
}
static void copy(const Blocks* b, const double* from, double* to) {
  memcpy(to, from, (size_t)(b->rows + 2) * (size_t)(b->columns + 2) * sizeof(double));
}

/* The points around a block, from its four neighbours. */
static void exchange(const Blocks* b, double* u) {
  int low, high;
  MPI_Cart_shift(b->comm, 0, 1, &low, &high);
  MPI_Sendrecv(&u[place(b, 0, 0)], b->columns, MPI_DOUBLE, low, 0, &u[place(b, b->rows, 0)],
               b->columns, MPI_DOUBLE, high, 0, b->comm, MPI_STATUS_IGNORE);
  MPI_Sendrecv(&u[place(b, b->rows - 1, 0)], b->columns, MPI_DOUBLE, high, 1, &u[place(b, -1, 0)],
               b->columns, MPI_DOUBLE, low, 1, b->comm, MPI_STATUS_IGNORE);
  MPI_Cart_shift(b->comm, 1, 1, &low, &high);
  for (int i = 0; i < b->rows; ++i) {
    b->line[0][i] = u[place(b, i, 0)];
    b->line[1][i] = u[place(b, i, b->columns - 1)];
  }
  MPI_Sendrecv(b->line[0], b->rows, MPI_DOUBLE, low, 2, b->line[2], b->rows, MPI_DOUBLE, high, 2,
               b->comm, MPI_STATUS_IGNORE);
  MPI_Sendrecv(b->line[1], b->rows, MPI_DOUBLE, high, 3, b->line[3], b->rows, MPI_DOUBLE, low, 3,
               b->comm, MPI_STATUS_IGNORE);
  for (int i = 0; i < b->rows; ++i) {
    u[place(b, i, b->columns)] = b->line[2][i];
    u[place(b, i, -1)] = b->line[3][i];
  }
}

static double flux(double from, double to) {
  const double mean = 0.5 * (from + to);
  return (0.02 + 0.05 * mean * mean) * (to - from);
}

/* `steps` explicit steps of length `step`. */
static void simulate(const Blocks* b, double* u, int steps, double step) {
  double* next = new_field(b);
  const double factor = step * b->points * b->points;
  for (int s = 0; s < steps; ++s) {
    exchange(b, u);
    for (int i = 0; i < b->rows; ++i)
      for (int j = 0; j < b->columns; ++j) {
        const double here = u[place(b, i, j)];
        next[place(b, i, j)] =
            here + factor * (flux(here, u[place(b, i - 1, j)]) + flux(here, u[place(b, i + 1, j)]) +
                             flux(here, u[place(b, i, j - 1)]) + flux(here, u[place(b, i, j + 1)]));
      }
    copy(b, next, u);
  }
  free(next);
}

/* A random number in (0, 1) that depends on its arguments only, not on the rank. */
static double uniform(unsigned experiment, unsigned index) {
  uint64_t z = ((uint64_t)experiment << 32 | index) + 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return ((double)((z ^ (z >> 31)) >> 11) + 0.5) / 9007199254740992.0;
}

/* The temperature at first: some waves. */
static void begin(const Blocks* b, unsigned experiment, double* u) {
  for (int i = 0; i < b->rows; ++i)
    for (int j = 0; j < b->columns; ++j) {
      const double x = (double)(b->begin[0] + i) / b->points,
                   y = (double)(b->begin[1] + j) / b->points;
      double sum = 0;
      for (int k = 0; k < 4; ++k)
        for (int l = -3; l < 4; ++l) {
          const unsigned wave = (unsigned)(2 * (7 * k + l + 3));
          sum += (uniform(experiment, wave) - 0.5) / (1 + k * k + l * l) *
                 cos(two_pi * (k * x + l * y + uniform(experiment, wave + 1)));
        }
      u[place(b, i, j)] = 2 * sum;
    }
}

/* Between a field and an array of the block's points alone, which the surrogate takes. */
static void to_array(const Blocks* b, const double* u, double* x) {
  for (int i = 0; i < b->rows; ++i)
    memcpy(x + (size_t)i * (size_t)b->columns, &u[place(b, i, 0)],
           (size_t)b->columns * sizeof(double));
}
static void from_array(const Blocks* b, const double* x, double* u) {
  for (int i = 0; i < b->rows; ++i)
    memcpy(&u[place(b, i, 0)], x + (size_t)i * (size_t)b->columns,
           (size_t)b->columns * sizeof(double));
}

/* |u - v| / |v|. */
static double difference(const Blocks* b, const double* u, const double* v) {
  double sums[2] = {0, 0};
  for (int i = 0; i < b->rows; ++i)
    for (int j = 0; j < b->columns; ++j) {
      const double e = u[place(b, i, j)] - v[place(b, i, j)];
      sums[0] += e * e;
      sums[1] += v[place(b, i, j)] * v[place(b, i, j)];
    }
  MPI_Allreduce(MPI_IN_PLACE, sums, 2, MPI_DOUBLE, MPI_SUM, b->comm);
  return sqrt(sums[0] / sums[1]);
}

int main(int argc, char** argv) {
  const int experiments = argc > 1 ? atoi(argv[1]) : 90;
  int rank;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);

  /* 1. The simulation's own blocks. */
  const Blocks b = divide(n, MPI_COMM_WORLD);
  double *u = new_field(&b), *truth = new_field(&b);
  const size_t count = (size_t)b.rows * (size_t)b.columns;
  double *x = malloc(count * sizeof(double)), *y = malloc(count * sizeof(double));

  /* 2. A surrogate on them. */
  nopal_model model;
  nopal_trainer trainer;
  const int64_t extents[] = {n, n}, first[] = {b.begin[0], b.begin[1]},
                last[] = {b.end[0], b.end[1]};
  check(nopal_initialise());
  check(nopal_model_create(b.comm, "fno",
                           "{\"n_modes\": [12, 12], \"hidden_channels\": 8, \"n_layers\": 2}",
                           NOPAL_DOUBLE, 1, &model));
  check(nopal_model_set_metadata(model, "data.x_channels", "temperature"));
  check(nopal_model_set_metadata(model, "data.y_channels", "temperature"));
  check(nopal_model_set_metadata(model, "data.domain", "0 1 0 1"));
  check(nopal_model_set_box(model, 2, extents, first, last, NOPAL_ROW_MAJOR));
  check(nopal_trainer_create(model, "{\"batch\": 4, \"warm_up\": 16, \"learning_rate\": 0.005}",
                             &trainer));

  /* 3. Experiments: each jump of the simulation is a sample, on which the surrogate is first
   * judged, then trained. */
  if (rank == 0) printf("experiments  error on what comes next\n");
  double sum = 0, seconds_simulation = 0, seconds_training = 0;
  for (int e = 0; e < experiments; ++e) {
    begin(&b, (unsigned)e, u);
    for (int j = 0; j < jumps; ++j) {
      double error, t = MPI_Wtime();
      int64_t samples, steps;
      to_array(&b, u, x);
      simulate(&b, u, steps_of_a_jump, dt);
      to_array(&b, u, y);
      seconds_simulation += MPI_Wtime() - t;
      t = MPI_Wtime();
      check(nopal_trainer_error(trainer, x, count, y, count, &error));
      check(nopal_trainer_add(trainer, x, count, y, count));
      check(nopal_trainer_counts(trainer, &samples, &steps));
      if (samples >= 16) {
        if (e == experiments * 3 / 4) check(nopal_trainer_set_learning_rate(trainer, 0.001));
        check(nopal_trainer_step(trainer, 3, NULL));
      }
      seconds_training += MPI_Wtime() - t;
      sum += error;
    }
    if ((e + 1) % (experiments >= 6 ? experiments / 6 : 1) == 0) {
      if (rank == 0)
        printf("%11d  %.4f\n", e + 1, sum / jumps / (experiments >= 6 ? experiments / 6.0 : 1));
      fflush(stdout);
      sum = 0;
    }
  }
  check(nopal_trainer_save(trainer, "heat.safetensors"));
  check(nopal_trainer_destroy(&trainer));

  /* 4. A new experiment with the surrogate in the time loop, beside the simulation, the same
   * simulation with half as many points an axis and steps four times as long, and doing nothing. */
  const int tests = 8;
  const Blocks h = divide(n / 2, MPI_COMM_WORLD);
  double *half = new_field(&h), *half_truth = new_field(&h), *at_first = new_field(&b);
  double errors[jumps][3] = {{0}}, seconds[3] = {0, 0, 0};
  for (int test = 0; test < tests; ++test) {
    begin(&b, 1000000u + (unsigned)test, truth);
    begin(&h, 1000000u + (unsigned)test, half);
    copy(&b, truth, u);
    copy(&b, truth, at_first);
    for (int j = 0; j < jumps; ++j) {
      double t = MPI_Wtime();
      simulate(&b, truth, steps_of_a_jump, dt);
      seconds[0] += MPI_Wtime() - t;
      t = MPI_Wtime();
      to_array(&b, u, x);
      check(nopal_model_infer(model, x, count, y, count));
      from_array(&b, y, u);
      seconds[1] += MPI_Wtime() - t;
      t = MPI_Wtime();
      simulate(&h, half, steps_of_a_jump / 4, 4 * dt);
      seconds[2] += MPI_Wtime() - t;
      /* Every other point of the finer grid; blocks of both are cut at the same places. */
      for (int i = 0; i < h.rows; ++i)
        for (int k = 0; k < h.columns; ++k)
          half_truth[place(&h, i, k)] = truth[place(&b, 2 * i, 2 * k)];
      errors[j][0] += difference(&b, u, truth) / tests;
      errors[j][1] += difference(&h, half, half_truth) / tests;
      errors[j][2] += difference(&b, at_first, truth) / tests;
    }
  }
  if (rank == 0) {
    printf("\njump  surrogate  half the points  no change\n");
    for (int j = 0; j < jumps; ++j)
      printf("%4d  %.4f     %.4f           %.4f\n", j + 1, errors[j][0], errors[j][1],
             errors[j][2]);
    printf("\nmilliseconds a jump: simulation %.3f, surrogate %.3f, half the points %.3f\n",
           1e3 * seconds[0] / (jumps * tests), 1e3 * seconds[1] / (jumps * tests),
           1e3 * seconds[2] / (jumps * tests));
    printf("seconds of the experiments: simulation %.2f, training %.2f\n", seconds_simulation,
           seconds_training);
  }

  check(nopal_model_destroy(&model));
  check(nopal_finalise());
  MPI_Finalize();
  return 0;
}
