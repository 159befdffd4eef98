// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/solvers/euler/finite_volume.hpp>

#include <functional>
#include <limits>
#include <string>

namespace nopal::euler {

/// A flow in time by PETSc's TS, with steps that are taken again where they fail.
class FlowStepper {
 public:
  /// How long a step may be, on all ranks, or 0 and what is wrong with the state.
  struct Survey {
    double step = std::numeric_limits<double>::infinity();
    std::string bad;
  };
  struct Scheme {
    int time_order = 2;  ///< 1, 2, 3
    int retries = 10;
    std::function<void(double time, Vec u, Vec dudt)> rate;
    std::function<Survey()> survey;  ///< of u()
    /// Called with the length of the steps of Euler's method of which a step is a convex
    /// combination, before it, and with 0 after it. May be empty.
    std::function<void(double)> prepare = {};
  };

  /// Collective over `comm`.
  FlowStepper(DM dm, const Communicator& comm, Scheme scheme);
  FlowStepper(const FlowStepper&) = delete;
  FlowStepper& operator=(const FlowStepper&) = delete;

  Vec u() const { return u_; }
  double time() const { return time_; }
  void set_time(double time) { time_ = time; }

  /// See FiniteVolumeSolver::advance().
  FlowProgress advance(double time, const FiniteVolumeSolver::Observer& observe);

  /// One step of `length`, or of half as long and so on if it fails, each time after `shorten`;
  /// what was taken. Adds to progress.retries.
  double step(double length, FlowProgress& progress, const std::function<void()>& shorten = {});

 private:
  Scheme scheme_;
  OwnedVec u_, backup_;
  OwnedTS ts_;
  double time_ = 0;
};

/// What every rank must know of a survey: the least step, or, if a rank has found something wrong,
/// what the first of them says. Collective.
FlowStepper::Survey agree(double step, const std::string& bad, const Communicator& comm);

}  // namespace nopal::euler
