// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "commands.hpp"
#include "common.hpp"

#include <nopal/core/runtime.hpp>
#include <nopal/data/npy.hpp>

#include <algorithm>
#include <cstdio>

namespace nopal::tools {
namespace {

constexpr const char* axes_rule =
    "Axes: (N, X1), (N, X1, X2) and, with -dimension 3, (N, X1, X2, X3) are fields of one "
    "channel;\n"
    "(N, X1, X2, C) and (N, X1, X2, X3, C) have channels last, or with -channels_first second.";

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

template <class T>
Tensor<T> read_fields(const std::string& path, std::int64_t dimension, bool channels_first) {
  Tensor<T> x = read_npy<T>(path);
  const Shape shape = x.shape();
  NOPAL_CHECK(shape.rank() >= 2, path, ": expected an array (N, X1, ...), got shape ", shape);
  const std::int64_t d = dimension_of(shape, dimension);
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
  return channels_first ? channels_last(x) : x;
}

template <class T>
void check_finite(const std::string& path, const Tensor<T>& x) {
  for (std::int64_t i = 0; i < x.extent(0); ++i)
    NOPAL_CHECK(all_finite(x.slice(i, 1)), path, ": sample ", i, " has a value that is not finite",
                sizeof(T) < sizeof(double) ? " in single precision (see -precision)" : "");
}

}  // namespace

int convert_command(Options& options, const Communicator& comm) {
  const std::string x_file = options.required("x", "FILE", "inputs (npy)");
  const std::string y_file = options.required("y", "FILE", "outputs (npy)");
  const std::string out = options.required("out", "FILE", "data file to write (HDF5)");
  const std::int64_t dimension =
      options.integer("dimension", 0, "space dimensions, 0: by the number of axes", 0);
  const bool first = options.flag("channels_first", false, "channels are the second axis");
  const bool single = options.choice("precision", "single", {"single", "double"},
                                     "numbers in the file") == "single";
  options.note(axes_rule);
  if (!options.ready()) return 0;
  options.check_files({{"-x", x_file}, {"-y", y_file}}, {{"-out", out}});

  const auto convert = [&](auto type) {
    using T = decltype(type);
    const Tensor<T> x = read_fields<T>(x_file, dimension, first);
    const Tensor<T> y = read_fields<T>(y_file, dimension, first);
    const auto grid = [](const Tensor<T>& t) {
      return Shape(t.shape().begin(), t.shape().end() - 1);
    };
    NOPAL_CHECK(grid(x) == grid(y), "samples and grid must agree: ", x_file, " holds fields ",
                x.shape(), ", ", y_file, " ", y.shape());
    check_finite(x_file, x);
    check_finite(y_file, y);
    const auto sample = [](const Tensor<T>& t) {
      return Shape(t.shape().begin() + 1, t.shape().end());
    };
    Hdf5Writer<T> writer(out, x.extent(0), sample(x), sample(y));
    writer.attribute("x_file", x_file);
    writer.attribute("y_file", y_file);
    writer.attribute("nopal_version", version());
    writer.attribute("nopal_commit", commit());
    writer.write(0, x, y);
    writer.close();
    std::printf("%s: %lld samples, %s, %lld input and %lld output channels\n", out.c_str(),
                static_cast<long long>(x.extent(0)), grid_text(sample(x)).c_str(),
                static_cast<long long>(x.extent(-1)), static_cast<long long>(y.extent(-1)));
  };
  comm.together([&] {
    if (comm.rank() > 0) return;
    single ? convert(float()) : convert(double());
  });
  return 0;
}

}  // namespace nopal::tools
