// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "commands.hpp"
#include "common.hpp"

#include <nopal/data/array_file.hpp>
#include <nopal/data/published_dataset.hpp>
#include <nopal/io/json_text.hpp>
#include <nopal/io/safetensors.hpp>
#include <nopal/operators/model.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>

namespace nopal::tools {
namespace {

using Json = nlohmann::json;

Json to_json(const Shape& shape) {
  return std::vector<std::int64_t>(shape.begin(), shape.end());
}

// Whether a file is one of arrays rather than of weights; what is no file is refused by the reader
// of those.
bool holds_arrays(const std::string& path) {
  // Opening a pipe would wait for a writer.
  std::error_code failed;
  if (!std::filesystem::is_regular_file(path, failed)) return false;
  // Whatever is in it: that is a damaged file of weights.
  if (path.ends_with(".safetensors")) return false;
  std::ifstream in(path, std::ios::binary);
  char first[9] = {};
  in.read(first, 9);
  if (in.gcount() < 9) return false;
  // A safetensors file begins with the length of its header, and this.
  return first[8] != '{' || std::string(first, 6) == "\x93NUMPY";
}

// Range, mean and deviation over samples, in one pass.
struct Statistics {
  double low = INFINITY, high = -INFINITY, sum = 0, squares = 0, entries = 0;

