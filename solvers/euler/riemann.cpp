// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/error.hpp>
#include <nopal/solvers/euler/riemann.hpp>

#include <algorithm>

namespace nopal::euler {
namespace {

// The velocity jump over the wave from `w` to a star pressure p, and its derivative (Toro 4.6, 4.7,
// 4.37).
struct Jump {
  double value, slope;
};

Jump jump(double p, const Primitive& w, double gamma) {
  const double c = sound_speed(w, gamma);
  if (p > w.p) {
    const double a = 2 / ((gamma + 1) * w.rho), b = (gamma - 1) / (gamma + 1) * w.p;
    const double root = std::sqrt(a / (b + p));
    return {(p - w.p) * root, root * (1 - 0.5 * (p - w.p) / (b + p))};
  }
  const double ratio = p / w.p, power = (gamma - 1) / (2 * gamma);
  return {2 * c / (gamma - 1) * (std::pow(ratio, power) - 1),
          1 / (w.rho * c) * std::pow(ratio, -(gamma + 1) / (2 * gamma))};
}

// The state at speed s left of the contact; for the right side, all velocities across mirrored.
Primitive on_side(double s, const Primitive& w, double p, double u, double gamma) {
  const double c = sound_speed(w, gamma), ratio = p / w.p;
  const double k = (gamma - 1) / (gamma + 1);
  if (p > w.p) {  // a shock
    const double front =
        w.u - c * std::sqrt((gamma + 1) / (2 * gamma) * ratio + (gamma - 1) / (2 * gamma));
    if (s < front) return w;
    return {w.rho * (ratio + k) / (k * ratio + 1), u, w.v, p};
  }
  const double head = w.u - c, star = c * std::pow(ratio, (gamma - 1) / (2 * gamma));
  if (s < head) return w;
  if (s > u - star) return {w.rho * std::pow(ratio, 1 / gamma), u, w.v, p};
  const double f = 2 / (gamma + 1) + k / c * (w.u - s);  // within the fan
  return {w.rho * std::pow(f, 2 / (gamma - 1)), 2 / (gamma + 1) * (c + 0.5 * (gamma - 1) * w.u + s),
          w.v, w.p * std::pow(f, 2 * gamma / (gamma - 1))};
}

Primitive mirrored(Primitive w) {
  w.u = -w.u;
  return w;
}

}  // namespace

ExactRiemann::ExactRiemann(const Primitive& left, const Primitive& right, double gamma)
    : left_(left), right_(right), gamma_(gamma) {
  for (const Primitive& w : {left, right})
    NOPAL_CHECK(w.rho > 0 && w.p > 0,
                "Riemann problem: density and pressure must be positive, got ", w.rho, " and ",
                w.p);
  const double cl = sound_speed(left, gamma), cr = sound_speed(right, gamma), du = right.u - left.u;
  NOPAL_CHECK(2 * (cl + cr) / (gamma - 1) > du,
              "Riemann problem: the states move apart so fast that a vacuum would part them: ",
              "velocities ", left.u, " and ", right.u, ", sound speeds ", cl, " and ", cr);
  // Newton from the pressure of two rarefactions, which is a lower bound there and near enough
  // elsewhere: the function is concave and rises, so that after one step it converges from below.
  const double z = (gamma - 1) / (2 * gamma);
  p_ = std::pow(
      (cl + cr - 0.5 * (gamma - 1) * du) / (cl / std::pow(left.p, z) + cr / std::pow(right.p, z)),
      1 / z);
  for (int i = 0; i < 100; ++i) {
    const Jump l = jump(p_, left, gamma), r = jump(p_, right, gamma);
    const double next = std::max(1e-3 * p_, p_ - (l.value + r.value + du) / (l.slope + r.slope));
    const double change = std::abs(next - p_);
    p_ = next;
    if (change <= 1e-15 * p_) break;
  }
  u_ = 0.5 * (left.u + right.u + jump(p_, right, gamma).value - jump(p_, left, gamma).value);
}

Primitive ExactRiemann::at(double speed) const {
  if (speed <= u_) return on_side(speed, left_, p_, u_, gamma_);
  return mirrored(on_side(-speed, mirrored(right_), p_, -u_, gamma_));
}

RiemannProblem riemann_problem(const std::string& name) {
  if (name == "sod") return {name, {1, 0, 0, 1}, {0.125, 0, 0, 0.1}, 0.5, 0.2};
  if (name == "lax") return {name, {0.445, 0.698, 0, 3.528}, {0.5, 0, 0, 0.571}, 0.5, 0.13};
  if (name == "123") return {name, {1, -2, 0, 0.4}, {1, 2, 0, 0.4}, 0.5, 0.15};
  NOPAL_CHECK(false, "unknown Riemann problem '", name, "'",
              suggestion(name, riemann_problem_names()));
  return {};
}

std::vector<std::string> riemann_problem_names() {
  return {"sod", "lax", "123"};
}

}  // namespace nopal::euler
