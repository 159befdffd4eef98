// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/c_api/types.h>
#include <nopal/comm/communicator.hpp>

#include <exception>
#include <optional>
#include <string>

namespace nopal::c {

/// The text of this thread's last error.
std::string& last_error();

/// An error of a kind of its own; others become the kind that guarded() is told.
struct Refusal {
  nopal_status status;
  std::string text;
};

/// Throws a Refusal unless the condition holds.
template <class... Parts>
void require(bool holds, nopal_status status, const Parts&... parts) {
  if (!holds) throw Refusal{status, nopal::detail::concatenate(parts...)};
}

/// Calls `action`; no exception may cross into C.
template <class Action>
nopal_status guarded(nopal_status other, const Action& action) noexcept {
  try {
    last_error().clear();
    action();
    return NOPAL_SUCCESS;
  } catch (const Refusal& refusal) {
    last_error() = refusal.text;
    return refusal.status;
  } catch (const std::exception& error) {
    last_error() = error.what();
    return other;
  } catch (...) {
    last_error() = "unknown error";
    return NOPAL_ERROR_OTHER;
  }
}

/// Checks that may fail on some ranks: all ranks then refuse with the same status, NOPAL_ERROR_-
/// ARGUMENT for errors of other kinds. Collective.
template <class Action>
void together(const Communicator& comm, const Action& action) {
  std::optional<Refusal> mine;
  try {
    action();
  } catch (const Refusal& refusal) {
    mine = refusal;
  } catch (const std::exception& error) {
    mine = Refusal{NOPAL_ERROR_ARGUMENT, error.what()};
  }
  const int worst = static_cast<int>(comm.max(mine ? static_cast<double>(mine->status) : 0));
  if (worst == 0) return;
  if (mine && mine->status == worst) throw Refusal(*mine);
  throw Refusal{static_cast<nopal_status>(worst),
                mine ? mine->text : "refused on another rank, whose text says why"};
}

/// Refuses arguments, as text, that are not the same on all ranks, which would go on with different
/// numbers or wait for each other for ever. Collective.
void require_agreement(const Communicator& comm, const std::string& arguments, const char* what);

/// Holds the library for one call; refuses while another call runs. One for all models, as Kokkos's
/// back ends keep one scratch memory a process. Not a lock to wait for: ranks whose threads came in
/// different orders would wait for each other in collective calls for ever.
class OneCall {
 public:
  OneCall();
  ~OneCall();
  OneCall(const OneCall&) = delete;
  OneCall& operator=(const OneCall&) = delete;
};

/// Refuses before nopal_initialise(), after MPI_Finalize(), and on threads that Kokkos cannot use.
/// Within a OneCall, as those of handles below.
void require_running();

/// Refuses communicators that MPI does not know, so that one that was freed is no abort. Local.
void require_usable(MPI_Comm comm);

/// Models and trainers that there are: a handle that is not among them was destroyed, or is none.
void enlist(const void* handle);
void strike_off(const void* handle);
bool enlisted(const void* handle);

}  // namespace nopal::c