  void add(const Tensor<float>& fields) {
    for (const float value : fields.to_vector()) {
      low = std::min(low, double(value));
      high = std::max(high, double(value));
      sum += value;
      squares += double(value) * value;
      entries += 1;
    }
  }
  Json json() const {
    const double mean = sum / entries;
    return {{"min", low},
            {"max", high},
            {"mean", mean},
            {"deviation", std::sqrt(std::max(0.0, squares / entries - mean * mean))}};
  }
};

Json describe_data(const std::string& path, bool all) {
  const Hdf5Dataset<float> data(path);
  Json json = {{"kind", "data"},
               {"samples", data.size()},
               {"x", {{"shape", to_json(data.x_shape())}}},
               {"y", {{"shape", to_json(data.y_shape())}}},
               {"attributes", data.attributes()}};
  const std::int64_t count = all ? data.size() : std::min<std::int64_t>(data.size(), 64);
  Statistics x, y;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto [xs, ys] = read_samples(data, i, 1);
    x.add(xs);
    y.add(ys);
  }
  json["samples_read"] = count;
  json["x"].update(x.json());
  json["y"].update(y.json());
  return json;
}

// A data set of nopal's own has x and y with channels, others are listed.
bool is_data_set(const ArrayFile& file) {
  const FileArray *x = file.find("x"), *y = file.find("y");
  return file.format() == "HDF5" && x && y && x->type != "bool" && y->type != "bool" &&
         x->shape.size() == y->shape.size() && x->shape.size() >= 2 && file.arrays().size() == 2;
}

Json describe_arrays(const std::string& path, const ArrayFile& file) {
  Json json = {{"kind", "arrays"}, {"format", file.format()}, {"arrays", Json::array()}};
  for (const FileArray& array : file.arrays())
    json["arrays"].push_back({{"name", array.name}, {"type", array.type}, {"shape", array.shape}});
  if (!file.attributes().empty()) json["attributes"] = file.attributes();
  try {
    const PublishedDataset<float> data(path);
    json["layout"] = {{"name", data.layout()},
                      {"samples", data.size()},
                      {"x", {{"shape", to_json(data.x_shape())}}},
                      {"y", {{"shape", to_json(data.y_shape())}}},
                      {"convert", "nopal convert -data " + path + " -out FILE"}};
    const auto attributes = data.attributes();
    for (const char* side : {"x", "y"})
      if (const auto names = attributes.find(std::string(side) + "_channels");
          names != attributes.end())
        json["layout"][side]["channels"] = names->second;
  } catch (const Error& error) {
    json["layout"] = error.what();
  }
  return json;
}

Json describe_file_of_arrays(const std::string& path, bool all) {
  const auto file = ArrayFile::open(path);
  return is_data_set(*file) ? describe_data(path, all) : describe_arrays(path, *file);
}

Json describe_tensors(const SafetensorsFile& file) {
  Json tensors = Json::array();
  for (const auto& [name, tensor] : file.tensors)
    tensors.push_back({{"name", name}, {"type", tensor.dtype}, {"shape", to_json(tensor.shape)}});
  return tensors;
}

Json describe_safetensors(const std::string& path) {
  const SafetensorsFile file = read_safetensors(path);
  Json json = {{"kind", "safetensors"}, {"tensors", describe_tensors(file)}};
  Json metadata = Json::object();
  for (const auto& [key, value] : file.metadata) {
    const Json parsed = value.starts_with("{") ? Json::parse(value, nullptr, false)
                                               : Json(Json::value_t::discarded);
    metadata[key] = parsed.is_discarded() ? Json(value) : parsed;
  }
  if (file.metadata.contains("checkpoint")) {
    // The state of training is long; what one wants to know is how far it came.
    json["kind"] = "checkpoint";
    Json& state = metadata["checkpoint"];
    if (state.is_object())
      for (const char* longwinded : {"history", "identity"})
        state.erase(longwinded);
  } else if (file.metadata.contains("operator")) {
    const Model<float> model = Model<float>::from_file(file, path);
    json["kind"] = "model";
    json["parameters"] = count(model.op().parameters());
    const auto normaliser = [](const Normaliser<float>& n) {
      return n.identity() ? Json("none") : n.mean().rank() == 1 ? Json("channel") : Json("point");
    };
    json["input_normaliser"] = normaliser(model.input_normaliser());
    json["output_normaliser"] = normaliser(model.output_normaliser());
  }
  json["metadata"] = metadata;
  return json;
}

// Names and texts in a file may hold anything, escape sequences included.
std::string on_terminal(const std::string& text) {
  return printable(text, std::string::npos);
}

std::string text(const Json& value) {
  if (value.is_string()) return on_terminal(value.get<std::string>());
  if (!value.is_number_float()) return on_terminal(json_text(value));
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.6g", value.get<double>());
  return buffer;
}

void print(const Json& json, int indent) {
  std::size_t width = 0;
  for (const auto& [key, value] : json.items())
    width = std::max(width, key.size());
  for (const auto& [key, value] : json.items()) {
    const std::string name = std::string(static_cast<std::size_t>(indent), ' ') + on_terminal(key);
    const int column = indent + static_cast<int>(width) + 2;
    if (key == "tensors" || key == "arrays") {
      std::printf("%s\n", name.c_str());
      for (const auto& tensor : value) {
        std::string shape;
        for (const auto& extent : tensor["shape"])
          shape += (shape.empty() ? "" : " x ") + extent.dump();
        std::printf("%*s%-44s %s  %s\n", indent + 2, "", text(tensor["name"]).c_str(),
                    text(tensor["type"]).c_str(), shape.c_str());
      }
    } else if (value.is_object() && !value.empty()) {
      std::printf("%s\n", name.c_str());
      print(value, indent + 2);
    } else {
      std::printf("%-*s%s\n", column, name.c_str(), text(value).c_str());
    }
  }
}

}  // namespace

int inspect_command(Options& options, const Communicator& comm) {
  const bool as_json = options.flag("json", false, "print JSON");
  const bool all = options.flag("all", false, "data: read all samples, not just the first 64");
  const std::string file = options.positional(
      "FILE",
      "model, checkpoint, data file, or arrays of another program (HDF5, MATLAB, npz, npy)");
  if (!options.ready()) return 0;
  options.check_files({{"FILE", file}}, {});
  comm.together([&] {
    if (comm.rank() > 0) return;
    Json json =
        holds_arrays(file) ? describe_file_of_arrays(file, all) : describe_safetensors(file);
    json["file"] = file;
    json["bytes"] = std::filesystem::file_size(file);
    if (as_json)
      std::printf("%s\n", json_text(json, 2).c_str());
    else
      print(json, 0);
  });
  return 0;
}

}  // namespace nopal::tools
