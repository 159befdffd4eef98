// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace nopal {

/// An array of numbers in a file.
struct FileArray {
  std::string name;                 ///< `group/name` in HDF5
  std::vector<std::int64_t> shape;  ///< as NumPy or MATLAB show it
  std::string type;                 ///< "float32", "float64", "int32", "uint8", ...
};

/// The arrays of a file of another program, whatever its format: npy, npz (NumPy), MATLAB 5 to 7,
/// MATLAB 7.3, any other HDF5. What it is follows from its contents, not from its name.
///
/// Entries are given in row-major order of the shape that is shown; MATLAB keeps the first axis
/// fastest, also in its HDF5 files. A file is not trusted: what it says is checked against its
/// size. Errors name the file and what is wrong. Not collective; one thread at a time.
class ArrayFile {
 public:
  /// Error: cannot be read, or is of no known format (the message lists them).
  static std::unique_ptr<ArrayFile> open(const std::string& path);

  /// Two arrays out of a file each, as one; the name of an array may be empty if its file has only
  /// one. They are called as their files, with `:NAME` if a name was given.
  static std::unique_ptr<ArrayFile> open_pair(const std::string& x_path, const std::string& x_array,
                                              const std::string& y_path,
                                              const std::string& y_array);
  virtual ~ArrayFile() = default;

  const std::string& path() const noexcept { return path_; }
  const std::string& format() const noexcept { return format_; }  ///< "npz", "MATLAB 7.3", ...
  const std::vector<FileArray>& arrays() const noexcept { return arrays_; }

  /// Texts and numbers, lists separated by spaces: `name` of the root, `group/array@name` of
  /// others.
  const std::map<std::string, std::string>& attributes() const noexcept { return attributes_; }

  /// The array of that name, or null.
  const FileArray* find(const std::string& name) const;

  /// The array of that name. Error that names the nearest and lists all.
  const FileArray& at(const std::string& name) const;

  /// Entries [first, first + count) of the first axis (a number: of an array with one), as double.
  /// HDF5 files are read in part; of others the whole array is kept until another one is read.
  virtual std::vector<double> read(const FileArray& array, std::int64_t first,
                                   std::int64_t count) const = 0;

 protected:
  ArrayFile(std::string path, std::string format)
      : path_(std::move(path)), format_(std::move(format)) {}

  std::string path_, format_;
  std::vector<FileArray> arrays_;
  std::map<std::string, std::string> attributes_;
};

/// Number of entries. Error, naming `where`, if no memory could hold them.
std::int64_t entries(const std::vector<std::int64_t>& shape, const std::string& where);

}  // namespace nopal
