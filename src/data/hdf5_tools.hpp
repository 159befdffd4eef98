// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/core/shape.hpp>

#include <hdf5.h>

#include <map>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace nopal::hdf5 {

/// While it lives, HDF5 prints nothing and no other thread of the library is inside HDF5, which
/// keeps global state. Every function of the library that calls HDF5 has one.
class Section {
 public:
  Section();
  ~Section();
  Section(const Section&) = delete;
  Section& operator=(const Section&) = delete;

 private:
  H5E_auto2_t printer_ = nullptr;
  void* argument_ = nullptr;
};

/// Owns an HDF5 identifier.
class Handle {
 public:
  using Close = herr_t (*)(hid_t);
  Handle() = default;
  Handle(hid_t id, Close close) : id_(id), close_(close) {}
  Handle(Handle&& other) noexcept
      : id_(std::exchange(other.id_, -1)), close_(std::exchange(other.close_, nullptr)) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  ~Handle() { reset(); }

  explicit operator bool() const noexcept { return id_ >= 0; }
  hid_t get() const noexcept { return id_; }

  /// False if HDF5 could not complete it.
  bool reset() noexcept {
    const hid_t id = std::exchange(id_, -1);
    return id < 0 || close_(id) >= 0;
  }

  /// Leaves the identifier open, to be closed when HDF5 ends.
  void release() noexcept { id_ = -1; }

 private:
  hid_t id_ = -1;
  Close close_ = nullptr;
};

/// What the last failed call complains about, as one short line: the system's reason if there is
/// one ("No space left on device"), else the innermost message.
std::string complaint();

/// Opens a file for reading. Error that says why not.
Handle open_file(const std::string& path);

/// Attributes of a file, group or data set that are texts, numbers or truths, as text; lists of
/// them separated by spaces.
std::map<std::string, std::string> attributes(hid_t object);

/// The in-memory type of T.
template <class T>
hid_t native_type() {
  return std::is_same_v<T, float> ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE;
}

inline std::vector<hsize_t> extents(const Shape& shape) {
  return {shape.begin(), shape.end()};
}

}  // namespace nopal::hdf5
