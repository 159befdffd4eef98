// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "commands.hpp"
#include "common.hpp"

#include <nopal/core/runtime.hpp>
#include <nopal/data/published_dataset.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace nopal::tools {
namespace {

constexpr const char* layouts_note =
    "-data FILE is read as it is published: PDEBench and The Well (HDF5), FNO's files (MATLAB), or "
    "arrays\nx and y of an npz, mat or HDF5 file; `nopal inspect FILE` says what it is. Other "
    "arrays are named\n(-x_array, -y_array). Of time series the first frames are inputs, those "
    "after them outputs.";
constexpr const char* axes_rule =
    "Axes of arrays that are named: (N, X1), (N, X1, X2) and, with -dimension 3, (N, X1, X2, X3) "
    "are fields\nof one channel; (N, X1, X2, C) and (N, X1, X2, X3, C) have channels last, or with "
    "-channels_first\nsecond.";

struct ConvertRequest {
  std::string data, x_file, y_file, out;
  PublishedOptions options;
  std::int64_t samples = 0;
};

// Samples that a rank holds at a time.
template <class T>
std::int64_t block_of(const Dataset<T>& data) {
  constexpr double most_numbers = double(1 << 23);
  const double sample =
      static_cast<double>(data.x_shape().size()) + static_cast<double>(data.y_shape().size());
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(most_numbers / sample));
}

// Arrays do not say which axis has the channels: an unlikely reading is worth a word.
void note_axes(const char* side, const Shape& shape) {
  const std::int64_t channels = shape[-1];
  std::int64_t fewest = shape[0];
  for (int a = 1; a < shape.rank() - 1; ++a)
    fewest = std::min(fewest, shape[a]);
  if (channels <= 4 || (channels < 16 && fewest > 4)) return;
  std::printf(
      "note: the last axis of %s, of %lld, was taken for channels, and %lld for the points "
      "of an axis; if it is not so: -channels_first, -dimension (nopal convert -help)\n",
      side, static_cast<long long>(channels), static_cast<long long>(fewest));
}

template <class T>
void convert(const ConvertRequest& request, const Communicator& comm) {
  std::shared_ptr<const PublishedDataset<T>> data;
  std::map<std::string, std::string> attributes;
  comm.together([&] {
    if (request.data.empty()) {
      data = std::make_shared<PublishedDataset<T>>(request.x_file, request.y_file, request.options);
      attributes = {{"x_file", request.x_file}, {"y_file", request.y_file}};
      return;
    }
    data = std::make_shared<PublishedDataset<T>>(request.data, request.options);
    attributes = data->attributes();
    NOPAL_CHECK(!attributes.contains("nopal_version"), request.data,
                ": is a data set of nopal's own already");
    attributes["file"] = request.data;
  });
  attributes["nopal_version"] = version();
  attributes["nopal_commit"] = commit();
  comm.together([&] {
    NOPAL_CHECK(request.samples <= data->size(), "-n ", request.samples, ": there are only ",
                data->size(), " samples");
  });
  const std::int64_t samples = request.samples > 0 ? request.samples : data->size();
  Hdf5Writer<T> writer(request.out, samples, data->x_shape(), data->y_shape(), comm);
  for (const auto& [name, text] : attributes)
    writer.attribute(name, text);

  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  auto last = begin;
  const Slab mine = slab(samples, comm.rank(), comm.size());
  comm.together([&] {
    const std::int64_t block = block_of<T>(*data);
    for (std::int64_t done = 0; done < mine.count; done += block) {
      const std::int64_t count = std::min(block, mine.count - done);
      const auto [x, y] = read_samples<T>(*data, mine.first + done, count);
      writer.write(mine.first + done, x, y);
      const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
      if (comm.rank() > 0 || Clock::now() - last < std::chrono::seconds(5)) continue;
      last = Clock::now();
      const auto share = static_cast<double>(done + count) / static_cast<double>(mine.count);
      std::printf("%3.0f %%, %.0f s left\n", 100 * share, seconds * (1 - share) / share);
      std::fflush(stdout);
    }
  });
  writer.close();
  if (comm.rank() > 0) return;
  std::printf("%s: %lld samples, %s, %lld input and %lld output channels\n", request.out.c_str(),
              static_cast<long long>(samples), grid_text(data->x_shape()).c_str(),
              static_cast<long long>(data->x_shape()[-1]),
              static_cast<long long>(data->y_shape()[-1]));
  if (data->layout() != "pairs" || request.options.channels_first) return;
  note_axes("x", data->x_shape());
  note_axes("y", data->y_shape());
}

}  // namespace

int convert_command(Options& options, const Communicator& comm) {
  ConvertRequest request;
  PublishedOptions& o = request.options;
  request.data = options.text("data", "", "FILE", "inputs and outputs: HDF5, MATLAB, npz");
  request.x_file = options.text("x", "", "FILE", "inputs alone: npy, npz, MATLAB, HDF5");
  request.y_file = options.text("y", "", "FILE", "outputs alone");
  o.x_array = options.text("x_array", "", "NAME", "array of the inputs, if there are several");
  o.y_array = options.text("y_array", "", "NAME", "array of the outputs, if there are several");
  request.out = options.required("out", "FILE", "data file to write (HDF5)");
  request.samples = options.integer("n", 0, "samples, from the first on; 0: all", 0);
  o.input_frames =
      options.integer("input_frames", 0, "frames of a time series in the input; 0: the usual", 0);
  o.output_frames = options.integer("output_frames", 0, "those in the output; 0: all others", 0);
  o.time_stride = options.integer("time_stride", 1, "take every so many frames", 1);
  o.space_stride = options.integer("space_stride", 1, "take every so many points of each axis", 1);
  o.dimension = options.integer("dimension", 0,
                                "space dimensions of named arrays, 0: by the number of axes", 0);
  o.channels_first = options.flag("channels_first", false, "channels are the second axis");
  const bool single = options.choice("precision", "single", {"single", "double"},
                                     "numbers in the file") == "single";
  options.note(layouts_note);
  options.note(axes_rule);
  if (request.data.empty() == (request.x_file.empty() && request.y_file.empty()) ||
      request.x_file.empty() != request.y_file.empty())
    options.fail("expected -data FILE, or -x FILE and -y FILE");
  else if (request.data.empty())
    for (const auto& [name, given] : {std::pair("input_frames", o.input_frames > 0),
                                      std::pair("time_stride", o.time_stride > 1),
                                      std::pair("output_frames", o.output_frames > 0),
                                      std::pair("space_stride", o.space_stride > 1)})
      if (given) options.fail(std::string("option -") + name + " is for -data FILE");
  if (!options.ready()) return 0;
  if (request.data.empty())
    options.check_files({{"-x", request.x_file}, {"-y", request.y_file}}, {{"-out", request.out}});
  else
    options.check_files({{"-data", request.data}}, {{"-out", request.out}});
  single ? convert<float>(request, comm) : convert<double>(request, comm);
  return 0;
}

}  // namespace nopal::tools
