// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/error.hpp>
#include <nopal/solvers/euler/boundary.hpp>

#include <algorithm>
#include <cmath>

namespace nopal::euler {
namespace {

// A gas at rest in `state` flows in, against `out`, at the speed of sound at most.
Primitive from_reservoir(const Primitive& rest, const Primitive& inside, const Point& out,
                         double gamma) {
  const double leaving =
      inside.u * out[0] + inside.v * out[1] + 2 * sound_speed(inside, gamma) / (gamma - 1);
  const double c0 = sound_speed(rest, gamma), k = (gamma + 1) / (gamma - 1);
  // The larger root c of c^2 + (gamma - 1) / 2 u^2 = c0^2, u = 2 c / (gamma - 1) - leaving.
  const double root = leaving * leaving - k * (0.5 * (gamma - 1) * leaving * leaving - c0 * c0);
  const double c = (leaving + std::sqrt(std::max(root, 0.0))) / k;
  const double mach = std::clamp((2 * c / (gamma - 1) - leaving) / c, 0.0, 1.0);
  const double cooling = 1 / (1 + 0.5 * (gamma - 1) * mach * mach);  // T / T0
  const double speed = mach * c0 * std::sqrt(cooling);
  return {rest.rho * std::pow(cooling, 1 / (gamma - 1)), -speed * out[0], -speed * out[1],
          rest.p * std::pow(cooling, gamma / (gamma - 1))};
}

Primitive into_pressure(double p, const Primitive& inside, const Point& out, double gamma) {
  const double c = sound_speed(inside, gamma), speed = inside.u * out[0] + inside.v * out[1];
  if (speed >= c) return inside;
  const double rho = inside.rho * std::pow(p / inside.p, 1 / gamma);
  const double change = 2 * (c - std::sqrt(gamma * p / rho)) / (gamma - 1);
  return {rho, inside.u + change * out[0], inside.v + change * out[1], p};
}

}  // namespace

BoundaryRule everywhere(const Boundary& boundary) {
  return [boundary](const Point&, double) { return boundary; };
}

Primitive beyond(const Boundary& boundary, const Primitive& inside, const Point& out,
                 double gamma) {
  switch (boundary.kind) {
    case Boundary::Kind::wall: {
      const double through = 2 * (inside.u * out[0] + inside.v * out[1]);
      return {inside.rho, inside.u - through * out[0], inside.v - through * out[1], inside.p};
    }
    case Boundary::Kind::outflow:
      return inside;
    case Boundary::Kind::reservoir:
      return from_reservoir(boundary.state, inside, out, gamma);
    case Boundary::Kind::pressure:
      return into_pressure(boundary.state.p, inside, out, gamma);
    case Boundary::Kind::inflow:
    case Boundary::Kind::exact:
      break;
  }
  return boundary.state;
}

void check_boundary(const Boundary& b, const Point& at, const Point& out, double gamma,
                    const std::string& solver, const std::string& side) {
  using Kind = Boundary::Kind;
  if (b.kind != Kind::inflow && b.kind != Kind::reservoir && b.kind != Kind::pressure) return;
  NOPAL_CHECK(b.state.rho > 0 && b.state.p > 0, solver, ": the boundary at (", at[0], ", ", at[1],
              ") of the ", side, " side has density ", b.state.rho, " and pressure ", b.state.p,
              "; both must be positive");
  if (b.kind != Kind::inflow) return;
  const double mach = -(b.state.u * out[0] + b.state.v * out[1]) / sound_speed(b.state, gamma);
  NOPAL_CHECK(mach > 1, solver, ": the inflow at (", at[0], ", ", at[1], ") of the ", side,
              " side has the Mach number ", mach,
              " across the boundary; this rule needs a supersonic one, use 'reservoir' or 'exact' "
              "for others");
}

}  // namespace nopal::euler
