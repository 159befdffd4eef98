// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/solvers/euler/finite_volume.hpp>

#include <memory>
#include <string>

namespace nopal::euler {

struct DgsemOptions {
  double gamma = 1.4;
  int degree = 3;               ///< N of the polynomials, 1 to 10
  std::string flux = "hlle";    ///< between elements: "hllc", "hlle", or "conserving", see below
  double largest_blending = 1;  ///< alpha of shock capturing at most; 0: none
  double cfl = 0.5;
  int time_order = 3;  ///< see FiniteVolumeOptions
  int retries = 10;
};

/// The compressible Euler equations by an entropy-stable discontinuous Galerkin spectral-element
/// method (DGSEM) on curved quadrilaterals, with nodes at Legendre-Gauss-Lobatto points and
/// products summed by parts: in each direction
///
///   dU_a/dt = -1/J_a (sum over l of 2 D_al F(U_a, U_l; mean of J grad xi) + ends (f* / w)),
///
/// F the entropy-conserving and kinetic-energy-preserving flux of Ranocha (J. Sci. Comput. 76,
/// 2018). With f* from a Riemann solver the total entropy S = sum of w J (-rho s / (gamma - 1)), s
/// = ln(p / rho^gamma), does not rise; with "conserving", f* = F, it does not change. Gassner,
/// Winters, Kopriva, J. Comput. Phys. 327, 2016.
///
/// Shocks: (1 - alpha) of this and alpha of first-order finite volumes on the nodes' own cells,
/// alpha by how much of rho p is in the highest modes of an element, at least half that of its
/// neighbours. Hennemann, Rueda-Ramirez, Hindenlang, Gassner, J. Comput. Phys. 426, 2021. In a step
/// alpha rises where else a density or pressure would fall below a tenth of what finite volumes
/// leave (Rueda-Ramirez, Gassner, WCCM-ECCOMAS 2020).
///
/// Elements of a nx x ny grid, divided among the ranks as a DMDA divides them. All member functions
/// are collective.
class DgsemSolver {
 public:
  using Mapping = CurvilinearGrid::Mapping;
  using Observer = FiniteVolumeSolver::Observer;

  /// Errors: fewer than 3 elements along a direction, a Jacobian that is not positive (which
  /// element), unknown names, a missing rule, an inflow that is not supersonic.
  DgsemSolver(std::int64_t nx, std::int64_t ny, const Mapping& mapping,
              std::array<bool, 2> periodic, const Boundaries& boundaries,
              const DgsemOptions& options = {}, const Communicator& comm = {});
  ~DgsemSolver();

  void set_state(const std::function<Primitive(const Point&)>& state, double time = 0);
  /// Conserved variables, a vector of the solver's DMDA: 4 at (N + 1)^2 nodes of each element.
  Vec state() const;
  /// Nodes of this rank's elements (P, 2), rho, u, v, p there (P, 4), and w J (P), the area of
  /// each.
  Tensor<double> points() const;
  Tensor<double> primitives() const;
  Tensor<double> areas() const;

  void residual(double time, Vec u, Vec dudt) const;
  /// Of residual() on all ranks, without finite volumes on the nodes: see
  /// FiniteVolumeSolver::cost().
  Cost cost() const;
  /// Total entropy, and its rate of change in u by dudt.
  double entropy(Vec u) const;
  double entropy_rate(Vec u, Vec dudt) const;
  /// The largest alpha of u.
  double blending(Vec u) const;

  /// See FiniteVolumeSolver::advance().
  FlowProgress advance(double time, const Observer& observe = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace nopal::euler
