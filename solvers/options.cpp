// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/solvers/options.hpp>

#include <array>
#include <charconv>
#include <cstring>
#include <exception>

namespace nopal {
namespace {

using Buffer = std::array<char, 4096>;

}  // namespace

void PetscOptionReader::check(const std::string& name, const char* expected, PetscErrorCode code,
                              PetscBool set) {
  if (code == PETSC_SUCCESS && set) return;
  // PETSc takes an option without a value for one that was not given.
  PetscBool given = PETSC_FALSE;
  Buffer value{};
  NOPAL_PETSC(PetscOptionsGetString(nullptr, prefix_.c_str(), ("-" + name).c_str(), value.data(),
                                    value.size(), &given));
  NOPAL_CHECK(!given, "option -", prefix_, name, ": expected ", expected, ", got ",
              value[0] ? "'" : "nothing", value.data(), value[0] ? "'" : "");
}

void PetscOptionReader::real(const std::string& name, const std::string& help, double& value) {
  const detail::PetscErrorRecorder recorder;
  auto* PetscOptionsObject = items_;  // the name that PETSc's macros expect
  PetscReal number = static_cast<PetscReal>(value);
  PetscBool set = PETSC_FALSE;
  const PetscErrorCode code =
      PetscOptionsReal(("-" + name).c_str(), help.c_str(), nullptr, number, &number, &set);
  check(name, "a number", code, set);
  if (set) value = static_cast<double>(number);
}

// Read as text: PETSc's own integers have 32 bits in most builds, and 3.18 cuts longer ones
// silently.
void PetscOptionReader::integer(const std::string& name, const std::string& help,
                                std::int64_t& value) {
  const detail::PetscErrorRecorder recorder;
  auto* PetscOptionsObject = items_;
  Buffer buffer{};
  PetscBool set = PETSC_FALSE;
  PetscErrorCode code =
      PetscOptionsString(("-" + name).c_str(), help.c_str(), nullptr, std::to_string(value).c_str(),
                         buffer.data(), buffer.size(), &set);
  if (set) {
    const char* const end = buffer.data() + std::strlen(buffer.data());
    const auto [last, error] = std::from_chars(buffer.data(), end, value);
    if (error != std::errc() || last != end) code = PETSC_ERR_ARG_WRONG;
  }
  check(name, "an integer", code, set);
}

void PetscOptionReader::boolean(const std::string& name, const std::string& help, bool& value) {
  const detail::PetscErrorRecorder recorder;
  auto* PetscOptionsObject = items_;
  PetscBool flag = value ? PETSC_TRUE : PETSC_FALSE, set = PETSC_FALSE;
  const PetscErrorCode code =
      PetscOptionsBool(("-" + name).c_str(), help.c_str(), nullptr, flag, &flag, &set);
  check(name, "true or false", code, set);
  if (set) value = flag == PETSC_TRUE;
}

void PetscOptionReader::text(const std::string& name, const std::string& help, std::string& value) {
  const detail::PetscErrorRecorder recorder;
  auto* PetscOptionsObject = items_;
  Buffer buffer{};
  PetscBool set = PETSC_FALSE;
  const PetscErrorCode code = PetscOptionsString(("-" + name).c_str(), help.c_str(), nullptr,
                                                 value.c_str(), buffer.data(), buffer.size(), &set);
  check(name, "a word", code, set);
  NOPAL_CHECK(!set || buffer[0], "option -", prefix_, name, ": expected a word, got nothing");
  if (set) value = buffer.data();
}

void PetscOptionReader::choice(const std::string& name, const std::string& help,
                               const std::vector<std::string>& names, int& index) {
  std::string list;
  for (const auto& candidate : names)
    list += (list.empty() ? "" : ", ") + candidate;
  std::string word = names.at(static_cast<std::size_t>(index));
  text(name, help + " (" + list + ")", word);
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i] == word) {
      index = static_cast<int>(i);
      return;
    }
  detail::throw_error(
      detail::concatenate("option -", prefix_, name, ": expected one of ", list, ", got '", word,
                          "'; did you mean '", nearest(word, names), "'?"),
      __FILE__, __LINE__);
}

namespace {

// PETSc's macros open a block that must be closed, so an exception waits until it is.
PetscErrorCode read_group(MPI_Comm comm, const std::string& prefix, const std::string& title,
                          const std::function<void(PetscOptionReader&)>& action,
                          std::exception_ptr& exception) {
  PetscFunctionBegin;
  PetscOptionsBegin(comm, prefix.c_str(), title.c_str(), nullptr);
  try {
    PetscOptionReader reader(PetscOptionsObject, prefix);
    if (!exception) action(reader);
  } catch (...) {
    exception = std::current_exception();
  }
  PetscOptionsEnd();
  PetscFunctionReturn(PETSC_SUCCESS);
}

}  // namespace

void read_options(const Communicator& comm, const std::string& prefix, const std::string& title,
                  const std::function<void(PetscOptionReader&)>& action) {
  std::exception_ptr exception;
  NOPAL_PETSC(read_group(petsc_communicator(comm), prefix, title, action, exception));
  if (exception) std::rethrow_exception(exception);
}

}  // namespace nopal
