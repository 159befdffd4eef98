// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/solvers/bridge/vec.hpp>
#include <nopal/solvers/euler/steady_flow.hpp>

#include <algorithm>
#include <utility>
#include <vector>

namespace nopal::euler {

SteadyFlow steady_flow(std::int64_t nx, std::int64_t ny, const CurvilinearGrid::Mapping& mapping,
                       const Boundaries& boundaries,
                       const std::function<Primitive(const Point&)>& initial,
                       const SteadyFlowOptions& o, const Communicator& comm,
                       const FiniteVolumeSolver::Observer& observe) {
  std::int64_t coarsening = 1;
  const auto halves = [&](std::int64_t least) {
    const std::int64_t m = nx / coarsening, n = ny / coarsening;
    return m % 2 == 0 && n % 2 == 0 && std::max(m, n) >= least && std::min(m, n) >= least / 2;
  };
  while (halves(64))
    coarsening *= 2;
  SteadyFlow flow;
  std::vector<double> cells;  // of the whole grid, conserved
  double reference = 0;
  for (; coarsening >= 1; coarsening /= 2) {
    const std::int64_t m = nx / coarsening, n = ny / coarsening;
    const CurvilinearGrid grid(m, n, mapping, {false, false}, comm);
    FiniteVolumeSolver solver(grid, boundaries, o.solver);
    if (cells.empty())
      solver.set_state(initial);
    else
      solver.set_cells([&](std::int64_t i, std::int64_t j) {
        const double* q = cells.data() + (j / 2 * (m / 2) + i / 2) * 4;
        return primitive({q[0], q[1], q[2], q[3]}, o.solver.gamma);
      });
    const bool last = coarsening == 1;
    flow.progress = solver.relax(o.tolerance, last ? o.steps : o.steps / 4,
                                 last ? observe : FiniteVolumeSolver::Observer(), reference);
    reference = flow.progress.reference;
    DmdaGather(grid.dm())(solver.state(), cells);
    if (!last) continue;
    std::vector<double> points, values;
    for (std::int64_t j = 0; j < n; ++j)
      for (std::int64_t i = 0; i < m; ++i) {
        const Point at = grid.centre(i, j);
        const double* q = cells.data() + (j * m + i) * 4;
        const Primitive w = primitive({q[0], q[1], q[2], q[3]}, o.solver.gamma);
        points.insert(points.end(), {at[0], at[1]});
        values.insert(values.end(), {w.rho, w.u, w.v, w.p});
      }
    flow.points = Tensor<double>::from_host({n * m, 2}, points);
    flow.values = Tensor<double>::from_host({n * m, 4}, values);
  }
  return flow;
}

void interpolate_cells(const double* values, std::int64_t channels, std::int64_t nx,
                       std::int64_t ny, double xi, double eta, double* result) {
  const auto place = [](double s, std::int64_t n) {
    const double at = std::clamp(s * static_cast<double>(n) - 0.5, 0.0, double(n) - 1);
    const auto low = std::min(static_cast<std::int64_t>(at), n - 2);
    return std::pair(low, at - static_cast<double>(low));
  };
  const auto [i, s] = place(xi, nx);
  const auto [j, t] = place(eta, ny);
  const double* const corner = values + (j * nx + i) * channels;
  for (std::int64_t c = 0; c < channels; ++c) {
    const double* const v = corner + c;
    const double low = (1 - s) * v[0] + s * v[channels],
                 high = (1 - s) * v[nx * channels] + s * v[(nx + 1) * channels];
    result[c] = (1 - t) * low + t * high;
  }
}

}  // namespace nopal::euler
