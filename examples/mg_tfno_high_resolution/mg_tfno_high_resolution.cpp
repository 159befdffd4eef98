// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// One large field on several ranks: a divided Fourier operator, and patches
//
// Sample runs:  mg_tfno_high_resolution
//               mpiexec -n 2 mg_tfno_high_resolution
//               mpiexec -n 4 mg_tfno_high_resolution -resolution 1024 -steps 3
//               mpiexec -n 4 mg_tfno_high_resolution -resolution 512 -flows 4
//
// Description:  Training steps on a single flow of n x n points that all ranks share, by operators
//               with tensorized weights:
//
//               - an FNO whose points are divided among the ranks: each transforms its own, and the
//                 kept modes are summed;
//               - the same, with blocks that are computed again for the adjoint;
//               - patched operators of one and two levels (MG-TFNO): an FNO that sees one patch at
//               a
//                 time, with a margin and with coarser fields of all around it.
//
//               The losses are the same on any number of ranks; memory is what the fields and
//               weights of a rank take at most, bytes are what it hands to sums over all ranks. The
//               flow is made by the spectral solver, on all ranks, too. Kossaifi, Kovachki,
//               Azizzadenesheli, Anandkumar, TMLR 2024.
//
// See also:     docs/scaling.md has the formulas.

#include <nopal/core/allocator.hpp>
#include <nopal/core/runtime.hpp>
#include <nopal/operators/model.hpp>
#include <nopal/solvers/generate.hpp>
#include <nopal/solvers/options.hpp>
#include <nopal/solvers/problems/navier_stokes.hpp>
#include <nopal/train/trainer.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>

namespace {

using nlohmann::json;

void run(const nopal::Communicator& comm) {
  // 1. Options.
  std::int64_t n = 128, flows = 1, steps = 4, width = 16, modes = 32;
  double time = 0.5;
  const auto own_options = [&](nopal::PetscOptionReader& read) {
    read.integer("resolution", "points an axis, a multiple of 16", n, 64);
    read.integer("flows", "in a step", flows, 1);
    read.integer("steps", "of the optimiser", steps, 1);
    read.integer("width", "channels within the networks", width, 1);
    read.integer("modes", "of the Fourier layers, an axis", modes, 2);
    read.real("time", "of the flow", time);
  };
  if (!nopal::read_program_options(comm, "mg_tfno_high_resolution", own_options)) return;

  // 2. A flow, or some, from a random force to the vorticity, solved by all ranks together.
  nopal::NavierStokesOptions flow;
  flow.recipe = "forced";
  flow.resolution = n;
  flow.solve_refine = 1;
  flow.time = time;
  nopal::NavierStokes problem(flow, comm);
  const auto data = nopal::generate_in_memory<float>(problem, {flows, 0, 0, 10}, comm);

  // 3. The networks: one tensor of a tenth of the numbers for the weights of all layers.
  const json fno = {{"n_modes", {modes, modes}},   {"hidden_channels", width},
                    {"factorization", "tucker"},   {"rank", 0.1},
                    {"joint_factorization", true}, {"spectral_init_std", 0.05}};
  const auto with = [&](const json& more) {
    json options = fno;
    options.update(more);
    return options;
  };
  // Margins of a quarter, then an eighth of a patch; as many modes for its length as the whole has.
  const auto patched = [&](std::int64_t levels, double padding, bool again) {
    const std::int64_t n_modes = std::max<std::int64_t>(2, modes >> levels);
    return with({{"levels", levels},
                 {"padding", padding},
                 {"patch_batch", 1},
                 {"n_modes", {n_modes, n_modes}},
                 {"recompute", again}});
  };
  struct Case {
    const char *name, *kind;
    json options;
  };
  const Case cases[] = {
      {"points divided", "fno", fno},
      {"  blocks computed again", "fno", with({{"recompute", true}})},
      {"  kept in bfloat16", "fno", with({{"recompute", true}, {"block_storage", "bfloat16"}})},
      {"4 patches", "patched_fno", patched(1, 1.0 / 16, false)},
      {"  blocks computed again", "patched_fno", patched(1, 1.0 / 16, true)},
      {"16 patches", "patched_fno", patched(2, 1.0 / 32, false)},
      {"  blocks computed again", "patched_fno", patched(2, 1.0 / 32, true)}};
  if (comm.rank() == 0)
    std::printf("%ld flow%s of %ld x %ld points\n%-26s %9s %10s %10s %9s %9s %9s\n", long(flows),
                flows == 1 ? "" : "s", long(n), long(n), "", "numbers", "first loss", "last loss",
                "s/step", "MB/rank", "kB summed");

  // 4. Training steps, all ranks on the same field.
  for (const Case& one : cases) {
    nopal::release_cached_memory();
    nopal::Model<float> model(nopal::make_operator<float>(one.kind, one.options),
                              nopal::fit_inputs(*data), nopal::fit_outputs(*data));
    nopal::TrainOptions options;
    options.epochs = steps;
    options.batch = flows;
    options.evaluation_interval = steps;
    options.space_ranks = comm.size();
    options.learning_rate = 2e-3;
    options.progress = [](const std::string&) {};
    nopal::reset_peak_memory();
    const std::int64_t sums = nopal::Communicator::bytes_summed();
    const double begin = MPI_Wtime();
    const auto result = nopal::train(model, {data, nullptr, {}}, options, comm);
    const double seconds = comm.max(MPI_Wtime() - begin) / static_cast<double>(steps);
    const double peak = comm.max(static_cast<double>(nopal::memory_statistics().peak_in_use));
    const auto bytes = static_cast<double>(nopal::Communicator::bytes_summed() - sums);
    if (comm.rank() > 0) continue;
    std::printf("%-26s %9ld %10.4f %10.4f %9.3f %9.1f %9.1f\n", one.name,
                long(nopal::count(model.op().parameters())), result.history.rows.front()[2],
                result.history.rows.back()[2], seconds, peak / 1e6,
                bytes / 1e3 / static_cast<double>(steps));
    std::fflush(stdout);
  }
}

}  // namespace

int main(int argc, char** argv) {
  nopal::Runtime runtime(argc, argv);
  if (PetscInitialize(&argc, &argv, nullptr, nullptr) != PETSC_SUCCESS) return 1;
  int code = 0;
  try {
    run(nopal::Communicator::world());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "mg_tfno_high_resolution: %s\n", error.what());
    code = 1;
  }
  return PetscFinalize() == PETSC_SUCCESS ? code : 1;
}
