// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// The deep conjugate direction method for the pressure of a flow around moving obstacles
//
// Sample runs:  dcdm_pressure_poisson
//               mpiexec -n 2 dcdm_pressure_poisson
//               dcdm_pressure_poisson -model models/direction3d.safetensors -dimension 3 -points 64
//
// Description:  Each time step of a flow solver projects its velocity on one without divergence: a
//               Poisson equation for the pressure in a box that is closed but for its top, around
//               obstacles. They move, so the matrix is another in each step. A network is trained
//               to turn residuals into search directions, on other obstacles; PETSc's flexible
//               conjugate gradients use it by PC nopal and the preset -pc_nopal_dcdm. The table has
//               classical preconditioners beside it, which are cheaper by far: see
//               docs/benchmarks.md for where each pays. Writes dcdm_pressure_poisson.png, the
//               residuals of one step, and fields.png, its obstacles and pressure.
//
// See also:     Kaneda et al., ICML 2023; docs/preconditioner.md.

#include <nopal/solvers/plugin/pc_nopal.h>
#include <nopal/core/random.hpp>
#include <nopal/core/runtime.hpp>
#include <nopal/io/figure.hpp>
#include <nopal/operators/model.hpp>
#include <nopal/solvers/bridge/vec.hpp>
#include <nopal/solvers/direction/direction_training.hpp>
#include <nopal/solvers/options.hpp>

#include <chrono>
#include <cmath>
#include <cstdio>

