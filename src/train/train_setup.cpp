// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/io/json_text.hpp>

#include "train/train_setup.hpp"

#include "data/dataset_checks.hpp"

#include <cmath>
#include <cstdio>
#include <cstring>
#include <set>

namespace nopal {
namespace detail {
namespace {

using Json = nlohmann::json;

Json to_json(const Shape& shape) {
  return std::vector<std::int64_t>(shape.begin(), shape.end());
}

// First and last sample as a checksum (FNV-1a): enough to tell one data set from another.
template <class T>
std::string fingerprint(const Dataset<T>& data) {
  const Tensor<T> x(with_samples(2, data.x_shape())), y(with_samples(2, data.y_shape()));
  const std::int64_t ends[2] = {0, data.size() - 1};
  data.read(ends, x, y);
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const Tensor<T>& tensor : {x, y}) {
    const std::vector<T> values = tensor.to_vector();
    const auto* bytes = reinterpret_cast<const unsigned char*>(values.data());
    for (std::size_t i = 0; i < values.size() * sizeof(T); ++i)
      hash = (hash ^ bytes[i]) * 0x100000001b3;
  }
  char text[20];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
  return text;
}

template <class T>
Json describe(const Dataset<T>& data) {
  return {{"samples", data.size()},
          {"x_shape", to_json(data.x_shape())},
          {"y_shape", to_json(data.y_shape())},
          {"checksum", fingerprint(data)}};
}

}  // namespace

template <class T>
std::vector<std::pair<std::string, std::shared_ptr<const Dataset<T>>>> evaluation_sets(
    const TrainData<T>& data) {
  std::vector<std::pair<std::string, std::shared_ptr<const Dataset<T>>>> sets;
  if (data.validation) sets.emplace_back("validation", data.validation);
  for (const auto& entry : data.evaluation)
    sets.push_back(entry);
  return sets;
}

template <class T>
std::vector<std::string> history_columns(const TrainData<T>& data) {
  std::vector<std::string> columns{"epoch", "learning_rate", "loss"};
  for (const auto& [name, set] : evaluation_sets(data)) {
    columns.push_back(name + "_l2");
    columns.push_back(name + "_h1");
  }
  columns.insert(columns.end(), {"samples_per_second", "seconds"});
  return columns;
}

template <class T>
void check_options(const TrainOptions& options, const TrainData<T>& data) {
  NOPAL_CHECK(options.epochs >= 0, "option -epochs: expected at least 0, got ", options.epochs);
  NOPAL_CHECK(options.batch > 0, "option -batch: expected at least 1, got ", options.batch);
  NOPAL_CHECK(options.evaluation_batch > 0, "option -evaluation_batch: expected at least 1, got ",
              options.evaluation_batch);
  NOPAL_CHECK(options.evaluation_interval > 0,
              "option -evaluation_interval: expected at least 1, got ",
              options.evaluation_interval);
  NOPAL_CHECK(options.clip_norm >= 0 && options.clip_value >= 0,
              "options -clip_norm and -clip_value: expected at least 0, got ", options.clip_norm,
              " and ", options.clip_value);
  NOPAL_CHECK(options.weight_averaging >= 0 && options.weight_averaging < 1,
              "option -weight_averaging: expected a decay in [0, 1), got ",
              options.weight_averaging);
  NOPAL_CHECK(options.patience >= 0, "option -patience: expected at least 0, got ",
              options.patience);
  NOPAL_CHECK(options.patience == 0 || data.validation,
              "option -patience: early stopping needs a validation set");
  NOPAL_CHECK(!options.resume || !options.checkpoint.empty(),
              "option -resume: expected a checkpoint path");
  const std::int64_t samples = data.training->size();
  NOPAL_CHECK(samples > 0, "the training set ", data.training->description(), " is empty");
  NOPAL_CHECK(!options.drop_last || samples >= options.batch,
              "option -drop_last: the training set has ", samples,
              " samples, less than a batch of ", options.batch);
  std::set<std::string> names;
  for (const auto& [name, set] : evaluation_sets(data)) {
    NOPAL_CHECK(set != nullptr && set->size() > 0, "the data set \"", name, "\" is empty");
    NOPAL_CHECK(!name.empty() && name.find_first_of(",\"\n") == std::string::npos &&
                    names.insert(name).second,
                "names of data sets must differ and have no comma or quote, got \"", name, "\"");
  }
}

template <class T>
void check_data(const Model<T>& model, const TrainData<T>& data, const RankGroups& groups) {
  const auto check = [&](const std::string& name, const Dataset<T>& set) {
    const Shape shape = with_samples(1, set.x_shape());
    try {
      model.op().check_inputs(std::span(&shape, 1));
      if (groups.divided()) groups.grid(model.op(), set.x_shape());
    } catch (const Error& error) {
      NOPAL_CHECK(false, "data set ", name, " (", set.description(), "): ", error.what());
    }
    const auto fits = [&](const char* fields, const Normaliser<T>& normaliser,
                          const Shape& sample) {
      if (normaliser.identity() || normaliser.mean().rank() == 1) return;
      NOPAL_CHECK(normaliser.mean().shape() == sample, "data set ", name, " (", set.description(),
                  "): ", fields, " are normalised by point, with statistics of shape ",
                  normaliser.mean().shape(), ", but here have shape ", sample,
                  "; normalise them by channel");
    };
    fits("inputs", model.input_normaliser(), set.x_shape());
    fits("outputs", model.output_normaliser(), set.y_shape());
    NOPAL_CHECK(set.y_shape()[-1] == data.training->y_shape()[-1], "data set ", name, " (",
                set.description(), "): y has shape ", set.y_shape(), ", that of the training set ",
                data.training->y_shape());
  };
  check("training", *data.training);
  for (const auto& [name, set] : evaluation_sets(data))
    check(name, *set);
}

template <class T>
Json identity(const Model<T>& model, const TrainData<T>& data, const TrainOptions& options,
              const Json& optimizer, const Json& schedule, bool custom_loss,
              const Communicator& comm) {
  std::string text;
  comm.together([&] {
    if (comm.rank() > 0) return;
    Json sets = Json::object();
    sets["training"] = describe(*data.training);
    for (const auto& [name, set] : evaluation_sets(data))
      sets[name] = describe(*set);
    text = json_text(sets);
  });
  return {{"model",
           {{"operator", model.op().name()},
            {"configuration", model.op().configuration()},
            {"precision", sizeof(T) == 4 ? "float" : "double"}}},
          {"data", Json::parse(comm.broadcast(text))},
          {"options",
           {{"batch", options.batch},
            {"drop_last", options.drop_last},
            {"seed", options.seed},
            {"loss", custom_loss ? "custom" : options.loss},
            {"boundary", options.boundary == Boundary::periodic ? "periodic" : "one_sided"},
            {"decode_loss", options.decode_loss},
            {"optimizer", options.optimizer},
            {"optimizer_options", optimizer},
            {"learning_rate", options.learning_rate},
            {"schedule", options.schedule},
            {"schedule_options", schedule},
            {"clip_norm", options.clip_norm},
            {"weight_averaging", options.weight_averaging},
            {"clip_value", options.clip_value},
            {"incremental",
             {{"rule", options.incremental.rule},
              {"start", options.incremental.start},
              {"step", options.incremental.step},
              {"interval", options.incremental.interval},
              {"tolerance", options.incremental.tolerance},
              {"buffer", options.incremental.buffer},
              {"strides", options.incremental.strides},
              {"stride_epochs", options.incremental.stride_epochs}}},
            {"evaluation_interval", options.evaluation_interval}}}};
}

template <class T>
void note_provenance(Model<T>& model, const TrainData<T>& data, const TrainOptions& options,
                     std::int64_t epochs, std::int64_t best_epoch, double validation_error) {
  auto& provenance = model.provenance();
  const auto note = [&](const std::string& key, const auto& value) {
    provenance[key] = concatenate(value);
  };
  note("training_data", data.training->description());
  note("training_samples", data.training->size());
  note("seed", options.seed);
  note("epochs", epochs);
  note("best_epoch", best_epoch);
  if (std::isfinite(validation_error)) note("validation_relative_l2", validation_error);
}

#define NOPAL_INSTANTIATE(T)                                                            \
  template std::vector<std::pair<std::string, std::shared_ptr<const Dataset<T>>>>       \
  evaluation_sets<T>(const TrainData<T>&);                                              \
  template std::vector<std::string> history_columns<T>(const TrainData<T>&);            \
  template void check_options<T>(const TrainOptions&, const TrainData<T>&);             \
  template void check_data<T>(const Model<T>&, const TrainData<T>&, const RankGroups&); \
  template Json identity<T>(const Model<T>&, const TrainData<T>&, const TrainOptions&,  \
                            const Json&, const Json&, bool, const Communicator&);       \
  template void note_provenance<T>(Model<T>&, const TrainData<T>&, const TrainOptions&, \
                                   std::int64_t, std::int64_t, double);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace detail

template <class T>
std::pair<std::shared_ptr<const Dataset<T>>, std::shared_ptr<const Dataset<T>>> validation_split(
    std::shared_ptr<const Dataset<T>> data, double fraction) {
  NOPAL_CHECK(fraction >= 0 && fraction < 1, "expected a validation fraction from 0 to 1, got ",
              fraction);
  if (fraction == 0) return {data, nullptr};
  const std::int64_t samples = data->size();
  const std::int64_t held = std::llround(fraction * static_cast<double>(samples));
  NOPAL_CHECK(held > 0 && held < samples, "a validation fraction of ", fraction, " of ", samples,
              " samples leaves ", held, " for validation and ", samples - held, " for training");
  return {std::make_shared<SubsetDataset<T>>(data, 0, samples - held),
          std::make_shared<SubsetDataset<T>>(data, samples - held, held)};
}

template std::pair<std::shared_ptr<const Dataset<float>>, std::shared_ptr<const Dataset<float>>>
validation_split<float>(std::shared_ptr<const Dataset<float>>, double);
template std::pair<std::shared_ptr<const Dataset<double>>, std::shared_ptr<const Dataset<double>>>
validation_split<double>(std::shared_ptr<const Dataset<double>>, double);

}  // namespace nopal
