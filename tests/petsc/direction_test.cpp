// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// The deep conjugate direction method: networks as maps of PETSc vectors, as preconditioner and
// written out.

#include "petsc/petsc_test_tools.hpp"
#include "test_tools.hpp"

#include <gtest/gtest.h>
#include <nopal/solvers/plugin/pc_nopal.h>
#include <nopal/core/random.hpp>
#include <nopal/nn/bfloat16.hpp>
#include <nopal/operators/model.hpp>
#include <nopal/solvers/bridge/grid.hpp>
#include <nopal/solvers/direction/dcdm.hpp>
#include <nopal/solvers/direction/direction_map.hpp>
#include <nopal/solvers/problems/linear_systems.hpp>

#include <cmath>
#include <fstream>
#include <iterator>

namespace {

using nopal::Communicator;
using nopal::DirectionMap;
using nopal::DirectionNet;
using nopal::DirectionNetOptions;
using nopal::LinearSystem;
using nopal::test::message_of;
using nopal::test::ScopedOptions;
using nopal::test::ScratchFolder;

DirectionNetOptions plane() {
  DirectionNetOptions o;
  o.dimension = 2;
  o.filters = 4;
  o.levels = 2;
  o.coarse_blocks = 1;
  o.tail_blocks = 1;
  o.mask = true;
  o.input_scale = "rms";
  return o;
}

DirectionNetOptions volume() {
  DirectionNetOptions o;
  o.filters = 4;
  return o;
}

// A network with weights that are not trained and yet descend: small random ones, and a path from
// input to output, relu(x) - relu(-x).
template <class T>
std::unique_ptr<DirectionNet<T>> make_net(const DirectionNetOptions& o) {
  auto net = std::make_unique<DirectionNet<T>>(o, 3);
  for (const nopal::Parameter<T>* p : net->parameters()) {
    const nopal::Shape& shape = p->value().shape();
    std::vector<T> values = p->value().to_vector();
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = shape.rank() == 1 ? static_cast<T>(1e-3 * std::sin(1.0 + double(i)))
                                    : static_cast<T>(0.1) * values[i];
    const auto out = static_cast<std::size_t>(shape[-1]);
    const std::size_t tap = shape.rank() > 1 ? out * static_cast<std::size_t>(shape[-2]) : 1;
    const std::size_t middle = values.size() / tap / 2 * tap;
    if (p->name == "first.weight") values[middle] += 1, values[middle + 1] -= 1;
    if (p->name == "second.weight" || p->name == "third.weight")
      values[middle] += 1, values[middle + out + 1] += 1;
    if (p->name == "last.weight") values[0] += 1, values[1] -= 1;
    p->value().copy_from_host(values.data());
  }
  return net;
}

std::string save_net(const ScratchFolder& folder, const DirectionNetOptions& o) {
  const std::string file = folder / "net.safetensors";
  nopal::Model<float>(make_net<float>(o)).save(file, Communicator::world());
  return file;
}

LinearSystem pressure(int dimension, std::int64_t points, const std::string& walls = "open_top",
                      const Communicator& comm = Communicator::world()) {
  nopal::LinearSystemOptions o;
  o.name = "pressure";
  o.dimension = dimension;
  o.points = points;
  o.walls = walls;
  o.obstacles = 2;
  o.seed = 5;
  return make_linear_system(o, comm);
}

// Numbers that belong to the points, 0 in obstacles.
nopal::OwnedVec right_side(const LinearSystem& system, double size = 1) {
  nopal::OwnedVec natural, b;
  NOPAL_PETSC(DMCreateGlobalVector(system.dm, b.receive()));
  NOPAL_PETSC(DMDACreateNaturalVector(system.dm, natural.receive()));
  PetscInt first = 0, end = 0;
  NOPAL_PETSC(VecGetOwnershipRange(natural, &first, &end));
  for (PetscInt i = first; i < end; ++i)
    NOPAL_PETSC(VecSetValue(natural, i, size * std::sin(1.0 + 37 * i % 101), INSERT_VALUES));
  NOPAL_PETSC(VecAssemblyBegin(natural));
  NOPAL_PETSC(VecAssemblyEnd(natural));
  NOPAL_PETSC(DMDANaturalToGlobalBegin(system.dm, natural, INSERT_VALUES, b));
  NOPAL_PETSC(DMDANaturalToGlobalEnd(system.dm, natural, INSERT_VALUES, b));
  PetscScalar* values = nullptr;
  NOPAL_PETSC(VecGetArray(b, &values));
  NOPAL_PETSC(VecGetOwnershipRange(b, &first, &end));
  for (PetscInt row = first; row < end; ++row) {
    PetscInt count = 0;
    NOPAL_PETSC(MatGetRow(system.matrix, row, &count, nullptr, nullptr));
    if (count == 1) values[row - first] = 0;
    NOPAL_PETSC(MatRestoreRow(system.matrix, row, &count, nullptr, nullptr));
  }
  NOPAL_PETSC(VecRestoreArray(b, &values));
  MatNullSpace space = nullptr;
  NOPAL_PETSC(MatGetNullSpace(system.matrix, &space));
  if (space) NOPAL_PETSC(MatNullSpaceRemove(space, b));
  return b;
}

struct Solve {
  PetscInt iterations = 0;
  std::vector<PetscReal> residuals;
  std::string view, type;
};

// With PC nopal and the options that are set.
Solve solve(const LinearSystem& system, const std::string& view_file = {},
            PetscInt max_iterations = 200) {
  NOPAL_PETSC(nopal_register());
  const MPI_Comm comm = PetscObjectComm(reinterpret_cast<PetscObject>(system.dm.get()));
  nopal::OwnedKSP ksp;
  NOPAL_PETSC(KSPCreate(comm, ksp.receive()));
  NOPAL_PETSC(KSPSetOperators(ksp, system.matrix, system.matrix));
  NOPAL_PETSC(KSPSetDM(ksp, system.dm));
  NOPAL_PETSC(nopal::ksp_ignore_dm(ksp));
  NOPAL_PETSC(KSPSetTolerances(ksp, 1e-6, NOPAL_PETSC_KEEP, NOPAL_PETSC_KEEP, max_iterations));
  PC pc = nullptr;
  NOPAL_PETSC(KSPGetPC(ksp, &pc));
  NOPAL_PETSC(PCSetType(pc, "nopal"));
  NOPAL_PETSC(KSPSetFromOptions(ksp));
  Solve result;
  result.residuals.resize(1000);
  NOPAL_PETSC(KSPSetResidualHistory(ksp, result.residuals.data(), 1000, PETSC_TRUE));
  const nopal::OwnedVec b = right_side(system);
  nopal::OwnedVec x;
  NOPAL_PETSC(VecDuplicate(b, x.receive()));
  NOPAL_PETSC(KSPSolve(ksp, b, x));
  NOPAL_PETSC(KSPGetIterationNumber(ksp, &result.iterations));
  result.residuals.resize(static_cast<std::size_t>(result.iterations) + 1);
  KSPType type = nullptr;
  NOPAL_PETSC(KSPGetType(ksp, &type));
  result.type = type;
  if (view_file.empty()) return result;
  PetscViewer viewer = nullptr;
  NOPAL_PETSC(PetscViewerASCIIOpen(comm, view_file.c_str(), &viewer));
  NOPAL_PETSC(KSPView(ksp, viewer));
  NOPAL_PETSC(PetscViewerDestroy(&viewer));
  Communicator(comm).barrier();
  std::ifstream in(view_file);
  result.view = std::string(std::istreambuf_iterator<char>(in), {});
  return result;
}

std::vector<double> local_values(Vec v) {
  PetscInt n = 0;
  const PetscScalar* values = nullptr;
  NOPAL_PETSC(VecGetLocalSize(v, &n));
  NOPAL_PETSC(VecGetArrayRead(v, &values));
  std::vector<double> result(values, values + n);
  NOPAL_PETSC(VecRestoreArrayRead(v, &values));
  return result;
}

// The method as the paper has it, and flexible conjugate gradients with the preconditioner.
TEST(Dcdm, IsFlexibleConjugateGradientsWithTwoDirections) {
  const ScratchFolder folder(Communicator::world());
  for (const int d : {2, 3}) {
    const DirectionNetOptions o = d == 2 ? plane() : volume();
    const std::string file = save_net(folder, o);
    const LinearSystem system = pressure(d, d == 2 ? 14 : 8, "open");
    const auto model = nopal::Model<double>::load(file, Communicator::world());
    DirectionMap<double> map(dynamic_cast<const DirectionNet<double>&>(model.op()),
                             nopal::grid_of(system.dm), system.matrix);
    const nopal::OwnedVec b = right_side(system);
    nopal::OwnedVec x;
    NOPAL_PETSC(VecDuplicate(b, x.receive()));
    NOPAL_PETSC(VecSet(x, 0));
    const auto written =
        nopal::dcdm(system.matrix, b, x, [&](Vec r, Vec q) { map.apply(r, q); }, {1e-6, 200, {}});
    ASSERT_TRUE(written.converged);
    const ScopedOptions options{{"-pc_nopal_model", file},
                                {"-pc_nopal_precision", "double"},
                                {"-pc_nopal_dcdm", "1"},
                                {"-options_left", "0"}};
    const Solve solved = solve(system);
    EXPECT_EQ(solved.iterations, written.iterations);
    EXPECT_GT(solved.iterations, 10);
    ASSERT_EQ(solved.residuals.size(), written.residuals.size());
    for (std::size_t i = 0; i < solved.residuals.size(); ++i)
      EXPECT_NEAR(solved.residuals[i], written.residuals[i], 1e-9 * written.residuals[0]) << i;
  }
}

// Odd sizes, obstacles, and fewer blocks than ranks.
TEST(DirectionPreconditioner, HasTheSameResidualsOnAnyNumberOfRanks) {
  const ScratchFolder folder(Communicator::world());
  for (const auto& [d, points] : {std::pair{2, 21}, std::pair{3, 9}, std::pair{2, 8}}) {
    const std::string file = save_net(folder, d == 2 ? plane() : volume());
    const ScopedOptions options{{"-pc_nopal_model", file}, {"-pc_nopal_dcdm", "1"}};
    const Solve alone = solve(pressure(d, points, "closed", Communicator())),
                together = solve(pressure(d, points, "closed"));
    EXPECT_EQ(alone.iterations, together.iterations);
    EXPECT_GT(alone.iterations, 4);
    ASSERT_EQ(alone.residuals.size(), together.residuals.size());
    for (std::size_t i = 0; i < alone.residuals.size(); ++i)
      EXPECT_NEAR(alone.residuals[i], together.residuals[i], 1e-5 * alone.residuals[0]) << i;
  }
}

TEST(DirectionMap, IsHomogeneousAndLeavesObstaclesAndNullSpaceAlone) {
  const auto net = make_net<double>(plane());
  const LinearSystem system = pressure(2, 18, "closed");
  DirectionMap<double> map(*net, nopal::grid_of(system.dm), system.matrix);
  EXPECT_EQ(map.unknowns() + map.obstacles(), 18 * 18);
  EXPECT_GT(map.obstacles(), 4);
  const nopal::OwnedVec r = right_side(system);
  nopal::OwnedVec z, z2, product;
  for (nopal::OwnedVec* v : {&z, &z2, &product})
    NOPAL_PETSC(VecDuplicate(r, v->receive()));
  map.apply(r, z);
  for (const double factor : {1e-150, 1e-9, 1e200}) {
    NOPAL_PETSC(VecCopy(r, product));
    NOPAL_PETSC(VecScale(product, factor));
    map.apply(product, z2);
    NOPAL_PETSC(VecScale(z2, 1 / factor));
    NOPAL_PETSC(VecAXPY(z2, -1, z));
    PetscReal error = 0, size = 0;
    NOPAL_PETSC(VecNorm(z2, NORM_2, &error));
    NOPAL_PETSC(VecNorm(z, NORM_2, &size));
    EXPECT_LT(error, 1e-9 * size) << factor;
  }
  MatNullSpace space = nullptr;
  NOPAL_PETSC(MatGetNullSpace(system.matrix, &space));
  const Vec* constants = nullptr;
  PetscBool has_constant = PETSC_FALSE;
  PetscInt count = 0;
  NOPAL_PETSC(MatNullSpaceGetVecs(space, &has_constant, &count, &constants));
  PetscScalar along = 1;
  NOPAL_PETSC(VecDot(z, constants[0], &along));
  EXPECT_NEAR(along, 0, 1e-10);
  EXPECT_EQ(map.fallbacks(), 0);
  EXPECT_EQ(map.applications(), 4);

  // Rows of obstacles are solved: z = r / diagonal, here 1.
  NOPAL_PETSC(VecSet(product, 2));
  map.apply(product, z);
  const std::vector<double> values = local_values(z), lonely = local_values(constants[0]);
  for (std::size_t i = 0; i < values.size(); ++i)
    if (lonely[i] == 0) {
      EXPECT_EQ(values[i], 2);
    }
}

// No direction and an ascent direction: the residual, counted. Without any the method is conjugate
// gradients.
TEST(DirectionMap, FallsBackToTheResidual) {
  auto net = make_net<double>(plane());
  for (const double bias : {0.0, -1.0}) {
    for (const nopal::Parameter<double>* p : net->parameters())
      p->value().fill(p->name == "last.bias" ? bias : 0);
    const LinearSystem system = pressure(2, 16, "open");
    DirectionMap<double> map(*net, nopal::grid_of(system.dm), system.matrix);
    nopal::OwnedVec r, z;
    NOPAL_PETSC(MatCreateVecs(system.matrix, z.receive(), r.receive()));
    NOPAL_PETSC(VecSet(r, 1));
    map.apply(r, z);
    EXPECT_EQ(map.fallbacks(), 1);
    EXPECT_EQ(local_values(z), local_values(r));
    if (bias != 0) continue;
    const nopal::OwnedVec b = right_side(system);
    const auto iterations = [&](const nopal::DirectionFunction& f) {
      NOPAL_PETSC(VecSet(z, 0));
      return nopal::dcdm(system.matrix, b, z, f, {1e-6, 400, {}}).iterations;
    };
    EXPECT_EQ(iterations([&](Vec in, Vec out) { map.apply(in, out); }),
              iterations([](Vec in, Vec out) { NOPAL_PETSC(VecCopy(in, out)); }));
    NOPAL_PETSC(VecSet(r, 0));
    map.apply(r, z);
    PetscReal size = 1;
    NOPAL_PETSC(VecNorm(z, NORM_2, &size));
    EXPECT_EQ(size, 0);
  }
}

TEST(DirectionPreconditioner, PresetAndViewSayWhatIsDone) {
  const ScratchFolder folder(Communicator::world());
  const std::string file = save_net(folder, plane());
  const LinearSystem system = pressure(2, 20);
  const auto has = [](const Solve& s, const std::string& part) {
    EXPECT_NE(s.view.find(part), std::string::npos) << part << "\n" << s.view;
  };
  const ScopedOptions model{{"-pc_nopal_model", file}};
  {
    const ScopedOptions options{{"-pc_nopal_dcdm", "1"}};
    const Solve s = solve(system, folder / "view.txt");
    EXPECT_EQ(s.type, "fcg");
    has(s, "preset dcdm: the owning KSP is fcg with 2 directions");
    has(s, "m_max=2");
    has(s, "UNPRECONDITIONED");
    has(s, "direction network of");
    has(s, "of which 0 gave no descent");
  }
  for (const char* type : {"fgmres", "gcr", "fcg"}) {
    const ScopedOptions options{{"-ksp_type", type}};
    const Solve s = solve(system, folder / "view.txt");
    EXPECT_EQ(s.type, type);
    EXPECT_EQ(s.view.find("preset"), std::string::npos);
    EXPECT_GT(s.residuals.front(), 1e4 * s.residuals.back()) << type;
  }
  const ScopedOptions options{{"-ksp_type", "cg"}};
  const std::string said = message_of([&] { solve(system); });
  EXPECT_NE(said.find("is a nonlinear network"), std::string::npos) << said;
  EXPECT_NE(said.find("-ksp_type fcg, fgmres or gcr"), std::string::npos) << said;
}

TEST(DirectionPreconditioner, InBfloat16TheSolutionIsAsGood) {
  const ScratchFolder folder(Communicator::world());
  const std::string file = save_net(folder, plane());
  const LinearSystem system = pressure(2, 20);
  const ScopedOptions options{
      {"-pc_nopal_model", file}, {"-pc_nopal_dcdm", "1"}, {"-pc_nopal_precision", "bfloat16"}};
  if (nopal::has_bfloat16()) {
    const Solve s = solve(system, folder / "view.txt");
    EXPECT_NE(s.view.find("bfloat16 precision"), std::string::npos) << s.view;
    EXPECT_GT(s.residuals.front(), 1e4 * s.residuals.back());
  } else {
    const std::string said = message_of([&] { solve(system); });
    EXPECT_NE(said.find("AVX-512 BF16"), std::string::npos) << said;
  }
  const ScopedOptions linear{{"-pc_nopal_model", "chebyshev"}, {"-pc_nopal_dcdm", "0"}};
  const std::string said = message_of([&] { solve(system); });
  EXPECT_NE(said.find("-pc_nopal_precision bfloat16 is for direction networks"), std::string::npos)
      << said;
}

TEST(DirectionMap, BadInputIsRefused) {
  const auto net = make_net<double>(plane());
  const LinearSystem box = pressure(3, 8), square = pressure(2, 8);
  const auto contains = [](const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  contains(message_of([&] { DirectionMap<double>(*net, nopal::grid_of(box.dm), box.matrix); }),
           "is for 2 dimensions");
  const LinearSystem other = pressure(2, 10);
  contains(message_of([&] { DirectionMap<double>(*net, nopal::grid_of(square.dm), other.matrix); }),
           "rows of the matrix");
  nopal::OwnedMat identity;
  NOPAL_PETSC(MatDuplicate(square.matrix, MAT_DO_NOT_COPY_VALUES, identity.receive()));
  NOPAL_PETSC(MatShift(identity, 1));
  contains(message_of([&] { DirectionMap<double>(*net, nopal::grid_of(square.dm), identity); }),
           "leave no unknown");
  contains(message_of([] { pressure(2, 20, "ajar"); }), "open_top, closed or open");
}

}  // namespace
