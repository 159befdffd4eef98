// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// A DeepONet's trunk as coarse space of conjugate gradients
//
// Sample runs:  deflation_trunk_basis
//               mpiexec -n 2 deflation_trunk_basis
//               deflation_trunk_basis -model deflation_trunk_basis.safetensors -points 129
//
// Description:  -div(k grad u) = b on the unit square with a coefficient of contrast 1e4. A
// DeepONet
//               learns the solution operator on a coarse grid; the functions of its trunk are a
//               basis of what solutions look like, on any grid. They are the coarse space of a
//               two-level preconditioner (PC nopal, symmetric and linear, so plain CG), or that of
//               PETSc's PCDEFLATION. Beside them: as many POD modes of solutions on the fine grid
//               itself, no coarse space, and algebraic multigrid. Writes
//               deflation_trunk_basis.png, the residuals, and trunk.png, a few of the functions.
//
// See also:     Kopanicakova, Karniadakis, arXiv 2401.02016; docs/preconditioner.md.

#include <nopal/solvers/plugin/pc_nopal.h>
#include <nopal/core/random.hpp>
#include <nopal/core/runtime.hpp>
#include <nopal/io/figure.hpp>
#include <nopal/operators/deeponet.hpp>
#include <nopal/operators/model.hpp>
#include <nopal/solvers/bridge/differentiable.hpp>
#include <nopal/solvers/bridge/grid.hpp>
#include <nopal/solvers/bridge/vec.hpp>
#include <nopal/solvers/options.hpp>
#include <nopal/solvers/problems/linear_systems.hpp>
#include <nopal/solvers/subspace.hpp>
#include <nopal/train/step_training.hpp>

#include <nlohmann/json.hpp>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <numbers>

