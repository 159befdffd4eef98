// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// GoogleTest main for serial and MPI tests: rank 0 prints, and the failures of the other ranks are
// printed with their rank, so that a failure on any rank fails the test and can be read.

#include <gtest/gtest.h>
#include <nopal/core/runtime.hpp>

#include <mpi.h>

#include <cstdio>
#include <optional>
#include <string>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

namespace {

/// Leaks made in its lifetime are not reported: MPI loads plug-ins, and unloads them with their
/// memory, so that its leaks cannot be named in a list of suppressions.
struct IgnoreLeaks {
#ifdef __SANITIZE_ADDRESS__
  __lsan::ScopedDisabler disabler;
#endif
};

class RankFailures : public testing::EmptyTestEventListener {
 public:
  void OnTestPartResult(const testing::TestPartResult& result) override {
    if (!result.failed()) return;
    int rank = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (rank > 0)
      std::fprintf(stderr, "[rank %d] %s:%d: %s\n", rank, result.file_name(), result.line_number(),
                   result.message());
  }
};

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (testing::GTEST_FLAG(list_tests)) return RUN_ALL_TESTS();

  std::optional<nopal::Runtime> runtime;
  {
    [[maybe_unused]] const IgnoreLeaks ignore;
    runtime.emplace(argc, argv);
  }
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  auto& listeners = testing::UnitTest::GetInstance()->listeners();
  if (rank > 0) delete listeners.Release(listeners.default_result_printer());
  listeners.Append(new RankFailures);

  int failed = RUN_ALL_TESTS();
  MPI_Allreduce(MPI_IN_PLACE, &failed, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  [[maybe_unused]] const IgnoreLeaks ignore;
  runtime.reset();
  return failed;
}
