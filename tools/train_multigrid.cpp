// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "commands.hpp"
#include "common.hpp"

#include <nopal/operators/model.hpp>
#include <nopal/train/multigrid_training.hpp>

#include <nlohmann/json.hpp>

#include <cstdio>

namespace nopal::tools {
namespace {

void record_provenance(Model<float>& model, const MultigridTrainOptions& options,
                       const MultigridTrainResult& result) {
  std::string kinds;
  for (const std::string& kind : options.kinds)
    kinds += (kinds.empty() ? "" : ",") + kind;
  const auto number = [](double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.6g", value);
    return std::string(text);
  };
  auto& provenance = model.provenance();
  provenance["matrices"] = std::to_string(options.matrices) + " of " + kinds;
  provenance["points"] = "at most " + std::to_string(options.points) + " an axis";
  provenance["contrast"] = "at most " + number(options.contrast);
  provenance["seed"] = std::to_string(options.seed);
  provenance["steps"] = std::to_string(options.steps);
  provenance["best_step"] = std::to_string(result.best_step);
  provenance["rate_of_a_cycle_before"] = number(result.rate_before);
  provenance["rate_of_a_cycle"] = number(result.rate);
}

}  // namespace

int train_multigrid_command(Options& options, const Communicator& comm) {
  MultigridTrainOptions t;
  options.choice("model", "multigrid", operator_names(), "operator to train");
  const std::string out = options.required("out", "FILE", "model to write (safetensors)");
  const nlohmann::json given =
      options.configuration("multigrid_", LearnedMultigridOptions().to_json(), "Model multigrid");
  options.section("Training matrices, -div(k grad u) by finite volumes");
  if (auto kinds =
          options.texts("kinds", "NAME,...", "poisson, lognormal, jumps, cells, anisotropic [all]");
      !kinds.empty() && !kinds.front().empty())
    t.kinds = kinds;
  t.points = options.integer("points", t.points, "points an axis, at most", 16);
  t.contrast = options.real("contrast", t.contrast, "largest ratio of coefficients", 1);
  t.matrices = options.integer("matrices", t.matrices, "that steps draw from", 1);
  t.validation = options.integer("validation", t.validation, "that choose the best weights", 1);
  options.section("Training");
  t.steps = options.integer("steps", t.steps, "of the optimiser", 0);
  t.batch = options.integer("batch", t.batch, "matrices a step, over all ranks", 1);
  t.cycles = static_cast<int>(options.integer("cycles", t.cycles, "whose rate is the loss", 1));
  t.learning_rate = options.real("learning_rate", t.learning_rate, "first step size of Adam", 0);
  t.validation_interval =
      options.integer("validation_interval", t.validation_interval, "steps between", 1);
  t.seed = static_cast<std::uint64_t>(
      options.integer("seed", 0, "of first weights, matrices and errors", 0));
  LearnedMultigridOptions shape;
  try {
    shape = LearnedMultigridOptions::from_json(given);
  } catch (const Error& error) {
    options.fail(error.what());
  }
  if (!options.ready()) return 0;
  options.check_files({}, {{"-out", out}});

  const bool speaks = comm.rank() == 0;
  auto op = std::make_unique<LearnedMultigrid<float>>(shape, t.seed);
  LearnedMultigrid<float>& multigrid = *op;
  Model<float> model(std::move(op));
  if (speaks)
    std::printf("multigrid with %lld parameters, %lld matrices in %lld dimensions, %d rank%s\n",
                static_cast<long long>(count(multigrid.parameters())),
                static_cast<long long>(t.matrices), static_cast<long long>(shape.dimension),
                comm.size(), comm.size() == 1 ? "" : "s");
  t.progress = [](const std::string& line) {
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
  };
  const MultigridTrainResult result = train_multigrid(multigrid, t, comm);
  record_provenance(model, t, result);
  model.save(out, comm);
  if (speaks)
    std::printf("%s: step %lld, error of a cycle times %.4f on validation matrices, %.4f before\n",
                out.c_str(), static_cast<long long>(result.best_step), result.rate,
                result.rate_before);
  return 0;
}

}  // namespace nopal::tools