namespace {

nopal::LinearSystem diffusion(std::int64_t points, const nopal::Communicator& comm) {
  nopal::LinearSystemOptions o;
  o.name = "lognormal";
  o.points = points;
  o.contrast = 1e2;
  o.seed = 3;
  return make_linear_system(o, comm);
}

// Right-hand side number `sample` at a point of the unit square: a sum of waves.
double right_side(std::uint64_t sample, double x, double y) {
  const nopal::Random random(5, sample);
  double sum = 0;
  for (std::uint64_t w = 0; w < 6; ++w)
    sum += random.normal(4 * w) *
           std::sin(std::numbers::pi * (std::floor(1 + 4 * random.uniform(4 * w + 1)) * x +
                                        std::floor(1 + 4 * random.uniform(4 * w + 2)) * y) +
                    6.3 * random.uniform(4 * w + 3));
  return sum;
}

nopal::OwnedVec right_side(const nopal::LinearSystem& system, std::uint64_t sample) {
  nopal::OwnedVec b;
  const nopal::Tensor<double> points = nopal::grid_points(system.dm);
  PetscScalar* values = nullptr;
  NOPAL_PETSC(DMCreateGlobalVector(system.dm, b.receive()));
  NOPAL_PETSC(VecGetArrayWrite(b, &values));
  for (std::int64_t i = 0; i < points.extent(0); ++i)
    values[i] = right_side(sample, points.data()[2 * i], points.data()[2 * i + 1]);
  NOPAL_PETSC(VecRestoreArrayWrite(b, &values));
  return b;
}

nopal::OwnedKSP make_solver(const nopal::LinearSystem& system, const char* pc_type) {
  nopal::OwnedKSP ksp;
  PC pc = nullptr;
  NOPAL_PETSC(
      KSPCreate(PetscObjectComm(reinterpret_cast<PetscObject>(system.dm.get())), ksp.receive()));
  NOPAL_PETSC(KSPSetOperators(ksp, system.matrix, system.matrix));
  NOPAL_PETSC(KSPSetDM(ksp, system.dm));
  NOPAL_PETSC(nopal::ksp_ignore_dm(ksp));
  NOPAL_PETSC(KSPSetType(ksp, KSPCG));
  NOPAL_PETSC(KSPSetNormType(ksp, KSP_NORM_UNPRECONDITIONED));
  NOPAL_PETSC(KSPSetTolerances(ksp, 1e-8, NOPAL_PETSC_KEEP, NOPAL_PETSC_KEEP, 5000));
  NOPAL_PETSC(KSPGetPC(ksp, &pc));
  NOPAL_PETSC(PCSetType(pc, pc_type));
  NOPAL_PETSC(KSPSetErrorIfNotConverged(ksp, PETSC_TRUE));
  return ksp;
}

// Functions and values of `count` samples on a coarse grid, solved there.
nopal::FunctionData<float> make_data(std::int64_t points, std::uint64_t first, std::int64_t count) {
  const nopal::LinearSystem system = diffusion(points, nopal::Communicator());
  const nopal::OwnedKSP ksp = make_solver(system, PCICC);
  const std::int64_t n = points * points;
  std::vector<float> b;
  for (std::uint64_t s = first; s < first + std::uint64_t(count); ++s) {
    const nopal::OwnedVec f = right_side(system, s);
    const nopal::VecTensor values(f, nopal::VecTensor::Access::read);
    for (const double value : values.tensor().to_vector())
      b.push_back(float(value));
  }
  const auto u = nopal::Tensor<float>::from_host({count, n}, b);
  const auto v = nopal::solve(ksp, nopal::Variable<float>(u)).value();
  nopal::scale(1.0F / float(std::sqrt(dot(v, v) / double(v.size()))), v);
  return {{u}, nopal::cast<float>(nopal::grid_points(system.dm)), {}, v.reshape({count, n, 1}), {}};
}

void run(const nopal::Communicator& comm) {
  const bool speaks = comm.rank() == 0;

  // 1. Options.
  std::int64_t points = 65, coarse = 33, samples = 300, steps = 20000, vectors = 20;
  std::string model_file, out = "deflation_trunk_basis.safetensors",
                          picture = "deflation_trunk_basis.png", functions = "trunk.png";
  const auto own_options = [&](nopal::PetscOptionReader& read) {
    read.integer("points", "an axis of the grid that is solved on", points, 8);
    read.integer("coarse", "an axis of the training's grid", coarse, 8);
    read.integer("samples", "of the training", samples, 2);
    read.integer("steps", "of the training", steps, 1);
    read.integer("vectors", "of the coarse space", vectors, 1);
    read.text("model", "a trained model; none: train one", model_file);
    read.output("out", "model file to write", out);
    read.output("picture", "residuals (PNG)", picture);
    read.output("functions", "of the trunk (PNG)", functions);
  };
  if (!nopal::read_program_options(comm, "deflation_trunk_basis", own_options)) return;
  NOPAL_PETSC(nopal_register());

  // 2. A DeepONet from right-hand sides to solutions, on the coarse grid.
  if (model_file.empty()) {
    nopal::DeepONetOptions shape;
    shape.sensors = {coarse * coarse};
    shape.dimension = 2;
    shape.branch = {64, 48};
    shape.trunk = {64, 64, 48};
    shape.trunk_activation = "tanh";
    auto op = std::make_unique<nopal::DeepONet<float>>(shape);
    nopal::DeepONet<float>& deeponet = *op;
    nopal::Model<float> model(std::move(op));
    const auto data = make_data(coarse, 0, samples);
    nopal::StepOptions training;
    training.steps = steps;
    training.learning_rate = 1e-3;
    training.schedule = "cosine";
    nopal::FunctionBatchOptions batch;
    batch.batch = 40;
    batch.points = 400;
    batch.loss = "l2";
    const auto result = nopal::train_steps<float>(
        deeponet, nopal::function_loss<float>(deeponet, data, batch, comm), training, comm);
    model.save(out, comm);
    model_file = out;
    if (speaks) std::printf("training: relative error %.2f\n", result.best_error);
  }

  // 3. The fine system; its coarse spaces: the trunk at its points, and POD of solutions there.
  const nopal::LinearSystem system = diffusion(points, comm);
  const nopal::OwnedVec b = right_side(system, 1000000);
  const auto model = nopal::Model<float>::load(model_file, comm);
  const auto* deeponet = dynamic_cast<const nopal::DeepONet<float>*>(&model.op());
  NOPAL_CHECK(deeponet, model_file, " holds no DeepONet");
  const auto trunk =
      leading_vectors(trunk_vectors(*deeponet, nopal::grid_points(system.dm), b), vectors);
  std::vector<nopal::OwnedVec> solutions;
  const nopal::OwnedKSP exact = make_solver(system, PCGAMG);
  for (std::int64_t s = 0; s < 2 * vectors; ++s) {
    nopal::OwnedVec x;
    NOPAL_PETSC(VecDuplicate(b, x.receive()));
    NOPAL_PETSC(KSPSolve(exact, right_side(system, std::uint64_t(s)), x));
    solutions.push_back(std::move(x));
  }
  const auto pod = leading_vectors(solutions, vectors);

  // 4. Conjugate gradients with each.
  std::vector<nopal::Curve> curves;
  if (speaks)
    std::printf("%ld x %ld points, %ld vectors\n", long(points), long(points), long(vectors));
  const auto solve = [&](const char* name, const char* pc_type,
                         const std::vector<nopal::OwnedVec>* space) {
    const nopal::OwnedKSP ksp = make_solver(system, pc_type);
    PC pc = nullptr;
    NOPAL_PETSC(KSPGetPC(ksp, &pc));
    NOPAL_PETSC(PCNopalSetModel(pc, model_file.c_str()));
    if (space) {
      NOPAL_PETSC(PCDeflationSetSpace(pc, columns_of(*space), PETSC_FALSE));
      // PETSc makes the preconditioner beside the space at set-up.
      NOPAL_PETSC(PetscOptionsSetValue(nullptr, "-deflation_pc_pc_type", PCJACOBI));
    }
    std::vector<PetscReal> history(5001);
    nopal::OwnedVec x;
    NOPAL_PETSC(VecDuplicate(b, x.receive()));
    NOPAL_PETSC(KSPSetResidualHistory(ksp, history.data(), 5001, PETSC_TRUE));
    const auto start = std::chrono::steady_clock::now();
    NOPAL_PETSC(KSPSolve(ksp, b, x));
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    PetscInt count = 0;
    NOPAL_PETSC(KSPGetIterationNumber(ksp, &count));
    nopal::Curve curve{name, {}, {}};
    PetscReal size = 1;
    NOPAL_PETSC(VecNorm(b, NORM_2, &size));
    for (PetscInt i = 0; i <= count; ++i) {
      curve.x.push_back(double(i));
      curve.y.push_back(history[std::size_t(i)] / size);
    }
    curves.push_back(curve);
    if (speaks)
      std::printf("  %-26s %4ld iterations  %.3f s with set-up\n", name, long(count), seconds);
  };
  solve("jacobi", PCJACOBI, nullptr);
  solve("jacobi and trunk (nopal)", "nopal", nullptr);
  solve("deflation by trunk", PCDEFLATION, &trunk);
  solve("deflation by POD", PCDEFLATION, &pod);
  solve("icc", comm.size() > 1 ? PCBJACOBI : PCICC, nullptr);
  solve("gamg", PCGAMG, nullptr);

  // 5. Pictures.
  nopal::DmdaGather gather(system.dm);
  std::vector<nopal::Panel> panels;
  for (std::size_t k = 0; k < std::min<std::size_t>(4, trunk.size()); ++k) {
    std::vector<double> values;
    gather(trunk[k], values);
    panels.push_back({"function " + std::to_string(k + 1),
                      int(points),
                      int(points),
                      values,
                      nopal::ColorMap::diverging,
                      {},
                      {}});
  }
  if (!speaks) return;
  nopal::draw_panels(panels, "leading functions of the trunk").write_png(functions);
  nopal::draw_plot(curves, {"residual", "iteration", "relative to the right-hand side", true})
      .write_png(picture);
}

}  // namespace

int main(int argc, char** argv) {
  nopal::Runtime runtime(argc, argv);
  if (PetscInitialize(&argc, &argv, nullptr, nullptr) != PETSC_SUCCESS) return 1;
  int code = 0;
  try {
    run(nopal::Communicator::world());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "deflation_trunk_basis: %s\n", error.what());
    code = 1;
  }
  return PetscFinalize() == PETSC_SUCCESS ? code : 1;
}
