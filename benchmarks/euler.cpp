// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// The right-hand side of the Euler equations, by finite volumes and by a DGSEM on about as many
// nodes: cells or nodes a second, and the shares of the machine's peaks in flops and bytes. On
// several ranks the grid is divided among them.

#include "benchmarks/support/machine.hpp"
#include "benchmarks/support/report.hpp"
#include "benchmarks/support/timer.hpp"

#include <nopal/solvers/euler/dgsem.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace {

using namespace nopal::euler;

void run(const benchmarks::Options& options) {
  const nopal::Communicator comm = nopal::Communicator::world();
  const benchmarks::Effort effort{options.number("seconds"), 5, 2};
  const std::int64_t n = options.integer("n");
  const CurvilinearGrid::Mapping mapping = [](double x, double y) {
    return Point{x + 0.02 * std::sin(6 * x) * std::sin(5 * y), y + 0.02 * std::sin(4 * x * y)};
  };
  const CurvilinearGrid grid(n, n, mapping, {false, false}, comm);
  const BoundaryRule out = everywhere({Boundary::Kind::outflow, {}});
  const benchmarks::Peaks peaks =
      benchmarks::measure_peaks({0.5, 3, 1}, std::size_t(1) << 28, comm);
  nlohmann::json results = nlohmann::json::array();
  if (comm.rank() == 0)
    std::printf("%lld x %lld cells, %d rank(s), peaks %.1f GFLOP/s in double, %.1f GB/s\n",
                static_cast<long long>(n), static_cast<long long>(n), comm.size(),
                1e-9 * peaks.dgemm, 1e-9 * peaks.copy);
  const auto report = [&](const std::string& name, auto& solver, double cells) {
    solver.set_state([](const Point& at) {
      return Primitive{1 + 0.3 * std::sin(9 * at[0]), std::cos(7 * at[1]), at[0] - at[1],
                       1 + 0.4 * std::cos(5 * at[0] * at[1])};
    });
    nopal::OwnedVec rate;
    NOPAL_PETSC(VecDuplicate(solver.state(), rate.receive()));
    const benchmarks::Timing time =
        benchmarks::measure([&] { solver.residual(0, solver.state(), rate); }, effort, comm);
    const nopal::Cost cost = solver.cost();
    if (comm.rank() == 0)
      std::printf(
          "%-20s %7.2f ms  %6.1f M cells/s  %5.1f GFLOP/s, %3.0f%% of peak  %5.1f GB/s, "
          "%3.0f%%\n",
          name.c_str(), 1e3 * time.median, 1e-6 * cells / time.median,
          1e-9 * cost.flops / time.median, 100 * cost.flops / time.median / peaks.dgemm,
          1e-9 * cost.bytes / time.median, 100 * cost.bytes / time.median / peaks.copy);
    results.push_back({{"name", name},
                       {"cells", cells},
                       {"seconds", time.to_json()},
                       {"flops", cost.flops},
                       {"bytes", cost.bytes}});
  };
  for (const char* flux : {"hllc", "hlle"})
    for (const char* limiter : {"van_leer", "minmod", "first_order"}) {
      FiniteVolumeOptions o;
      o.flux = flux;
      o.limiter = limiter;
      FiniteVolumeSolver solver(grid, {out, out, out, out}, o);
      report(std::string(flux) + ", " + limiter, solver,
             static_cast<double>(n) * static_cast<double>(n));
    }
  for (const int degree : {3, 4, 7}) {
    DgsemOptions o;
    o.degree = degree;
    const std::int64_t elements = n / (degree + 1), nodes = elements * (degree + 1);
    DgsemSolver solver(elements, elements, mapping, {false, false}, {out, out, out, out}, o, comm);
    report(nopal::detail::concatenate("dgsem, degree ", degree), solver,
           static_cast<double>(nodes) * static_cast<double>(nodes));
  }
  if (comm.rank() == 0)
    benchmarks::write_json(options.text("json"), {{"benchmark", "euler"},
                                                  {"environment", benchmarks::environment()},
                                                  {"options", options.to_json()},
                                                  {"peaks", peaks.to_json()},
                                                  {"results", results}});
}

}  // namespace

int main(int argc, char** argv) {
  benchmarks::Options options("Right-hand side of the Euler equations.",
                              {{"n", "512"}, {"seconds", "1"}, {"json", ""}});
  return benchmarks::run_program(argc, argv, options, [](const benchmarks::Options& o) {
    NOPAL_CHECK(PetscInitializeNoArguments() == PETSC_SUCCESS, "PETSc does not start");
    run(o);
    NOPAL_CHECK(PetscFinalize() == PETSC_SUCCESS, "PETSc does not end");
  });
}
