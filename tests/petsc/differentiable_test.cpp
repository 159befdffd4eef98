// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "petsc/petsc_test_tools.hpp"

#include <gtest/gtest.h>
#include <nopal/solvers/plugin/pc_nopal.h>
#include <nopal/autograd/gradient_check.hpp>
#include <nopal/core/random.hpp>
#include <nopal/solvers/bridge/differentiable.hpp>

namespace {

using nopal::Shape;
using nopal::Tape;
using nopal::Tensor;
using nopal::Variable;
using nopal::test::message_of;

// A(i, j) = i + 1 at j = i, 1 / (1 + i) at j = i + 1 and i - 1: rows by columns, all ranks
// together.
nopal::OwnedMat make_matrix(PetscInt rows, PetscInt columns, MPI_Comm comm = PETSC_COMM_WORLD) {
  nopal::OwnedMat matrix;
  NOPAL_PETSC(MatCreateAIJ(comm, PETSC_DECIDE, PETSC_DECIDE, rows, columns, 4, nullptr, 4, nullptr,
                           matrix.receive()));
  PetscInt begin = 0, end = 0;
  NOPAL_PETSC(MatGetOwnershipRange(matrix, &begin, &end));
  for (PetscInt i = begin; i < end; ++i)
    for (PetscInt j = std::max<PetscInt>(0, i - 1); j < std::min(columns, i + 2); ++j)
      NOPAL_PETSC(MatSetValue(matrix, i, j, i == j ? i + 2.0 : 1.0 / (1 + i), INSERT_VALUES));
  NOPAL_PETSC(MatAssemblyBegin(matrix, MAT_FINAL_ASSEMBLY));
  NOPAL_PETSC(MatAssemblyEnd(matrix, MAT_FINAL_ASSEMBLY));
  return matrix;
}

nopal::OwnedKSP make_solver(Mat matrix, const char* type = KSPGMRES) {
  nopal::OwnedKSP ksp;
  NOPAL_PETSC(KSPCreate(PetscObjectComm(reinterpret_cast<PetscObject>(matrix)), ksp.receive()));
  NOPAL_PETSC(KSPSetOperators(ksp, matrix, matrix));
  NOPAL_PETSC(KSPSetType(ksp, type));
  PC pc = nullptr;
  NOPAL_PETSC(KSPGetPC(ksp, &pc));
  NOPAL_PETSC(PCSetType(pc, PCJACOBI));
  NOPAL_PETSC(KSPSetTolerances(ksp, 1e-13, 1e-50, NOPAL_PETSC_KEEP, 200));
  return ksp;
}

// Values that belong to the entries of a vector on all ranks; `count` vectors.
Tensor<double> entries(std::int64_t count, PetscInt begin, PetscInt end) {
  std::vector<double> values;
  for (std::int64_t b = 0; b < count; ++b)
    for (PetscInt i = begin; i < end; ++i)
      values.push_back(std::sin(1.0 + 3 * static_cast<double>(i) + static_cast<double>(b)));
  return Tensor<double>::from_host({count, end - begin}, values);
}

double dot(const Tensor<double>& a, const Tensor<double>& b) {
  double sum = 0;
  const auto x = a.to_vector(), y = b.to_vector();
  for (std::size_t i = 0; i < x.size(); ++i)
    sum += x[i] * y[i];
  return nopal::Communicator::world().sum(sum);
}

// On one rank, against central differences.
TEST(Differentiable, GradientsAreThoseOfDifferences) {
  const auto square = make_matrix(7, 7, PETSC_COMM_SELF), wide = make_matrix(5, 6, PETSC_COMM_SELF);
  const auto ksp = make_solver(square);
  const auto x = Variable<double>::leaf(entries(2, 0, 7)),
             z = Variable<double>::leaf(entries(3, 0, 6));
  EXPECT_LT(nopal::check_gradient([&] { return nopal::multiply(square.get(), x); }, {x}).error,
            1e-8);
  EXPECT_LT(nopal::check_gradient([&] { return nopal::solve(ksp.get(), x); }, {x}).error, 1e-8);
  EXPECT_LT(nopal::check_gradient([&] { return nopal::multiply(wide.get(), z); }, {z}).error, 1e-8);
  EXPECT_EQ(nopal::multiply(wide.get(), z).shape(), (Shape{3, 5}));
  EXPECT_EQ(nopal::multiply(wide.get(), Variable<double>(entries(1, 0, 6).reshape({6}))).shape(),
            (Shape{5}));
  EXPECT_EQ(nopal::multiply(square.get(), Variable<double>(entries(1, 0, 7).reshape({7}))).shape(),
            (Shape{7}));
}

// <A x, y> = <x, A^T y> and the same for the inverse, over all ranks; matrices that leave ranks
// empty among them.
TEST(Differentiable, AdjointsHoldOverRanks) {
  for (const PetscInt n : {2, 3, 23}) {
    const auto matrix = make_matrix(n, n);
    const auto ksp = make_solver(matrix);
    PetscInt begin = 0, end = 0;
    NOPAL_PETSC(MatGetOwnershipRange(matrix, &begin, &end));
    for (const bool inverse : {false, true}) {
      const auto x = Variable<double>::leaf(entries(2, begin, end));
      Tensor<double> weights = entries(2, begin + 5, end + 5);
      Tape<double> tape;
      const auto y = inverse ? nopal::solve(ksp.get(), x) : nopal::multiply(matrix.get(), x);
      const double forward = dot(y.value(), weights);
      tape.backward(y, weights);
      EXPECT_NEAR(forward, dot(x.value(), x.gradient()), 1e-11 * std::abs(forward)) << n << inverse;
    }
  }
}

TEST(Differentiable, SolvesUndoProducts) {
  const auto matrix = make_matrix(23, 23);
  const auto ksp = make_solver(matrix);
  PetscInt begin = 0, end = 0;
  NOPAL_PETSC(MatGetOwnershipRange(matrix, &begin, &end));
  const Tensor<double> x = entries(3, begin, end);
  const auto back = nopal::solve(ksp.get(), nopal::multiply(matrix.get(), Variable<double>(x)));
  const auto a = x.to_vector(), b = back.value().to_vector();
  for (std::size_t i = 0; i < a.size(); ++i)
    EXPECT_NEAR(a[i], b[i], 1e-11);
  // In float, as networks are: to its rounding.
  const auto single = nopal::solve(
      ksp.get(), nopal::multiply(matrix.get(), Variable<float>(nopal::cast<float>(x))));
  const auto c = single.value().to_vector();
  for (std::size_t i = 0; i < a.size(); ++i)
    EXPECT_NEAR(a[i], c[i], 1e-5);
}

TEST(Differentiable, BadInputIsRefused) {
  const auto matrix = make_matrix(23, 23);
  const auto ksp = make_solver(matrix);
  const auto shape = message_of([&] {
    nopal::multiply(matrix.get(), Variable<double>(Tensor<double>::zeros({2, 99})));
  });
  EXPECT_NE(shape.find("takes vectors of"), std::string::npos) << shape;
  NOPAL_PETSC(KSPSetTolerances(ksp, 1e-13, 1e-50, NOPAL_PETSC_KEEP, 1));
  PetscInt begin = 0, end = 0;
  NOPAL_PETSC(MatGetOwnershipRange(matrix, &begin, &end));
  const auto diverged =
      message_of([&] { nopal::solve(ksp.get(), Variable<double>(entries(1, begin, end))); });
  EXPECT_NE(diverged.find("DIVERGED_ITS after 1 iterations"), std::string::npos) << diverged;
}

}  // namespace
