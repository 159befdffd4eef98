// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Brings PETSc up around all tests of an executable; MPI and Kokkos are up already.

#include <gtest/gtest.h>
#include <nopal/solvers/petsc.hpp>

namespace {

class PetscEnvironment : public testing::Environment {
 public:
  void SetUp() override { ASSERT_EQ(PetscInitializeNoArguments(), PETSC_SUCCESS); }
  void TearDown() override { EXPECT_EQ(PetscFinalize(), PETSC_SUCCESS); }
};

[[maybe_unused]] testing::Environment* const environment =
    testing::AddGlobalTestEnvironment(new PetscEnvironment);

}  // namespace
