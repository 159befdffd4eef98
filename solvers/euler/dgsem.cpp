// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/error.hpp>
#include <nopal/core/profile.hpp>
#include <nopal/solvers/euler/dgsem.hpp>

#include "euler/finite_volume_rows.hpp"
#include "euler/flow_stepper.hpp"
#include "euler/lobatto.hpp"

#include <Kokkos_Core.hpp>

#include <algorithm>
#include <vector>

namespace nopal::euler {
namespace {

// (x - y) / (ln x - ln y), near x = y by its series (Ismail, Roe, J. Comput. Phys. 228, 2009).
double logarithmic_mean(double x, double y) {
  const double ratio = x / y, f = (ratio - 1) / (ratio + 1), u = f * f;
  const double series =
      u < 1e-4 ? 1 + u * (1.0 / 3 + u * (0.2 + u / 7)) : std::log(ratio) / (2 * f);
  return 0.5 * (x + y) / series;
}

// The entropy-conserving flux through the area-weighted normal (nx, ny), Ranocha 2018.
Conserved conserving_flux(const Primitive& a, const Primitive& b, double nx, double ny,
                          double gamma) {
  const double rho = logarithmic_mean(a.rho, b.rho);
  const double theta = a.p * b.p / logarithmic_mean(a.rho * b.p, b.rho * a.p);  // mean of p / rho
  const double u = 0.5 * (a.u + b.u), v = 0.5 * (a.v + b.v), p = 0.5 * (a.p + b.p);
  const double na = a.u * nx + a.v * ny, nb = b.u * nx + b.v * ny;
  const double mass = rho * 0.5 * (na + nb);
  return {
      mass, mass * u + p * nx, mass * v + p * ny,
      mass * (0.5 * (a.u * b.u + a.v * b.v) + theta / (gamma - 1)) + 0.5 * (a.p * nb + b.p * na)};
}

// One flux of riemann_fluxes().
Conserved riemann_flux(bool contact, const Primitive& a, const Primitive& b, double nx, double ny,
                       double gamma, Row& flux) {
  const std::array<const double*, 4> left{&a.rho, &a.u, &a.v, &a.p},
      right{&b.rho, &b.u, &b.v, &b.p};
  if (contact)
    riemann_fluxes<true>(left, right, &nx, &ny, 1, gamma, flux);
  else
    riemann_fluxes<false>(left, right, &nx, &ny, 1, gamma, flux);
  return {flux[0][0], flux[1][0], flux[2][0], flux[3][0]};
}

void check(const DgsemOptions& o) {
  const std::vector<std::string> fluxes{"hllc", "hlle", "conserving"};
  NOPAL_CHECK(std::find(fluxes.begin(), fluxes.end(), o.flux) != fluxes.end(),
              "DGSEM: unknown flux '", o.flux, "'", suggestion(o.flux, fluxes));
  NOPAL_CHECK(
      o.gamma > 1 && o.degree >= 1 && o.degree <= 10 && o.largest_blending >= 0 &&
          o.largest_blending <= 1 && o.cfl > 0 && o.time_order >= 1 && o.time_order <= 3 &&
          o.retries >= 0,
      "DGSEM: expected gamma > 1, degree from 1 to 10, largest_blending from 0 to 1, cfl > ",
      "0, time_order 1, 2 or 3 and retries >= 0, got ", o.gamma, ", ", o.degree, ", ",
      o.largest_blending, ", ", o.cfl, ", ", o.time_order, " and ", o.retries);
}

}  // namespace

struct DgsemSolver::State {
  std::int64_t nx, ny;
  Mapping mapping;
  std::array<bool, 2> periodic;
  Boundaries boundaries;
  DgsemOptions options;
  Communicator comm;
  Lobatto basis;
  std::size_t n, nodes;  // along a direction, of an element
  OwnedDM dm;
  OwnedVec local;
  std::array<std::int64_t, 2> first{}, count{};
  std::unique_ptr<FlowStepper> stepper;
  // At the nodes of this rank's elements: places, Jacobians, J grad xi and J grad eta; and for each
  // line of nodes the normals between them, whose ends are those of the faces.
  std::vector<Point> places, along, across;
  std::vector<double> jacobians;
  std::vector<Point> cuts_along, cuts_across;  // (element, line, n - 1)

