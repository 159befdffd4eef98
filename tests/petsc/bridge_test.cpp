// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "petsc/petsc_test_tools.hpp"

#include <gtest/gtest.h>
#include <nopal/solvers/bridge/vec.hpp>
#include <nopal/solvers/options.hpp>

namespace {

using nopal::Shape;
using nopal::Tensor;
using nopal::VecTensor;
using nopal::test::message_of;
using nopal::test::ScopedOptions;

TEST(PetscErrors, BecomeOneLineWithPetscsMessage) {
  nopal::OwnedKSP ksp;
  NOPAL_PETSC(KSPCreate(PETSC_COMM_WORLD, ksp.receive()));
  const auto message = message_of([&] { NOPAL_PETSC(KSPSetType(ksp, "nonsense")); });
  EXPECT_NE(message.find("nonsense"), std::string::npos) << message;
  EXPECT_NE(message.find("KSPSetType"), std::string::npos) << message;
  EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  // Recording is over after the call: the next error has its own message.
  const auto second = message_of([&] { NOPAL_PETSC(KSPSetType(ksp, "other")); });
  EXPECT_NE(second.find("other"), std::string::npos) << second;
}

TEST(PetscErrors, AreNotPrinted) {
  nopal::OwnedKSP ksp;
  NOPAL_PETSC(KSPCreate(PETSC_COMM_SELF, ksp.receive()));
  testing::internal::CaptureStderr();
  testing::internal::CaptureStdout();
  EXPECT_THROW(NOPAL_PETSC(KSPSetType(ksp, "nonsense")), nopal::Error);
  EXPECT_EQ(testing::internal::GetCapturedStderr() + testing::internal::GetCapturedStdout(), "");
}

struct Values {
  double real = 1.5;
  std::int64_t integer = 3;
  bool boolean = false;
  std::string text = "before";
  int choice = 0;
};

Values read(const std::string& prefix = "t_") {
  Values v;
  nopal::read_options(nopal::Communicator::world(), prefix, "test",
                      [&](nopal::PetscOptionReader& r) {
                        r.real("real", "a number", v.real);
                        r.integer("integer", "a count", v.integer);
                        r.boolean("boolean", "a switch", v.boolean);
                        r.text("text", "a word", v.text);
                        r.choice("choice", "one of", {"apple", "pear", "plum"}, v.choice);
                      });
  return v;
}

TEST(Options, AreReadUnderTheirPrefix) {
  const Values defaults = read();
  EXPECT_EQ(defaults.real, 1.5);
  EXPECT_EQ(defaults.integer, 3);
  EXPECT_FALSE(defaults.boolean);
  EXPECT_EQ(defaults.text, "before");
  const ScopedOptions options{{"-t_real", "2.25"},
                              {"-t_integer", "-7"},
                              {"-t_boolean", "true"},
                              {"-t_text", "after"},
                              {"-t_choice", "plum"}};
  const Values v = read();
  EXPECT_EQ(v.real, 2.25);
  EXPECT_EQ(v.integer, -7);
  EXPECT_TRUE(v.boolean);
  EXPECT_EQ(v.text, "after");
  EXPECT_EQ(v.choice, 2);
  EXPECT_EQ(read("other_").real, 1.5);
}

TEST(Options, OfAProgramAreAllKnown) {
  std::int64_t count = 2;
  const auto read = [&] {
    return nopal::read_program_options(
        nopal::Communicator::world(), "program",
        [&](nopal::PetscOptionReader& r) { r.integer("program_count", "a count", count, 1); },
        {"program_ksp_"});
  };
  {
    const ScopedOptions options{
        {"-program_count", "5"}, {"-program_ksp_type", "cg"}, {"-log_view", ""}};
    EXPECT_TRUE(read());
    EXPECT_EQ(count, 5);
  }
  {
    const ScopedOptions options{{"-program_cuont", "5"}};
    EXPECT_EQ(message_of([&] { read(); }),
              "unknown option -program_cuont; did you mean -program_count? (-help lists all)");
  }
  {
    const ScopedOptions options{{"-program_count", "0"}};
    EXPECT_EQ(message_of([&] { read(); }), "option -program_count: expected at least 1, got 0");
  }
}

TEST(Options, OutputsThatCannotBeWrittenAreFoundAtOnce) {
  std::string path = "output";
  const auto read = [&] {
    return nopal::read_program_options(
        nopal::Communicator::world(), "program",
        [&](nopal::PetscOptionReader& r) { r.output("program_out", "a file", path, ".dat"); });
  };
  EXPECT_TRUE(read());
  EXPECT_EQ(path, "output");
  {
    const ScopedOptions options{{"-program_out", "/no/such/place"}};
    const std::string message = message_of([&] { read(); });
    EXPECT_NE(message.find("option -program_out: cannot write /no/such/place.dat"),
              std::string::npos)
        << message;
  }
}

TEST(Options, BadValuesAreNamed) {
  const auto message = [](const std::string& option, const std::string& value) {
    const ScopedOptions options{{option, value}};
    return message_of([] { read(); });
  };
  EXPECT_EQ(message("-t_real", "abc"), "option -t_real: expected a number, got 'abc'");
  EXPECT_EQ(message("-t_real", ""), "option -t_real: expected a number, got nothing");
  EXPECT_EQ(message("-t_integer", "2.5"), "option -t_integer: expected an integer, got '2.5'");
  EXPECT_EQ(message("-t_integer", "99999999999999999999"),
            "option -t_integer: expected an integer, got '99999999999999999999'");
  EXPECT_EQ(message("-t_boolean", "maybe"),
            "option -t_boolean: expected true or false, got 'maybe'");
  EXPECT_EQ(
      message("-t_choice", "pare"),
      "option -t_choice: expected one of apple, pear, plum, got 'pare'; did you mean 'pear'?");
  EXPECT_EQ(message("-t_real", "1"), "no error");
}

TEST(VecTensor, SharesTheEntriesAndTellsPetsc) {
  nopal::OwnedVec vec;
  NOPAL_PETSC(VecCreateMPI(PETSC_COMM_WORLD, 6, PETSC_DETERMINE, vec.receive()));
  NOPAL_PETSC(VecSet(vec, 2));
  PetscReal before = 0, after = 0;
  NOPAL_PETSC(VecNorm(vec, NORM_1, &before));  // PETSc caches norms until told of a change
  const PetscScalar* data = nullptr;
  NOPAL_PETSC(VecGetArrayRead(vec, &data));
  const PetscScalar* const address = data;
  NOPAL_PETSC(VecRestoreArrayRead(vec, &data));
  {
    const VecTensor view(vec, VecTensor::Access::read_write, {2, 3});
    EXPECT_EQ(view.tensor().shape(), (Shape{2, 3}));
    EXPECT_EQ(view.tensor().data(), address);
    view.tensor().fill(5);
  }
  NOPAL_PETSC(VecNorm(vec, NORM_1, &after));
  EXPECT_DOUBLE_EQ(after, before * 5 / 2);

  const std::string wrong =
      message_of([&] { const VecTensor view(vec, VecTensor::Access::read, {7}); });
  EXPECT_EQ(wrong, "a vector with 6 entries on this rank cannot be a tensor of shape (7)");
  NOPAL_PETSC(VecSet(vec, 1));  // the failed view has left no lock
}

TEST(VecTensor, CopiesChangeThePrecision) {
  nopal::OwnedVec vec;
  NOPAL_PETSC(VecCreateMPI(PETSC_COMM_WORLD, 4, PETSC_DETERMINE, vec.receive()));
  nopal::copy(Tensor<float>::from_host({4}, {1, 2, 3, 0.1f}), vec);
  Tensor<double> back({2, 2});
  nopal::copy(vec, back);
  EXPECT_EQ(back.to_vector(), (std::vector<double>{1, 2, 3, static_cast<double>(0.1f)}));
}

TEST(Dmda, ShapesAreThoseOfItsVectorsAndGatherRestoresTheGrid) {
  nopal::OwnedDM dmda;
  NOPAL_PETSC(DMDACreate3d(PETSC_COMM_WORLD, DM_BOUNDARY_NONE, DM_BOUNDARY_PERIODIC,
                           DM_BOUNDARY_NONE, DMDA_STENCIL_BOX, 9, 8, 7, PETSC_DECIDE, PETSC_DECIDE,
                           PETSC_DECIDE, 2, 1, nullptr, nullptr, nullptr, dmda.receive()));
  NOPAL_PETSC(DMSetUp(dmda));
  EXPECT_EQ(nopal::global_shape(dmda), (Shape{7, 8, 9, 2}));
  nopal::OwnedVec vec, local;
  NOPAL_PETSC(DMCreateGlobalVector(dmda, vec.receive()));
  NOPAL_PETSC(DMCreateLocalVector(dmda, local.receive()));
  PetscInt size = 0;
  NOPAL_PETSC(VecGetLocalSize(local, &size));
  EXPECT_EQ(nopal::ghosted_shape(dmda).size(), size);

  const Shape box = nopal::owned_shape(dmda);
  const auto first = nopal::owned_first(dmda);
  {
    const VecTensor view(vec, VecTensor::Access::write, box);
    std::vector<PetscReal> values;
    for (std::int64_t i = 0; i < box[0]; ++i)
      for (std::int64_t j = 0; j < box[1]; ++j)
        for (std::int64_t k = 0; k < box[2]; ++k)
          for (std::int64_t c = 0; c < 2; ++c)
            values.push_back(static_cast<PetscReal>(
                (((first[0] + i) * 8 + first[1] + j) * 9 + first[2] + k) * 2 + c));
    view.tensor().copy_from_host(values.data());
  }
  nopal::DmdaGather gather(dmda);
  std::vector<double> whole;
  gather(vec, whole);
  ASSERT_EQ(whole.size(), 7u * 8 * 9 * 2);
  for (std::size_t i = 0; i < whole.size(); ++i)
    EXPECT_EQ(whole[i], static_cast<double>(i));
}

}  // namespace
