// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "commands.hpp"
#include "common.hpp"

#include <nopal/core/runtime.hpp>
#include <nopal/data/array_file.hpp>
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

std::int64_t dimension_of(const Shape& shape, std::int64_t given) {
  if (given > 0) return given;
  return shape.rank() <= 3 ? shape.rank() - 1 : shape.rank() - 2;
}

// (N, C, X1, ..., Xd) to (N, X1, ..., Xd, C).
template <class T>
Tensor<T> channels_last(const Tensor<T>& x) {
  const std::int64_t n = x.extent(0), c = x.extent(1), points = x.shape().product(2, x.rank());
  const std::vector<T> source = x.to_vector();
  std::vector<T> target(source.size());
  for (std::int64_t b = 0; b < n; ++b)
    for (std::int64_t k = 0; k < c; ++k)
      for (std::int64_t p = 0; p < points; ++p)
        target[static_cast<std::size_t>((b * points + p) * c + k)] =
            source[static_cast<std::size_t>((b * c + k) * points + p)];
  Shape shape{n};
  for (int axis = 2; axis < x.rank(); ++axis)
    shape.push_back(x.extent(axis));
  shape.push_back(c);
  return Tensor<T>::from_host(shape, target);
}

// The array of that name, or the only one.
template <class T>
Tensor<T> read_array(const std::string& path, const std::string& name, const char* option) {
  const auto file = ArrayFile::open(path);
  NOPAL_CHECK(!file->arrays().empty(), path, ": holds no arrays of numbers");
  if (name.empty() && file->arrays().size() > 1) {
    std::string names;
    for (const FileArray& array : file->arrays())
      if (names.size() < 200) names += (names.empty() ? "" : ", ") + printable(array.name, 40);
    NOPAL_CHECK(false, path, ": holds several arrays, say which (", option, "): ", names);
  }
  const FileArray& array = name.empty() ? file->arrays().front() : file->at(name);
  NOPAL_CHECK(array.shape.size() >= 2 && array.shape.size() <= Shape::max_rank, path,
              ": expected an array (N, X1, ...), got ", array.shape.size(), " axes");
  const Shape shape(array.shape.begin(), array.shape.end());
  const std::vector<double> values = file->read(array, 0, shape[0]);
  return Tensor<T>::from_host(shape, std::vector<T>(values.begin(), values.end()));
}

template <class T>
Tensor<T> read_fields(const std::string& path, const std::string& name, const char* option,
                      const PublishedOptions& options) {
  Tensor<T> x = read_array<T>(path, name, option);
  const Shape shape = x.shape();
  const std::int64_t d = dimension_of(shape, options.dimension);
  NOPAL_CHECK(d >= 1 && d <= 3 && (shape.rank() == d + 1 || shape.rank() == d + 2), path,
              ": an array of shape ", shape, " does not hold fields in ", d,
              " dimensions (nopal help convert)");
  NOPAL_CHECK(shape[0] > 0, path, ": no samples, shape ", shape);
  NOPAL_CHECK(shape.size() > 0, path, ": empty fields, shape ", shape);
  if (shape.rank() == d + 1) {
    Shape with_channel = shape;
    with_channel.push_back(1);
    return x.reshape(with_channel);
  }
  return options.channels_first ? channels_last(x) : x;
}

template <class T>
void check_finite(const std::string& path, const Tensor<T>& x) {
  for (std::int64_t i = 0; i < x.extent(0); ++i)
    NOPAL_CHECK(all_finite(x.slice(i, 1)), path, ": sample ", i, " has a value that is not finite",
                sizeof(T) < sizeof(double) ? " in single precision (see -precision)" : "");
}

// Inputs and outputs in files of their own.
template <class T>
std::shared_ptr<const Dataset<T>> read_two_files(const ConvertRequest& request) {
  const std::string& x_file = request.x_file;
  const std::string& y_file = request.y_file;
  const auto x = read_fields<T>(x_file, request.options.x_array, "-x_array", request.options);
  const auto y = read_fields<T>(y_file, request.options.y_array, "-y_array", request.options);
  const auto grid = [](const Tensor<T>& t) {
    return Shape(t.shape().begin(), t.shape().end() - 1);
  };
  NOPAL_CHECK(grid(x) == grid(y), "samples and grid must agree: ", x_file, " holds fields ",
              x.shape(), ", ", y_file, " ", y.shape());
  check_finite(x_file, x);
  check_finite(y_file, y);
  return std::make_shared<InMemoryDataset<T>>(x, y, x_file);
}

// Samples that a rank holds at a time.
template <class T>
std::int64_t block_of(const Dataset<T>& data) {
  constexpr double most_numbers = double(1 << 23);
  const double sample =
      static_cast<double>(data.x_shape().size()) + static_cast<double>(data.y_shape().size());
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(most_numbers / sample));
}

template <class T>
void convert(const ConvertRequest& request, const Communicator& comm) {
  std::shared_ptr<const Dataset<T>> data;
  std::map<std::string, std::string> attributes;
  comm.together([&] {
    if (request.data.empty()) {
      data = read_two_files<T>(request);
      attributes = {{"x_file", request.x_file}, {"y_file", request.y_file}};
      return;
    }
    const auto published = std::make_shared<PublishedDataset<T>>(request.data, request.options);
    attributes = published->attributes();
    NOPAL_CHECK(!attributes.contains("nopal_version"), request.data,
                ": is a data set of nopal's own already");
    attributes["file"] = request.data;
    data = published;
  });
  attributes["nopal_version"] = version();
  attributes["nopal_commit"] = commit();
  const std::int64_t samples =
      request.samples > 0 ? std::min(request.samples, data->size()) : data->size();
  Hdf5Writer<T> writer(request.out, samples, data->x_shape(), data->y_shape(), comm);
  for (const auto& [name, text] : attributes)
    writer.attribute(name, text);

  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  auto last = begin;
  const Slab mine = slab(samples, comm.rank(), comm.size());
  comm.together([&] {
    const std::int64_t block = block_of(*data);
    for (std::int64_t done = 0; done < mine.count; done += block) {
      const std::int64_t count = std::min(block, mine.count - done);
      const auto [x, y] = read_samples(*data, mine.first + done, count);
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
  if (comm.rank() == 0)
    std::printf("%s: %lld samples, %s, %lld input and %lld output channels\n", request.out.c_str(),
                static_cast<long long>(samples), grid_text(data->x_shape()).c_str(),
                static_cast<long long>(data->x_shape()[-1]),
                static_cast<long long>(data->y_shape()[-1]));
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
