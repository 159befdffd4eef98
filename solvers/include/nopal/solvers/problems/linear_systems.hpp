// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/solvers/petsc.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace nopal {

/// A linear system to compare solvers by.
struct LinearSystemOptions {
  /// Finite volumes of -div(k grad u) with harmonic means, u = 0 beyond the sides: "poisson" (k =
  /// 1), "lognormal" (exp of a random sum of waves), "jumps" (a checkerboard), "anisotropic" (k =
  /// 1, weaker along x). "neumann": k = 1, no flow through the sides and around rectangular
  /// obstacles, whose cells have rows x = b. "pressure": the same with obstacles that move, for the
  /// pressure of a flow such as a plume of smoke, and the walls of your choice; cells that
  /// obstacles shut off belong to them. "heat": poisson + I / heat_number, a
  /// step of backward Euler. "helmholtz": bilinear elements of -laplace u - (omega /
  /// c)^2 u, no flow through the sides, c a random field; indefinite.
  std::string name = "poisson";
  int dimension = 2;          ///< 2 or 3; helmholtz 2
  std::int64_t points = 255;  ///< along each axis
  double contrast = 1e4;      ///< max k / min k of lognormal and jumps
  std::int64_t tiles = 16;    ///< of the checkerboard along an axis
  double anisotropy = 1e-2;   ///< coupling along x relative to the others
  double wavelengths = 4;     ///< of helmholtz along an axis, in the mean
  std::uint64_t seed = 0;     ///< of the coefficient
  double time = 0;          ///< moves the waves of lognormal, the obstacles of pressure: a sequence
  double heat_number = 50;  ///< of heat: time step / (mesh width)^2
  std::int64_t obstacles = 3;  ///< of pressure: balls and boxes with positions by `seed`
  /// Of pressure: "open_top", u = 0 beyond the high end of the last axis and no flow through the
  /// other walls; "closed", no flow through any, which makes the matrix singular; "open".
  std::string walls = "open_top";
};

struct LinearSystem {
  OwnedDM dm;  ///< a DMDA with one unknown a point
  OwnedMat matrix;
  bool symmetric_positive = true;  ///< definite, or semidefinite with the constants as null space
};

/// A ball (of the maximum norm: a box) in the unit cube.
struct Obstacle {
  std::array<double, 3> centre;
  double radius;
  bool box;
  bool contains(const std::array<double, 3>& x, int dimension) const;
};

/// The obstacles of "pressure": radius 0.06 to 0.14, moving with speeds up to 1 along straight
/// lines, reflected at the walls.
std::vector<Obstacle> pressure_obstacles(const LinearSystemOptions& options);

/// The right-hand side of a step of "heat": u / heat_number + a source that moves with
/// options.time. `previous` may be null, for u = 0.
void set_heat_step(const LinearSystemOptions& options, DM dm, Vec previous, Vec b);

/// Names that make_linear_system() knows.
const std::vector<std::string>& linear_system_names();

/// Assembles the system; singular ones carry their null space. The same on any number of ranks.
/// Collective. Error for options out of range.
LinearSystem make_linear_system(const LinearSystemOptions& options, const Communicator& comm);

}  // namespace nopal
