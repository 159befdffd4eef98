// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "direction/residual_solves.hpp"

#include <nopal/core/random.hpp>
#include <nopal/solvers/bridge/vec.hpp>
#include <nopal/solvers/direction/direction_training.hpp>

#include <algorithm>
#include <cmath>

namespace nopal {

std::vector<float> detail::mask_of(const LinearSystem& system) {
  PetscInt first = 0, end = 0;
  NOPAL_PETSC(MatGetOwnershipRange(system.matrix, &first, &end));
  std::vector<float> mask;
  for (PetscInt row = first; row < end; ++row) {
    PetscInt count = 0;
    NOPAL_PETSC(MatGetRow(system.matrix, row, &count, nullptr, nullptr));
    mask.push_back(count > 1 ? 1.F : 0.F);
    NOPAL_PETSC(MatRestoreRow(system.matrix, row, &count, nullptr, nullptr));
  }
  return mask;
}

namespace {

// Noise on blocks of 2^k points, two k: some smooth, some rough, as residuals are.
void set_right_side(Vec b, const Shape& extents, const std::vector<float>& mask, std::uint64_t seed,
                    std::uint64_t index, MatNullSpace space) {
  const Random random(seed, 99 + index);
  std::int64_t levels = 0;
  while ((std::int64_t(2) << levels) < extents[0])
    ++levels;
  PetscScalar* values = nullptr;
  NOPAL_PETSC(VecGetArrayWrite(b, &values));
  std::fill(values, values + extents.size(), PetscScalar(0));
  for (std::uint64_t part = 0; part < 2; ++part) {
    const auto shift =
        std::min(static_cast<std::int64_t>(random.uniform(part) * double(levels)), levels - 1);
    const double size = std::pow(10, 2 * random.uniform(2 + part) - 2);
    const Random noise(seed, 1000003 * (index + 1) + part);
    for (std::int64_t i = 0; i < extents.size(); ++i) {
      std::int64_t rest = i, block = 0;
      for (int a = extents.rank() - 1; a >= 0; --a) {
        block = block * 4096 + ((rest % extents[a]) >> shift);
        rest /= extents[a];
      }
      if (mask[static_cast<std::size_t>(i)] != 0)
        values[i] += size * noise.normal(static_cast<std::uint64_t>(block));
    }
  }
  NOPAL_PETSC(VecRestoreArrayWrite(b, &values));
  if (space) NOPAL_PETSC(MatNullSpaceRemove(space, b));
}

Shape extents_of(const LinearSystem& system) {
  const Shape field = global_shape(system.dm);
  Shape extents;
  for (int a = 0; a + 1 < field.rank(); ++a)
    extents.push_back(field[a]);
  return extents;
}

void solve_exactly(const LinearSystem& system, Vec b, Vec x) {
  OwnedKSP ksp;
  NOPAL_PETSC(KSPCreate(PETSC_COMM_SELF, ksp.receive()));
  NOPAL_PETSC(KSPSetOperators(ksp, system.matrix, system.matrix));
  NOPAL_PETSC(KSPSetType(ksp, KSPCG));
  PC pc = nullptr;
  NOPAL_PETSC(KSPGetPC(ksp, &pc));
  NOPAL_PETSC(PCSetType(pc, PCJACOBI));
  NOPAL_PETSC(KSPSetNormType(ksp, KSP_NORM_UNPRECONDITIONED));
  NOPAL_PETSC(KSPSetTolerances(ksp, 1e-10, NOPAL_PETSC_KEEP, NOPAL_PETSC_KEEP, 20000));
  NOPAL_PETSC(KSPSolve(ksp, b, x));
  KSPConvergedReason reason = KSP_CONVERGED_ITERATING;
  NOPAL_PETSC(KSPGetConvergedReason(ksp, &reason));
  NOPAL_CHECK(reason > 0, "a training matrix could not be solved with: KSP reason ", int(reason));
}

}  // namespace

namespace detail {

ResidualSolves::ResidualSolves(const LinearSystem& system, const DirectionNet<float>* net,
                               std::int64_t ritz_vectors)
    : system_(system), extents_(extents_of(system)), mask_(mask_of(system)) {
  NOPAL_PETSC(MatGetNullSpace(system.matrix, &space_));
  NOPAL_PETSC(MatCreateVecs(system.matrix, x_.receive(), b_.receive()));
  NOPAL_PETSC(VecDuplicate(x_, exact_.receive()));
  if (ritz_vectors > 0) ritz_ = std::make_unique<RitzSpace>(system.matrix, ritz_vectors);
  if (net) map_ = std::make_unique<DirectionMap<float>>(*net, Grid(extents_), system.matrix);
}

DcdmResult ResidualSolves::run(std::uint64_t seed, std::uint64_t index, int limit, double tolerance,
                               const Record& record) {
  if (ritz_) {
    ritz_->sample(seed, index, b_);
    PetscScalar* values = nullptr;
    NOPAL_PETSC(VecGetArray(b_, &values));
    for (std::size_t i = 0; i < mask_.size(); ++i)
      values[i] *= mask_[i];
    NOPAL_PETSC(VecRestoreArray(b_, &values));
  } else {
    set_right_side(b_, extents_, mask_, seed, index, space_);
  }
  NOPAL_PETSC(VecSet(x_, 0));
  DcdmOptions options{tolerance, limit, {}};
  if (record) {
    solve_exactly(system_, b_, exact_);
    options.observer = [&](Vec x, Vec r) {
      PetscScalar rx = 0, re = 0;
      NOPAL_PETSC(VecDot(r, x, &rx));
      NOPAL_PETSC(VecDot(r, exact_, &re));
      const PetscScalar* values = nullptr;
      NOPAL_PETSC(VecGetArrayRead(r, &values));
      record(values, PetscRealPart(re - rx));
      NOPAL_PETSC(VecRestoreArrayRead(r, &values));
    };
  }
  return dcdm(
      system_.matrix, b_, x_,
      [&](Vec r, Vec q) {
        if (map_)
          map_->apply(r, q);
        else
          NOPAL_PETSC(VecCopy(r, q));
      },
      options);
}

}  // namespace detail

DirectionSamples record_residuals(const std::vector<LinearSystem>& systems,
                                  const DirectionNet<float>* net, std::int64_t count,
                                  std::int64_t depth, std::uint64_t seed, const Communicator& comm,
                                  std::int64_t ritz_vectors) {
  const Shape extents = extents_of(systems.front());
  const std::int64_t points = extents.size();
  const auto solves = static_cast<std::int64_t>(systems.size()) * count, each = depth + 1;
  Shape shape{solves * each};
  for (int a = 0; a < extents.rank(); ++a)
    shape.push_back(extents[a]);
  shape.push_back(1);
  DirectionSamples samples{Tensor<float>::zeros(shape), {}, {}};
  Tensor<double> energy = Tensor<double>::zeros({solves * each});
  comm.together([&] {
    for (std::int64_t s = 0; s < solves; ++s) {
      if (s % comm.size() != comm.rank()) continue;
      detail::ResidualSolves one(systems[static_cast<std::size_t>(s / count)], net, ritz_vectors);
      std::int64_t at = s * each;
      std::vector<float> unit(static_cast<std::size_t>(points));
      one.run(seed, static_cast<std::uint64_t>(s), static_cast<int>(depth), 1e-7,
              [&](const PetscScalar* r, double e) {
                double square = 0;
                for (std::int64_t i = 0; i < points; ++i)
                  square += PetscRealPart(r[i]) * PetscRealPart(r[i]);
                for (std::int64_t i = 0; i < points; ++i)
                  unit[static_cast<std::size_t>(i)] =
                      static_cast<float>(PetscRealPart(r[i]) / std::sqrt(square));
                samples.b.slice(at, 1).copy_from_host(unit.data());
                energy.data()[at++] = e / square;
              });
    }
  });
  comm.sum(samples.b);
  comm.sum(energy);
  // Solves that ended early leave gaps.
  std::int64_t kept = 0;
  for (std::int64_t i = 0; i < solves * each; ++i) {
    if (!(energy.data()[i] > 0)) continue;
    if (kept < i) samples.b.slice(kept, 1).copy_from(samples.b.slice(i, 1));
    ++kept;
    samples.energy.push_back(energy.data()[i]);
    samples.system.push_back(i / each / count);
  }
  samples.b = samples.b.slice(0, kept);
  return samples;
}

}  // namespace nopal
