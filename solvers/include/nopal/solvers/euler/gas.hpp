// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <array>
#include <cmath>

namespace nopal::euler {

/// Density, velocity and pressure of an ideal gas, in any consistent units.
struct Primitive {
  double rho = 1, u = 0, v = 0, p = 1;
};

/// rho, rho u, rho v, rho E with E = p / ((gamma - 1) rho) + (u^2 + v^2) / 2.
using Conserved = std::array<double, 4>;

inline Conserved conserved(const Primitive& w, double gamma) {
  return {w.rho, w.rho * w.u, w.rho * w.v,
          w.p / (gamma - 1) + 0.5 * w.rho * (w.u * w.u + w.v * w.v)};
}

inline Primitive primitive(const Conserved& q, double gamma) {
  const double u = q[1] / q[0], v = q[2] / q[0];
  return {q[0], u, v, (gamma - 1) * (q[3] - 0.5 * (q[1] * u + q[2] * v))};
}

inline double sound_speed(const Primitive& w, double gamma) {
  return std::sqrt(gamma * w.p / w.rho);
}

/// Flux through a unit area with the unit normal (nx, ny).
inline Conserved flux(const Primitive& w, double nx, double ny, double gamma) {
  const double un = w.u * nx + w.v * ny;
  const double energy = conserved(w, gamma)[3];
  return {w.rho * un, w.rho * w.u * un + w.p * nx, w.rho * w.v * un + w.p * ny,
          (energy + w.p) * un};
}

}  // namespace nopal::euler
