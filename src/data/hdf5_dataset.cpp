// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "data/dataset_checks.hpp"
#include "data/hdf5_tools.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace nopal {
namespace {

// HDF5's chunk cache must hold a chunk, or reading its samples one by one decompresses it each
// time.
constexpr std::size_t least_chunk_cache = std::size_t(1) << 20;
constexpr std::size_t most_chunk_cache = std::size_t(1) << 28;

herr_t append_name(hid_t, const char* name, const H5L_info_t*, void* names) {
  auto& text = *static_cast<std::string*>(names);
  text += (text.empty() ? "" : ", ") + printable(name);
  return 0;
}

std::string names_in(const hdf5::Handle& file) {
  std::string names;
  H5Literate(file.get(), H5_INDEX_NAME, H5_ITER_NATIVE, nullptr, append_name, &names);
  return names.empty() ? "nothing" : names;
}

// /x or /y of a file.
template <class T>
class Field {
 public:
  Field(const hdf5::Handle& file, const std::string& path, const std::string& name)
      : path_(path), name_(name), dataset_(open(file)) {
    const hdf5::Handle space(H5Dget_space(dataset_.get()), H5Sclose);
    const int rank = H5Sget_simple_extent_ndims(space.get());
    NOPAL_CHECK(rank >= 2 && rank <= Shape::max_rank, path, ": /", name, " has ", std::max(rank, 0),
                " axes, expected (N, X1, ..., Xd, C) of 2 to ", Shape::max_rank);
    std::vector<hsize_t> extents(static_cast<std::size_t>(rank));
    H5Sget_simple_extent_dims(space.get(), extents.data(), nullptr);
    std::uint64_t room = std::numeric_limits<std::int64_t>::max() / sizeof(double);
    for (const hsize_t extent : extents) {
      NOPAL_CHECK(extent <= room, path, ": /", name,
                  " is too large to address; the file is damaged");
      room /= std::max<hsize_t>(extent, 1);
      shape_.push_back(static_cast<std::int64_t>(extent));
    }
  }

  // Samples a chunk of the file.
  std::int64_t samples_a_chunk() const { return samples_a_chunk_; }
  const Shape& shape() const { return shape_; }
  std::int64_t sample_size() const { return shape_.product(1, shape_.rank()); }

  void read(std::int64_t first, std::int64_t count, T* to) const {
    std::vector<hsize_t> start(static_cast<std::size_t>(shape_.rank()), 0);
    start[0] = static_cast<hsize_t>(first);
    const auto counts = hdf5::extents(shape_.with(0, count));
    const hdf5::Handle in_file(H5Dget_space(dataset_.get()), H5Sclose);
    const hdf5::Handle in_memory(H5Screate_simple(shape_.rank(), counts.data(), nullptr), H5Sclose);
    NOPAL_CHECK(H5Sselect_hyperslab(in_file.get(), H5S_SELECT_SET, start.data(), nullptr,
                                    counts.data(), nullptr) >= 0 &&
                    H5Dread(dataset_.get(), hdf5::native_type<T>(), in_memory.get(), in_file.get(),
                            H5P_DEFAULT, to) >= 0,
                path_, ": samples [", first, ", ", first + count, ") of /", name_,
                " cannot be read, the file may be damaged: ", hdf5::complaint());
  }

  void check_finite(std::int64_t sample, const T* values) const {
    const std::int64_t size = sample_size();
    for (std::int64_t i = 0; i < size; ++i)
      NOPAL_CHECK(std::isfinite(values[i]), path_, ": sample ", sample, " of /", name_, " has ",
                  std::isnan(values[i]) ? "a NaN"
                  : is_wider_ ? "an infinity or a number beyond the precision that it is read in"
                              : "an infinity",
                  " at entry ", i, " of its ", size, "; leave this sample out or make it again");
  }

 private:
  hdf5::Handle open(const hdf5::Handle& file) {
    hdf5::Handle dataset(H5Dopen2(file.get(), name_.c_str(), H5P_DEFAULT), H5Dclose);
    NOPAL_CHECK(dataset, path_, ": has no data set /", name_, "; it has ", names_in(file));
    const hdf5::Handle type(H5Dget_type(dataset.get()), H5Tclose);
    const H5T_class_t kind = H5Tget_class(type.get());
    NOPAL_CHECK(kind == H5T_FLOAT || kind == H5T_INTEGER, path_, ": /", name_,
                " does not consist of real numbers or integers");
    is_wider_ = H5Tget_size(type.get()) > sizeof(T);
    const hdf5::Handle create(H5Dget_create_plist(dataset.get()), H5Pclose);
    if (H5Pget_layout(create.get()) != H5D_CHUNKED) return dataset;
    std::array<hsize_t, H5S_MAX_RANK> chunk{};
    const int rank = H5Pget_chunk(create.get(), static_cast<int>(chunk.size()), chunk.data());
    if (rank < 1) return dataset;
    samples_a_chunk_ = static_cast<std::int64_t>(std::max<hsize_t>(chunk[0], 1));
    double bytes = static_cast<double>(H5Tget_size(type.get()));
    for (int axis = 0; axis < rank; ++axis)
      bytes *= static_cast<double>(chunk[static_cast<std::size_t>(axis)]);
    if (bytes <= least_chunk_cache || bytes > most_chunk_cache) return dataset;
    const hdf5::Handle access(H5Pcreate(H5P_DATASET_ACCESS), H5Pclose);
    H5Pset_chunk_cache(access.get(), H5D_CHUNK_CACHE_NSLOTS_DEFAULT,
                       static_cast<std::size_t>(bytes), H5D_CHUNK_CACHE_W0_DEFAULT);
    dataset.reset();
    dataset = {H5Dopen2(file.get(), name_.c_str(), access.get()), H5Dclose};
    NOPAL_CHECK(dataset, path_, ": /", name_, " cannot be opened: ", hdf5::complaint());
    return dataset;
  }

