// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "session.hpp"

#include "commands.hpp"

#include <nopal/core/runtime.hpp>
#include <nopal/solvers/petsc.hpp>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <memory>
#include <thread>

namespace nopal::tools {

const std::vector<Command>& commands() {
  static const std::vector<Command> all = {
      {"generate", "Make data: samples of a PDE problem, solved with PETSc", generate_command},
      {"convert", "Turn npy files into a data file (HDF5)", convert_command},
      {"train", "Train an operator on a data file", train_command},
      {"evaluate", "Errors of a model on a data file, beside simple baselines", evaluate_command},
      {"predict", "Apply a model to the inputs of a data file", predict_command},
      {"inspect", "Say what is in a model, data or checkpoint file", inspect_command},
  };
  return all;
}

namespace {

struct CommandLine {
  std::string command;
  std::vector<std::string> arguments;  // behind the subcommand, without those for help
  bool help = false;
};

bool asks_for_help(const std::string& word) {
  return word == "-help" || word == "--help" || word == "-h";
}

CommandLine parse(int argc, char** argv) {
  CommandLine line;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (asks_for_help(word)) {
      line.help = true;
    } else if (line.command.empty() && word == "help") {
      line.help = true;
    } else if (line.command.empty()) {
      line.command = word;
    } else {
      line.arguments.push_back(word);
    }
  }
  return line;
}

std::vector<std::string> command_names() {
  std::vector<std::string> names;
  for (const Command& command : commands())
    names.emplace_back(command.name);
  return names;
}

void print_overview() {
  std::printf(
      "nopal %s (%s): neural operators beside PETSc's solvers\n\n"
      "Usage: nopal SUBCOMMAND [options]          one process\n"
      "       mpiexec -n 4 nopal SUBCOMMAND ...   four\n\n",
      version(), commit());
  for (const Command& command : commands())
    std::printf("  %-10s %s\n", command.name, command.summary);
  std::printf("  %-10s %s\n", "help", "This page, or the options of a subcommand");
  std::printf(
      "\nA first session:\n"
      "  nopal generate -problem darcy -n 1000 -grid 64 -out train.h5\n"
      "  nopal generate -problem darcy -n 200 -first 1000 -grid 64 -out test.h5\n"
      "  nopal train -data train.h5 -model fno -epochs 20 -out fno.safetensors\n"
      "  nopal evaluate -model_file fno.safetensors -data test.h5 -training train.h5\n");
}

// PETSc would stop the program with a stack trace.
void check_option_files(const CommandLine& line) {
  for (std::size_t i = 0; i < line.arguments.size(); ++i) {
    const std::string& option = line.arguments[i];
    if (option != "-options_file" && option != "-options_file_yaml") continue;
    NOPAL_CHECK(i + 1 < line.arguments.size(), "option ", option, ": expected a file name");
    const std::string& file = line.arguments[i + 1];
    NOPAL_CHECK(::access(file.c_str(), R_OK) == 0, "option ", option, ": cannot read ", file);
  }
}

// PETSc for the duration of a subcommand. MPI is brought up before it and stays.
class PetscSession {
 public:
  explicit PetscSession(const std::vector<std::string>& words) : words_(words) {
    for (std::string& word : words_)
      pointers_.push_back(word.data());
    pointers_.push_back(nullptr);
    int argc = static_cast<int>(words_.size());
    char** argv = pointers_.data();
    NOPAL_CHECK(PetscInitialize(&argc, &argv, nullptr, nullptr) == PETSC_SUCCESS,
                "PETSc could not be initialised");
  }
  ~PetscSession() { [[maybe_unused]] const PetscErrorCode code = PetscFinalize(); }
  PetscSession(const PetscSession&) = delete;
  PetscSession& operator=(const PetscSession&) = delete;

 private:
  std::vector<std::string> words_;
  std::vector<char*> pointers_;
};

void dispatch(const CommandLine& line, const char* program, const Communicator& comm,
              std::unique_ptr<PetscSession>& petsc) {
  const auto& all = commands();
  const auto command = std::find_if(all.begin(), all.end(),
                                    [&](const Command& c) { return line.command == c.name; });
  if (line.command.empty()) {
    if (comm.rank() == 0) print_overview();
    return;
  }
  NOPAL_CHECK(command != all.end(), "there is no subcommand '", line.command, "'; did you mean '",
              nearest(line.command, command_names()), "'? (nopal help)");
  check_option_files(line);
  // `nopal inspect ... | head` must not end in a stack trace of PETSc's signal handler.
  std::vector<std::string> words = {program, "-no_signal_handler", "true"};
  words.insert(words.end(), line.arguments.begin(), line.arguments.end());
  petsc = std::make_unique<PetscSession>(words);
  Options options(command->name, command->summary, line.arguments, line.help, comm);
  command->run(options, comm);
}

// Library calls that are collective fail on all ranks together. Should one rank fail alone, the
// others may wait for it for ever; so it waits for them a while, and then ends the program.
int finish(const Communicator& comm, const std::string& command, const std::string& error,
           bool failed) {
  int worst = failed ? comm.rank() : comm.size(), first = 0;
  MPI_Request request;
  MPI_Iallreduce(&worst, &first, 1, MPI_INT, MPI_MIN, comm.mpi(), &request);
  const std::string line = "nopal" + (command.empty() ? "" : " " + command) + ": error: " + error;
  int done = 0;
  if (failed) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!done && std::chrono::steady_clock::now() < limit) {
      MPI_Test(&request, &done, MPI_STATUS_IGNORE);
      if (!done) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    if (!done) {
      std::fprintf(stderr, "%s (on rank %d only)\n", line.c_str(), comm.rank());
      MPI_Abort(comm.mpi(), 1);
    }
  } else {
    MPI_Wait(&request, MPI_STATUS_IGNORE);
  }
  if (first == comm.rank() && failed) std::fprintf(stderr, "%s\n", line.c_str());
  return first < comm.size() ? 1 : 0;
}

}  // namespace

int run(int argc, char** argv) {
  const CommandLine line = parse(argc, argv);
  // A file that grows beyond the user's limit is an error like a full disk, not the end.
  std::signal(SIGXFSZ, SIG_IGN);
  const Runtime runtime(argc, argv);
  const Communicator comm(MPI_COMM_WORLD);
  // Ends after finish(): ending PETSc is collective, and a rank that failed alone must not wait.
  std::unique_ptr<PetscSession> petsc;
  std::string error;
  bool failed = false;
  try {
    dispatch(line, argv[0], comm, petsc);
  } catch (const std::bad_alloc&) {
    failed = true;
    error = "out of memory; use a smaller -batch or fewer samples at a time";
  } catch (const std::exception& exception) {
    failed = true;
    error = exception.what();
  }
  std::fflush(stdout);
  return finish(comm, line.command, error, failed);
}

}  // namespace nopal::tools
