// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/error.hpp>
#include <nopal/core/profile.hpp>
#include <nopal/solvers/euler/finite_volume.hpp>

#include "euler/finite_volume_rows.hpp"
#include "euler/flow_stepper.hpp"

#include <Kokkos_Core.hpp>

#include <algorithm>
#include <limits>
#include <vector>

namespace nopal::euler {
namespace {

constexpr std::int64_t ghosts = 2;

using Views = std::array<const double*, 4>;

Views shifted(const Row& row, std::int64_t by) {
  return {row[0] + by, row[1] + by, row[2] + by, row[3] + by};
}

// A loop of the kernels with limiter and Riemann solver known to the compiler.
using Kernel = void (*)(const CurvilinearGrid&, const PetscScalar*, PetscScalar*, double gamma,
                        std::int64_t begin, std::int64_t end);

// dU/dt of rows [begin, end) of this rank's cells. Each row of primitive variables is made once and
// kept as long as a row nearby needs it.
template <class Limiter, bool Contact>
void residual_of_rows(const CurvilinearGrid& grid, const PetscScalar* q, PetscScalar* out,
                      double gamma, std::int64_t begin, std::int64_t end) {
  const std::int64_t m = grid.count()[0], width = m + 2 * ghosts;
  const auto faces = [&](const std::array<Tensor<double>, 2>& of, std::size_t component,
                         std::int64_t row,
                         std::int64_t columns) { return of[component].data() + row * columns; };
  Row cells[4] = {Row(width), Row(width), Row(width), Row(width)};  // row j in cells[j & 3]
  const auto row_of = [&](std::int64_t j) -> Row& { return cells[(j + 4) & 3]; };
  const auto load = [&](std::int64_t j) {
    load_row(q + (j + ghosts) * width * 4, width, gamma, row_of(j));
  };
  Row low(width), high(width), below(m), above(m), next_below(m), next_above(m);
  Row fx(m + 1), fy_low(m), fy_high(m);
  // Reconstruction across rows for row j: needs j - 1, j, j + 1.
  const auto across = [&](std::int64_t j, Row& down, Row& up) {
    reconstruct<Limiter>(shifted(row_of(j - 1), ghosts), shifted(row_of(j), ghosts),
                         shifted(row_of(j + 1), ghosts), m, down, up);
  };
  for (std::int64_t j = begin - 2; j <= begin; ++j)
    load(j);
  across(begin - 1, below, above);
  load(begin + 1);
  across(begin, next_below, next_above);
  riemann_fluxes<Contact>(shifted(above, 0), shifted(next_below, 0),
                          faces(grid.y_faces(), 0, begin, m), faces(grid.y_faces(), 1, begin, m), m,
                          gamma, fy_low);
  for (std::int64_t j = begin; j < end; ++j) {
    std::swap(below, next_below);
    std::swap(above, next_above);
    // Along the row, cells -1, ..., m.
    const Row& row = row_of(j);
    reconstruct<Limiter>(shifted(row, 0), shifted(row, 1), shifted(row, 2), m + 2, low, high);
    riemann_fluxes<Contact>(shifted(high, 0), shifted(low, 1), faces(grid.x_faces(), 0, j, m + 1),
                            faces(grid.x_faces(), 1, j, m + 1), m + 1, gamma, fx);
    load(j + 2);
    across(j + 1, next_below, next_above);
    riemann_fluxes<Contact>(shifted(above, 0), shifted(next_below, 0),
                            faces(grid.y_faces(), 0, j + 1, m), faces(grid.y_faces(), 1, j + 1, m),
                            m, gamma, fy_high);
    const double* area = grid.areas().data() + j * m;
    PetscScalar* to = out + j * m * 4;
    for (std::size_t k = 0; k < 4; ++k) {
      const double *x = fx[k], *y0 = fy_low[k], *y1 = fy_high[k];
#pragma GCC ivdep
      for (std::int64_t i = 0; i < m; ++i)
        to[4 * i + static_cast<std::int64_t>(k)] = (x[i] - x[i + 1] + y0[i] - y1[i]) / area[i];
    }
    std::swap(fy_low, fy_high);
  }
}

template <bool Contact>
Kernel kernel_of(const std::string& limiter) {
  return limiter == "first_order" ? residual_of_rows<NoSlope, Contact>
         : limiter == "none"      ? residual_of_rows<Unlimited, Contact>
         : limiter == "minmod"    ? residual_of_rows<Minmod, Contact>
         : limiter == "central"   ? residual_of_rows<Central, Contact>
                                  : residual_of_rows<VanLeer, Contact>;
}

void check(const FiniteVolumeOptions& o) {
  const std::vector<std::string> fluxes{"hllc", "hlle"},
      limiters{"van_leer", "minmod", "central", "none", "first_order"};
  NOPAL_CHECK(std::find(fluxes.begin(), fluxes.end(), o.flux) != fluxes.end(),
              "finite volumes: unknown flux '", o.flux, "'", suggestion(o.flux, fluxes));
  NOPAL_CHECK(std::find(limiters.begin(), limiters.end(), o.limiter) != limiters.end(),
              "finite volumes: unknown limiter '", o.limiter, "'", suggestion(o.limiter, limiters));
  NOPAL_CHECK(
      o.gamma > 1 && o.cfl > 0 && o.time_order >= 1 && o.time_order <= 3 && o.retries >= 0,
      "finite volumes: expected gamma > 1, cfl > 0, time_order 1, 2 or 3 and retries >= 0, ",
      "got ", o.gamma, ", ", o.cfl, ", ", o.time_order, " and ", o.retries);
}

Conserved load(const PetscScalar* q) {
  return {q[0], q[1], q[2], q[3]};
}

void store(const Conserved& from, PetscScalar* q) {
  std::copy(from.begin(), from.end(), q);
}

}  // namespace

struct FiniteVolumeSolver::State {
  const CurvilinearGrid& grid;
  Boundaries boundaries;
  FiniteVolumeOptions options;
  Kernel kernel;
  OwnedVec local;
  std::unique_ptr<FlowStepper> stepper;
  bool relaxing = false;
  std::vector<double> steps;  // of cells, while relaxing

