// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/solvers/euler/gas.hpp>

#include <utility>

namespace nopal::euler {

// Steady flows of an ideal gas with known solutions. Angles in radians, M the Mach number.
// Anderson, "Modern Compressible Flow", 3rd ed., chapters 3 to 5; Ames Research Staff, NACA
// Report 1135, 1953.

/// The state behind a shock whose front makes the angle `beta` with the velocity of `before`,
/// which may point anywhere; the flow is deflected to the left (theta > 0) for beta > 0. Error if
/// the flow across the front is not supersonic.
Primitive behind_shock(const Primitive& before, double beta, double gamma = 1.4);

/// The deflection theta of a flow at M by a shock at the angle beta > 0.
double shock_deflection(double mach, double beta, double gamma = 1.4);

/// The weak shock angle beta of a wedge that deflects by theta > 0. Error if the shock detaches:
/// names the largest theta.
double shock_angle(double mach, double theta, double gamma = 1.4);

/// Prandtl-Meyer function nu(M), M >= 1, and its inverse.
double prandtl_meyer(double mach, double gamma = 1.4);
double prandtl_meyer_mach(double nu, double gamma = 1.4);

/// The supersonic flow along the x axis past a convex corner at the origin that turns it by theta >
/// 0 (downwards), at the angle phi of the point: a centred expansion.
Primitive corner_expansion(const Primitive& before, double theta, double phi, double gamma = 1.4);

/// A / A* of a quasi-one-dimensional flow at M, and M for an area, on the subsonic or the
/// supersonic branch.
double area_ratio(double mach, double gamma = 1.4);
double mach_of_area(double ratio, bool supersonic, double gamma = 1.4);

/// p0 behind a normal shock over p0 before it.
double total_pressure_ratio(double mach, double gamma = 1.4);

/// Back pressures, relative to the reservoir's p0, with which a normal shock stands between the
/// throat and an exit of `exit_area` / A*: from that of a shock in the exit to that of a flow that
/// is sonic in the throat and subsonic elsewhere.
std::pair<double, double> shock_back_pressures(double exit_area, double gamma = 1.4);

/// The quasi-one-dimensional flow behind the throat of a nozzle, with a normal shock. Areas in
/// units of that of the throat.
class ShockedNozzle {
 public:
  /// Error if no shock stands in the nozzle with this back pressure / p0: names those that do.
  ShockedNozzle(double exit_area, double back_pressure, double gamma = 1.4);

  double shock_area() const noexcept { return shock_area_; }
  /// The state where the area is `area`, before the shock up to its area, for a gas that has `rest`
  /// in the reservoir.
  Primitive at(double area, const Primitive& rest) const;

 private:
  double gamma_, shock_area_, total_pressure_;
};

/// Distance of the bow shock from the nose of a cylinder, in units of its radius: 0.386 exp(4.67 /
/// M^2). Billig, J. Spacecraft Rockets 4, 822, 1967 (measured; gamma = 1.4).
double cylinder_stand_off(double mach);

}  // namespace nopal::euler
