// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/comm/box.hpp>
#include <nopal/comm/communicator.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <numbers>
#include <span>
#include <string>
#include <vector>

namespace nopal {

/// Options of the vorticity solver.
struct VorticitySolverOptions {
  std::int64_t n = 64;                   ///< points along each axis; even, 8 or more
  double length = 2 * std::numbers::pi;  ///< L
  double viscosity = 1e-3;               ///< nu
  double drag = 0;                       ///< mu
  std::string scheme = "etdrk4";         ///< or "cnab2": Crank-Nicolson, Adams-Bashforth
  double step = 0;                       ///< in time; 0: chosen and changed by `cfl`
  double cfl = 0.5;                      ///< step times largest |u| + |v| over L / n
  double largest_step = 0.05;            ///< of those chosen
};

/// The Navier-Stokes equations of an incompressible fluid in two dimensions, on the torus [0, L)^2,
/// in vorticity:
///
///   w_t + (d_xx - d_yy)(u v) + d_xy(v^2 - u^2) = nu Lap w - mu w + f,   (u, v) = (psi_y, -psi_x),
///   -Lap psi = w,
///
/// which is u w_x + v w_y in a form of four transforms (Basdevant, J. Comput. Phys. 50, 1983).
/// Pseudo-spectral, products without aliasing (the 2/3 rule): frequencies |k| < n / 3. Mean flow
/// and mean vorticity are 0.
///
/// Rows of points are divided among the ranks of `comm` (FFTW-MPI); all member functions are
/// collective, but rows().
class VorticitySolver {
 public:
  /// Error: a number that makes no sense, an unknown scheme.
  explicit VorticitySolver(const VorticitySolverOptions& options, const Communicator& comm = {});
  ~VorticitySolver();
  VorticitySolver(VorticitySolver&&) noexcept;
  VorticitySolver& operator=(VorticitySolver&&) noexcept;

  /// This rank's rows i of the points (i L / n, j L / n), j fastest.
  Range rows() const;

  /// Vorticity and curl of the force at the points of this rank's rows; frequencies from n / 3 on
  /// and the mean are dropped. Error if a number is not finite.
  void set_vorticity(std::span<const double> w, double time = 0);
  void set_force(std::span<const double> f);

  /// The vorticity at the points of this rank's rows; of all rows, on every rank.
  std::vector<double> vorticity() const;
  std::vector<double> whole_vorticity() const;

  double time() const;

  struct Progress {
    std::int64_t steps = 0;
    double shortest_step = 0, longest_step = 0;
  };
  /// To `time`. Error that names time and step if the flow is not finite any more; vorticity() is
  /// then that before the step.
  Progress advance(double time);

  /// Means over the torus of (u^2 + v^2) / 2 and w^2 / 2.
  double energy() const;
  double enstrophy() const;
  /// The energy of the modes with |k| in [j - 1/2, j + 1/2), j = 0, ..., n / 3, k in units of 2 pi
  /// / L.
  std::vector<double> energy_spectrum() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace nopal
