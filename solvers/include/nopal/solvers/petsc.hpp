// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/comm/communicator.hpp>

#include <petscdmda.h>
#include <petscksp.h>
#include <petscts.h>

#include <string>
#include <utility>

/// \file
/// PETSc for the sources of nopal: one place for the differences between PETSc 3.18 and 3.25, for
/// errors and for ownership. Include this instead of PETSc's headers.

#if PETSC_VERSION_LT(3, 18, 0)
#error "nopal needs PETSc 3.18 or later"
#endif
#if defined(PETSC_USE_COMPLEX) || \
    !(defined(PETSC_USE_REAL_DOUBLE) || defined(PETSC_USE_REAL_SINGLE))
#error "nopal needs a PETSc with real scalars in single or double precision"
#endif

// 3.19 made PetscErrorCode an enumeration that may not be made from 0.
#if PETSC_VERSION_LT(3, 19, 0) && !defined(PETSC_SUCCESS)
#define PETSC_SUCCESS (static_cast<PetscErrorCode>(0))
#endif

// 3.20 renamed the checks of pointer arguments.
#if PETSC_VERSION_LT(3, 20, 0)
#define PetscAssertPointer(pointer, argument) PetscValidPointer(pointer, argument)
#endif

// 3.22 split PETSC_DEFAULT in "keep" and "let PETSc choose".
#if PETSC_VERSION_LT(3, 22, 0)
#define NOPAL_PETSC_KEEP PETSC_DEFAULT
#else
#define NOPAL_PETSC_KEEP PETSC_CURRENT
#endif

namespace nopal {

// 3.23 made PetscOptionItems a pointer type; what `setfromoptions` functions take.
#if PETSC_VERSION_LT(3, 23, 0)
using PetscOptionItemsArgument = PetscOptionItems*;
#else
using PetscOptionItemsArgument = PetscOptionItems;
#endif

namespace detail {

/// From now on PETSc's errors are recorded instead of printed with a stack trace, to the end of the
/// program. May be called before PetscInitialize.
void record_petsc_errors();

/// Throws nopal::Error with the recorded message, in one line, unless `code` is success.
void check_petsc(PetscErrorCode code, const char* file, int line);

/// While alive, PETSc's errors are recorded as by record_petsc_errors().
class PetscErrorRecorder {
 public:
  PetscErrorRecorder();
  ~PetscErrorRecorder();
  PetscErrorRecorder(const PetscErrorRecorder&) = delete;
  PetscErrorRecorder& operator=(const PetscErrorRecorder&) = delete;

  void check(PetscErrorCode code, const char* file, int line) const {
    check_petsc(code, file, line);
  }

 private:
  bool pushed_ = false;
};

}  // namespace detail

/// The MPI communicator for PETSc objects of these ranks (PETSC_COMM_SELF for a default one).
MPI_Comm petsc_communicator(const Communicator& comm);

/// The communicator of a PETSc object.
template <class Handle>
Communicator communicator_of(Handle object) {
  return Communicator(PetscObjectComm(reinterpret_cast<PetscObject>(object)));
}

/// Makes a KSP that has a DM (for its preconditioner) use the matrix and vectors it is given.
inline PetscErrorCode ksp_ignore_dm(KSP ksp) {
#if PETSC_VERSION_LT(3, 25, 0)
  return KSPSetDMActive(ksp, PETSC_FALSE);
#else
  return KSPSetDMActive(ksp, KSP_DMACTIVE_ALL, PETSC_FALSE);
#endif
}

/// Sole owner of a PETSc object; destroys it unless PETSc was finalised before (which PETSc's own
/// clean-up has then reported). Collective where destroying is.
template <class Handle, PetscErrorCode (*destroy)(Handle*)>
class PetscOwner {
 public:
  PetscOwner() = default;
  PetscOwner(PetscOwner&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  PetscOwner& operator=(PetscOwner&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~PetscOwner() { reset(); }

  void reset() noexcept {
    PetscBool finalized = PETSC_FALSE;
    if (handle_ && PetscFinalized(&finalized) == PETSC_SUCCESS && !finalized) {
      [[maybe_unused]] const PetscErrorCode code = destroy(&handle_);
    }
    handle_ = nullptr;
  }

  /// Where a creating function puts the object; frees what was held.
  Handle* receive() noexcept {
    reset();
    return &handle_;
  }

  Handle get() const noexcept { return handle_; }
  operator Handle() const noexcept { return handle_; }  // NOLINT: made to be passed to PETSc

 private:
  Handle handle_ = nullptr;
};

using OwnedVec = PetscOwner<Vec, VecDestroy>;
using OwnedMat = PetscOwner<Mat, MatDestroy>;
using OwnedKSP = PetscOwner<KSP, KSPDestroy>;
using OwnedDM = PetscOwner<DM, DMDestroy>;
using OwnedTS = PetscOwner<TS, TSDestroy>;
using OwnedScatter = PetscOwner<VecScatter, VecScatterDestroy>;

}  // namespace nopal

/// Calls a PETSc function and throws nopal::Error, with PETSc's own message, if it fails. For C++
/// that PETSc does not call back; callbacks use PetscCall and return codes.
#define NOPAL_PETSC(...)                                      \
  do {                                                        \
    const ::nopal::detail::PetscErrorRecorder nopal_recorder; \
    nopal_recorder.check(__VA_ARGS__, __FILE__, __LINE__);    \
  } while (false)
