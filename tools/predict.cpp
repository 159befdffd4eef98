// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "commands.hpp"
#include "common.hpp"
#include "figures.hpp"

#include <nopal/comm/exchange.hpp>
#include <nopal/comm/field_part.hpp>
#include <nopal/core/runtime.hpp>
#include <nopal/operators/rollout.hpp>
#include <nopal/train/evaluation.hpp>

#include <algorithm>
#include <cstdio>
#include <set>

namespace nopal::tools {
namespace {

void check_samples(const std::vector<std::int64_t>& samples, const Hdf5Dataset<float>& data) {
  std::set<std::int64_t> given;
  for (const std::int64_t sample : samples) {
    NOPAL_CHECK(sample >= 0 && sample < data.size(), "option -samples: ", data.description(),
                " has ", data.size(), " samples, counted from 0; got ", sample);
    NOPAL_CHECK(given.insert(sample).second, "option -samples: sample ", sample, " comes twice");
  }
}

// Whole fields for whole inputs. Where a group of ranks divides the points, all of it must call,
// and its first rank gets the fields, the others nothing.
class DividedPredictor {
 public:
  DividedPredictor(const Model<float>& model, const Dataset<float>& data, const RankGroups& groups)
      : model_(model), groups_(groups) {
    if (!groups.divided()) return;
    grid_ = groups.grid(model.op(), data.x_shape());
    gather_ = redistribution<float>(grid_, grid_.gather());
  }

  Tensor<float> operator()(const Tensor<float>& x) const {
    if (!groups_.divided()) return model_.predict(x);
    const Tensor<float> part = model_.predict(field_part(x, grid_.box()), grid_);
    const Tensor<float> result(gather_.box().field(part.extent(0), part.shape()[-1]));
    gather_.start(part, result);
    gather_.finish(result);
    return result;
  }

 private:
  const Model<float>& model_;
  const RankGroups& groups_;
  Grid grid_;
  Exchange<float> gather_;
};

// The predictions for all inputs, as a data file; each group of ranks its own samples.
void write_predictions(const std::string& out, const DividedPredictor& predict,
                       const std::string& model_file, const Hdf5Dataset<float>& data,
                       const Shape& y_shape, std::int64_t batch, const RankGroups& groups) {
  Hdf5Writer<float> writer(out, data.size(), data.x_shape(), y_shape, groups.all());
  writer.attribute("content", "x: inputs, y: predictions");
  writer.attribute("model", model_file);
  writer.attribute("inputs", data.description());
  writer.attribute("nopal_version", version());
  writer.attribute("nopal_commit", commit());
  const Slab mine = slab(data.size(), groups.group(), groups.groups());
  groups.all().together([&] {
    for (std::int64_t done = 0; done < mine.count; done += batch) {
      const std::int64_t first = mine.first + done;
      Tensor<float> x;
      groups.space().together(
          [&] { x = read_samples(data, first, std::min(batch, mine.count - done)).first; });
      const Tensor<float> y = predict(x);
      groups.space().together([&] {
        NOPAL_CHECK(all_finite(y), model_file, ": not all predictions for samples ", first, " to ",
                    first + x.extent(0) - 1, " of ", data.description(), " are finite; nothing is ",
                    "written");
        if (groups.space().rank() == 0) writer.write(first, x, y);
      });
    }
  });
  writer.close();
}

Tensor<float> one(const Tensor<float>& fields) {
  return fields.reshape(Shape(fields.shape().begin() + 1, fields.shape().end()));
}

}  // namespace

int predict_command(Options& options, const Communicator& comm) {
  const std::string model_file = options.required("model_file", "FILE", "model (safetensors)");
  const std::string data_file = options.required("data", "FILE", "data with the inputs (HDF5)");
  const std::string out = options.text("out", "", "FILE", "predictions to write (HDF5)");
  const std::string figures = options.text("figures", "", "FOLDER", "pictures to draw (PNG)");
  const std::string vtk = options.text("vtk", "", "FOLDER", "fields to write (VTK .vti)");
  std::vector<std::int64_t> samples =
      options.integers("samples", "which samples to draw and write as VTK, from 0 [0,1,2]");
  const std::int64_t batch = options.integer("batch", 16, "samples at a time on each rank", 1);
  const std::int64_t space_ranks =
      options.integer("space_ranks", 1, "ranks that divide the points of each field among them", 1);
  const std::int64_t steps = options.integer("steps", 0, "frames of a rollout, 0: as trained", 0);
  if (out.empty() && figures.empty() && vtk.empty())
    options.fail("nothing to do: give -out FILE, -figures FOLDER or -vtk FOLDER");
  if (!options.ready()) return 0;
  options.check_files({{"-model_file", model_file}, {"-data", data_file}}, {{"-out", out}});

  const RankGroups groups(comm, space_ranks);
  Model<float> model = Model<float>::load(model_file, comm);
  if (steps > 0) model = with_steps(model, steps);
  const Set data = open_data(data_file, comm);
  const Shape input = with_samples(1, data->x_shape());
  try {
    model.op().check_inputs(std::span(&input, 1));
  } catch (const Error& error) {
    NOPAL_CHECK(false, model_file, " does not fit ", data_file, ": ", error.what());
  }
  check_samples(samples, *data);
  const Shape y_shape = output_shape(model.op(), *data, comm);
  NOPAL_CHECK(figures.empty() || y_shape[-1] <= most_channels_drawn, "option -figures: at most ",
              most_channels_drawn, " channels can be drawn, ", model_file, " predicts ",
              y_shape[-1], "; write them with -vtk");
  if (samples.empty())
    for (std::int64_t i = 0; i < std::min<std::int64_t>(3, data->size()); ++i)
      samples.push_back(i);
  for (const std::string& folder : {figures, vtk})
    if (!folder.empty()) make_folder(folder, comm);

  const DividedPredictor predict(model, *data, groups);
  if (!out.empty()) write_predictions(out, predict, model_file, *data, y_shape, batch, groups);
  // The few samples to look at are made by one group, and drawn by its first rank.
  comm.together([&] {
    if (groups.group() > 0 || (figures.empty() && vtk.empty())) return;
    for (const std::int64_t sample : samples) {
      const auto [x, y] = read_samples(*data, sample, 1);
      const Tensor<float> p = predict(x);
      if (comm.rank() > 0) continue;
      const bool comparable = p.shape() == y.shape();
      const Tensor<float> reference = comparable ? one(y) : Tensor<float>();
      std::string title = stem(data_file) + ", sample " + std::to_string(sample) + ", " +
                          grid_text(data->x_shape());
      if (comparable) {
        char error[64];
        std::snprintf(error, sizeof error, ": relative L2 error %.2f %%",
                      100 * relative_l2_errors(p, y).front());
        title += error;
      }
      std::string name = stem(data_file);
      name.append("_").append(std::to_string(sample));
      if (!figures.empty())
        draw_prediction(figures + "/" + name + ".png", title, one(x), reference, one(p));
      if (!vtk.empty()) write_prediction_vtk(vtk + "/" + name + ".vti", one(x), reference, one(p));
    }
  });
  if (comm.rank() == 0) {
    if (!out.empty())
      std::printf("%s: %lld predictions\n", out.c_str(), static_cast<long long>(data->size()));
    for (const std::string& folder : {figures, vtk})
      if (!folder.empty())
        std::printf("%s: %zu %s\n", folder.c_str(), samples.size(),
                    folder == figures ? "pictures" : "VTK files");
  }
  return 0;
}

}  // namespace nopal::tools
