// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Trains a small model with checkpoints all the time, for kill_test: killed_program MODEL
// CHECKPOINT RESULT, MODEL tiny or noisy (with dropout and batch norm). Resumes if the checkpoint
// exists. Each rank leaves its process id in CHECKPOINT.pid.RANK; rank 0 writes all parameters and
// buffers, best and last, to RESULT at the end.

#include <nopal/core/runtime.hpp>
#include <nopal/train/trainer.hpp>

#include "tiny_training.hpp"

#include <unistd.h>

#include <cstdio>
#include <fstream>

int main(int argc, char** argv) {
  using namespace nopal;
  Runtime runtime(argc, argv);
  const Communicator comm = Communicator::world();
  if (argc != 4) return 2;
  try {
    const bool noisy = std::string(argv[1]) == "noisy";
    const std::string checkpoint = argv[2];
    std::ofstream(checkpoint + ".pid." + std::to_string(comm.rank())) << getpid() << std::endl;
    comm.barrier();

    auto model = noisy ? test::noisy_model<float>() : test::tiny_model<float>(32);
    TrainOptions options = test::tiny_options(25, 8);
    options.checkpoint = checkpoint;
    options.checkpoint_interval = 1;
    options.checkpoint_seconds = 0.005;
    options.resume = true;
    options.schedule = "plateau";
    options.schedule_options = {{"patience", 1}, {"threshold", 0.1}, {"factor", 0.5}};
    options.history = checkpoint + ".csv";
    const Shape grid = noisy ? Shape{64} : Shape{16, 16};
    const TrainData<float> data{
        test::tiny_data<float>(100, grid), test::tiny_data<float>(20, grid, 2), {}};
    const auto result = train(model, data, options, comm);
    if (comm.rank() == 0) {
      std::ofstream file(argv[3], std::ios::binary);
      for (const auto& list : {test::values(model), test::values(result.final_state)})
        file.write(reinterpret_cast<const char*>(list.data()),
                   static_cast<std::streamsize>(list.size() * sizeof(float)));
      file << std::flush;
      if (!file) return 3;
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
