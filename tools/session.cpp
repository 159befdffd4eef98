// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "session.hpp"

#include "commands.hpp"
#include "common.hpp"
#include "petsc_session.hpp"

#include <nopal/core/runtime.hpp>
#include <nopal/io/atomic_file.hpp>

#include <mpi.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <memory>
#include <optional>
#include <thread>

namespace nopal::tools {

const std::vector<Command>& commands() {
  static const std::vector<Command> all = {
      {"generate", "Make data: samples of a PDE problem, solved with PETSc", generate_command},
      {"convert", "Make a data file of npz, npy, MATLAB and published HDF5 files", convert_command},
      {"train", "Train an operator on a data file", train_command},
      {"evaluate", "Errors of a model on a data file, beside simple baselines", evaluate_command},
      {"predict", "Apply a model to the inputs of a data file", predict_command},
      {"compress", "Put the weights of a trained FNO into factors", compress_command},
      {"inspect", "Say what is in a model, data or checkpoint file", inspect_command},
      {"bench", "Measure linear solvers beside each other (nopal bench solve)", bench_command},
  };
  return all;
}

namespace {

struct CommandLine {
  std::string command;
  std::vector<std::string> arguments;  // behind the subcommand, without those for help
  bool help = false, version = false;
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
    } else if (word == "-version" || word == "--version") {
      line.version = true;
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

int dispatch(const CommandLine& line, const char* program, const Communicator& comm,
             std::unique_ptr<PetscSession>& petsc) {
  const auto& all = commands();
  const auto command = std::find_if(all.begin(), all.end(),
                                    [&](const Command& c) { return line.command == c.name; });
  if (line.version) {
    if (comm.rank() == 0) std::printf("nopal %s (%s)\n", version(), commit());
    return 0;
  }
  if (line.command.empty()) {
    if (comm.rank() == 0) print_overview();
    return 0;
  }
  NOPAL_CHECK(command != all.end(), "there is no subcommand '", line.command, "'; did you mean '",
              nearest(line.command, command_names()), "'? (nopal help)");
  petsc = std::make_unique<PetscSession>(program, line.arguments, comm);
  Options options(command->name, command->summary, line.arguments, line.help, comm);
  return command->run(options, comm);
}

// How a part of the work went on this rank.
struct Outcome {
  int code = 0;
  std::optional<std::string> error;
};

template <class Action>
Outcome attempt(Action&& action) {
  Outcome outcome;
  try {
    outcome.code = action();
  } catch (const std::bad_alloc&) {
    outcome.error = "out of memory; use a smaller -batch or fewer samples at a time";
  } catch (const std::exception& exception) {
    outcome.error = exception.what();
  }
  std::fflush(stdout);
  return outcome;
}

// Library calls that are collective fail on all ranks together. Should one rank fail alone, the
// others may wait for it for ever; so it waits for them a while, and then ends the program.
int agree(const Communicator& comm, const std::string& command, const Outcome& outcome) {
  const bool failed = outcome.error.has_value();
  int worst = failed ? comm.rank() : comm.size(), first = 0;
  MPI_Request request;
  MPI_Iallreduce(&worst, &first, 1, MPI_INT, MPI_MIN, comm.mpi(), &request);
  // Names in files and of files may hold anything; the error is one line all the same.
  const std::string line = printable(
      "nopal" + (command.empty() ? "" : " " + command) + ": error: " + outcome.error.value_or(""),
      std::string::npos);
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
  return first < comm.size() ? 1 : outcome.code;
}

// What ends the program, Ctrl-C or the batch system, leaves no half-written file behind.
void end_by_signal(int number) {
  remove_unfinished_files();
  std::signal(number, SIG_DFL);
  std::raise(number);
}

// MPI for the whole program: errors of all that comes up later are agreed on by it.
class MpiSession {
 public:
  MpiSession(int& argc, char**& argv) { MPI_Init(&argc, &argv); }
  ~MpiSession() { MPI_Finalize(); }
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;
};

}  // namespace

int run(int argc, char** argv) {
  const CommandLine line = parse(argc, argv);
  // A file that grows beyond the user's limit is an error like a full disk, not the end.
  std::signal(SIGXFSZ, SIG_IGN);
  handle_signals({SIGHUP, SIGINT, SIGTERM}, end_by_signal);
  const MpiSession mpi(argc, argv);
  const Communicator comm(MPI_COMM_WORLD);
  std::unique_ptr<Runtime> runtime;
  std::unique_ptr<PetscSession> petsc;
  const int code = agree(comm, line.command, attempt([&] {
                           runtime = std::make_unique<Runtime>(argc, argv);
                           return dispatch(line, argv[0], comm, petsc);
                         }));
  // Ending PETSc is collective, so a rank that failed alone must not wait in it.
  if (code != 0 || !petsc) return code;
  return agree(comm, line.command, attempt([&] {
                 petsc->end();
                 return 0;
               }));
}

}  // namespace nopal::tools
