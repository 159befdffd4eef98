// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "data/dataset_checks.hpp"
#include "data/published_layouts.hpp"

#include <array>
#include <cmath>
#include <mutex>

namespace nopal {

using detail::PublishedPart;
using detail::PublishedSource;

template <class T>
struct PublishedDataset<T>::Implementation {
  Implementation(std::unique_ptr<ArrayFile> arrays, const PublishedOptions& given)
      : options(given), file(std::move(arrays)), layout(detail::recognise(*file, given)) {
    for (const std::int64_t n : layout.points)
      points.push_back((n + options.space_stride - 1) / options.space_stride);
    constants.resize(layout.parts.size());
  }

  Shape sample_shape(const std::vector<PublishedSource>& sources) const {
    Shape shape = points;
    std::int64_t channels = 0;
    for (const PublishedSource& source : sources)
      channels += layout.parts[source.part].extent('C');
    shape.push_back(channels);
    return shape;
  }

  // The entries of a part for `count` samples from `first` on, those of arrays without samples
  // once.
  const std::vector<double>& load(std::size_t index, std::int64_t first, std::int64_t count,
                                  std::vector<double>& buffer) const {
    const PublishedPart& part = layout.parts[index];
    if (part.has('N')) {
      buffer = file->read(file->at(part.arrays[0]), first, count);
      return buffer;
    }
    if (part.arrays.size() == 1) {
      if (constants[index].empty())
        constants[index] = file->read(file->at(part.arrays[0]), 0, part.shape[0]);
      return constants[index];
    }
    buffer.clear();
    for (std::int64_t i = first; i < first + count; ++i) {
      const auto values =
          file->read(file->at(part.arrays[static_cast<std::size_t>(i)]), 0, part.shape[0]);
      buffer.insert(buffer.end(), values.begin(), values.end());
    }
    return buffer;
  }

  // Channels `channel`, ... of `count` samples `to`, out of the entries of a part.
  void place(const PublishedSource& source, const std::vector<double>& entries, std::int64_t count,
             std::int64_t channel, std::int64_t channels, T* to) const {
    const PublishedPart& part = layout.parts[source.part];
    const std::int64_t components = part.extent('C');
    const std::int64_t sample = part.has('N') ? part.stride('N')
                                : part.arrays.size() > 1
                                    ? static_cast<std::int64_t>(entries.size()) / count
                                    : 0;
    std::array<std::int64_t, 3> n{1, 1, 1}, stride{0, 0, 0};
    for (std::size_t a = 0; a < layout.points.size(); ++a) {
      n[a] = points[static_cast<int>(a)];
      stride[a] = part.stride("012"[a]) * options.space_stride;
    }
    const std::int64_t begin = source.frame * part.stride('T'), step = part.stride('C');
    for (std::int64_t b = 0; b < count; ++b)
      for (std::int64_t i = 0; i < n[0]; ++i)
        for (std::int64_t j = 0; j < n[1]; ++j)
          for (std::int64_t k = 0; k < n[2]; ++k) {
            const std::int64_t from =
                begin + b * sample + i * stride[0] + j * stride[1] + k * stride[2];
            for (std::int64_t c = 0; c < components; ++c)
              to[channel + c] = static_cast<T>(entries[static_cast<std::size_t>(from + c * step)]);
            to += channels;
          }
  }

  void check(std::int64_t sample, const PublishedSource& first, const T* values,
             std::int64_t size) const {
    for (std::int64_t i = 0; i < size; ++i)
      NOPAL_CHECK(std::isfinite(values[i]), file->path(), ": sample ", sample, " of ",
                  printable(layout.parts[first.part].name), " has a value that is not finite",
                  sizeof(T) < sizeof(double) ? " in single precision (see -precision)" : "",
                  "; leave this sample out");
  }

  // Samples first, ..., first + count - 1 from place b of x and y on.
  void read(std::int64_t first, std::int64_t count, std::int64_t b, const Tensor<T>& x,
            const Tensor<T>& y) const {
    struct Side {
      const std::vector<PublishedSource>& sources;
      const Tensor<T>& tensor;
      std::vector<T> values;
    };
    Side sides[] = {{layout.x, x, {}}, {layout.y, y, {}}};
    for (Side& side : sides)
      side.values.resize(static_cast<std::size_t>(count * sample_shape(side.sources).size()));
    std::vector<double> buffer;
    for (std::size_t p = 0; p < layout.parts.size(); ++p) {
      const std::vector<double>& entries = load(p, first, count, buffer);
      for (Side& side : sides) {
        const std::int64_t channels = sample_shape(side.sources)[-1];
        std::int64_t channel = 0;
        for (const PublishedSource& source : side.sources) {
          if (source.part == p)
            place(source, entries, count, channel, channels, side.values.data());
          channel += layout.parts[source.part].extent('C');
        }
      }
    }
    for (const Side& side : sides) {
      const std::int64_t size = sample_shape(side.sources).size();
      for (std::int64_t i = 0; i < count; ++i)
        check(first + i, side.sources.front(), side.values.data() + i * size, size);
      side.tensor.slice(b, count).copy_from_host(side.values.data());
    }
  }

  PublishedOptions options;
  std::unique_ptr<ArrayFile> file;
  detail::PublishedLayout layout;
  Shape points;
  mutable std::mutex mutex;
  mutable std::vector<std::vector<double>> constants;
};

template <class T>
PublishedDataset<T>::PublishedDataset(const std::string& path, const PublishedOptions& options)
    : implementation_(std::make_unique<Implementation>(ArrayFile::open(path), options)) {}

template <class T>
PublishedDataset<T>::PublishedDataset(const std::string& x_path, const std::string& y_path,
                                      const PublishedOptions& options) {
  auto pair = ArrayFile::open_pair(x_path, options.x_array, y_path, options.y_array);
  PublishedOptions named = options;
  named.x_array = pair->arrays()[0].name;
  named.y_array = pair->arrays()[1].name;
  implementation_ = std::make_unique<Implementation>(std::move(pair), named);
}

template <class T>
PublishedDataset<T>::~PublishedDataset() = default;

template <class T>
const std::string& PublishedDataset<T>::layout() const noexcept {
  return implementation_->layout.name;
}

template <class T>
std::int64_t PublishedDataset<T>::size() const {
  return implementation_->layout.samples;
}

template <class T>
Shape PublishedDataset<T>::x_shape() const {
  return implementation_->sample_shape(implementation_->layout.x);
}

template <class T>
Shape PublishedDataset<T>::y_shape() const {
  return implementation_->sample_shape(implementation_->layout.y);
}

template <class T>
std::string PublishedDataset<T>::description() const {
  return implementation_->file->path();
}

template <class T>
std::map<std::string, std::string> PublishedDataset<T>::attributes() const {
  return implementation_->layout.attributes;
}

template <class T>
void PublishedDataset<T>::read(std::span<const std::int64_t> indices, const Tensor<T>& x,
                               const Tensor<T>& y) const {
  detail::check_read(*this, indices, x, y);
  const std::lock_guard<std::mutex> lock(implementation_->mutex);
  for (std::size_t b = 0; b < indices.size();) {
    std::size_t count = 1;  // samples that follow each other are read at once
    while (b + count < indices.size() &&
           indices[b + count] == indices[b] + static_cast<std::int64_t>(count))
      ++count;
    implementation_->read(indices[b], static_cast<std::int64_t>(count),
                          static_cast<std::int64_t>(b), x, y);
    b += count;
  }
}

template class PublishedDataset<float>;
template class PublishedDataset<double>;

}  // namespace nopal
