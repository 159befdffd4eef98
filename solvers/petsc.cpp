// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/solvers/petsc.hpp>

#include <algorithm>

namespace nopal {
namespace {

struct Record {
  std::string message, function;
};
thread_local Record record;

// The first report of an error has the message; the others only show the way up the stack.
PetscErrorCode remember(MPI_Comm, int, const char* function, const char*, PetscErrorCode code,
                        PetscErrorType type, const char* message, void*) {
  if (type == PETSC_ERROR_INITIAL) {
    record.message = message ? message : "";
    record.function = function ? function : "";
  }
  return code;
}

std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\n' || c == '\t'; }, ' ');
  text.erase(
      std::unique(text.begin(), text.end(), [](char a, char b) { return a == ' ' && b == ' '; }),
      text.end());
  const auto last = text.find_last_not_of(" .");
  text.erase(last == std::string::npos ? 0 : last + 1);
  return text;
}

}  // namespace

namespace detail {

// Never popped: PETSc may free what it then had to allocate by another allocator (-malloc_debug).
void record_petsc_errors() {
  record = {};
  const PetscErrorCode code = PetscPushErrorHandler(remember, nullptr);
  NOPAL_CHECK(code == PETSC_SUCCESS, "PETSc takes no error handler");
}

void check_petsc(PetscErrorCode code, const char* file, int line) {
  if (code == PETSC_SUCCESS) return;
  const char* text = nullptr;
  if (PetscErrorMessage(code, &text, nullptr) != PETSC_SUCCESS || !text) text = "unknown error";
  std::string message = "PETSc: " + one_line(record.message.empty() ? text : record.message);
  if (!record.message.empty()) message += " (" + one_line(text) + ")";
  if (!record.function.empty()) message += ", in " + record.function;
  throw Error(message, file, line);
}

PetscErrorRecorder::PetscErrorRecorder() {
  PetscBool initialised = PETSC_FALSE;
  const PetscErrorCode asked = PetscInitialized(&initialised);
  NOPAL_CHECK(asked == PETSC_SUCCESS && initialised,
              "PETSc is not initialised: call PetscInitialize first");
  record = {};
  pushed_ = PetscPushErrorHandler(remember, nullptr) == PETSC_SUCCESS;
}

PetscErrorRecorder::~PetscErrorRecorder() {
  if (pushed_) {
    [[maybe_unused]] const PetscErrorCode code = PetscPopErrorHandler();
  }
}

}  // namespace detail

MPI_Comm petsc_communicator(const Communicator& comm) {
  return comm.mpi() == MPI_COMM_NULL ? PETSC_COMM_SELF : comm.mpi();
}

}  // namespace nopal
