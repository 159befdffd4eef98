// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "commands.hpp"
#include "problem_options.hpp"

#include <nopal/solvers/generate.hpp>

#include <cstdio>

namespace nopal::tools {
namespace {

std::vector<std::string> problem_names() {
  std::vector<std::string> names;
  for (const ProblemType& type : problem_types())
    names.push_back(type.name);
  return names;
}

}  // namespace

int generate_command(Options& options, const Communicator& comm) {
  const std::string name = options.choice("problem", "darcy", problem_names(), "PDE problem");
  GenerateOptions request;
  request.samples = options.integer("n", 1000, "number of samples", 1);
  request.first = options.integer(
      "first", 0, "index of the first sample: sets that continue each other share no sample", 0);
  request.seed = static_cast<std::uint64_t>(options.integer("seed", 0, "experiment", 0));
  const std::int64_t grid = options.integer(
      "grid", 0, "points along each axis (as -<problem>_resolution), 0: the problem's own", 0);
  const bool together = options.flag("solve_together", false,
                                     "all ranks solve each sample, instead of different ones");
  const bool single = options.choice("precision", "single", {"single", "double"},
                                     "numbers in the file") == "single";
  const bool resumable = options.flag(
      "resumable", false,
      "keep finished samples in the folder OUT.samples until the file is complete, and "
      "go on from those that are there");
  const std::string out = options.required("out", "FILE", "data file to write (HDF5)");
  if (resumable) request.keep = out + ".samples";
  if (grid > 0) {
    if (has_option(name + "_resolution"))
      options.fail("options -grid and -" + name + "_resolution say the same; give one of them");
    set_option(name + "_resolution", std::to_string(grid));
  }

  const Communicator solver_comm = together ? comm : Communicator();
  std::unique_ptr<Problem> problem = make_problem_from_options(options, name, solver_comm);
  if (!options.ready()) return 0;
  options.check_files({}, {{"-out", out}});

  // PETSc's objects read some of their options only when they are first used, and none of them must
  // be misspelt: so the first sample is made once more than needed.
  const Tensor<double> x(problem->x_shape()), y(problem->y_shape());
  comm.together([&] {
    problem->sample(request.seed, static_cast<std::uint64_t>(request.first), x, y);
    options.check_unused();
  });

  const GenerateSummary summary = single ? generate<float>(*problem, request, out, comm)
                                         : generate<double>(*problem, request, out, comm);
  if (comm.rank() == 0)
    std::printf("%s: %lld samples of %s in %.1f s (%.1f samples/s)\n", out.c_str(),
                static_cast<long long>(request.samples), name.c_str(), summary.seconds,
                summary.samples_per_second);
  return 0;
}

}  // namespace nopal::tools