  std::string path_, name_;
  std::int64_t samples_a_chunk_ = 1;
  bool is_wider_ = false;  ///< numbers of the file have more bytes than T
  hdf5::Handle dataset_;
  Shape shape_;
};

// The samples of a field in memory, as far as they were asked for.
template <class T>
class FieldCache {
 public:
  explicit FieldCache(const Field<T>& field)
      : values_(
            std::make_unique_for_overwrite<T[]>(static_cast<std::size_t>(field.shape().size()))),
        state_(static_cast<std::size_t>(field.shape()[0]), State::absent) {}

  const T* sample(const Field<T>& field, std::int64_t index) {
    State& state = state_[static_cast<std::size_t>(index)];
    if (state == State::absent) load_chunk(field, index);
    const T* values = values_.get() + index * field.sample_size();
    if (state != State::checked) field.check_finite(index, values);
    state = State::checked;
    return values;
  }

 private:
  enum class State : char { absent, read, checked };

  void load_chunk(const Field<T>& field, std::int64_t index) {
    const std::int64_t size = field.samples_a_chunk(), first = index / size * size;
    const std::int64_t count = std::min(size, field.shape()[0] - first);
    field.read(first, count, values_.get() + first * field.sample_size());
    for (std::int64_t i = first; i < first + count; ++i)
      if (state_[static_cast<std::size_t>(i)] == State::absent)
        state_[static_cast<std::size_t>(i)] = State::read;
  }

  std::unique_ptr<T[]> values_;
  std::vector<State> state_;
};

template <class T>
void read_through_cache(const Field<T>& field, FieldCache<T>& cache,
                        std::span<const std::int64_t> indices, const Tensor<T>& to) {
  std::int64_t b = 0;
  for (const std::int64_t index : indices)
    to.slice(b++, 1).copy_from_host(cache.sample(field, index));
}

template <class T>
void read_directly(const Field<T>& field, std::span<const std::int64_t> indices,
                   const Tensor<T>& to) {
  const std::int64_t size = field.sample_size();
  std::vector<T> values(indices.size() * static_cast<std::size_t>(size));
  for (std::size_t b = 0; b < indices.size();) {
    std::size_t count = 1;  // samples that follow each other are read at once
    while (b + count < indices.size() &&
           indices[b + count] == indices[b] + static_cast<std::int64_t>(count))
      ++count;
    T* part = values.data() + static_cast<std::int64_t>(b) * size;
    field.read(indices[b], static_cast<std::int64_t>(count), part);
    for (std::size_t i = 0; i < count; ++i)
      field.check_finite(indices[b + i], part + static_cast<std::int64_t>(i) * size);
    b += count;
  }
  to.copy_from_host(values.data());
}

}  // namespace

template <class T>
struct Hdf5Dataset<T>::Implementation {
  std::string path;
  hdf5::Handle file;
  Field<T> x, y;
  std::unique_ptr<FieldCache<T>> x_cache, y_cache;

  Implementation(const std::string& name, const std::string& x_name, const std::string& y_name)
      : path(name), file(hdf5::open_file(name)), x(file, name, x_name), y(file, name, y_name) {
    detail::check_sample_shapes(x.shape(), y.shape(), path, "/" + x_name, "/" + y_name);
  }
};

template <class T>
Hdf5Dataset<T>::Hdf5Dataset(const std::string& path, std::size_t cache_bytes,
                            const std::string& x_name, const std::string& y_name) {
  const hdf5::Section section;
  implementation_ = std::make_unique<Implementation>(path, x_name, y_name);
  Implementation& set = *implementation_;
  const double bytes =
      (static_cast<double>(set.x.shape().size()) + static_cast<double>(set.y.shape().size())) *
      sizeof(T);
  if (bytes > static_cast<double>(cache_bytes)) return;
  set.x_cache = std::make_unique<FieldCache<T>>(set.x);
  set.y_cache = std::make_unique<FieldCache<T>>(set.y);
}

template <class T>
Hdf5Dataset<T>::~Hdf5Dataset() {
  const hdf5::Section section;
  implementation_.reset();
}

template <class T>
std::int64_t Hdf5Dataset<T>::size() const {
  return implementation_->x.shape()[0];
}

template <class T>
Shape Hdf5Dataset<T>::x_shape() const {
  return Shape(implementation_->x.shape().begin() + 1, implementation_->x.shape().end());
}

template <class T>
Shape Hdf5Dataset<T>::y_shape() const {
  return Shape(implementation_->y.shape().begin() + 1, implementation_->y.shape().end());
}

template <class T>
std::string Hdf5Dataset<T>::description() const {
  return implementation_->path;
}

template <class T>
void Hdf5Dataset<T>::read(std::span<const std::int64_t> indices, const Tensor<T>& x,
                          const Tensor<T>& y) const {
  const hdf5::Section section;
  detail::check_read(*this, indices, x, y);
  Implementation& set = *implementation_;
  if (set.x_cache) {
    read_through_cache(set.x, *set.x_cache, indices, x);
    read_through_cache(set.y, *set.y_cache, indices, y);
  } else {
    read_directly(set.x, indices, x);
    read_directly(set.y, indices, y);
  }
}

template <class T>
std::map<std::string, std::string> Hdf5Dataset<T>::attributes() const {
  const hdf5::Section section;
  return hdf5::attributes(implementation_->file.get());
}

template class Hdf5Dataset<float>;
template class Hdf5Dataset<double>;

}  // namespace nopal
