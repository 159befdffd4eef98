// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/core/profile.hpp>
#include <nopal/solvers/euler/boundary.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace nopal::euler {

struct FiniteVolumeOptions {
  double gamma = 1.4;
  std::string flux = "hllc";  ///< or "hlle", which has no carbuncles at strong bow shocks
  std::string limiter =
      "van_leer";  ///< or "minmod", "central" (monotonised central), "none", "first_order"
  double cfl = 0.4;
  /// Of the strong-stability-preserving Runge-Kutta method: 1, 2 (two stages) or 3 (four stages,
  /// for which cfl may be twice as large; Spiteri, Ruuth, SIAM J. Numer. Anal. 40, 2002).
  int time_order = 2;
  int retries = 10;  ///< halvings of a step after which a density or pressure is not positive
};

/// How far a computation came.
struct FlowProgress {
  double time = 0;
  std::int64_t steps = 0, retries = 0;
  double residual = 1;   ///< of relax(): the mean of |dU/dt| |C| relative to `reference`
  double reference = 0;  ///< its largest so far
};

/// The compressible Euler equations of an ideal gas in two dimensions, by finite volumes on a
/// curvilinear grid: dU/dt = -1/|C| sum over faces of F(U_left, U_right; n), with reconstruction of
/// rho, u, v, p from two cells to each side (MUSCL: van Leer, J. Comput. Phys. 32, 1979) and an
/// approximate Riemann solver, HLLC (Toro, Spruce, Speares, Shock Waves 4, 1994) or HLLE (Einfeldt,
/// SIAM J. Numer. Anal. 25, 1988) with the wave speeds of the latter; PETSc's TS of type ssp in
/// time. Where a reconstructed density or pressure is not positive the cell's mean is taken. All
/// member functions are collective over the grid's communicator.
class FiniteVolumeSolver {
 public:
  /// The grid must live as long. Errors: unknown names, a missing rule, an inflow that is not
  /// supersonic across its face (which face, and its Mach number).
  FiniteVolumeSolver(const CurvilinearGrid& grid, const Boundaries& boundaries,
                     const FiniteVolumeOptions& options = {});
  ~FiniteVolumeSolver();

  /// The state at the centres of cells. Error where density or pressure are not positive.
  void set_state(const std::function<Primitive(const Point&)>& state, double time = 0);
  /// The state of cell (i, j) of the whole grid, for this rank's cells. Errors as set_state().
  void set_cells(const std::function<Primitive(std::int64_t i, std::int64_t j)>& state,
                 double time = 0);
  /// Conserved variables of all cells, a vector of grid.dm().
  Vec state() const;
  /// rho, u, v, p of this rank's cells, (count_j, count_i, 4).
  Tensor<double> primitives() const;

  /// dU/dt at a time, vectors of grid.dm().
  void residual(double time, Vec u, Vec dudt) const;
  /// Of residual() on all ranks: divisions and roots are one flop each; bytes of the two vectors
  /// and of the geometry, each once.
  Cost cost() const;

  /// To `time`, with one step size for all cells. A step after which a density or pressure is not
  /// positive is taken again, half as long. Error: which cell, when, and its state, if that does
  /// not help; state() is then the last that was good. `observe` is called after each step and may
  /// stop the computation by returning false.
  using Observer = std::function<bool(const FlowProgress&)>;
  FlowProgress advance(double time, const Observer& observe = {});

  /// Towards a steady flow, each cell with a step size of its own, until the mean of |dU/dt| |C| is
  /// `tolerance` times the largest so far, `reference` included, or `steps` are done. A flow that
  /// starts from that of another grid takes the reference of the latter.
  FlowProgress relax(double tolerance, std::int64_t steps, const Observer& observe = {},
                     double reference = 0);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace nopal::euler
