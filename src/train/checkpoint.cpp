// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/io/json_text.hpp>

#include "train/checkpoint.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>

namespace nopal::detail {
namespace {

using Json = nlohmann::json;

constexpr int checkpoint_version = 1;
const std::string optimizer_prefix = "checkpoint.optimizer.";
const std::string best_prefix = "checkpoint.best.";
const std::string average_prefix = "checkpoint.average.";
const std::string history_name = "checkpoint.history";

bool same(const FileTensor& a, const FileTensor& b) {
  return a.dtype == b.dtype && a.shape == b.shape && a.bytes == b.bytes;
}

}  // namespace

std::string first_difference(const Json& there, const Json& here, const std::string& path) {
  if (there == here) return "";
  if (there.is_object() && here.is_object()) {
    const auto inner = [&](const std::string& key) {
      return path.empty() ? key : path + '.' + key;
    };
    for (const auto& [key, value] : there.items()) {
      if (!here.contains(key))
        return inner(key) + " is " + json_text(value) + " there, absent here";
      std::string difference = first_difference(value, here[key], inner(key));
      if (!difference.empty()) return difference;
    }
    for (const auto& [key, value] : here.items())
      if (!there.contains(key))
        return inner(key) + " is absent there, " + json_text(value) + " here";
  }
  return path + " is " + json_text(there) + " there, " + json_text(here) + " here";
}

template <class T>
SafetensorsFile to_checkpoint(const Model<T>& model, const TrainingState<T>& state,
                              const Json& identity) {
  SafetensorsFile file = model.to_file();
  for (const auto& [name, tensor] : state.optimizer)
    file.tensors[optimizer_prefix + name] = FileTensor::from_tensor(tensor);
  const auto tensors = state_tensors(model.op());
  for (std::size_t i = 0; i < state.best.size(); ++i)
    file.tensors[best_prefix + tensors[i].name] = FileTensor::from_tensor(state.best[i]);
  for (std::size_t i = 0; i < state.average.size(); ++i)
    file.tensors[average_prefix + tensors[i].name] = FileTensor::from_tensor(state.average[i]);
  std::vector<double> table;
  for (const auto& row : state.history.rows)
    table.insert(table.end(), row.begin(), row.end());
  if (!table.empty())
    file.tensors[history_name] = FileTensor::from_tensor(
        Tensor<double>::from_host({static_cast<std::int64_t>(state.history.rows.size()),
                                   static_cast<std::int64_t>(state.history.columns.size())},
                                  table));
  Json header{{"version", checkpoint_version},
              {"identity", identity},
              {"epoch", state.epoch},
              {"batch", state.batch},
              {"loss", state.loss},
              {"seconds", state.seconds},
              {"epoch_seconds", state.epoch_seconds},
              {"best_epoch", state.best_epoch},
              {"columns", state.history.columns},
              {"schedule", state.schedule}};
  if (std::isfinite(state.best_error)) header["best_error"] = state.best_error;  // no inf in JSON
  file.metadata["checkpoint"] = json_text(header);
  return file;
}

namespace {

template <class T>
TrainingState<T> parse(const SafetensorsFile& file, const std::string& path, Model<T>& model,
                       const Json& identity) {
  const auto entry = file.metadata.find("checkpoint");
  NOPAL_CHECK(
      entry != file.metadata.end(), path,
      ": not a checkpoint, its metadata has no \"checkpoint\"; choose another path or do not "
      "resume");
  const Json header = Json::parse(entry->second, nullptr, false);
  NOPAL_CHECK(header.is_object() && header.value("version", 0) == checkpoint_version, path,
              ": the checkpoint is not of version ", checkpoint_version);
  const std::string difference = first_difference(header.at("identity"), identity);
  NOPAL_CHECK(difference.empty(), path, ": cannot resume, ", difference,
              "; use what the checkpoint was made with, or another checkpoint path");

  // What training changes is read, everything else in the model file must be as it is here.
  const auto trained = state_tensors(model.op());
  const auto is_trained = [&](const std::string& name) {
    return std::any_of(trained.begin(), trained.end(),
                       [&](const auto& tensor) { return tensor.name == name; });
  };
  const auto stored = [&](const std::string& name) -> const FileTensor& {
    const auto tensor = file.tensors.find(name);
    NOPAL_CHECK(tensor != file.tensors.end(), path, ": the checkpoint has no tensor \"", name,
                "\"");
    return tensor->second;
  };
  const auto read = [&](const std::string& name, const Tensor<T>& target) {
    const FileTensor& tensor = stored(name);
    NOPAL_CHECK(tensor.shape == target.shape(), path, ": tensor \"", name, "\" has shape ",
                tensor.shape, ", the model's has ", target.shape());
    target.copy_from(tensor.to_tensor<T>());
  };
  const SafetensorsFile here = model.to_file();
  for (const auto& [name, tensor] : here.tensors)
    NOPAL_CHECK(is_trained(name) || same(stored(name), tensor), path, ": cannot resume, \"", name,
                "\" differs: the normalisers were fitted on other data");
  for (const auto& [name, tensor] : file.tensors)
    NOPAL_CHECK(here.tensors.count(name) || name.rfind("checkpoint.", 0) == 0, path,
                ": cannot resume, \"", name, "\" is there, absent here");
  for (const auto& [name, value] : trained)
    read(name, value);

  TrainingState<T> state;
  header.at("epoch").get_to(state.epoch);
  header.at("batch").get_to(state.batch);
  header.at("loss").get_to(state.loss);
  header.at("seconds").get_to(state.seconds);
  header.at("epoch_seconds").get_to(state.epoch_seconds);
  header.at("best_epoch").get_to(state.best_epoch);
  header.at("columns").get_to(state.history.columns);
  state.best_error = header.value("best_error", state.best_error);
  state.schedule = header.at("schedule");
  const auto read_all = [&](const std::string& prefix, std::vector<Tensor<T>>& tensors) {
    if (!file.tensors.count(prefix + trained.front().name)) return;
    for (const auto& [name, value] : trained)
      read(prefix + name, tensors.emplace_back(value.shape()));
  };
  read_all(best_prefix, state.best);
  read_all(average_prefix, state.average);
  for (const auto& [name, tensor] : file.tensors)
    if (name.rfind(optimizer_prefix, 0) == 0)
      state.optimizer[name.substr(optimizer_prefix.size())] = tensor.template to_tensor<T>();
  if (const auto table = file.tensors.find(history_name); table != file.tensors.end()) {
    const Tensor<double> rows = table->second.to_tensor<double>();
    const std::size_t width = state.history.columns.size();
    NOPAL_CHECK(rows.rank() == 2 && rows.extent(1) == static_cast<std::int64_t>(width), path,
                ": the history of the checkpoint has shape ", rows.shape(), " for ", width,
                " columns");
    const std::vector<double> values = rows.to_vector();
    for (std::size_t i = 0; i < values.size(); i += width)
      state.history.rows.emplace_back(values.begin() + static_cast<std::ptrdiff_t>(i),
                                      values.begin() + static_cast<std::ptrdiff_t>(i + width));
  }
  return state;
}

}  // namespace

template <class T>
TrainingState<T> from_checkpoint(const SafetensorsFile& file, const std::string& path,
                                 Model<T>& model, const Json& identity) {
  try {
    return parse(file, path, model, identity);
  } catch (const Json::exception& error) {
    NOPAL_CHECK(false, path, ": the checkpoint is damaged: ", error.what());
  }
}

template <class T>
void save_checkpoint(const std::string& path, const Model<T>& model, const TrainingState<T>& state,
                     const Json& identity, const Communicator& comm) {
  comm.together([&] {
    if (comm.rank() > 0) return;
    for (const auto& [name, value] : state_tensors(model.op()))
      NOPAL_CHECK(all_finite(value), "parameter \"", name, "\" is not finite after epoch ",
                  state.epoch, ", batch ", state.batch,
                  "; the last checkpoint stays as it is. Try a smaller learning rate or clip_norm");
    write_safetensors(path, to_checkpoint(model, state, identity));
  });
}

template <class T>
std::optional<TrainingState<T>> load_checkpoint(const std::string& path, Model<T>& model,
                                                const Json& identity, const Communicator& comm) {
  if (!comm.any(comm.rank() == 0 && std::filesystem::exists(path))) return std::nullopt;
  return from_checkpoint(load_safetensors(path, comm), path, model, identity);
}

#define NOPAL_INSTANTIATE(T)                                                                     \
  template void save_checkpoint<T>(const std::string&, const Model<T>&, const TrainingState<T>&, \
                                   const Json&, const Communicator&);                            \
  template std::optional<TrainingState<T>> load_checkpoint<T>(const std::string&, Model<T>&,     \
                                                              const Json&, const Communicator&); \
  template SafetensorsFile to_checkpoint<T>(const Model<T>&, const TrainingState<T>&,            \
                                            const Json&);                                        \
  template TrainingState<T> from_checkpoint<T>(const SafetensorsFile&, const std::string&,       \
                                               Model<T>&, const Json&);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal::detail
