// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "petsc_session.hpp"

#include "common.hpp"

#include <nopal/solvers/petsc.hpp>

#include <unistd.h>

#include <filesystem>

namespace nopal::tools {
namespace {

// PETSc opens its session log without looking whether it could.
void refuse_history(const std::vector<std::string>& arguments) {
  for (const std::string& option : arguments)
    NOPAL_CHECK(option != "-history",
                "option -history is PETSc's session log, which nopal does not keep; nopal train "
                "writes the learning curve with -history_file FILE");
}

// PETSc reads them on one rank; an error there would leave the others waiting.
void check_option_files(const std::vector<std::string>& arguments) {
  for (const auto& [option, file] : petsc_inputs(arguments)) {
    NOPAL_CHECK(!file.empty(), "option ", option, ": expected a file name");
    NOPAL_CHECK(::access(file.c_str(), R_OK) == 0, "option ", option, ": cannot read ", file);
    NOPAL_CHECK(std::filesystem::is_regular_file(file), "option ", option, ": cannot read ", file,
                ": it is not a file of text, but a folder, device or pipe");
  }
}

std::string option_value(const char* name) {
  const char* value = nullptr;
  PetscBool set = PETSC_FALSE;
  NOPAL_PETSC(PetscOptionsFindPair(nullptr, nullptr, name, &value, &set));
  return set && value ? value : "";
}

// The files of a list of viewers, `type:file:format,...`; any part may be absent.
std::vector<std::string> viewer_files(const std::string& viewers) {
  std::vector<std::string> files;
  for (const std::string& viewer : split(viewers, ',')) {
    const std::vector<std::string> parts = split(viewer, ':');
    if (parts.size() > 1 && !parts[1].empty()) files.push_back(parts[1]);
  }
  return files;
}

}  // namespace

std::vector<NamedPath> petsc_inputs(const std::vector<std::string>& arguments) {
  std::vector<NamedPath> files;
  for (std::size_t i = 0; i < arguments.size(); ++i)
    if (arguments[i] == "-options_file" || arguments[i] == "-options_file_yaml")
      files.push_back({arguments[i], i + 1 < arguments.size() ? arguments[i + 1] : ""});
  return files;
}

std::vector<NamedPath> petsc_outputs() {
  std::vector<NamedPath> files;
  for (const std::string& file : viewer_files(option_value("-log_view")))
    files.push_back({"-log_view", file});
  for (const char* name : {"-citations", "-malloc_view"})
    files.push_back({name, option_value(name)});
  return files;
}

PetscSession::PetscSession(const std::string& program, const std::vector<std::string>& arguments,
                           const Communicator& comm) {
  refuse_history(arguments);
  comm.together([&] {
    if (comm.rank() == 0) check_option_files(arguments);
  });
  // `nopal inspect ... | head` must not end in a stack trace of PETSc's signal handler.
  words_ = {program, "-no_signal_handler", "true"};
  words_.insert(words_.end(), arguments.begin(), arguments.end());
  for (std::string& word : words_)
    pointers_.push_back(word.data());
  int argc = static_cast<int>(pointers_.size());
  pointers_.push_back(nullptr);
  char** argv = pointers_.data();
  detail::record_petsc_errors();
  detail::check_petsc(PetscInitialize(&argc, &argv, nullptr, nullptr), __FILE__, __LINE__);
  for (const NamedPath& file : petsc_outputs())
    check_writable(file, comm);
}

void PetscSession::end() {
  detail::check_petsc(PetscFinalize(), __FILE__, __LINE__);
}

}  // namespace nopal::tools
