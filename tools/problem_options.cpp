// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "problem_options.hpp"

#include <nopal/solvers/petsc.hpp>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <iterator>

namespace nopal::tools {
namespace {

// Solvers have hundreds of options; the help lists those of the problem itself.
constexpr const char* petsc_objects[] = {"ksp", "pc",  "mg",     "mat",  "dm",
                                         "vec", "sub", "esteig", "snes", "ts"};

// What PETSc would print under -help, as text.
std::string captured;

PetscErrorCode capture(MPI_Comm, const char format[], ...) {
  char line[8192];
  std::size_t length = 0;
  va_list arguments;
  va_start(arguments, format);
  const PetscErrorCode code = PetscVSNPrintf(line, sizeof line, format, &length, arguments);
  va_end(arguments);
  captured += line;
  return code;
}

// Lists of types go past PetscHelpPrintf.
PetscErrorCode capture_list(FILE*, const char format[], va_list arguments) {
  char line[8192];
  std::size_t length = 0;
  const PetscErrorCode code = PetscVSNPrintf(line, sizeof line, format, &length, arguments);
  captured += line;
  return code;
}

// While alive, objects describe the options that they read, and the text is captured.
class HelpCapture {
 public:
  HelpCapture() : print_(PetscHelpPrintf), print_list_(PetscVFPrintf) {
    captured.clear();
    PetscHelpPrintf = capture;
    PetscVFPrintf = capture_list;
    NOPAL_PETSC(PetscOptionsSetValue(nullptr, "-help", nullptr));
  }
  ~HelpCapture() {
    PetscHelpPrintf = print_;
    PetscVFPrintf = print_list_;
    [[maybe_unused]] const PetscErrorCode code = PetscOptionsClearValue(nullptr, "-help");
  }
  HelpCapture(const HelpCapture&) = delete;
  HelpCapture& operator=(const HelpCapture&) = delete;

 private:
  decltype(PetscHelpPrintf) print_;
  decltype(PetscVFPrintf) print_list_;
};

// Lines like `  -darcy_tau: <now 3. : formerly 3.> inverse correlation length (None)`.
void declare_captured(Options& options, const std::string& prefix) {
  std::size_t start = 0;
  while (start < captured.size()) {
    const std::size_t end = std::min(captured.find('\n', start), captured.size());
    std::string line = captured.substr(start, end - start);
    start = end + 1;
    const auto dash = line.find_first_not_of(' ');
    if (dash == std::string::npos || line[dash] != '-') continue;
    line.erase(0, dash + 1);
    const auto name_end = line.find_first_of(": ");
    if (name_end == std::string::npos || !line.starts_with(prefix)) continue;
    const std::string name = line.substr(0, name_end);
    std::string value, help = line.substr(name_end + 1);
    const auto open = help.find('<'), close = help.find('>');
    if (open != std::string::npos && close != std::string::npos && open < close) {
      value = help.substr(open + 1, close - open - 1);
      help.erase(0, close + 1);
      if (value.starts_with("now ")) value.erase(0, 4);
      const auto formerly = value.find(" : ");
      if (formerly != std::string::npos) value.erase(formerly);
      if (value.ends_with('.')) value.pop_back();
    }
    const auto manual = help.rfind(" (");
    if (manual != std::string::npos && help.ends_with(')') &&
        (help.find("None", manual) != std::string::npos || manual + 3 == help.size()))
      help.erase(manual);
    help.erase(0, help.find_first_not_of(" :"));
    const auto of_petsc = [&](const char* object) {
      return name.starts_with(prefix + object + "_");
    };
    const bool hidden = std::any_of(std::begin(petsc_objects), std::end(petsc_objects), of_petsc);
    options.declare(name, value, help, hidden);
  }
}

}  // namespace

bool has_option(const std::string& name) {
  PetscBool set = PETSC_FALSE;
  NOPAL_PETSC(PetscOptionsHasName(nullptr, nullptr, ("-" + name).c_str(), &set));
  return set == PETSC_TRUE;
}

void set_option(const std::string& name, const std::string& value) {
  NOPAL_PETSC(PetscOptionsSetValue(nullptr, ("-" + name).c_str(), value.c_str()));
}

std::unique_ptr<Problem> make_problem_from_options(Options& options, const std::string& name,
                                                   const Communicator& comm) {
  options.section("Problem " + name);
  options.allow_prefix(name + "_");
  std::unique_ptr<Problem> problem;
  const HelpCapture help;
  try {
    problem = make_problem(name, comm);
  } catch (const Error& error) {
    options.fail(error.what());
  }
  declare_captured(options, name + "_");
  options.note("The problem's solver takes PETSc's options with the prefix -" + name + "_ (-" +
               name + "_ksp_type, -" + name + "_ksp_rtol, -" + name + "_pc_type, ...).");
  return problem;
}

}  // namespace nopal::tools
