// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/profile.hpp>
#include <nopal/solvers/problems/wave_solver.hpp>

#include <algorithm>
#include <cmath>

namespace nopal {

WaveSolver::WaveSolver(std::int64_t cells, const WaveSides& sides, double cfl,
                       const Communicator& comm, const std::string& prefix)
    : cells_(cells), sides_(sides), cfl_(cfl), prefix_(prefix) {
  NOPAL_CHECK(cells >= 2 && cells < 30000, "a wave grid has 2 to 30000 cells an axis, got ", cells);
  NOPAL_CHECK(cfl > 0, "the step of a wave solver must be positive, got cfl ", cfl);
  const MPI_Comm mpi = petsc_communicator(comm);
  const auto n = static_cast<PetscInt>(cells + 1);
  NOPAL_PETSC(DMDACreate2d(mpi, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, DMDA_STENCIL_STAR, n, n,
                           PETSC_DECIDE, PETSC_DECIDE, 2, 1, nullptr, nullptr, dmda_.receive()));
  NOPAL_PETSC(DMSetUp(dmda_));
  // Of the neighbours only u matters, and only for v; the diagonal is there for implicit methods.
  constexpr std::array<PetscInt, 4> own = {1, 1, 1, 1}, neighbours = {0, 0, 1, 0};
  NOPAL_PETSC(DMDASetBlockFills(dmda_, own.data(), neighbours.data()));
  NOPAL_PETSC(DMCreateMatrix(dmda_, jacobian_.receive()));
  NOPAL_PETSC(DMCreateGlobalVector(dmda_, state_.receive()));
  NOPAL_PETSC(VecDuplicate(state_, source_.receive()));
  gather_ = std::make_unique<DmdaGather>(dmda_);

  NOPAL_PETSC(TSCreate(mpi, ts_.receive()));
  NOPAL_PETSC(TSSetOptionsPrefix(ts_, prefix_.c_str()));
  NOPAL_PETSC(TSSetProblemType(ts_, TS_LINEAR));
  NOPAL_PETSC(TSSetRHSFunction(ts_, nullptr, right_side, this));
  NOPAL_PETSC(TSSetRHSJacobian(ts_, jacobian_, jacobian_, TSComputeRHSJacobianConstant, nullptr));
  NOPAL_PETSC(TSSetType(ts_, TSRK));
  NOPAL_PETSC(TSRKSetType(ts_, TSRK4));
  TSAdapt adapt = nullptr;
  NOPAL_PETSC(TSGetAdapt(ts_, &adapt));
  NOPAL_PETSC(TSAdaptSetType(adapt, TSADAPTNONE));
  NOPAL_PETSC(TSSetExactFinalTime(ts_, TS_EXACTFINALTIME_MATCHSTEP));
  NOPAL_PETSC(TSSetMaxSteps(ts_, PETSC_MAX_INT));
  PetscBool given = PETSC_FALSE;
  PetscReal step = 0;
  NOPAL_PETSC(PetscOptionsGetReal(nullptr, prefix_.c_str(), "-ts_dt", &step, &given));
  if (given) given_step_ = static_cast<double>(step);
  NOPAL_PETSC(TSSetFromOptions(ts_));
}

bool WaveSolver::fixed(std::int64_t i, std::int64_t j) const {
  const std::array at = {i == 0, i == cells_, j == 0, j == cells_};
  for (std::size_t side = 0; side < 4; ++side)
    if (at[side] && sides_[side] == WaveSide::dirichlet) return true;
  return false;
}

void WaveSolver::set_speed(std::span<const double> c) {
  NOPAL_CHECK(c.size() == static_cast<std::size_t>(nodes()), "a wave grid of ", cells_,
              " cells an axis has ", nodes(), " nodes, got ", c.size(), " values of the speed");
  const auto bad =
      std::find_if(c.begin(), c.end(), [](double v) { return !(v > 0) || !std::isfinite(v); });
  NOPAL_CHECK(bad == c.end(), "the speed of waves must be positive and finite, got ", *bad,
              " at node ", bad - c.begin());
  const double h = 1 / static_cast<double>(cells_);
  step_ = cfl_ * h / *std::max_element(c.begin(), c.end());

  const auto speed = [&](const std::array<std::int64_t, 2>& node) {
    return c[static_cast<std::size_t>(node[0] * (cells_ + 1) + node[1])];
  };
  const Shape owned = owned_shape(dmda_), ghosted = ghosted_shape(dmda_);
  const auto first = owned_first(dmda_), ghost = ghosted_first(dmda_);
  // Row of u at a node; that of v follows.
  const auto row = [&](const std::array<std::int64_t, 2>& node) {
    return static_cast<PetscInt>(2 * ((node[0] - ghost[0]) * ghosted[1] + node[1] - ghost[1]));
  };
  const detail::PetscErrorRecorder recorder;
  const auto set = [&](PetscInt at, PetscInt column, double value) {
    const auto entry = static_cast<PetscScalar>(value);
    recorder.check(MatSetValuesLocal(jacobian_, 1, &at, 1, &column, &entry, INSERT_VALUES),
                   __FILE__, __LINE__);
  };
  for (std::int64_t i = first[0]; i < first[0] + owned[0]; ++i)
    for (std::int64_t j = first[1]; j < first[1] + owned[1]; ++j) {
      const std::array node = {i, j};
      const PetscInt u = row(node), v = u + 1;
      const bool moves = !fixed(i, j);
      double diagonal = 0, damping = 0;
      for (std::size_t axis = 0; axis < 2; ++axis)
        for (const int end : {0, 1}) {
          auto neighbour = node;
          neighbour[axis] += 2 * end - 1;
          const bool last = node[axis] == 0 || node[axis] == cells_;
          if (neighbour[axis] < 0 || neighbour[axis] > cells_) {
            const WaveSide side = sides_[2 * axis + static_cast<std::size_t>(end)];
            if (side == WaveSide::absorbing) damping += 2 * speed(node) / h;
            continue;
          }
          const double c0 = speed(node), c1 = speed(neighbour);
          const double entry = 0.5 * (c0 * c0 + c1 * c1) / (last ? 0.5 * h * h : h * h);
          diagonal += entry;
          set(v, row(neighbour), moves ? entry : 0);
        }
      set(u, u, 0);
      set(u, v, moves ? 1 : 0);
      set(v, u, moves ? -diagonal : 0);
      set(v, v, moves ? -damping : 0);
    }
  NOPAL_PETSC(MatAssemblyBegin(jacobian_, MAT_FINAL_ASSEMBLY));
  NOPAL_PETSC(MatAssemblyEnd(jacobian_, MAT_FINAL_ASSEMBLY));
}

PetscErrorCode WaveSolver::right_side(TS, PetscReal t, Vec state, Vec rate, void* context) {
  PetscFunctionBegin;
  const auto* solver = static_cast<const WaveSolver*>(context);
  PetscCall(MatMult(solver->jacobian_, state, rate));
  if (*solver->signal_)
    PetscCall(VecAXPY(rate, static_cast<PetscScalar>((*solver->signal_)(t)), solver->source_));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void WaveSolver::set_fields(const Data& data) {
  const Shape owned = owned_shape(dmda_);
  const auto first = owned_first(dmda_);
  PetscScalar *state = nullptr, *source = nullptr;
  NOPAL_PETSC(VecGetArrayWrite(state_, &state));
  NOPAL_PETSC(VecGetArrayWrite(source_, &source));
  std::size_t k = 0;
  for (std::int64_t i = first[0]; i < first[0] + owned[0]; ++i)
    for (std::int64_t j = first[1]; j < first[1] + owned[1]; ++j, k += 2) {
      const auto node = static_cast<std::size_t>(i * (cells_ + 1) + j);
      const auto value = [&](std::span<const double> field) {
        return static_cast<PetscScalar>(field.empty() || fixed(i, j) ? 0.0 : field[node]);
      };
      state[k] = value(data.u);
      state[k + 1] = value(data.v);
      source[k] = 0;
      source[k + 1] = value(data.g);
    }
  NOPAL_PETSC(VecRestoreArrayWrite(state_, &state));
  NOPAL_PETSC(VecRestoreArrayWrite(source_, &source));
}

void WaveSolver::solve(
    const Data& data, std::span<const double> times,
    const std::function<void(std::size_t k, const std::vector<double>& state)>& frame) {
  const ScopedRegion region("WaveSolver::solve");
  NOPAL_CHECK(step_ > 0, "a wave solver needs set_speed() before solve()");
  for (const auto& field : {data.u, data.v, data.g})
    NOPAL_CHECK(field.empty() || field.size() == static_cast<std::size_t>(nodes()),
                "a wave grid of ", cells_, " cells an axis has ", nodes(), " nodes, got ",
                field.size(), " values of a field");
  NOPAL_CHECK(data.g.empty() == !data.s, "a source needs both g and s");
  set_fields(data);
  signal_ = &data.s;

  NOPAL_PETSC(TSSetTime(ts_, 0));
  NOPAL_PETSC(TSSetStepNumber(ts_, 0));
  NOPAL_PETSC(TSRestartStep(ts_));
  std::vector<double> whole;
  double before = 0;
  for (std::size_t k = 0; k < times.size(); ++k) {
    const double interval = times[k] - before;
    NOPAL_CHECK(interval > 0, "the times of a wave solver must increase from 0, got ", times[k],
                " after ", before);
    before = times[k];
    const double step = given_step_ > 0 ? given_step_ : interval / std::ceil(interval / step_);
    NOPAL_PETSC(TSSetTimeStep(ts_, static_cast<PetscReal>(step)));
    NOPAL_PETSC(TSSetMaxTime(ts_, static_cast<PetscReal>(times[k])));
    NOPAL_PETSC(TSSolve(ts_, state_));
    TSConvergedReason reason = TS_CONVERGED_ITERATING;
    PetscReal norm = 0;
    NOPAL_PETSC(TSGetConvergedReason(ts_, &reason));
    NOPAL_CHECK(reason == TS_CONVERGED_TIME, "the wave solver did not reach time ", times[k], ": ",
                TSConvergedReasons[reason], "; see -", prefix_, "ts_max_steps, -", prefix_,
                "ts_type");
    NOPAL_PETSC(VecNorm(state_, NORM_2, &norm));
    NOPAL_CHECK(std::isfinite(norm), "the wave solver is unstable with steps of ", step,
                ": u at time ", times[k], " is not finite; use a smaller -", prefix_, "cfl");
    (*gather_)(state_, whole);
    frame(k, whole);
  }
}

}  // namespace nopal
