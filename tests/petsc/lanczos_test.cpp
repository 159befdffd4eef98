// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "petsc/petsc_test_tools.hpp"
#include "test_tools.hpp"

#include <gtest/gtest.h>
#include <nopal/data/dataset.hpp>
#include <nopal/operators/model.hpp>
#include <nopal/solvers/direction/direction_training.hpp>
#include <nopal/solvers/direction/lanczos.hpp>

#include <cmath>
#include <numbers>

namespace {

using nopal::Communicator;
using nopal::LinearSystem;
using nopal::RitzSpace;
using nopal::test::message_of;
using nopal::test::ScratchFolder;

LinearSystem square(std::int64_t points, const std::string& name = "poisson") {
  nopal::LinearSystemOptions o;
  o.name = name;
  o.points = points;
  if (name == "pressure") {
    o.walls = "closed";
    o.obstacles = 0;
  }
  return make_linear_system(o, Communicator::world());
}

// Eigenvalues of the five-point matrix with u = 0 beyond the sides, at points at distance 1 and, at
// the sides, to the boundary, too: 4 - 2 cos a - 2 cos b, a, b = k pi / (n + 1).
TEST(RitzSpace, HasTheExtremeEigenvalues) {
  const LinearSystem system = square(15);
  const RitzSpace space(system.matrix, 120);
  const double step = std::numbers::pi / 16;
  EXPECT_NEAR(space.values().front(), 4 - 4 * std::cos(step), 1e-9);
  EXPECT_NEAR(space.values().back(), 4 - 4 * std::cos(15 * step), 1e-9);
  // Full reorthogonalisation: no value twice that the matrix has once.
  EXPECT_GT(space.values()[1] - space.values()[0], 0.05);
}

// With all Ritz pairs the solution of b = U c is U Theta^-1 c.
TEST(RitzSpace, CombinationsAreSolutions) {
  const LinearSystem system = square(8);
  const RitzSpace space(system.matrix, 64);
  std::vector<double> c, divided;
  for (std::size_t j = 0; j < space.values().size(); ++j) {
    c.push_back(std::sin(1.0 + double(j)));
    divided.push_back(c.back() / space.values()[j]);
  }
  nopal::OwnedVec b, x, r;
  NOPAL_PETSC(MatCreateVecs(system.matrix, x.receive(), b.receive()));
  NOPAL_PETSC(VecDuplicate(b, r.receive()));
  space.combine(c, b);
  space.combine(divided, x);
  NOPAL_PETSC(MatMult(system.matrix, x, r));
  NOPAL_PETSC(VecAXPY(r, -1, b));
  PetscReal error = 0, size = 0;
  NOPAL_PETSC(VecNorm(r, NORM_2, &error));
  NOPAL_PETSC(VecNorm(b, NORM_2, &size));
  EXPECT_LT(error, 1e-9 * size);
}

// Of a singular matrix the null space is left out.
TEST(RitzSpace, LeavesOutTheNullSpace) {
  const LinearSystem system = square(8, "pressure");
  const RitzSpace space(system.matrix, 64);
  EXPECT_GT(space.values().front(), 0.1);
  nopal::OwnedVec b;
  NOPAL_PETSC(MatCreateVecs(system.matrix, b.receive(), nullptr));
  space.sample(1, 2, b);
  PetscScalar sum = 1;
  PetscReal norm = 0;
  NOPAL_PETSC(VecSum(b, &sum));
  NOPAL_PETSC(VecNorm(b, NORM_2, &norm));
  EXPECT_NEAR(sum, 0, 1e-9);
  EXPECT_NEAR(norm, 1, 1e-12);
}

TEST(RitzSpace, SamplesAreWrittenToAFile) {
  const ScratchFolder folder(Communicator::world());
  const LinearSystem system = square(9);
  const RitzSpace space(system.matrix, 81);
  const std::string file = folder / "ritz.h5";
  write_ritz_samples(space, system.dm, 5, 3, file);
  const nopal::Hdf5Dataset<double> data(file);
  EXPECT_EQ(data.size(), 5);
  EXPECT_EQ(data.x_shape(), (nopal::Shape{9, 9, 1}));
  const nopal::Tensor<double> x({1, 9, 9, 1}), y({1, 9, 9, 1});
  for (std::int64_t i = 0; i < 5; ++i) {
    data.read(std::span(&i, 1), x, y);
    EXPECT_NEAR(dot(x, x), 1, 1e-6);
    EXPECT_GT(dot(x, y), 0);  // b . A^-1 b
    double error = 0;         // A y = x, row by row
    for (int r = 0; r < 9; ++r)
      for (int s = 0; s < 9; ++s) {
        const auto at = [&](int a, int b) {
          return a < 0 || b < 0 || a > 8 || b > 8 ? 0 : y.data()[9 * a + b];
        };
        const double product =
            4 * at(r, s) - at(r - 1, s) - at(r + 1, s) - at(r, s - 1) - at(r, s + 1);
        error = std::max(error, std::abs(product - x.data()[9 * r + s]));
      }
    EXPECT_LT(error, 1e-5);
  }
  const auto contains = [](const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  contains(message_of([&] {
             write_ritz_samples(space, system.dm, std::int64_t(1) << 50, 3, folder / "large.h5");
           }),
           "do not fit on the disk");
}

TEST(RitzSpace, OtherMatricesAreNamed) {
  const LinearSystem system = square(8);
  const auto contains = [](const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  nopal::OwnedMat other;
  NOPAL_PETSC(MatDuplicate(system.matrix, MAT_COPY_VALUES, other.receive()));
  NOPAL_PETSC(MatShift(other, -1));
  contains(message_of([&] { RitzSpace(other, 60); }), "not positive semidefinite");
  nopal::OwnedVec left;
  NOPAL_PETSC(MatCreateVecs(other, left.receive(), nullptr));
  PetscInt first = 0, end = 0;
  NOPAL_PETSC(VecGetOwnershipRange(left, &first, &end));
  for (PetscInt i = first; i < end; ++i)
    NOPAL_PETSC(VecSetValue(left, i, 1 + i % 3, INSERT_VALUES));
  NOPAL_PETSC(VecAssemblyBegin(left));
  NOPAL_PETSC(VecAssemblyEnd(left));
  NOPAL_PETSC(MatDiagonalScale(other, left, nullptr));
  contains(message_of([&] { RitzSpace(other, 60); }), "not symmetric");
}

// A few steps make a network that was random better than it was, by the published training, too; on
// any number of ranks alike.
TEST(DirectionTraining, ImprovesAndDoesNotDependOnRanks) {
  for (const std::string kind : {"energy", "published", "several grids"}) {
    const bool published = kind == "published", several = kind == "several grids";
    const auto train = [&](const Communicator& comm, double learning_rate = 5e-3) {
      nopal::DirectionNetOptions shape;
      shape.dimension = 2;
      shape.filters = 6;
      shape.coarse_blocks = 1;
      shape.tail_blocks = 1;
      shape.mask = !published;
      if (!published) shape.input_scale = "rms";
      if (several) shape.levels = 4;
      shape.share_levels = several;
      nopal::DirectionNet<float> net(shape, 2);
      nopal::DirectionTrainOptions o;
      o.system.dimension = 2;
      o.system.points = 16;
      if (several) o.sizes = {16, 24, 32};
      o.system.obstacles = published ? 0 : 2;
      o.steps = several ? 90 : 60;
      o.interval = 30;
      o.validation_interval = 30;
      o.validation = 2;
      o.matrices = 3;
      o.batch = 6;
      o.depth = published ? 0 : 10;
      o.ritz_vectors = published ? 60 : 0;
      o.right_sides = published ? 8 : 2;
      o.learning_rate = learning_rate;
      if (published) o.loss = "residual";
      o.progress_seconds = 0;
      return train_direction(net, o, comm);
    };
    const auto alone = train(Communicator()), together = train(Communicator::world());
    const auto &first = alone.history.rows.front(), &last = alone.history.rows.back();
    EXPECT_LT(std::log(alone.rate), 1.3 * std::log(train(Communicator(), 1e-9).rate)) << kind;
    EXPECT_LT(last[2], first[2] * 1.5);
    ASSERT_EQ(alone.history.rows.size(), together.history.rows.size());
    for (std::size_t i = 0; i < alone.history.rows.size(); ++i)
      EXPECT_NEAR(alone.history.rows[i][2], together.history.rows[i][2],
                  2e-3 * alone.history.rows[i][2])
          << kind << i;
  }
}

TEST(DirectionTraining, BadInputIsRefused) {
  nopal::DirectionNetOptions shape;
  shape.dimension = 2;
  shape.filters = 2;
  nopal::DirectionNet<float> net(shape);
  nopal::DirectionTrainOptions o;
  o.system.dimension = 2;
  o.system.points = 8;
  o.matrices = 1;
  o.right_sides = 1;
  o.depth = 2;
  o.batch = 50;
  const auto contains = [](const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  contains(message_of([&] { train_direction(net, o); }), "a batch of 50 needs as many residuals");
  o.batch = 0;
  contains(message_of([&] { train_direction(net, o); }), "must be at least 1");
  o.batch = 2;
  o.sizes = {8, 1};
  contains(message_of([&] { train_direction(net, o); }), "grids need 2 points an axis, got 1");
  o.sizes = {};
  o.loss = "l1";
  contains(message_of([&] { train_direction(net, o); }), "energy or residual");
}

}  // namespace
