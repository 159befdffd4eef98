// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/solvers/euler/gas.hpp>

#include <string>
#include <vector>

namespace nopal::euler {

/// The exact solution of the Riemann problem of an ideal gas: two states that meet at x = 0 at t =
/// 0; velocity u across, v along the front. Toro, "Riemann Solvers and Numerical Methods for Fluid
/// Dynamics", 3rd ed., chapter 4.
class ExactRiemann {
 public:
  /// Error: a density or pressure that is not positive, states that a vacuum would part.
  ExactRiemann(const Primitive& left, const Primitive& right, double gamma = 1.4);

  double star_pressure() const noexcept { return p_; }
  double star_velocity() const noexcept { return u_; }

  /// The state at x / t.
  Primitive at(double speed) const;

 private:
  Primitive left_, right_;
  double gamma_, p_ = 0, u_ = 0;
};

/// A Riemann problem of the literature on [0, 1]: its states, where they meet, and until when.
struct RiemannProblem {
  std::string name;
  Primitive left, right;
  double x = 0.5, time = 0.2;
};

/// "sod" (Sod, J. Comput. Phys. 27, 1978), "lax" (Lax, Comm. Pure Appl. Math. 7, 1954), "123"
/// (Einfeldt, Munz, Roe, Sjogreen, J. Comput. Phys. 92, 1991: two rarefactions, near a vacuum).
/// Error for other names.
RiemannProblem riemann_problem(const std::string& name);
std::vector<std::string> riemann_problem_names();

}  // namespace nopal::euler
