// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "data/dataset_checks.hpp"
#include "data/hdf5_tools.hpp"

#include <nopal/io/atomic_file.hpp>

#include <fcntl.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <optional>
#include <system_error>

namespace nopal {
namespace {

constexpr std::int64_t small_chunk = std::int64_t(1) << 16;    // bytes worth a chunk of their own
constexpr std::int64_t largest_chunk = std::int64_t(1) << 30;  // HDF5's limit is 4 GiB

// One sample a chunk; several if they are tiny, a part of one if it is huge.
Shape chunk_shape(const Shape& shape, std::int64_t bytes_a_number) {
  Shape chunk = shape.with(0, 1);
  const std::int64_t bytes = chunk.size() * bytes_a_number;
  if (bytes < small_chunk)
    return chunk.with(0, std::clamp<std::int64_t>(small_chunk / bytes, 1, shape[0]));
  for (int axis = 1; axis < chunk.rank(); ++axis)
    while (chunk.size() * bytes_a_number > largest_chunk && chunk[axis] > 1)
      chunk = chunk.with(axis, (chunk[axis] + 1) / 2);
  return chunk;
}

// Bytes on disk: whole chunks.
std::int64_t stored_bytes(const Shape& shape, std::int64_t bytes_a_number) {
  const Shape chunk = chunk_shape(shape, bytes_a_number);
  std::int64_t bytes = bytes_a_number;
  for (int axis = 0; axis < shape.rank(); ++axis)
    bytes *= (shape[axis] + chunk[axis] - 1) / chunk[axis] * chunk[axis];
  return bytes;
}

constexpr std::int64_t room_for_attributes = std::int64_t(1) << 16;

// Takes `bytes` of disk for the file; its size stays if `keep_size`.
// HDF5 cannot close a file that it cannot flush, and crashes at exit: a disk that is too small must
// be found before HDF5 writes to it.
void reserve(int descriptor, std::int64_t bytes, bool keep_size, const std::string& path) {
  int code = 0;
  if (::fallocate(descriptor, keep_size ? FALLOC_FL_KEEP_SIZE : 0, 0, bytes) != 0) code = errno;
  struct statvfs disk {};
  const bool cannot_reserve = code == EOPNOTSUPP || code == ENOSYS;
  if (cannot_reserve)
    code = ::fstatvfs(descriptor, &disk) == 0 &&
                   static_cast<double>(disk.f_bavail) * static_cast<double>(disk.f_frsize) <
                       static_cast<double>(bytes)
               ? ENOSPC
               : 0;
  NOPAL_CHECK(code == 0, "cannot write ", path, ": ", std::generic_category().message(code),
              "; it needs ", bytes, " bytes; an older file of this name is unchanged");
}

}  // namespace

template <class T>
struct Hdf5Writer<T>::Implementation {
  std::string path;
  Communicator comm;
  Shape x_shape, y_shape;  // with the sample axis
  hdf5::Handle file, x, y;
  std::vector<bool> written;
  int exceptions = std::uncaught_exceptions();  // that were unwinding when it was made
  std::optional<Replacement> replacement;       // on rank 0
  std::string reason;                           // why the last creation failed

  ~Implementation() {
    const hdf5::Section section;
    // Closing is collective, and an exception may have brought this rank alone here. What stays
    // open HDF5 closes on all ranks in MPI_Finalize.
    if (comm.size() > 1 && std::uncaught_exceptions() > exceptions)
      for (hdf5::Handle* handle : {&x, &y, &file})
        handle->release();
    x.reset();
    y.reset();
    file.reset();
  }

  // Collective calls of HDF5 return on all ranks, but need not fail on all.
  void check(bool good, const std::string& what) const {
    comm.together([&] {
      NOPAL_CHECK(good, "cannot write ", path, ": ", what, ": ",
                  reason.empty() ? hdf5::complaint() : reason,
                  "; an older file of this name is unchanged");
    });
  }

  // HDF5 forgets why a call failed at the next one, and that may be a destructor's.
  hdf5::Handle made(hid_t id, hdf5::Handle::Close close) {
    if (id < 0) reason = hdf5::complaint();
    return {id, close};
  }

