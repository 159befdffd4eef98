// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "euler/flow_stepper.hpp"

#include <nopal/core/error.hpp>

#include <algorithm>

namespace nopal::euler {
namespace {

PetscErrorCode right_hand_side(TS, PetscReal t, Vec u, Vec f, void* context) {
  PetscFunctionBegin;
  try {
    (*static_cast<std::function<void(double, Vec, Vec)>*>(context))(t, u, f);
  } catch (const std::exception& error) {
    SETERRQ(PETSC_COMM_SELF, PETSC_ERR_LIB, "%s", error.what());
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

}  // namespace

FlowStepper::FlowStepper(DM dm, const Communicator& comm, Scheme scheme)
    : scheme_(std::move(scheme)) {
  NOPAL_PETSC(DMCreateGlobalVector(dm, u_.receive()));
  NOPAL_PETSC(VecDuplicate(u_, backup_.receive()));
  NOPAL_PETSC(TSCreate(petsc_communicator(comm), ts_.receive()));
  NOPAL_PETSC(TSSetProblemType(ts_, TS_NONLINEAR));
  NOPAL_PETSC(TSSetRHSFunction(ts_, nullptr, right_hand_side, &scheme_.rate));
  if (scheme_.time_order == 1) {
    NOPAL_PETSC(TSSetType(ts_, TSEULER));
  } else {
    NOPAL_PETSC(TSSetType(ts_, TSSSP));
    NOPAL_PETSC(TSSSPSetType(ts_, scheme_.time_order == 2 ? TSSSPRKS2 : TSSSPRKS3));
    NOPAL_PETSC(TSSSPSetNumStages(ts_, scheme_.time_order == 2 ? 2 : 4));
  }
  TSAdapt adapt = nullptr;
  NOPAL_PETSC(TSGetAdapt(ts_, &adapt));
  NOPAL_PETSC(TSAdaptSetType(adapt, TSADAPTNONE));
  NOPAL_PETSC(TSSetExactFinalTime(ts_, TS_EXACTFINALTIME_STEPOVER));
  NOPAL_PETSC(TSSetMaxSteps(ts_, std::numeric_limits<PetscInt>::max() - 1));  // the largest: unset
  NOPAL_PETSC(TSSetSolution(ts_, u_));
}

double FlowStepper::step(double length, FlowProgress& progress,
                         const std::function<void()>& shorten) {
  NOPAL_PETSC(VecCopy(u_, backup_));
  for (int attempt = 0;; ++attempt) {
    NOPAL_PETSC(TSSetTime(ts_, time_));
    NOPAL_PETSC(TSSetTimeStep(ts_, length));
    // Two stages of order 2 are Euler's steps of the whole length, four of order 3 of half of it.
    if (scheme_.prepare) scheme_.prepare(scheme_.time_order == 3 ? 0.5 * length : length);
    NOPAL_PETSC(TSStep(ts_));
    if (scheme_.prepare) scheme_.prepare(0);
    const Survey after = scheme_.survey();
    if (after.step > 0) return length;
    NOPAL_PETSC(VecCopy(backup_, u_));
    NOPAL_CHECK(attempt < scheme_.retries, "Euler equations: after the step from time ", time_,
                ", ", after.bad, ", even with a step of ", length, " (", scheme_.retries,
                " times halved); the state before it is kept");
    ++progress.retries;
    if (shorten)
      shorten();
    else
      length *= 0.5;
  }
}

FlowProgress FlowStepper::advance(double time, const FiniteVolumeSolver::Observer& observe) {
  FlowProgress progress;
  progress.time = time_;
  NOPAL_CHECK(time >= time_, "Euler equations: cannot go back from time ", time_, " to ", time);
  while (time_ < time) {
    const double stable = scheme_.survey().step, rest = time - time_;
    // The last two steps are of equal length, so that none is tiny.
    const double taken = step(stable >= rest ? rest : std::min(stable, 0.5 * rest), progress);
    time_ = taken >= rest ? time : time_ + taken;
    progress.time = time_;
    ++progress.steps;
    if (observe && !observe(progress)) break;
  }
  return progress;
}

FlowStepper::Survey agree(double step, const std::string& bad, const Communicator& comm) {
  FlowStepper::Survey result;
  result.step = -comm.max(bad.empty() ? -step : 0.0);
  if (result.step > 0) return result;
  const int rank = comm.rank(), size = comm.size();
  const int teller = size - static_cast<int>(comm.max(bad.empty() ? 0.0 : double(size - rank)));
  result.bad = comm.broadcast(bad, teller);
  return result;
}

}  // namespace nopal::euler
