// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/solvers/direction/dcdm.hpp>

#include <array>

namespace nopal {

DcdmResult dcdm(Mat matrix, Vec b, Vec x, const DirectionFunction& f, const DcdmOptions& options) {
  struct Direction {
    OwnedVec p, ap;
    PetscScalar energy = 0;
  };
  std::array<Direction, 2> known;  // the newest first
  OwnedVec r, unit, q, aq;
  for (OwnedVec* v : {&r, &unit, &q, &aq})
    NOPAL_PETSC(VecDuplicate(b, v->receive()));
  for (Direction& d : known) {
    NOPAL_PETSC(VecDuplicate(b, d.p.receive()));
    NOPAL_PETSC(VecDuplicate(b, d.ap.receive()));
  }
  DcdmResult result;
  PetscReal size = 0;
  const auto residual = [&] {
    NOPAL_PETSC(MatMult(matrix, x, r));
    NOPAL_PETSC(VecAYPX(r, -1, b));
    NOPAL_PETSC(VecNorm(r, NORM_2, &size));
    result.residuals.push_back(size);
    if (options.observer) options.observer(x, r);
  };
  residual();
  const double goal = options.tolerance * size;
  for (; size > goal && result.iterations < options.max_iterations; ++result.iterations) {
    NOPAL_PETSC(VecCopy(r, unit));
    NOPAL_PETSC(VecScale(unit, 1 / size));
    f(unit, q);
    for (const Direction& d : known) {
      if (d.energy == 0) continue;
      PetscScalar along = 0;
      NOPAL_PETSC(VecDot(q, d.ap, &along));
      NOPAL_PETSC(VecAXPY(q, -along / d.energy, d.p));
    }
    NOPAL_PETSC(MatMult(matrix, q, aq));
    PetscScalar energy = 0, step = 0;
    NOPAL_PETSC(VecDot(q, aq, &energy));
    NOPAL_PETSC(VecDot(q, r, &step));
    NOPAL_CHECK(PetscRealPart(energy) > 0, "dcdm: q . A q is ", PetscRealPart(energy),
                " in iteration ", result.iterations + 1,
                ", expected more than 0: the matrix is not positive definite, or f gave 0");
    NOPAL_PETSC(VecAXPY(x, step / energy, q));
    std::swap(known[0], known[1]);
    NOPAL_PETSC(VecCopy(q, known[0].p));
    NOPAL_PETSC(VecCopy(aq, known[0].ap));
    known[0].energy = energy;
    residual();
  }
  result.converged = size <= goal;
  return result;
}

}  // namespace nopal