  State(std::int64_t nx_, std::int64_t ny_, const Mapping& m, std::array<bool, 2> p,
        const Boundaries& b, const DgsemOptions& o, const Communicator& c)
      : nx(nx_),
        ny(ny_),
        mapping(m),
        periodic(p),
        boundaries(b),
        options(o),
        comm(c),
        basis(o.degree),
        n(static_cast<std::size_t>(o.degree) + 1),
        nodes(n * n) {}

  std::size_t elements() const { return static_cast<std::size_t>(count[0] * count[1]); }
  std::int64_t width() const { return count[0] + 2; }
  // Element (i, j) of this rank in its local vector, ghosts included.
  const PetscScalar* element(const PetscScalar* q, std::int64_t i, std::int64_t j) const {
    return q + static_cast<std::size_t>((j + 1) * width() + i + 1) * nodes * 4;
  }
  Primitive at(const PetscScalar* e, std::size_t node) const {
    const PetscScalar* q = e + 4 * node;
    return primitive({q[0], q[1], q[2], q[3]}, options.gamma);
  }
  bool has(std::int64_t i, std::int64_t j) const {
    return (periodic[0] || (i >= 0 && i < nx)) && (periodic[1] || (j >= 0 && j < ny));
  }

  void make_geometry();
  void check_boundaries() const;
  double alpha_of(const PetscScalar* e) const;
  std::vector<double> blendings(const PetscScalar* q) const;
  Primitive beyond(std::size_t element, int side, std::size_t node, const Primitive& inside,
                   double t) const;
  const BoundaryRule& rule(int side) const {
    return side == 0   ? boundaries.west
           : side == 1 ? boundaries.east
           : side == 2 ? boundaries.south
                       : boundaries.north;
  }
  // Node k of side 0 (west), 1, 2, 3 of an element, and the normal there, along xi or eta.
  std::size_t node_of(int side, std::size_t k) const {
    return side == 0 ? k * n : side == 1 ? k * n + n - 1 : side == 2 ? k : (n - 1) * n + k;
  }
  const Point& normal_of(std::size_t element, int side, std::size_t k) const {
    return (side < 2 ? along : across)[element * nodes + node_of(side, k)];
  }
  void residual_of(std::int64_t i, std::int64_t j, const PetscScalar* q, double alpha, double t,
                   PetscScalar* out, Row& flux) const;
  void residual(double t, Vec from, Vec to) const;
  FlowStepper::Survey survey() const;
};

void DgsemSolver::State::make_geometry() {
  const auto d = [&](std::size_t a, std::size_t l) { return basis.derivative[a * n + l]; };
  comm.together([&] {
    for (std::int64_t j = 0; j < count[1]; ++j)
      for (std::int64_t i = 0; i < count[0]; ++i) {
        const std::size_t base = places.size();
        for (std::size_t b = 0; b < n; ++b)
          for (std::size_t a = 0; a < n; ++a)
            places.push_back(
                mapping((double(first[0] + i) + 0.5 * (basis.nodes[a] + 1)) / double(nx),
                        (double(first[1] + j) + 0.5 * (basis.nodes[b] + 1)) / double(ny)));
        for (std::size_t b = 0; b < n; ++b)
          for (std::size_t a = 0; a < n; ++a) {
            Point xi{}, eta{};  // derivatives of the place
            for (std::size_t l = 0; l < n; ++l)
              for (std::size_t c = 0; c < 2; ++c) {
                xi[c] += d(a, l) * places[base + b * n + l][c];
                eta[c] += d(b, l) * places[base + l * n + a][c];
              }
            const double jacobian = xi[0] * eta[1] - xi[1] * eta[0];
            NOPAL_CHECK(jacobian > 0, "DGSEM: element (", first[0] + i, ", ", first[1] + j,
                        ") is inverted or empty: its Jacobian is ", jacobian, " at (",
                        places[base + b * n + a][0], ", ", places[base + b * n + a][1], ")");
            jacobians.push_back(jacobian);
            along.push_back({eta[1], -eta[0]});
            across.push_back({-xi[1], xi[0]});
          }
        // Cuts between nodes, so that finite volumes keep a uniform flow: the normal changes over a
        // node's cell as the metric terms do.
        for (std::size_t line = 0; line < n; ++line) {
          Point x = along[base + line * n], y = across[base + line];
          for (std::size_t a = 0; a + 1 < n; ++a) {
            for (std::size_t l = 0; l < n; ++l)
              for (std::size_t c = 0; c < 2; ++c) {
                x[c] += basis.weights[a] * d(a, l) * along[base + line * n + l][c];
                y[c] += basis.weights[a] * d(a, l) * across[base + l * n + line][c];
              }
            cuts_along.push_back(x);
            cuts_across.push_back(y);
          }
        }
      }
  });
}

void DgsemSolver::State::check_boundaries() const {
  for (std::size_t e = 0; e < elements(); ++e) {
    const std::int64_t i = first[0] + static_cast<std::int64_t>(e) % count[0],
                       j = first[1] + static_cast<std::int64_t>(e) / count[0];
    for (int side = 0; side < 4; ++side) {
      const std::int64_t di = side == 0   ? -1
                              : side == 1 ? 1
                                          : 0,
                         dj = side == 2   ? -1
                              : side == 3 ? 1
                                          : 0;
      if (has(i + di, j + dj)) continue;
      const char* const names[] = {"west", "east", "south", "north"};
      NOPAL_CHECK(rule(side), "DGSEM: the ", names[side], " side of the grid has no boundary rule");
      for (std::size_t k = 0; k < n; ++k) {
        const Point& at = places[e * nodes + node_of(side, k)];
        const Boundary b = rule(side)(at, 0);
        if (b.kind != Boundary::Kind::inflow) continue;
        const Point& normal = normal_of(e, side, k);
        const double sign = side % 2 == 0 ? 1 : -1;  // into the domain
        const double mach = sign * (b.state.u * normal[0] + b.state.v * normal[1]) /
                            std::hypot(normal[0], normal[1]) / sound_speed(b.state, options.gamma);
        NOPAL_CHECK(b.state.rho > 0 && b.state.p > 0 && mach > 1, "DGSEM: the inflow at (", at[0],
                    ", ", at[1], ") of the ", names[side], " side has density ", b.state.rho,
                    ", pressure ", b.state.p, " and the Mach number ", mach,
                    " across the boundary; expected positive ones and a supersonic flow, use "
                    "'exact' for others");
      }
    }
  }
}

// Hennemann et al. 2021, (40) to (44).
double DgsemSolver::State::alpha_of(const PetscScalar* e) const {
  if (options.largest_blending == 0) return 0;
  std::vector<double> values(nodes), half(nodes);
  for (std::size_t k = 0; k < nodes; ++k) {
    const Primitive w = at(e, k);
    values[k] = w.rho * w.p;
  }
  for (std::size_t b = 0; b < n; ++b)
    for (std::size_t k = 0; k < n; ++k) {
      double sum = 0;
      for (std::size_t a = 0; a < n; ++a)
        sum += basis.modes[k * n + a] * values[b * n + a];
      half[b * n + k] = sum;
    }
  // Energies of modes whose larger degree is at most N, N - 1, N - 2.
  double all = 0, less = 0, least = 0;
  for (std::size_t k = 0; k < n; ++k)
    for (std::size_t l = 0; l < n; ++l) {
      double mode = 0;
      for (std::size_t b = 0; b < n; ++b)
        mode += basis.modes[l * n + b] * half[b * n + k];
      const double energy = mode * mode;
      all += energy;
      if (std::max(k, l) + 1 < n) less += energy;
      if (std::max(k, l) + 2 < n) least += energy;
    }
  const double share =
      std::max(all > 0 ? (all - less) / all : 0, less > 0 ? (less - least) / less : 0);
  const double threshold = 0.5 * std::pow(10, -1.8 * std::pow(static_cast<double>(n), 0.25));
  const double sharpness = std::log((1 - 1e-4) / 1e-4);
  const double alpha = 1 / (1 + std::exp(-sharpness / threshold * (share - threshold)));
  return alpha < 1e-3 ? 0 : std::min(alpha > 1 - 1e-3 ? 1 : alpha, options.largest_blending);
}

std::vector<double> DgsemSolver::State::blendings(const PetscScalar* q) const {
  std::vector<double> own(static_cast<std::size_t>(width() * (count[1] + 2)), 0), result;
  const auto place = [&](std::int64_t i, std::int64_t j) {
    return static_cast<std::size_t>((j + 1) * width() + i + 1);
  };
  for (std::int64_t j = -1; j <= count[1]; ++j)
    for (std::int64_t i = -1; i <= count[0]; ++i) {
      const bool corner = (i < 0 || i == count[0]) && (j < 0 || j == count[1]);
      if (!corner && has(first[0] + i, first[1] + j)) own[place(i, j)] = alpha_of(element(q, i, j));
    }
  for (std::int64_t j = 0; j < count[1]; ++j)
    for (std::int64_t i = 0; i < count[0]; ++i)
      result.push_back(
          std::max({own[place(i, j)], 0.5 * own[place(i - 1, j)], 0.5 * own[place(i + 1, j)],
                    0.5 * own[place(i, j - 1)], 0.5 * own[place(i, j + 1)]}));
  return result;
}

Primitive DgsemSolver::State::beyond(std::size_t e, int side, std::size_t k,
                                     const Primitive& inside, double t) const {
  const Boundary b = rule(side)(places[e * nodes + node_of(side, k)], t);
  if (b.kind == Boundary::Kind::outflow) return inside;
  if (b.kind != Boundary::Kind::wall) return b.state;
  const Point& normal = normal_of(e, side, k);
  const double through = 2 * (inside.u * normal[0] + inside.v * normal[1]) /
                         (normal[0] * normal[0] + normal[1] * normal[1]);
  return {inside.rho, inside.u - through * normal[0], inside.v - through * normal[1], inside.p};
}

void DgsemSolver::State::residual_of(std::int64_t i, std::int64_t j, const PetscScalar* q,
                                     double alpha, double t, PetscScalar* out, Row& flux) const {
  const auto e = static_cast<std::size_t>(j * count[0] + i);
  const double gamma = options.gamma;
  const bool contact = options.flux == "hllc";
  const std::size_t base = e * nodes;
  std::vector<Primitive> w(nodes);
  std::vector<Conserved> sum(nodes, Conserved{});  // of J dU/dt
  for (std::size_t k = 0; k < nodes; ++k)
    w[k] = at(element(q, i, j), k);
  const auto add = [&](std::size_t node, double factor, const Conserved& f) {
    for (std::size_t c = 0; c < 4; ++c)
      sum[node][c] += factor * f[c];
  };
  for (int direction = 0; direction < 2; ++direction) {
    const std::vector<Point>&metric = direction == 0 ? along : across,
          &cuts = direction == 0 ? cuts_along : cuts_across;
    for (std::size_t line = 0; line < n; ++line) {
      const auto node = [&](std::size_t a) { return direction == 0 ? line * n + a : a * n + line; };
      if (alpha < 1)
        for (std::size_t a = 0; a < n; ++a)
          for (std::size_t l = a + 1; l < n; ++l) {
            const Point &ma = metric[base + node(a)], &ml = metric[base + node(l)];
            const Conserved f = conserving_flux(w[node(a)], w[node(l)], 0.5 * (ma[0] + ml[0]),
                                                0.5 * (ma[1] + ml[1]), gamma);
            add(node(a), -2 * (1 - alpha) * basis.derivative[a * n + l], f);
            add(node(l), -2 * (1 - alpha) * basis.derivative[l * n + a], f);
          }
      if (alpha > 0)
        for (std::size_t a = 0; a + 1 < n; ++a) {
          const Point& cut = cuts[(e * n + line) * (n - 1) + a];
          const Conserved f =
              riemann_flux(contact, w[node(a)], w[node(a + 1)], cut[0], cut[1], gamma, flux);
          add(node(a), -alpha / basis.weights[a], f);
          add(node(a + 1), alpha / basis.weights[a + 1], f);
        }
    }
  }
  for (int side = 0; side < 4; ++side) {
    const std::int64_t di = side == 0   ? -1
                            : side == 1 ? 1
                                        : 0,
                       dj = side == 2   ? -1
                            : side == 3 ? 1
                                        : 0;
    const bool inside = has(first[0] + i + di, first[1] + j + dj), low = side % 2 == 0;
    for (std::size_t k = 0; k < n; ++k) {
      const std::size_t node = node_of(side, k);
      const Point& normal = normal_of(e, side, k);
      const Primitive other = inside ? at(element(q, i + di, j + dj), node_of(side ^ 1, k))
                                     : beyond(e, side, k, w[node], t);
      const Primitive &left = low ? other : w[node], &right = low ? w[node] : other;
      const Conserved f =
          options.flux == "conserving"
              ? conserving_flux(left, right, normal[0], normal[1], gamma)
              : riemann_flux(contact, left, right, normal[0], normal[1], gamma, flux);
      add(node, (low ? 1 : -1) / basis.weights[0], f);
    }
  }
  for (std::size_t k = 0; k < nodes; ++k)
    for (std::size_t c = 0; c < 4; ++c)
      out[(base + k) * 4 + c] = sum[k][c] / jacobians[base + k];
}

void DgsemSolver::State::residual(double t, Vec from, Vec to) const {
  const ScopedRegion region("euler_dgsem");
  NOPAL_PETSC(DMGlobalToLocal(dm, from, INSERT_VALUES, local));
  const PetscScalar* q = nullptr;
  PetscScalar* out = nullptr;
  NOPAL_PETSC(VecGetArrayRead(local, &q));
  NOPAL_PETSC(VecGetArrayWrite(to, &out));
  const std::vector<double> alphas = blendings(q);
  const double* const alpha = alphas.data();
  Kokkos::parallel_for(
      "nopal::euler_dgsem",
      Kokkos::RangePolicy<Kokkos::DefaultHostExecutionSpace, Kokkos::IndexType<std::int64_t>>(
          0, count[0] > 0 ? count[1] : 0),
      [=, this](std::int64_t j) {
        Row flux(1);
        for (std::int64_t i = 0; i < count[0]; ++i)
          residual_of(i, j, q, alpha[j * count[0] + i], t, out, flux);
      });
  NOPAL_PETSC(VecRestoreArrayWrite(to, &out));
  NOPAL_PETSC(VecRestoreArrayRead(local, &q));
}

// cfl 2 / (2 N + 1) / (sum over directions of (|v . J grad xi| + c |J grad xi|) / J).
FlowStepper::Survey DgsemSolver::State::survey() const {
  const PetscScalar* q = nullptr;
  NOPAL_PETSC(VecGetArrayRead(stepper->u(), &q));
  double least = std::numeric_limits<double>::infinity();
  std::string bad;
  for (std::size_t k = 0; k < jacobians.size(); ++k) {
    const Primitive w = at(q, k);
    if (!(w.rho > 0 && w.p > 0 && std::isfinite(w.rho + w.p + w.u + w.v))) {
      if (bad.empty())
        bad = detail::concatenate("a node at (", places[k][0], ", ", places[k][1], ") has density ",
                                  w.rho, ", velocity (", w.u, ", ", w.v, ") and pressure ", w.p);
      continue;
    }
    const double c = sound_speed(w, options.gamma);
    double speed = 0;
    for (const Point& m : {along[k], across[k]})
      speed += std::abs(w.u * m[0] + w.v * m[1]) + c * std::hypot(m[0], m[1]);
    least = std::min(least, options.cfl * 2 / (2 * options.degree + 1) * jacobians[k] / speed);
  }
  NOPAL_PETSC(VecRestoreArrayRead(stepper->u(), &q));
  return agree(least, bad, comm);
}

DgsemSolver::DgsemSolver(std::int64_t nx, std::int64_t ny, const Mapping& mapping,
                         std::array<bool, 2> periodic, const Boundaries& boundaries,
                         const DgsemOptions& options, const Communicator& comm) {
  check(options);
  NOPAL_CHECK(nx >= 3 && ny >= 3, "DGSEM: expected at least 3 elements a direction, got ", nx,
              " x ", ny);
  state_ = std::make_unique<State>(nx, ny, mapping, periodic, boundaries, options, comm);
  State& s = *state_;
  const auto boundary = [](bool is_periodic) {
    return is_periodic ? DM_BOUNDARY_PERIODIC : DM_BOUNDARY_GHOSTED;
  };
  NOPAL_PETSC(DMDACreate2d(petsc_communicator(comm), boundary(periodic[0]), boundary(periodic[1]),
                           DMDA_STENCIL_STAR, static_cast<PetscInt>(nx), static_cast<PetscInt>(ny),
                           PETSC_DECIDE, PETSC_DECIDE, static_cast<PetscInt>(4 * s.nodes), 1,
                           nullptr, nullptr, s.dm.receive()));
  NOPAL_PETSC(DMSetUp(s.dm));
  PetscInt x = 0, y = 0, m = 0, n = 0;
  NOPAL_PETSC(DMDAGetCorners(s.dm, &x, &y, nullptr, &m, &n, nullptr));
  s.first = {x, y};
  s.count = {m, n};
  s.make_geometry();
  comm.together([&] { s.check_boundaries(); });
  NOPAL_PETSC(DMCreateLocalVector(s.dm, s.local.receive()));
  s.stepper = std::make_unique<FlowStepper>(
      s.dm, comm,
      FlowStepper::Scheme{options.time_order, options.retries,
                          [&s](double t, Vec u, Vec f) { s.residual(t, u, f); },
                          [&s] { return s.survey(); }});
}

DgsemSolver::~DgsemSolver() = default;

void DgsemSolver::set_state(const std::function<Primitive(const Point&)>& state, double time) {
  State& s = *state_;
  PetscScalar* q = nullptr;
  NOPAL_PETSC(VecGetArrayWrite(s.stepper->u(), &q));
  for (std::size_t k = 0; k < s.places.size(); ++k) {
    const Conserved c = conserved(state(s.places[k]), s.options.gamma);
    std::copy(c.begin(), c.end(), q + 4 * k);
  }
  NOPAL_PETSC(VecRestoreArrayWrite(s.stepper->u(), &q));
  s.stepper->set_time(time);
  const auto survey = s.survey();
  NOPAL_CHECK(survey.step > 0, "Euler equations: the initial state is not physical: ", survey.bad);
}

Vec DgsemSolver::state() const {
  return state_->stepper->u();
}

Tensor<double> DgsemSolver::points() const {
  const State& s = *state_;
  Tensor<double> all({static_cast<std::int64_t>(s.places.size()), 2});
  for (std::size_t k = 0; k < s.places.size(); ++k)
    std::copy(s.places[k].begin(), s.places[k].end(), all.data() + 2 * k);
  return all;
}

Tensor<double> DgsemSolver::primitives() const {
  const State& s = *state_;
  Tensor<double> all({static_cast<std::int64_t>(s.places.size()), 4});
  const PetscScalar* q = nullptr;
  NOPAL_PETSC(VecGetArrayRead(s.stepper->u(), &q));
  for (std::size_t k = 0; k < s.places.size(); ++k) {
    const Primitive w = s.at(q, k);
    const double numbers[] = {w.rho, w.u, w.v, w.p};
    std::copy(numbers, numbers + 4, all.data() + 4 * k);
  }
  NOPAL_PETSC(VecRestoreArrayRead(s.stepper->u(), &q));
  return all;
}

Tensor<double> DgsemSolver::areas() const {
  const State& s = *state_;
  Tensor<double> all({static_cast<std::int64_t>(s.places.size())});
  for (std::size_t k = 0; k < s.places.size(); ++k) {
    const std::size_t node = k % s.nodes;
    all.data()[k] = s.basis.weights[node % s.n] * s.basis.weights[node / s.n] * s.jacobians[k];
  }
  return all;
}

void DgsemSolver::residual(double time, Vec u, Vec dudt) const {
  state_->residual(time, u, dudt);
}

namespace {

double specific_entropy(const Primitive& w, double gamma) {
  return std::log(w.p) - gamma * std::log(w.rho);
}

}  // namespace

double DgsemSolver::entropy(Vec u) const {
  const State& s = *state_;
  const Tensor<double> area = areas();
  const PetscScalar* q = nullptr;
  NOPAL_PETSC(VecGetArrayRead(u, &q));
  double sum = 0;
  for (std::size_t k = 0; k < s.places.size(); ++k) {
    const Primitive w = s.at(q, k);
    sum -= area.data()[k] * w.rho * specific_entropy(w, s.options.gamma) / (s.options.gamma - 1);
  }
  NOPAL_PETSC(VecRestoreArrayRead(u, &q));
  return s.comm.sum(sum);
}

double DgsemSolver::entropy_rate(Vec u, Vec dudt) const {
  const State& s = *state_;
  const double gamma = s.options.gamma;
  const Tensor<double> area = areas();
  const PetscScalar *q = nullptr, *r = nullptr;
  NOPAL_PETSC(VecGetArrayRead(u, &q));
  NOPAL_PETSC(VecGetArrayRead(dudt, &r));
  double sum = 0;
  for (std::size_t k = 0; k < s.places.size(); ++k) {
    const Primitive w = s.at(q, k);
    // Entropy variables dS/dU.
    const double b = w.rho / w.p;
    const double v[] = {
        (gamma - specific_entropy(w, gamma)) / (gamma - 1) - 0.5 * b * (w.u * w.u + w.v * w.v),
        b * w.u, b * w.v, -b};
    for (std::size_t c = 0; c < 4; ++c)
      sum += area.data()[k] * v[c] * r[4 * k + c];
  }
  NOPAL_PETSC(VecRestoreArrayRead(dudt, &r));
  NOPAL_PETSC(VecRestoreArrayRead(u, &q));
  return s.comm.sum(sum);
}

double DgsemSolver::blending(Vec u) const {
  const State& s = *state_;
  NOPAL_PETSC(DMGlobalToLocal(s.dm, u, INSERT_VALUES, s.local));
  const PetscScalar* q = nullptr;
  NOPAL_PETSC(VecGetArrayRead(s.local, &q));
  double largest = 0;
  for (const double alpha : s.blendings(q))
    largest = std::max(largest, alpha);
  NOPAL_PETSC(VecRestoreArrayRead(s.local, &q));
  return s.comm.max(largest);
}

FlowProgress DgsemSolver::advance(double time, const Observer& observe) {
  return state_->stepper->advance(time, observe);
}

}  // namespace nopal::euler
