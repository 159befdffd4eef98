// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "commands.hpp"
#include "common.hpp"

#include <nopal/operators/model.hpp>
#include <nopal/solvers/direction/direction_training.hpp>

#include <nlohmann/json.hpp>

#include <cstdio>

namespace nopal::tools {
namespace {

DirectionTrainOptions declare(Options& options, std::int64_t dimension) {
  DirectionTrainOptions t;
  t.system.dimension = static_cast<int>(dimension);
  options.section("Training matrices, the pressure of a flow around obstacles");
  t.sizes = options.integers(
      "points", "points an axis [32]; several: steps and records take the grids in turn");
  if (t.sizes.empty()) t.sizes.push_back(32);
  for (const std::int64_t size : t.sizes)
    if (size < 8)
      options.fail("option -points: expected at least 8 points an axis, got " +
                   std::to_string(size));
  t.system.points = t.sizes.front();
  t.system.walls = options.text("walls", t.system.walls, "NAME", "open_top, closed or open");
  t.system.obstacles = options.integer("obstacles", 4, "at most; 0: empty boxes", 0);
  t.matrices = options.integer("matrices", t.matrices, "of a record of residuals", 1);
  t.right_sides = options.integer("right_sides", t.right_sides, "of each", 1);
  t.depth = options.integer("depth", t.depth, "iterations of a solve that are recorded", 0);
  t.ritz_vectors =
      options.integer("ritz_vectors", 0, "right-hand sides of so many Ritz vectors; 0: noise", 0);
  options.section("Training");
  t.loss = options.text("loss", t.loss, "NAME", "energy, or residual as published");
  t.steps = options.integer("steps", t.steps, "of the optimiser", 1);
  t.batch = options.integer("batch", t.batch, "residuals a step, over all ranks", 1);
  t.interval = options.integer("interval", t.interval, "steps between records", 1);
  t.capacity = options.integer("capacity", t.capacity, "residuals that are kept", 1);
  t.learning_rate = options.real("learning_rate", t.learning_rate, "first step size of Adam", 0);
  t.validation = options.integer("validation", t.validation, "matrices that choose weights", 1);
  t.validation_interval =
      options.integer("validation_interval", t.validation_interval, "steps between", 1);
  t.checkpoint = options.text("checkpoint", "", "FILE", "state to go on from after a stop");
  t.resume = options.flag("resume", false, "go on from the checkpoint");
  t.seed = static_cast<std::uint64_t>(
      options.integer("seed", 0, "of first weights, obstacles and right-hand sides", 0));
  return t;
}

// "32", or "16, 32".
std::string sizes_of(const DirectionTrainOptions& t) {
  std::string sizes;
  for (const std::int64_t size : t.sizes)
    sizes += (sizes.empty() ? "" : ", ") + std::to_string(size);
  return sizes;
}

void record_provenance(Model<float>& model, const DirectionTrainOptions& t,
                       const DirectionTrainResult& result, const std::string& start) {
  auto& provenance = model.provenance();
  char rate[32];
  std::snprintf(rate, sizeof rate, "%.4g", result.rate);
  provenance["matrices"] = "pressure, walls " + t.system.walls + ", at most " +
                           std::to_string(t.system.obstacles) + " obstacles";
  provenance["points"] = sizes_of(t) + " an axis";
  provenance["loss"] = t.loss;
  provenance["steps"] = std::to_string(t.steps);
  provenance["seed"] = std::to_string(t.seed);
  provenance["rate_of_an_iteration"] = rate;
  if (!start.empty()) provenance["began_with"] = start;
}

}  // namespace

int train_direction_command(Options& options, const Communicator& comm) {
  options.choice("model", "direction_net", operator_names(), "operator to train");
  const std::string out = options.required("out", "FILE", "model to write (safetensors)");
  const std::string start =
      options.text("start", "", "FILE", "model whose weights to begin with, its options are kept");
  nlohmann::json given =
      options.configuration("direction_net_", DirectionNetOptions().to_json(), "Model");
  DirectionNetOptions shape;
  try {
    shape = DirectionNetOptions::from_json(given);
  } catch (const Error& error) {
    options.fail(error.what());
  }
  DirectionTrainOptions t = declare(options, shape.dimension);
  if (!options.ready()) return 0;
  options.check_files({{"-start", start}}, {{"-out", out}, {"-checkpoint", t.checkpoint}});

  Model<float> model;
  if (start.empty())
    model = Model<float>(std::make_unique<DirectionNet<float>>(shape, t.seed));
  else
    model = Model<float>::load(start, comm);
  auto* net = dynamic_cast<DirectionNet<float>*>(&model.op());
  NOPAL_CHECK(net, "option -start: ", start, " holds the operator ", model.op().name(),
              ", expected direction_net");
  t.system.dimension = static_cast<int>(net->options().dimension);
  if (comm.rank() == 0)
    std::printf(
        "direction_net with %lld parameters, matrices of %s points an axis in %d "
        "dimensions, %d rank%s\n",
        static_cast<long long>(count(net->parameters())), sizes_of(t).c_str(), t.system.dimension,
        comm.size(), comm.size() == 1 ? "" : "s");
  t.trained = !start.empty();
  t.progress_seconds = 5;
  t.progress = [](const std::string& line) {
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
  };
  const DirectionTrainResult result = train_direction(*net, t, comm);
  record_provenance(model, t, result, start);
  model.save(out, comm);
  if (comm.rank() == 0)
    std::printf("%s: an iteration leaves %.3f of the residual on validation matrices\n",
                out.c_str(), result.rate);
  return 0;
}

}  // namespace nopal::tools