  State(const CurvilinearGrid& g, const Boundaries& b, const FiniteVolumeOptions& o)
      : grid(g),
        boundaries(b),
        options(o),
        kernel(o.flux == "hllc" ? kernel_of<true>(o.limiter) : kernel_of<false>(o.limiter)) {}

  std::int64_t width() const { return grid.count()[0] + 2 * ghosts; }
  // Cell (i, j) of this rank, ghosts included, in its local vector.
  PetscScalar* cell(PetscScalar* q, std::int64_t i, std::int64_t j) const {
    return q + ((j + ghosts) * width() + i + ghosts) * 4;
  }

  // A side of the grid that this rank touches: face f of it, cell k of the row of cells across,
  // inside for k = 0, 1 and ghosts for k = -1, -2.
  struct Side {
    const BoundaryRule* rule;
    bool along_x;  // the side is at i = 0 or i = nx
    bool high;
    std::int64_t faces;
  };
  std::vector<Side> sides() const {
    std::vector<Side> all;
    const auto &first = grid.first(), &count = grid.count();
    if (count[0] == 0 || count[1] == 0) return all;
    if (!grid.periodic()[0]) {
      if (first[0] == 0) all.push_back({&boundaries.west, true, false, count[1]});
      if (first[0] + count[0] == grid.nx()) all.push_back({&boundaries.east, true, true, count[1]});
    }
    if (!grid.periodic()[1]) {
      if (first[1] == 0) all.push_back({&boundaries.south, false, false, count[0]});
      if (first[1] + count[1] == grid.ny())
        all.push_back({&boundaries.north, false, true, count[0]});
    }
    return all;
  }
  // Local indices of cell k across face f.
  std::array<std::int64_t, 2> across(const Side& s, std::int64_t f, std::int64_t k) const {
    const std::int64_t n = s.along_x ? grid.count()[0] : grid.count()[1];
    const std::int64_t a = s.high ? n - 1 - k : k;
    return s.along_x ? std::array{a, f} : std::array{f, a};
  }
  // Unit normal of face f out of the domain, and its middle.
  std::pair<Point, Point> face(const Side& s, std::int64_t f) const {
    const auto &first = grid.first(), &count = grid.count();
    const auto& normals = s.along_x ? grid.x_faces() : grid.y_faces();
    const std::int64_t columns = s.along_x ? count[0] + 1 : count[0];
    const std::int64_t at =
        s.along_x ? f * columns + (s.high ? count[0] : 0) : (s.high ? count[1] : 0) * columns + f;
    const double x = normals[0].data()[at], y = normals[1].data()[at];
    const double length = std::hypot(x, y), sign = (s.high ? 1 : -1) / (length > 0 ? length : 1);
    const std::int64_t i = s.along_x ? (s.high ? grid.nx() : 0) : first[0] + f,
                       j = s.along_x ? first[1] + f : (s.high ? grid.ny() : 0);
    const Point a = grid.vertex(i, j),
                b = s.along_x ? grid.vertex(i, j + 1) : grid.vertex(i + 1, j);
    return {{sign * x, sign * y}, {0.5 * (a[0] + b[0]), 0.5 * (a[1] + b[1])}};
  }

