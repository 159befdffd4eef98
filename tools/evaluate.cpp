// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "commands.hpp"
#include "common.hpp"

#include <nopal/core/runtime.hpp>
#include <nopal/io/atomic_file.hpp>
#include <nopal/io/json_text.hpp>
#include <nopal/operators/baselines.hpp>
#include <nopal/operators/rollout.hpp>
#include <nopal/train/evaluation.hpp>

#include <cstdio>
#include <optional>

namespace nopal::tools {
namespace {

struct Row {
  std::string name;
  Summary l2, h1;
};

nlohmann::json to_json(const Summary& s) {
  return {{"mean", s.mean}, {"median", s.median}, {"max", s.largest}};
}

void print_table(const std::string& title, const std::vector<Row>& rows) {
  std::printf("\n%s\n\n%-36s %9s %9s %9s %9s\n", title.c_str(), "", "L2 mean", "L2 median",
              "L2 max", "H1 mean");
  for (const Row& row : rows)
    std::printf("%-36s %9.5f %9.5f %9.5f %9.5f\n", row.name.c_str(), row.l2.mean, row.l2.median,
                row.l2.largest, row.h1.mean);
}

}  // namespace

int evaluate_command(Options& options, const Communicator& comm) {
  const std::string model_file = options.required("model_file", "FILE", "model (safetensors)");
  const std::vector<std::string> files =
      options.texts("data", "FILE,...", "data files to judge by (HDF5)", true);
  const std::string training_file = options.text(
      "training", "", "FILE", "training data, to fit the mean field and the linear baseline");
  const std::int64_t batch = options.integer("batch", 16, "samples at a time on each rank", 1);
  const std::int64_t space_ranks =
      options.integer("space_ranks", 1, "ranks that divide the points of each field among them", 1);
  const Boundary boundary = options.choice("boundary", "one_sided", {"periodic", "one_sided"},
                                           "differences of H1 at the boundary") == "periodic"
                                ? Boundary::periodic
                                : Boundary::one_sided;
  const std::string json_file = options.text("json", "", "FILE", "write the table as JSON, too");
  if (!options.ready()) return 0;
  std::vector<NamedPath> inputs = {{"-model_file", model_file}, {"-training", training_file}};
  for (const std::string& file : files)
    inputs.push_back({"-data", file});
  options.check_files(inputs, {{"-json", json_file}});

  const RankGroups groups(comm, space_ranks);
  const Model<float> model = Model<float>::load(model_file, comm);
  const auto samples = [&](const std::string& file) {
    return samples_for(model.op().name(), model.op().configuration(), open_data(file, comm), true);
  };
  std::vector<std::shared_ptr<const Dataset<float>>> sets;
  for (const std::string& file : files) {
    sets.push_back(samples(file));
    const Shape input = with_samples(1, sets.back()->x_shape());
    try {
      model.op().check_inputs(std::span(&input, 1));
    } catch (const Error& error) {
      NOPAL_CHECK(false, model_file, " does not fit ", file, ": ", error.what());
    }
  }
  std::optional<MeanField<float>> mean;
  std::optional<LinearBaseline<float>> linear;
  Shape training_grid;
  if (!training_file.empty()) {
    const auto training = samples(training_file);
    training_grid = training->x_shape();
    comm.together([&] {
      mean.emplace(*training);
      linear.emplace(*training);
    });
  }

  nlohmann::json report = {{"model", model_file},
                           {"operator", model.op().name()},
                           {"parameters", count(model.op().parameters())},
                           {"training", training_file},
                           {"nopal_version", version()},
                           {"nopal_commit", commit()},
                           {"build", build_configuration()},
                           {"ranks", comm.size()},
                           {"results", nlohmann::json::array()}};
  for (const auto& set : sets) {
    std::vector<Row> rows;
    const auto add = [&](const std::string& name, const SampleErrors& errors) {
      rows.push_back({name, summarise(errors.l2), summarise(errors.h1)});
    };
    // Roll-outs go as far as the data.
    const bool rolls = model.op().name() == "rollout";
    const std::int64_t steps =
        rolls ? set->y_shape()[-1] / RolloutOptions::from_json(model.op().configuration()).variables
              : 0;
    const Model<float> longer = rolls ? with_steps(model, steps) : Model<float>();
    const Model<float>& judged = rolls ? longer : model;
    add(model.op().name(), sample_errors<float>(judged, set, batch, boundary, groups));
    if (linear) {
      const std::string where =
          set->x_shape() == training_grid ? "" : ", from " + grid_text(training_grid);
      // These are made of whole fields.
      const auto add_baseline = [&](const std::string& name, const Predictor<float>& predict) {
        add(name + where, sample_errors(predict, *set, batch, boundary, RankGroups(comm)));
      };
      add_baseline("linear baseline, rank " + std::to_string(linear->rank()),
                   [&](const Tensor<float>& x) { return linear->predict(x); });
      add_baseline("mean field", [&](const Tensor<float>& x) { return mean->predict(x); });
    }
    const std::string title = "Relative errors on " + set->description() + ": " +
                              std::to_string(set->size()) + " samples, " +
                              grid_text(set->x_shape());
    if (comm.rank() == 0) print_table(title, rows);
    nlohmann::json entry = {{"data", set->description()},
                            {"samples", set->size()},
                            {"grid", grid_text(set->x_shape())},
                            {"rows", nlohmann::json::array()}};
    for (const Row& row : rows)
      entry["rows"].push_back(
          {{"name", row.name}, {"relative_l2", to_json(row.l2)}, {"relative_h1", to_json(row.h1)}});
    report["results"].push_back(entry);
  }
  if (comm.rank() == 0 && linear)
    std::printf("\nBaselines on a grid other than that of the training data are interpolated.\n");
  if (!json_file.empty())
    comm.together([&] {
      if (comm.rank() == 0) write_file_atomically(json_file, json_text(report, 2) + "\n");
    });
  return 0;
}

}  // namespace nopal::tools