  hdf5::Handle create_file(const std::string& temporary) {
    const hdf5::Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
    // The format of HDF5 1.10: a set of fixed size needs no index of its chunks, so that nothing
    // but the samples themselves is written after the beginning.
    H5Pset_libver_bounds(access.get(), H5F_LIBVER_V110, H5F_LIBVER_LATEST);
    H5Pset_fclose_degree(access.get(), H5F_CLOSE_STRONG);
    if (comm.size() > 1) H5Pset_fapl_mpio(access.get(), comm.mpi(), MPI_INFO_NULL);
    return made(H5Fcreate(temporary.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access.get()), H5Fclose);
  }

  hdf5::Handle create_dataset(const char* name, const Shape& shape) {
    const auto extents = hdf5::extents(shape), chunk = hdf5::extents(chunk_shape(shape, sizeof(T)));
    const hdf5::Handle space(H5Screate_simple(shape.rank(), extents.data(), nullptr), H5Sclose);
    const hdf5::Handle create(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
    H5Pset_chunk(create.get(), shape.rank(), chunk.data());
    H5Pset_alloc_time(create.get(), H5D_ALLOC_TIME_EARLY);
    H5Pset_fill_time(create.get(), H5D_FILL_TIME_NEVER);  // close() checks that all is written
    const hdf5::Handle access(H5Pcreate(H5P_DATASET_ACCESS), H5Pclose);
    H5Pset_chunk_cache(access.get(), 0, 0, 1);  // a full disk shows in the write that hits it
    return made(H5Dcreate2(file.get(), name, hdf5::native_type<T>(), space.get(), H5P_DEFAULT,
                           create.get(), access.get()),
                H5Dclose);
  }

  void write_samples(const hdf5::Handle& dataset, const Shape& whole, std::int64_t first,
                     const Tensor<T>& values) const {
    auto start = hdf5::extents(Shape(whole).with(0, first)), count = hdf5::extents(values.shape());
    std::fill(start.begin() + 1, start.end(), 0);
    const hdf5::Handle in_file(H5Dget_space(dataset.get()), H5Sclose);
    const hdf5::Handle in_memory(H5Screate_simple(values.rank(), count.data(), nullptr), H5Sclose);
    const std::vector<T> host = values.to_vector();
    NOPAL_CHECK(H5Sselect_hyperslab(in_file.get(), H5S_SELECT_SET, start.data(), nullptr,
                                    count.data(), nullptr) >= 0 &&
                    H5Dwrite(dataset.get(), hdf5::native_type<T>(), in_memory.get(), in_file.get(),
                             H5P_DEFAULT, host.data()) >= 0,
                "cannot write ", path, ": samples [", first, ", ", first + values.extent(0),
                "): ", hdf5::complaint(), "; an older file of this name is unchanged");
  }

  void set_attribute(const std::string& name, hid_t type, const void* value) {
    comm.together([&] { NOPAL_CHECK(file, "cannot write ", path, ": it is closed"); });
    const hdf5::Handle space(H5Screate(H5S_SCALAR), H5Sclose);
    const hdf5::Handle attribute(
        H5Acreate2(file.get(), name.c_str(), type, space.get(), H5P_DEFAULT, H5P_DEFAULT),
        H5Aclose);
    check(attribute && H5Awrite(attribute.get(), type, value) >= 0, "attribute " + name);
  }
};

template <class T>
Hdf5Writer<T>::Hdf5Writer(const std::string& path, std::int64_t samples, const Shape& x_shape,
                          const Shape& y_shape, const Communicator& comm)
    : implementation_(std::make_unique<Implementation>()) {
  const hdf5::Section section;
  Implementation& to = *implementation_;
  to.path = path;
  to.comm = comm;
  comm.together([&] {
    to.x_shape = detail::with_samples(samples, x_shape);
    to.y_shape = detail::with_samples(samples, y_shape);
    detail::check_sample_shapes(to.x_shape, to.y_shape, path, "x", "y");
  });
  const std::int64_t bytes = stored_bytes(to.x_shape, sizeof(T)) +
                             stored_bytes(to.y_shape, sizeof(T)) + room_for_attributes;
  std::string temporary;
  comm.together([&] {
    if (comm.rank() > 0) return;
    to.replacement.emplace(path);
    temporary = to.replacement->temporary();
    reserve(to.replacement->descriptor(), bytes, false, path);
  });
  temporary = comm.broadcast(temporary);
  to.file = to.create_file(temporary);
  to.check(static_cast<bool>(to.file), "the file cannot be made");
  to.x = to.create_dataset("x", to.x_shape);
  to.y = to.create_dataset("y", to.y_shape);
  to.check(to.x && to.y, "the data sets cannot be made");
  to.check(H5Fflush(to.file.get(), H5F_SCOPE_GLOBAL) >= 0, "it cannot be begun");
  comm.together([&] {
    if (comm.rank() == 0) reserve(to.replacement->descriptor(), bytes, true, path);
  });
  to.written.resize(static_cast<std::size_t>(samples));
}

template <class T>
Hdf5Writer<T>::~Hdf5Writer() = default;

template <class T>
void Hdf5Writer<T>::write(std::int64_t first, const Tensor<T>& x, const Tensor<T>& y) {
  const hdf5::Section section;
  Implementation& to = *implementation_;
  NOPAL_CHECK(to.file, "cannot write ", to.path, ": it is closed");
  const std::int64_t count = x.rank() > 0 ? x.extent(0) : 0, samples = to.x_shape[0];
  NOPAL_CHECK(x.shape() == to.x_shape.with(0, count) && y.shape() == to.y_shape.with(0, count),
              "cannot write ", to.path, ": expected x of shape ", to.x_shape.with(0, count),
              " and y of shape ", to.y_shape.with(0, count), ", got ", x.shape(), " and ",
              y.shape());
  NOPAL_CHECK(first >= 0 && first <= samples - count, "cannot write ", to.path, ": samples [",
              first, ", ", first + count, ") are outside its ", samples, " samples");
  if (count == 0) return;
  to.write_samples(to.x, to.x_shape, first, x);
  to.write_samples(to.y, to.y_shape, first, y);
  std::fill_n(to.written.begin() + first, count, true);
}

template <class T>
void Hdf5Writer<T>::attribute(const std::string& name, const std::string& value) {
  const hdf5::Section section;
  const hdf5::Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type.get(), H5T_VARIABLE);  // what Python reads as str
  H5Tset_cset(type.get(), H5T_CSET_UTF8);
  const char* text = value.c_str();
  implementation_->set_attribute(name, type.get(), &text);
}

template <class T>
void Hdf5Writer<T>::attribute(const std::string& name, double value) {
  const hdf5::Section section;
  implementation_->set_attribute(name, H5T_NATIVE_DOUBLE, &value);
}

template <class T>
void Hdf5Writer<T>::close() {
  const hdf5::Section section;
  Implementation& to = *implementation_;
  to.comm.together([&] { NOPAL_CHECK(to.file, "cannot close ", to.path, ": it is closed"); });
  // Ranks write distinct samples; one that two wrote must not hide one that none wrote.
  std::vector<double> times(to.written.begin(), to.written.end());
  const auto total = Tensor<double>::from_host(Shape{to.x_shape[0]}, times);
  to.comm.sum(total);
  times = total.to_vector();
  const auto missing = std::find(times.begin(), times.end(), 0.0);
  NOPAL_CHECK(missing == times.end(), "cannot complete ", to.path, ": sample ",
              missing - times.begin(), " of ", times.size(), " was not written (",
              std::count(times.begin(), times.end(), 0.0), " are missing)");
  to.check(to.x.reset() && to.y.reset() && H5Fflush(to.file.get(), H5F_SCOPE_GLOBAL) >= 0,
           "it cannot be completed");
  to.check(to.file.reset(), "it cannot be closed");
  to.comm.together([&] {
    if (to.replacement) to.replacement->commit();
  });
}

template class Hdf5Writer<float>;
template class Hdf5Writer<double>;

}  // namespace nopal
