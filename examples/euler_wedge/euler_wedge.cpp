// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Supersonic flow past a wedge: the Euler equations against the exact oblique shock
//
// Sample runs:  euler_wedge
//               euler_wedge -mach 2.5 -angle 10 -cells 128
//               mpiexec -n 2 euler_wedge -cells 256 -flux hlle
//
// Description:  A flow along a wall that turns up by an angle: the shock that stands at the corner
// is
//               known exactly (theta-beta-M relation). Finite volumes on a grid fitted to the wall,
//               each cell with a time step of its own until the flow is steady. Prints the state
//               behind the shock and the error of the density on a coarse and a fine grid, and
//               draws the density beside the exact one, and a cut through the shock.

#include <nopal/core/runtime.hpp>
#include <nopal/io/figure.hpp>
#include <nopal/solvers/bridge/vec.hpp>
#include <nopal/solvers/euler/finite_volume.hpp>
#include <nopal/solvers/euler/gas_relations.hpp>
#include <nopal/solvers/options.hpp>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <numbers>

namespace {

using namespace nopal::euler;

constexpr double gamma_of_air = 1.4, start = 0.3;  // the wall turns at x = 0, `start` downstream

// The floor at x, the top at y = 1.
double floor_at(double x, double angle) {
  return x > 0 ? x * std::tan(angle) : 0;
}

void run(const nopal::Communicator& comm) {
  // 1. Options.
  double mach = 3, degrees = 15;
  std::int64_t cells = 64;
  int flux = 0;
  std::string path = "euler_wedge";
  const auto own_options = [&](nopal::PetscOptionReader& read) {
    read.real("mach", "Mach number of the flow", mach);
    read.real("angle", "of the wall, in degrees", degrees);
    read.integer("cells", "of the fine grid, along each direction", cells, 16);
    read.choice("flux", "Riemann solver", {"hllc", "hlle"}, flux);
    read.output("out", "picture to write, without ending", path, ".png");
  };
  if (!nopal::read_program_options(comm, "euler_wedge", own_options)) return;

  // 2. What is known: the shock's angle and the state behind it. Units: the speed of sound and the
  //    pressure of the flow are 1.
  const Primitive before{gamma_of_air, mach, 0, 1};
  const double angle = degrees * std::numbers::pi / 180, beta = shock_angle(mach, angle);
  const Primitive behind = behind_shock(before, beta);
  const auto exact = [&](const Point& at) {
    return at[0] > 0 && at[1] < at[0] * std::tan(beta) ? behind : before;
  };

  // 3. The flow on a coarse and a fine grid.
  const bool speaks = comm.rank() == 0;
  if (speaks)
    std::printf("Mach %.2f, wall of %.1f degrees: shock at %.2f degrees, pressure behind it %.4f\n",
                mach, degrees, beta * 180 / std::numbers::pi, behind.p);
  std::vector<double> flow;
  double former = 0;
  for (const std::int64_t n : {cells / 2, cells}) {
    const auto mapping = [&](double xi, double eta) {
      const double x = (1 + start) * xi - start, floor = floor_at(x, angle);
      return Point{x, floor + eta * (1 - floor)};
    };
    const CurvilinearGrid grid(n, n, mapping, {false, false}, comm);
    const BoundaryRule leaves = everywhere({Boundary::Kind::outflow, {}});
    FiniteVolumeOptions options;
    options.flux = flux == 0 ? "hllc" : "hlle";
    options.limiter = "minmod";
    FiniteVolumeSolver solver(grid,
                              {everywhere({Boundary::Kind::inflow, before}), leaves,
                               everywhere({Boundary::Kind::wall, {}}), leaves},
                              options);
    solver.set_state([&](const Point&) { return before; });
    auto last = std::chrono::steady_clock::now();
    const auto begin = last;
    const FlowProgress progress = solver.relax(1e-3, 20000, [&](const FlowProgress& p) {
      const auto now = std::chrono::steady_clock::now();
      if (speaks && now - last > std::chrono::seconds(2)) {
        last = now;
        std::fprintf(stderr, "  step %ld, |dU/dt| %.1e of the largest, ends at 1e-3\n",
                     long(p.steps), p.residual);
      }
      return true;
    });
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();

    // 4. The mean error of the density, and the pressure at the wall's end.
    nopal::DmdaGather(grid.dm())(solver.state(), flow);
    const auto state = [&](std::int64_t i, std::int64_t j) {
      const double* q = flow.data() + 4 * (j * n + i);
      return primitive({q[0], q[1], q[2], q[3]}, gamma_of_air);
    };
    double error = 0;
    for (std::int64_t j = 0; j < n; ++j)
      for (std::int64_t i = 0; i < n; ++i)
        error += std::abs(state(i, j).rho - exact(grid.centre(i, j)).rho) / double(n * n);
    if (speaks) {
      std::printf(
          "%4ld x %-4ld cells %6ld steps  %.2f s  pressure at the wall %.4f  mean error of the "
          "density %.4f",
          long(n), long(n), long(progress.steps), seconds, state(n - 2, 0).p, error);
      if (former > 0) std::printf("  order %.2f", std::log2(former / error));
      std::printf("\n");
    }
    former = error;
  }
  if (!speaks) return;

  // 5. Pictures: the density, what it should be, and along the wall, a tenth above it.
  const int width = 260, height = 200;
  const auto n = cells;
  const auto density = [&](double x, double y) {
    const double eta = (y - floor_at(x, angle)) / (1 - floor_at(x, angle));
    if (eta < 0) return 0.0;
    const auto cell = [n](double s) {
      return std::min(static_cast<std::int64_t>(s * double(n)), n - 1);
    };
    return flow[static_cast<std::size_t>(4 * (cell(eta) * n + cell((x + start) / (1 + start))))];
  };
  std::vector<nopal::Panel> panels;
  for (const bool computed : {true, false}) {
    nopal::Panel panel{computed ? "density" : "exact", height, width, {},
                       nopal::ColorMap::viridis,       {},     {}};
    for (int row = 0; row < height; ++row)
      for (int column = 0; column < width; ++column) {
        const double x = (1 + start) * (column + 0.5) / width - start, y = (row + 0.5) / height;
        const bool inside = y > floor_at(x, angle);
        panel.values.push_back(!inside ? 0 : computed ? density(x, y) : exact({x, y}).rho);
      }
    panels.push_back(panel);
  }
  nopal::draw_panels(panels, "Density of the flow past a wedge").write_png(path + ".png");
  std::printf("picture: %s.png\n", path.c_str());
  std::printf("    x    density   exact (a tenth above the wall)\n");
  for (double x = -0.2; x < 0.95; x += 0.15) {
    const double y = floor_at(x, angle) + 0.1;
    std::printf("%6.2f   %7.3f %7.3f\n", x, density(x, y), exact({x, y}).rho);
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
    std::fprintf(stderr, "euler_wedge: %s\n", error.what());
    code = 1;
  }
  return PetscFinalize() == PETSC_SUCCESS ? code : 1;
}