  void check_boundaries() const {
    for (const Side& side : sides()) {
      const char* name =
          side.along_x ? (side.high ? "east" : "west") : (side.high ? "north" : "south");
      NOPAL_CHECK(*side.rule, "finite volumes: the ", name,
                  " side of the grid has no boundary rule");
      for (std::int64_t f = 0; f < side.faces; ++f) {
        const auto [normal, middle] = face(side, f);
        check_boundary((*side.rule)(middle, 0), middle, normal, options.gamma, "finite volumes",
                       name);
      }
    }
  }

  void fill_ghosts(PetscScalar* q, double t) const {
    const double gamma = options.gamma;
    for (const Side& side : sides())
      for (std::int64_t f = 0; f < side.faces; ++f) {
        const auto [normal, middle] = face(side, f);
        const Boundary b = (*side.rule)(middle, t);
        const auto edge = across(side, f, 0);
        for (std::int64_t k = 0; k < ghosts; ++k) {
          const auto ghost = across(side, f, -1 - k);
          Primitive state;
          if (b.kind == Boundary::Kind::exact) {
            // The rule at the ghost's own centre.
            const Point at = grid.centre(grid.first()[0] + ghost[0], grid.first()[1] + ghost[1]);
            state = (*side.rule)(at, t).state;
          } else {
            // A wall is a mirror; other states do not change away from the grid.
            const auto inside = b.kind == Boundary::Kind::wall ? across(side, f, k) : edge;
            state = beyond(b, primitive(load(cell(q, inside[0], inside[1])), gamma), normal, gamma);
          }
          store(conserved(state, gamma), cell(q, ghost[0], ghost[1]));
        }
      }
  }

  // The rows are divided among the threads of the host.
  void residual(double t, Vec from, Vec to) const {
    const ScopedRegion region("euler_finite_volumes");
    NOPAL_PETSC(DMGlobalToLocal(grid.dm(), from, INSERT_VALUES, local));
    PetscScalar *q = nullptr, *out = nullptr;
    NOPAL_PETSC(VecGetArray(local, &q));
    fill_ghosts(q, t);
    NOPAL_PETSC(VecGetArrayWrite(to, &out));
    const std::int64_t rows = grid.count()[0] > 0 ? grid.count()[1] : 0;
    const std::int64_t pieces =
        std::min<std::int64_t>(std::max(1, Kokkos::DefaultHostExecutionSpace().concurrency()),
                               std::max<std::int64_t>(rows, 1));
    const CurvilinearGrid* const g = &grid;
    const Kernel run = kernel;
    const double gamma = options.gamma;
    if (rows > 0)
      Kokkos::parallel_for(
          "nopal::euler_finite_volumes",
          Kokkos::RangePolicy<Kokkos::DefaultHostExecutionSpace, Kokkos::IndexType<std::int64_t>>(
              0, pieces),
          [=](std::int64_t piece) {
            run(*g, q, out, gamma, rows * piece / pieces, rows * (piece + 1) / pieces);
          });
    if (relaxing)
      for (std::size_t k = 0; k < steps.size(); ++k)
        for (std::size_t c = 0; c < 4; ++c)
          out[4 * k + c] *= steps[k];
    NOPAL_PETSC(VecRestoreArrayWrite(to, &out));
    NOPAL_PETSC(VecRestoreArray(local, &q));
  }

