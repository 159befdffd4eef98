// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/solvers/bridge/vec.hpp>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace nopal {

/// What waves meet at a side: u = 0, du/dn = 0, or u_t + c du/dn = 0, which lets plane waves out
/// that run straight at it and reflects the more of others the more they slant.
/// Source of the last: Engquist, Majda, Math. Comp. 31, 1977, the condition of first order.
enum class WaveSide { dirichlet, neumann, absorbing };

/// The sides x1 = 0, x1 = 1, x2 = 0, x2 = 1.
using WaveSides = std::array<WaveSide, 4>;

/// Second-order solution of u_tt = div(c^2 grad u) + s(t) g on the unit square.
///
/// Nodes (i/N, j/N), i, j = 0, ..., N; h = 1/N. With v = u_t, c^2 between nodes the mean of both,
/// and w the part of a cell that a node of a line has, 1 inside and 1/2 at its ends, at node (i, j)
///
///   dv/dt = sum over the axes of [(c^2)_{i+1/2} (u_{i+1} - u_i) - (c^2)_{i-1/2} (u_i - u_{i-1})]
///             / (w h^2)  -  2 c v / h where its side absorbs  +  s(t) g:
///
/// bilinear elements with lumped mass, integrated at the nodes. Without absorbing sides and sources
/// the energy of the semi-discrete waves is constant.
///
/// A DMDA of all (N+1)^2 nodes with u and v, and PETSc's TS: the classical Runge-Kutta method of
/// fourth order with constant steps that divide the times asked for, of at most `cfl` h / max c. It
/// is stable up to cfl = 1, and to 0.69 with two absorbing sides that meet. All of it can be
/// changed with options under the prefix (-ts_type, also to an implicit one; -ts_dt, then of all
/// solves).
class WaveSolver {
 public:
  /// `cells` = N >= 2, cfl > 0. Collective on `comm`, which the grid is spread over.
  explicit WaveSolver(std::int64_t cells, const WaveSides& sides, double cfl = 0.6,
                      const Communicator& comm = {}, const std::string& prefix = "wave_");
  WaveSolver(const WaveSolver&) = delete;
  WaveSolver& operator=(const WaveSolver&) = delete;

  std::int64_t cells() const noexcept { return cells_; }
  std::int64_t nodes() const noexcept { return (cells_ + 1) * (cells_ + 1); }

  /// The speed c > 0 at all nodes, row-major, the same on all ranks. Collective. Error if it is not
  /// positive and finite.
  void set_speed(std::span<const double> c);

  /// Initial values at all nodes, row-major, and the source; an empty one is 0.
  struct Data {
    std::span<const double> u, v, g;
    std::function<double(double t)> s;  ///< must not throw
  };

  /// Solves from t = 0 with the speed set before and calls frame(k, state) at times[k] > 0, which
  /// increase. `state` has (u, u_t) of all nodes, (N+1, N+1, 2), on all ranks. On Dirichlet sides
  /// the initial values are taken as 0. Collective. Error if TS stops early (names PETSc's reason)
  /// or if the solution is not finite, as it becomes with too long a step.
  void solve(const Data& data, std::span<const double> times,
             const std::function<void(std::size_t k, const std::vector<double>& state)>& frame);

  TS ts() const noexcept { return ts_; }

 private:
  static PetscErrorCode right_side(TS ts, PetscReal t, Vec state, Vec rate, void* solver);
  bool fixed(std::int64_t i, std::int64_t j) const;
  void set_fields(const Data& data);

  std::int64_t cells_;
  WaveSides sides_;
  double cfl_;
  std::string prefix_;
  OwnedDM dmda_;
  OwnedMat jacobian_;
  OwnedVec state_, source_;
  OwnedTS ts_;
  std::unique_ptr<DmdaGather> gather_;
  const std::function<double(double)>* signal_ = nullptr;
  double step_ = 0, given_step_ = 0;
};

}  // namespace nopal