namespace {

struct Method {
  std::string name;
  const char *ksp, *pc;
  long iterations = 0;
  double seconds = 0;
  nopal::Curve residuals;  // of the last step
};

// A divergence: noise in the cells of the flow, 0 in obstacles, whose rows couple with no other.
nopal::OwnedVec divergence(const nopal::LinearSystem& system, std::uint64_t step) {
  nopal::OwnedVec natural, b;
  PetscInt first = 0, end = 0;
  const nopal::Random random(17, step);
  NOPAL_PETSC(DMCreateGlobalVector(system.dm, b.receive()));
  NOPAL_PETSC(DMDACreateNaturalVector(system.dm, natural.receive()));
  NOPAL_PETSC(VecGetOwnershipRange(natural, &first, &end));
  for (PetscInt i = first; i < end; ++i)  // by point, so that ranks do not matter
    NOPAL_PETSC(VecSetValue(natural, i, random.normal(std::uint64_t(i)), INSERT_VALUES));
  NOPAL_PETSC(VecAssemblyBegin(natural));
  NOPAL_PETSC(VecAssemblyEnd(natural));
  NOPAL_PETSC(DMDANaturalToGlobalBegin(system.dm, natural, INSERT_VALUES, b));
  NOPAL_PETSC(DMDANaturalToGlobalEnd(system.dm, natural, INSERT_VALUES, b));
  NOPAL_PETSC(VecGetOwnershipRange(b, &first, &end));
  for (PetscInt row = first; row < end; ++row) {
    PetscInt entries = 0;
    NOPAL_PETSC(MatGetRow(system.matrix, row, &entries, nullptr, nullptr));
    if (entries == 1) NOPAL_PETSC(VecSetValue(b, row, 0, INSERT_VALUES));
    NOPAL_PETSC(MatRestoreRow(system.matrix, row, &entries, nullptr, nullptr));
  }
  NOPAL_PETSC(VecAssemblyBegin(b));
  NOPAL_PETSC(VecAssemblyEnd(b));
  return b;
}

void solve(Method& method, const nopal::LinearSystem& system, Vec b, Vec x,
           const std::string& model, double tolerance) {
  nopal::OwnedKSP ksp;
  PC pc = nullptr;
  NOPAL_PETSC(KSPCreate(PETSC_COMM_WORLD, ksp.receive()));
  NOPAL_PETSC(KSPSetOperators(ksp, system.matrix, system.matrix));
  NOPAL_PETSC(KSPSetDM(ksp, system.dm));
  NOPAL_PETSC(nopal::ksp_ignore_dm(ksp));
  NOPAL_PETSC(KSPSetType(ksp, method.ksp));
  NOPAL_PETSC(KSPSetNormType(ksp, KSP_NORM_UNPRECONDITIONED));
  NOPAL_PETSC(KSPSetTolerances(ksp, tolerance, NOPAL_PETSC_KEEP, NOPAL_PETSC_KEEP, 2000));
  NOPAL_PETSC(KSPGetPC(ksp, &pc));
  NOPAL_PETSC(PCSetType(pc, method.pc));
  NOPAL_PETSC(KSPSetErrorIfNotConverged(ksp, PETSC_TRUE));
  const bool dcdm = method.name == "dcdm";
  NOPAL_PETSC(PCNopalSetModel(pc, dcdm ? model.c_str() : "chebyshev"));
  NOPAL_PETSC(PCNopalSetDCDM(pc, dcdm ? PETSC_TRUE : PETSC_FALSE));
  std::vector<PetscReal> history(2001);
  NOPAL_PETSC(KSPSetResidualHistory(ksp, history.data(), 2001, PETSC_TRUE));
  const auto start = std::chrono::steady_clock::now();
  NOPAL_PETSC(KSPSolve(ksp, b, x));
  method.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  PetscInt count = 0;
  NOPAL_PETSC(KSPGetIterationNumber(ksp, &count));
  method.iterations += count;
  method.residuals = {method.name, {}, {}};
  for (PetscInt i = 0; i <= count; ++i) {
    method.residuals.x.push_back(double(i));
    method.residuals.y.push_back(history[std::size_t(i)] / history[0]);
  }
}

void run(const nopal::Communicator& comm) {
  const bool speaks = comm.rank() == 0;

  // 1. Options.
  std::int64_t dimension = 2, points = 32, steps = 1500, frames = 4;
  double tolerance = 1e-6;
  std::string model_file, out = "dcdm_pressure_poisson.safetensors",
                          picture = "dcdm_pressure_poisson.png", fields = "fields.png";
  const auto own_options = [&](nopal::PetscOptionReader& read) {
    read.integer("dimension", "2 or 3", dimension, 2);
    read.integer("points", "an axis; the training's, and twice as many are solved, too", points, 8);
    read.integer("steps", "of the training", steps, 1);
    read.integer("frames", "time steps that are solved", frames, 1);
    read.real("rtol", "relative tolerance of the residual", tolerance);
    read.text("model", "a trained model; none: train one", model_file);
    read.output("out", "model file to write", out);
    read.output("picture", "residuals (PNG)", picture);
    read.output("fields", "obstacles and pressure (PNG)", fields);
  };
  if (!nopal::read_program_options(comm, "dcdm_pressure_poisson", own_options)) return;
  NOPAL_PETSC(nopal_register());

  // 2. A network and its training on residuals of its own solves, without any solution, around
  //    obstacles that are others each time.
  if (model_file.empty()) {
    nopal::DirectionNetOptions shape;
    shape.dimension = dimension;
    shape.levels = 3;
    shape.coarse_blocks = 2;
    shape.mask = true;
    shape.input_scale = "rms";
    auto op = std::make_unique<nopal::DirectionNet<float>>(shape);
    nopal::DirectionNet<float>& net = *op;
    nopal::Model<float> model(std::move(op));
    nopal::DirectionTrainOptions training;
    training.system.dimension = int(dimension);
    training.system.points = points;
    training.steps = steps;
    training.interval = 40;
    training.validation_interval = 100;
    training.learning_rate = 2e-3;
    training.progress_seconds = 5;
    training.progress = [](const std::string& line) { std::printf("%s\n", line.c_str()); };
    const auto result = train_direction(net, training, comm);
    model.save(out, comm);
    model_file = out;
    if (speaks)
      std::printf("%ld weights: an iteration leaves %.2f of a residual\n",
                  long(nopal::count(net.parameters())), result.rate);
  }

  // 3. A flow: obstacles that were not in the training move, and each method solves each step.
  std::vector<Method> methods{{"cg", KSPCG, PCNONE, 0, 0, {}},
                              {"cg, icc", KSPCG, comm.size() > 1 ? PCBJACOBI : PCICC, 0, 0, {}},
                              {"cg, gamg", KSPCG, PCGAMG, 0, 0, {}},
                              {"cg, nopal mg", KSPCG, "nopal", 0, 0, {}},
                              {"dcdm", KSPFCG, "nopal", 0, 0, {}}};
  for (const std::int64_t n : {points, 2 * points}) {
    for (Method& method : methods)
      method.iterations = 0, method.seconds = 0;
    for (std::int64_t frame = 0; frame < frames; ++frame) {
      nopal::LinearSystemOptions options;
      options.name = "pressure";
      options.dimension = int(dimension);
      options.points = n;
      options.seed = 4321;
      options.time = 0.1 * double(frame);
      const nopal::LinearSystem system = make_linear_system(options, comm);
      const nopal::OwnedVec b = divergence(system, std::uint64_t(frame));
      nopal::OwnedVec x;
      NOPAL_PETSC(VecDuplicate(b, x.receive()));
      for (Method& method : methods)
        solve(method, system, b, x, model_file, tolerance);
      if (frame + 1 < frames || n > points) continue;
      std::vector<double> pressure, right_side;
      nopal::DmdaGather gather(system.dm);
      gather(x, pressure);
      gather(b, right_side);
      if (!speaks) continue;
      const std::size_t plane = std::size_t(n * n),
                        at = dimension == 3 ? plane * std::size_t(n / 2) : 0;
      const auto slice = [&](const std::vector<double>& v) {
        return std::vector<double>(v.begin() + long(at), v.begin() + long(at + plane));
      };
      nopal::draw_panels(
          {{"divergence", int(n), int(n), slice(right_side), nopal::ColorMap::diverging, {}, {}},
           {"pressure", int(n), int(n), slice(pressure), nopal::ColorMap::diverging, {}, {}}},
          "last step")
          .write_png(fields);
    }
    // 4. What they took.
    if (!speaks) continue;
    std::printf("%ld^%ld points, %ld steps:\n", long(n), long(dimension), long(frames));
    for (const Method& method : methods)
      std::printf("  %-14s %5ld iterations  %.3f s\n", method.name.c_str(), method.iterations,
                  method.seconds);
    std::vector<nopal::Curve> curves;
    for (const Method& method : methods)
      curves.push_back(method.residuals);
    if (n > points)
      nopal::draw_plot(curves, {"residual, " + std::to_string(n) + " points an axis", "iteration",
                                "relative to the first", true, 1000, 620})
          .write_png(picture);
  }
}

}  // namespace

int main(int argc, char** argv) {
  nopal::Runtime runtime(argc, argv);
  if (PetscInitialize(&argc, &argv, nullptr, nullptr) != PETSC_SUCCESS) return 1;
  int code = 0;
  try {
    run(nopal::Communicator::world());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "dcdm_pressure_poisson: %s\n", error.what());
    code = 1;
  }
  return PetscFinalize() == PETSC_SUCCESS ? code : 1;
}