  // The longest stable steps of cells, cfl |C| / sum over directions of (|v . S| + c |S|).
  FlowStepper::Survey survey(std::vector<double>* cells = nullptr) const {
    const std::int64_t m = grid.count()[0], n = grid.count()[1];
    const PetscScalar* q = nullptr;
    NOPAL_PETSC(VecGetArrayRead(stepper->u(), &q));
    if (cells) cells->resize(static_cast<std::size_t>(m * n));
    const double gamma = options.gamma, cfl = options.cfl;
    double least = std::numeric_limits<double>::infinity();
    std::string bad;
    for (std::int64_t j = 0; j < n; ++j) {
      const double *x0 = grid.x_faces()[0].data() + j * (m + 1),
                   *x1 = grid.x_faces()[1].data() + j * (m + 1),
                   *y0 = grid.y_faces()[0].data() + j * m, *y1 = grid.y_faces()[1].data() + j * m,
                   *area = grid.areas().data() + j * m;
      for (std::int64_t i = 0; i < m; ++i) {
        const Primitive w = primitive(load(q + (j * m + i) * 4), gamma);
        if (!(w.rho > 0 && w.p > 0 && std::isfinite(w.u) && std::isfinite(w.v) &&
              std::isfinite(w.p) && std::isfinite(w.rho))) {
          if (bad.empty()) {
            const Point at = grid.centre(grid.first()[0] + i, grid.first()[1] + j);
            bad = detail::concatenate("cell (", grid.first()[0] + i, ", ", grid.first()[1] + j,
                                      ") at (", at[0], ", ", at[1], ") has density ", w.rho,
                                      ", velocity (", w.u, ", ", w.v, ") and pressure ", w.p);
          }
          continue;
        }
        const double c = sound_speed(w, gamma);
        const double sx = 0.5 * (x0[i] + x0[i + 1]), sy = 0.5 * (x1[i] + x1[i + 1]);
        const double tx = 0.5 * (y0[i] + y0[i + m]), ty = 0.5 * (y1[i] + y1[i + m]);
        const double speed = std::abs(w.u * sx + w.v * sy) + c * std::sqrt(sx * sx + sy * sy) +
                             std::abs(w.u * tx + w.v * ty) + c * std::sqrt(tx * tx + ty * ty);
        const double step = cfl * area[i] / speed;
        if (cells) (*cells)[static_cast<std::size_t>(j * m + i)] = step;
        least = std::min(least, step);
      }
    }
    NOPAL_PETSC(VecRestoreArrayRead(stepper->u(), &q));
    return agree(least, bad, grid.comm());
  }
};

FiniteVolumeSolver::FiniteVolumeSolver(const CurvilinearGrid& grid, const Boundaries& boundaries,
                                       const FiniteVolumeOptions& options) {
  check(options);
  state_ = std::make_unique<State>(grid, boundaries, options);
  State& s = *state_;
  grid.comm().together([&] { s.check_boundaries(); });
  NOPAL_PETSC(DMCreateLocalVector(grid.dm(), s.local.receive()));
  s.stepper = std::make_unique<FlowStepper>(
      grid.dm(), grid.comm(),
      FlowStepper::Scheme{options.time_order, options.retries,
                          [&s](double t, Vec u, Vec f) { s.residual(t, u, f); },
                          [&s] { return s.survey(); }});
}

FiniteVolumeSolver::~FiniteVolumeSolver() = default;

void FiniteVolumeSolver::set_state(const std::function<Primitive(const Point&)>& state,
                                   double time) {
  const CurvilinearGrid& grid = state_->grid;
  set_cells([&](std::int64_t i, std::int64_t j) { return state(grid.centre(i, j)); }, time);
}

void FiniteVolumeSolver::set_cells(
    const std::function<Primitive(std::int64_t i, std::int64_t j)>& state, double time) {
  State& s = *state_;
  const std::int64_t m = s.grid.count()[0], n = s.grid.count()[1];
  PetscScalar* q = nullptr;
  NOPAL_PETSC(VecGetArrayWrite(s.stepper->u(), &q));
  for (std::int64_t j = 0; j < n; ++j)
    for (std::int64_t i = 0; i < m; ++i)
      store(conserved(state(s.grid.first()[0] + i, s.grid.first()[1] + j), s.options.gamma),
            q + (j * m + i) * 4);
  NOPAL_PETSC(VecRestoreArrayWrite(s.stepper->u(), &q));
  s.stepper->set_time(time);
  const auto survey = s.survey();
  NOPAL_CHECK(survey.step > 0, "Euler equations: the initial state is not physical: ", survey.bad);
}

Vec FiniteVolumeSolver::state() const {
  return state_->stepper->u();
}

Tensor<double> FiniteVolumeSolver::primitives() const {
  const State& s = *state_;
  const std::int64_t m = s.grid.count()[0], n = s.grid.count()[1];
  Tensor<double> all({n, m, 4});
  const PetscScalar* q = nullptr;
  NOPAL_PETSC(VecGetArrayRead(s.stepper->u(), &q));
  for (std::int64_t k = 0; k < n * m; ++k) {
    const Primitive w = primitive(load(q + 4 * k), s.options.gamma);
    double* to = all.data() + 4 * k;
    to[0] = w.rho;
    to[1] = w.u;
    to[2] = w.v;
    to[3] = w.p;
  }
  NOPAL_PETSC(VecRestoreArrayRead(s.stepper->u(), &q));
  return all;
}

void FiniteVolumeSolver::residual(double time, Vec u, Vec dudt) const {
  state_->residual(time, u, dudt);
}

Cost FiniteVolumeSolver::cost() const {
  const State& s = *state_;
  const std::string& limiter = s.options.limiter;
  // Counted in finite_volume_rows.hpp: primitive variables, the limiter of 4 variables along 2
  // directions, 2 faces, and their differences.
  const double slope = limiter == "van_leer"  ? 9
                       : limiter == "minmod"  ? 6
                       : limiter == "central" ? 9
                       : limiter == "none"    ? 7
                                              : 4;
  const double face = s.options.flux == "hllc" ? 138 : 110;
  const auto cells = static_cast<double>(s.grid.nx()) * static_cast<double>(s.grid.ny());
  return {cells * (10 + 8 * slope + 2 * face + 16),
          cells * (8.0 * sizeof(PetscScalar) + 5.0 * sizeof(double))};
}

FlowProgress FiniteVolumeSolver::advance(double time, const Observer& observe) {
  return state_->stepper->advance(time, observe);
}

FlowProgress FiniteVolumeSolver::relax(double tolerance, std::int64_t steps,
                                       const Observer& observe, double reference) {
  State& s = *state_;
  NOPAL_CHECK(tolerance > 0 && steps >= 0, "Euler equations: expected a tolerance above 0 and ",
              "steps of at least 0, got ", tolerance, " and ", steps);
  FlowProgress progress;
  progress.time = s.stepper->time();
  OwnedVec rate;
  NOPAL_PETSC(VecDuplicate(s.stepper->u(), rate.receive()));
  progress.reference = reference;
  const std::int64_t cells = s.grid.count()[0] * s.grid.count()[1];
  while (progress.steps < steps) {
    s.relaxing = false;
    s.residual(s.stepper->time(), s.stepper->u(), rate);
    const PetscScalar* r = nullptr;
    NOPAL_PETSC(VecGetArrayRead(rate, &r));
    double sum = 0;
    for (std::int64_t k = 0; k < cells; ++k)
      for (std::int64_t c = 0; c < 4; ++c)
        sum += std::abs(PetscRealPart(r[4 * k + c])) * s.grid.areas().data()[k];
    NOPAL_PETSC(VecRestoreArrayRead(rate, &r));
    sum = s.grid.comm().sum(sum);
    progress.reference = std::max(progress.reference, sum);
    progress.residual = progress.reference > 0 ? sum / progress.reference : 0;
    if (progress.residual <= tolerance) break;
    s.survey(&s.steps);
    s.relaxing = true;
    try {
      s.stepper->step(1, progress, [&] {
        for (double& step : s.steps)
          step *= 0.5;
      });
    } catch (...) {
      s.relaxing = false;
      throw;
    }
    s.relaxing = false;
    ++progress.steps;
    if (observe && !observe(progress)) break;
  }
  return progress;
}

}  // namespace nopal::euler
