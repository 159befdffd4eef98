// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/error.hpp>
#include <nopal/solvers/euler/gas_relations.hpp>

#include <functional>
#include <numbers>

namespace nopal::euler {
namespace {

// The root of a monotone function between two values, by bisection to rounding.
double root(const std::function<double(double)>& f, double low, double high) {
  const bool rises = f(high) > f(low);
  for (int i = 0; i < 200; ++i) {
    const double middle = 0.5 * (low + high);
    if (middle == low || middle == high) break;
    ((f(middle) > 0) == rises ? high : low) = middle;
  }
  return 0.5 * (low + high);
}

// The largest deflection and its angle, by golden section.
double angle_of_largest_deflection(double mach, double gamma) {
  double low = std::asin(1 / mach), high = std::numbers::pi / 2;
  const double ratio = (std::sqrt(5.0) - 1) / 2;
  for (int i = 0; i < 100; ++i) {
    const double a = high - ratio * (high - low), b = low + ratio * (high - low);
    (shock_deflection(mach, a, gamma) < shock_deflection(mach, b, gamma) ? low : high) =
        shock_deflection(mach, a, gamma) < shock_deflection(mach, b, gamma) ? a : b;
  }
  return 0.5 * (low + high);
}

void check_supersonic(const char* what, double mach) {
  NOPAL_CHECK(mach >= 1, what, ": the flow must be supersonic, got the Mach number ", mach);
}

}  // namespace

Primitive behind_shock(const Primitive& before, double beta, double gamma) {
  const double speed = std::hypot(before.u, before.v), c = sound_speed(before, gamma);
  const double mn = speed * std::abs(std::sin(beta)) / c, m2 = mn * mn;
  NOPAL_CHECK(mn > 1, "shock: the flow across the front must be supersonic, got the Mach number ",
              mn);
  const double density = (gamma + 1) * m2 / ((gamma - 1) * m2 + 2);
  const double pressure = 1 + 2 * gamma / (gamma + 1) * (m2 - 1);
  // Along the front nothing changes, across it the velocity falls as the density rises.
  const double angle = std::atan2(before.v, before.u) + beta;
  const double tx = std::cos(angle), ty = std::sin(angle);
  const double along = before.u * tx + before.v * ty,
               across = (before.v * tx - before.u * ty) / density;
  return {before.rho * density, along * tx - across * ty, along * ty + across * tx,
          before.p * pressure};
}

double shock_deflection(double mach, double beta, double gamma) {
  const double s = std::sin(beta), m2 = mach * mach;
  return std::atan(2 / std::tan(beta) * (m2 * s * s - 1) / (m2 * (gamma + std::cos(2 * beta)) + 2));
}

double shock_angle(double mach, double theta, double gamma) {
  check_supersonic("shock", mach);
  const double largest = angle_of_largest_deflection(mach, gamma);
  NOPAL_CHECK(theta > 0 && theta <= shock_deflection(mach, largest, gamma), "shock: a wedge of ",
              theta, " makes no attached shock at the Mach number ", mach,
              "; expected more than 0 and at most ", shock_deflection(mach, largest, gamma));
  return root([&](double beta) { return shock_deflection(mach, beta, gamma) - theta; },
              std::asin(1 / mach), largest);
}

double prandtl_meyer(double mach, double gamma) {
  check_supersonic("Prandtl-Meyer function", mach);
  const double k = std::sqrt((gamma + 1) / (gamma - 1)), m = std::sqrt(mach * mach - 1);
  return k * std::atan(m / k) - std::atan(m);
}

double prandtl_meyer_mach(double nu, double gamma) {
  const double largest = (std::sqrt((gamma + 1) / (gamma - 1)) - 1) * std::numbers::pi / 2;
  NOPAL_CHECK(nu >= 0 && nu < largest, "Prandtl-Meyer function: expected a value from 0 to ",
              largest, ", got ", nu);
  // In 1 / M, which has an end.
  return 1 / root([&](double inverse) { return prandtl_meyer(1 / inverse, gamma) - nu; }, 1e-12, 1);
}

Primitive corner_expansion(const Primitive& before, double theta, double phi, double gamma) {
  const double c = sound_speed(before, gamma), first = before.u / c;
  check_supersonic("corner", first);
  const double nu = prandtl_meyer(first, gamma);
  // In the fan a characteristic is at the angle mu - turned from the axis, mu the Mach angle.
  const auto characteristic = [&](double turned) {
    return std::asin(1 / prandtl_meyer_mach(nu + turned, gamma)) - turned;
  };
  double turned = 0;
  if (phi <= characteristic(theta))
    turned = theta;
  else if (phi < characteristic(0))
    turned = root([&](double t) { return characteristic(t) - phi; }, 0, theta);
  const double mach = prandtl_meyer_mach(nu + turned, gamma);
  const double temperature =
      (1 + 0.5 * (gamma - 1) * first * first) / (1 + 0.5 * (gamma - 1) * mach * mach);
  const double speed = mach * c * std::sqrt(temperature);
  return {before.rho * std::pow(temperature, 1 / (gamma - 1)), speed * std::cos(turned),
          -speed * std::sin(turned), before.p * std::pow(temperature, gamma / (gamma - 1))};
}

double area_ratio(double mach, double gamma) {
  const double power = (gamma + 1) / (2 * (gamma - 1));
  return std::pow(2 / (gamma + 1) * (1 + 0.5 * (gamma - 1) * mach * mach), power) / mach;
}

double mach_of_area(double ratio, bool supersonic, double gamma) {
  NOPAL_CHECK(ratio >= 1, "nozzle: an area must be at least that of the throat, got ", ratio,
              " times it");
  if (supersonic)
    return 1 /
           root([&](double inverse) { return area_ratio(1 / inverse, gamma) - ratio; }, 1e-6, 1);
  return root([&](double mach) { return area_ratio(mach, gamma) - ratio; }, 1e-12, 1);
}

double total_pressure_ratio(double mach, double gamma) {
  NOPAL_CHECK(mach >= 1, "normal shock: expected a Mach number of at least 1, got ", mach);
  const double m2 = mach * mach;
  return std::pow((gamma + 1) * m2 / ((gamma - 1) * m2 + 2), gamma / (gamma - 1)) *
         std::pow((gamma + 1) / (2 * gamma * m2 - (gamma - 1)), 1 / (gamma - 1));
}

namespace {

double pressure_ratio(double mach, double gamma) {
  return std::pow(1 + 0.5 * (gamma - 1) * mach * mach, -gamma / (gamma - 1));
}

}  // namespace

std::pair<double, double> shock_back_pressures(double exit_area, double gamma) {
  NOPAL_CHECK(exit_area > 1, "nozzle: expected an exit wider than the throat, got the ratio ",
              exit_area);
  const double m = mach_of_area(exit_area, true, gamma);
  return {pressure_ratio(m, gamma) * (1 + 2 * gamma / (gamma + 1) * (m * m - 1)),
          pressure_ratio(mach_of_area(exit_area, false, gamma), gamma)};
}

ShockedNozzle::ShockedNozzle(double exit_area, double back_pressure, double gamma) : gamma_(gamma) {
  const auto [low, high] = shock_back_pressures(exit_area, gamma);
  NOPAL_CHECK(back_pressure >= low && back_pressure <= high, "nozzle: with an exit of ", exit_area,
              " times the throat a normal shock stands inside for back pressures from ", low,
              " to ", high, " of the reservoir's, got ", back_pressure);
  // Mass flow and pressure give the Mach number at the exit (Anderson, (5.28)), and that the total
  // pressure there.
  const double k = 1 / (gamma - 1), flow = 1 / (back_pressure * exit_area);
  const double m2 =
      -k + std::sqrt(k * k + 2 * k * std::pow(2 / (gamma + 1), (gamma + 1) * k) * flow * flow);
  total_pressure_ = std::min(back_pressure / pressure_ratio(std::sqrt(m2), gamma), 1.0);
  double weak = 1, strong = mach_of_area(exit_area, true, gamma);
  for (int i = 0; i < 60; ++i) {
    const double mach = 0.5 * (weak + strong);
    (total_pressure_ratio(mach, gamma) > total_pressure_ ? weak : strong) = mach;
  }
  shock_area_ = area_ratio(0.5 * (weak + strong), gamma);
}

Primitive ShockedNozzle::at(double area, const Primitive& rest) const {
  const bool before = area <= shock_area_;
  const double total = before ? 1 : total_pressure_;
  const double mach = mach_of_area(std::max(area * total, 1.0), before, gamma_);
  const double p = total * pressure_ratio(mach, gamma_) * rest.p;
  const double cooling = 1 / (1 + 0.5 * (gamma_ - 1) * mach * mach);
  return {rest.rho * p / rest.p / cooling, mach * sound_speed(rest, gamma_) * std::sqrt(cooling), 0,
          p};
}

double cylinder_stand_off(double mach) {
  check_supersonic("bow shock", mach);
  return 0.386 * std::exp(4.67 / (mach * mach));
}

}  // namespace nopal::euler
