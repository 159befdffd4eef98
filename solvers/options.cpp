// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/io/atomic_file.hpp>
#include <nopal/solvers/options.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <exception>
#include <iterator>
#include <set>
#include <sstream>

namespace nopal {
namespace {

using Buffer = std::array<char, 4096>;

std::vector<std::string> words(const char* list) {
  std::istringstream stream(list);
  return {std::istream_iterator<std::string>(stream), {}};
}

}  // namespace

const std::vector<std::string>& petsc_global_options() {
  static const std::vector<std::string> names = words(
      "blas_num_threads blas_view check_pointer_intensity checkfunctionlist checkstack "
      "citations debug_terminal debugger_nodes debugger_pause debugger_ranks device_enable "
      "device_select device_view display error_output_none error_output_stdout fp_trap "
      "get_total_flops info info_exclude log log_all log_exclude log_mpe log_nvtx log_perfstubs "
      "log_roctx log_summary log_sync log_threshold log_trace log_view log_view_gpu_energy "
      "log_view_gpu_energy_meter log_view_gpu_time log_view_memory malloc malloc_coalesce "
      "malloc_debug malloc_dump malloc_hbw malloc_info malloc_requested_size malloc_test "
      "malloc_view malloc_view_threshold memory_view mpi_linear_solver_server "
      "mpi_linear_solver_server_view mpi_return_on_error mpidump no_signal_handler nox "
      "nox_warning objects_dump omp_num_threads omp_view on_error_abort "
      "on_error_attach_debugger on_error_emacs on_error_mpiabort options_file options_file_yaml "
      "options_left options_monitor options_monitor_cancel options_string_yaml "
      "options_suppress_deprecated_warnings options_view petsc_ci "
      "petsc_ci_portable_error_output petsc_sleep popen_machine prefix_pop prefix_push "
      "process_view python saws_https saws_local saws_log saws_options saws_port "
      "saws_port_auto_select saws_port_auto_select_silent saws_root sf_use_gpu_aware_mpi "
      "skip_petscrc stack_view start_in_debugger stop_for_debugger use_gpu_aware_mpi "
      "vecscatter_merge viennacl_synchronize viewfromoptions x_virtual");
  return names;
}

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
  names_.push_back(prefix_ + name);
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
                                std::int64_t& value, std::int64_t minimum) {
  names_.push_back(prefix_ + name);
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
  NOPAL_CHECK(!set || value >= minimum, "option -", prefix_, name, ": expected at least ", minimum,
              ", got ", value);
}

void PetscOptionReader::boolean(const std::string& name, const std::string& help, bool& value) {
  names_.push_back(prefix_ + name);
  const detail::PetscErrorRecorder recorder;
  auto* PetscOptionsObject = items_;
  PetscBool flag = value ? PETSC_TRUE : PETSC_FALSE, set = PETSC_FALSE;
  const PetscErrorCode code =
      PetscOptionsBool(("-" + name).c_str(), help.c_str(), nullptr, flag, &flag, &set);
  check(name, "true or false", code, set);
  if (set) value = flag == PETSC_TRUE;
}

void PetscOptionReader::text(const std::string& name, const std::string& help, std::string& value) {
  names_.push_back(prefix_ + name);
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

void PetscOptionReader::output(const std::string& name, const std::string& help, std::string& value,
                               const std::string& ending) {
  text(name, help, value);
  if (items_->printhelp) return;
  try {
    const AtomicFile probe(value + ending);
  } catch (const Error& error) {
    NOPAL_CHECK(false, "option -", prefix_, name, ": ", error.what());
  }
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

void check_unknown_options(const std::function<bool(const std::string&)>& expected,
                           const std::vector<std::string>& known, const std::string& hint) {
  PetscInt count = 0;
  char **names = nullptr, **values = nullptr;
  NOPAL_PETSC(PetscOptionsLeftGet(nullptr, &count, &names, &values));
  const std::vector<std::string>& all = petsc_global_options();
  const std::set<std::string> of_petsc(all.begin(), all.end());
  std::string unknown;
  for (PetscInt i = 0; i < count && unknown.empty(); ++i)
    if (!of_petsc.contains(names[i]) && !expected(names[i])) unknown = names[i];
  NOPAL_PETSC(PetscOptionsLeftRestore(nullptr, &count, &names, &values));
  if (unknown.empty()) return;
  std::vector<std::string> candidates = all;
  candidates.insert(candidates.end(), known.begin(), known.end());
  NOPAL_CHECK(false, "unknown option -", unknown, "; did you mean -", nearest(unknown, candidates),
              "? (", hint, ")");
}

bool read_program_options(const Communicator& comm, const std::string& title,
                          const std::function<void(PetscOptionReader&)>& action,
                          const std::vector<std::string>& prefixes) {
  std::vector<std::string> names;
  read_options(comm, "", title, [&](PetscOptionReader& read) {
    action(read);
    names = read.names();
  });
  PetscBool help = PETSC_FALSE;
  NOPAL_PETSC(PetscOptionsHasHelp(nullptr, &help));
  if (help) return false;
  check_unknown_options(
      [&](const std::string& name) {
        return std::any_of(prefixes.begin(), prefixes.end(),
                           [&](const std::string& prefix) { return name.starts_with(prefix); });
      },
      names, "-help lists all");
  return true;
}

}  // namespace nopal
