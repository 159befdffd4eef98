// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/error.hpp>

#include "euler/dgsem_state.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace nopal::euler {
namespace {

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
                          [&s] { return s.survey(); }, [&s](double h) { s.substep = h; }});
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

Cost DgsemSolver::cost() const {
  const State& s = *state_;
  const auto n = static_cast<double>(s.n);
  const double elements = static_cast<double>(s.nx) * static_cast<double>(s.ny);
  // Counted in dgsem_elements.cpp and finite_volume_rows.hpp: the flux of two nodes and what it is
  // added to, n (n - 1) / 2 of them in 2 n lines; the flux of a face's node, along and, on both
  // sides anew, across; primitive variables and the sum of a node.
  const double pair = 91 + 17, face = s.options.flux == "hllc"   ? 138
                                      : s.options.flux == "hlle" ? 110
                                                                 : 91;
  const double flops = n * n * (n - 1) * pair + n * (3 * face + 4 * 8) + n * n * (10 + 12);
  return {elements * flops, elements * n * n * (8.0 * sizeof(PetscScalar) + 9.0 * sizeof(double))};
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
