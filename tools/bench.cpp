// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "bench_methods.hpp"
#include "commands.hpp"
#include "common.hpp"

#include <nopal/core/runtime.hpp>
#include <nopal/io/atomic_file.hpp>
#include <nopal/io/json_text.hpp>
#include <nopal/operators/learned_multigrid.hpp>
#include <nopal/operators/model.hpp>
#include <nopal/solvers/problems/linear_systems.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>

namespace nopal::tools {
namespace {

struct BenchRequest {
  std::vector<std::string> cases, methods;
  LinearSystemOptions system;
  std::int64_t n2 = 0, n3 = 0, seeds = 3, steps = 0;
  double step_size = 0;
  MethodSettings settings;
  std::string json;
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2;
}

// `poisson2d` -> poisson, 2.
LinearSystemOptions system_of(const std::string& name, const BenchRequest& request) {
  LinearSystemOptions options = request.system;
  options.dimension = name.ends_with("3d") ? 3 : 2;
  options.name =
      name.ends_with("2d") || name.ends_with("3d") ? name.substr(0, name.size() - 2) : name;
  options.points = options.dimension == 3 ? request.n3 : request.n2;
  return options;
}

std::vector<std::string> case_names() {
  std::vector<std::string> names;
  for (const std::string& name : linear_system_names()) {
    names.push_back(name == "helmholtz" ? name : name + "2d");
    if (name != "helmholtz") names.push_back(name + "3d");
  }
  return names;
}

// Medians over the right-hand sides of one method on one case.
nlohmann::json measure_method(const std::string& name, const std::vector<LinearSystem>& systems,
                              const std::vector<LinearSystemOptions>& options,
                              const BenchRequest& request, const Communicator& comm) {
  Method method(name, request.settings, comm);
  std::vector<double> set_up, solve, total, iterations, memory, residual;
  std::string outcome = "converged";
  const auto runs = static_cast<std::int64_t>(
      systems.size() > 1 ? systems.size() : static_cast<std::size_t>(request.seeds));
  double sum_set_up = 0, sum_solve = 0, sum_iterations = 0;
  for (std::int64_t run = 0; run < runs; ++run) {
    const std::size_t which = systems.size() > 1 ? static_cast<std::size_t>(run) : 0;
    const SolveRecord record =
        method.solve(systems[which], options[which], static_cast<std::uint64_t>(run));
    if (record.outcome != "converged") {
      outcome = record.outcome;
      break;
    }
    set_up.push_back(record.set_up_seconds);
    solve.push_back(record.solve_seconds);
    total.push_back(record.set_up_seconds + record.solve_seconds);
    iterations.push_back(static_cast<double>(record.iterations));
    memory.push_back(record.memory);
    residual.push_back(record.relative_residual);
    sum_set_up += record.set_up_seconds;
    sum_solve += record.solve_seconds;
    sum_iterations += static_cast<double>(record.iterations);
  }
  nlohmann::json row = {{"method", name}, {"outcome", outcome}};
  if (outcome != "converged") return row;
  const bool sequence = systems.size() > 1;
  row.update({{"iterations", sequence ? sum_iterations : median(iterations)},
              {"set_up_seconds", sequence ? sum_set_up : median(set_up)},
              {"solve_seconds", sequence ? sum_solve : median(solve)},
              {"total_seconds", sequence ? sum_set_up + sum_solve : median(total)},
              {"memory_bytes", median(memory)},
              {"largest_relative_residual", *std::max_element(residual.begin(), residual.end())}});
  return row;
}

LinearSystem same_system(const LinearSystem& system) {
  LinearSystem copy;
  NOPAL_PETSC(PetscObjectReference(reinterpret_cast<PetscObject>(system.dm.get())));
  NOPAL_PETSC(PetscObjectReference(reinterpret_cast<PetscObject>(system.matrix.get())));
  *copy.dm.receive() = system.dm;
  *copy.matrix.receive() = system.matrix;
  copy.symmetric_positive = system.symmetric_positive;
  return copy;
}

void print_rows(const std::string& title, const nlohmann::json& rows) {
  std::printf("\n%s\n\n%-18s %10s %10s %10s %10s %10s %10s\n", title.c_str(), "", "iterations",
              "set-up s", "solve s", "total s", "MB", "residual");
  for (const auto& row : rows) {
    const std::string method = row["method"];
    if (row["outcome"] != "converged")
      std::printf("%-18s %s\n", method.c_str(), row["outcome"].get<std::string>().c_str());
    else
      std::printf("%-18s %10.0f %10.3f %10.3f %10.3f %10.1f %10.1e\n", method.c_str(),
                  row["iterations"].get<double>(), row["set_up_seconds"].get<double>(),
                  row["solve_seconds"].get<double>(), row["total_seconds"].get<double>(),
                  row["memory_bytes"].get<double>() * 1e-6,
                  row["largest_relative_residual"].get<double>());
  }
  std::fflush(stdout);
}

// Before anything is measured: whether the models can be used.
void check_models(const MethodSettings& settings, const Communicator& comm) {
  for (const std::size_t d : {2, 3}) {
    const std::string& file = settings.models.at(d);
    if (file.empty()) continue;
    const auto model = Model<float>::load(file, comm);
    const auto* op = dynamic_cast<const LearnedMultigrid<float>*>(&model.op());
    NOPAL_CHECK(op && op->options().dimension == static_cast<int>(d), "option -model", d,
                "d: ", file, " is no multigrid model for ", d,
                " dimensions: make one with nopal train -model multigrid -multigrid_dimension ", d);
  }
}

BenchRequest declare(Options& options) {
  BenchRequest r;
  r.cases =
      options.texts("cases", "NAME,...",
                    "systems: poisson, lognormal, jumps, anisotropic, neumann, pressure, heat with "
                    "2d or 3d; "
                    "helmholtz [poisson2d]");
  if (r.cases.empty() || r.cases.front().empty()) r.cases = {"poisson2d"};
  r.methods = options.texts("methods", "NAME,...", "of the table [all]");
  if (r.methods.empty() || r.methods.front().empty()) r.methods = method_names();
  r.n2 = options.integer("n2", 255, "points an axis in two dimensions", 8);
  r.n3 = options.integer("n3", 33, "points an axis in three dimensions", 8);
  r.system.contrast = options.real("contrast", 1e4, "of lognormal and jumps", 1);
  r.system.tiles = options.integer("tiles", 16, "of jumps along an axis", 1);
  r.system.anisotropy = options.real("anisotropy", 1e-2, "coupling along x", 1e-12);
  r.system.wavelengths = options.real("wavelengths", 4, "of helmholtz along an axis", 0);
  r.seeds = options.integer("seeds", 3, "right-hand sides", 1);
  r.steps = options.integer("sequence", 0,
                            "solve so many systems: the lognormal coefficient, the obstacles of "
                            "pressure or the source of heat moves; 0: one",
                            0);
  r.step_size = options.real("step", 0.05, "of the time of such a sequence", 0);
  r.system.seed = static_cast<std::uint64_t>(options.integer("seed", 0, "of the coefficients", 0));
  r.settings.tolerance = options.real("rtol", 1e-8, "of the true residual", 1e-15);
  r.settings.limit = options.integer("max_it", 1000, "iterations at most", 1);
  r.settings.models[2] = options.text("model2d", "", "FILE", "trained model in two dimensions");
  r.settings.models[3] = options.text("model3d", "", "FILE", "trained model in three dimensions");
  r.settings.directions[2] = options.text("direction2d", "", "FILE", "direction network, for dcdm");
  r.settings.directions[3] =
      options.text("direction3d", "", "FILE", "the same in three dimensions");
  r.settings.surrogates[2] = options.text(
      "surrogate2d", "", "FILE", "right-hand side (rms 1) to solution, for guess and subspace");
  r.settings.surrogates[3] =
      options.text("surrogate3d", "", "FILE", "the same in three dimensions");
  r.system.walls = options.text("walls", "open_top", "NAME", "of pressure: open_top, closed, open");
  r.system.obstacles = options.integer("obstacles", 3, "of pressure", 0);
  r.system.heat_number =
      options.real("heat_number", 50, "of heat: time step / (mesh width)^2", 1e-12);
  r.json = options.text("json", "", "FILE", "write the tables as JSON, too");
  return r;
}

}  // namespace

int bench_command(Options& options, const Communicator& comm) {
  const std::string what = options.positional("solve", "what to measure: solve, linear solvers");
  const BenchRequest request = declare(options);
  for (const std::string& method : request.methods)
    if (const auto all = method_names(); std::find(all.begin(), all.end(), method) == all.end())
      options.fail("option -methods: unknown method '" + method + "'; did you mean '" +
                   nearest(method, all) + "'?");
  for (const std::string& name : request.cases)
    if (const auto all = case_names(); std::find(all.begin(), all.end(), name) == all.end())
      options.fail("option -cases: unknown case '" + name + "'; did you mean '" +
                   nearest(name, all) + "'?");
  if (!options.help_requested() && what != "solve")
    options.fail("expected nopal bench solve, got nopal bench " + what);
  if (!options.ready()) return 0;
  options.check_files({{"-model2d", request.settings.models[2]},
                       {"-model3d", request.settings.models[3]},
                       {"-direction2d", request.settings.directions[2]},
                       {"-direction3d", request.settings.directions[3]},
                       {"-surrogate2d", request.settings.surrogates[2]},
                       {"-surrogate3d", request.settings.surrogates[3]}},
                      {{"-json", request.json}});

  check_models(request.settings, comm);
  bool failed = false;
  nlohmann::json report = {{"rtol", request.settings.tolerance},
                           {"seeds", request.seeds},
                           {"ranks", comm.size()},
                           {"nopal_commit", commit()},
                           {"build", build_configuration()},
                           {"cases", nlohmann::json::array()}};
  for (const std::string& name : request.cases) {
    const LinearSystemOptions system = system_of(name, request);
    std::vector<LinearSystem> systems;
    std::vector<LinearSystemOptions> all_options;
    for (std::int64_t step = 0; step < std::max<std::int64_t>(1, request.steps); ++step) {
      LinearSystemOptions moved = system;
      moved.time = request.step_size * static_cast<double>(step);
      all_options.push_back(moved);
      // A heat step has the same matrix each time: an object of its own would be another to PETSc.
      if (moved.name == "heat" && step > 0)
        systems.push_back(same_system(systems.front()));
      else
        systems.push_back(make_linear_system(moved, comm));
    }
    nlohmann::json rows = nlohmann::json::array();
    for (const std::string& method : request.methods) {
      rows.push_back(measure_method(method, systems, all_options, request, comm));
      failed = failed || rows.back()["outcome"].get<std::string>().starts_with("error");
    }
    const std::string title =
        name + ", " + std::to_string(system.points) + " points an axis, " +
        std::to_string(comm.size()) + " rank(s)" +
        (request.steps > 1 ? ", " + std::to_string(request.steps) + " systems together"
                           : ", medians of " + std::to_string(request.seeds));
    if (comm.rank() == 0) print_rows(title, rows);
    report["cases"].push_back({{"name", name},
                               {"points", system.points},
                               {"contrast", system.contrast},
                               {"anisotropy", system.anisotropy},
                               {"tiles", system.tiles},
                               {"wavelengths", system.wavelengths},
                               {"obstacles", system.obstacles},
                               {"walls", system.walls},
                               {"systems", systems.size()},
                               {"methods", rows}});
  }
  if (!request.json.empty())
    comm.together([&] {
      if (comm.rank() == 0) write_file_atomically(request.json, json_text(report, 2) + "\n");
    });
  return failed ? 1 : 0;
}

}  // namespace nopal::tools
