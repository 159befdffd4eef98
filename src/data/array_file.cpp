// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "data/array_formats.hpp"

#include <nopal/core/error.hpp>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>

namespace nopal {
namespace {

namespace fs = std::filesystem;

void check_is_file(const std::string& path) {
  std::error_code failed;
  const auto status = fs::status(path, failed);
  NOPAL_CHECK(fs::exists(status), path, ": cannot be opened: no such file");
  NOPAL_CHECK(!fs::is_directory(status), path, ": is a folder, expected a file of arrays");
  NOPAL_CHECK(fs::is_regular_file(status), path, ": is a device or pipe, expected a file");
}

// The array of that name, or the only one.
const FileArray& choose(const ArrayFile& file, const std::string& name, const char* option) {
  if (!name.empty()) return file.at(name);
  NOPAL_CHECK(!file.arrays().empty(), file.path(), ": holds no arrays of numbers");
  std::string names;
  for (const FileArray& array : file.arrays())
    if (names.size() < 200) names += (names.empty() ? "" : ", ") + printable(array.name, 40);
  NOPAL_CHECK(file.arrays().size() == 1, file.path(), ": holds several arrays, say which (", option,
              "): ", names);
  return file.arrays().front();
}

class PairOfArrays : public ArrayFile {
 public:
  PairOfArrays(const std::string& x_path, const std::string& x_array, const std::string& y_path,
               const std::string& y_array)
      : ArrayFile(detail::concatenate(x_path, ", ", y_path), "two files") {
    add(x_path, x_array, "-x_array");
    add(y_path, y_array, "-y_array");
  }

  std::vector<double> read(const FileArray& array, std::int64_t first,
                           std::int64_t count) const override {
    const Source& source = sources_[array.name == arrays_[0].name ? 0 : 1];
    return source.file->read(*source.array, first, count);
  }

 private:
  struct Source {
    std::unique_ptr<ArrayFile> file;
    const FileArray* array;
  };
  void add(const std::string& path, const std::string& name, const char* option) {
    auto file = open(path);
    const FileArray* array = &choose(*file, name, option);
    arrays_.push_back({name.empty() ? path : path + ":" + name, array->shape, array->type});
    sources_.push_back({std::move(file), array});
  }
  std::vector<Source> sources_;
};

}  // namespace

std::unique_ptr<ArrayFile> ArrayFile::open_pair(const std::string& x_path,
                                                const std::string& x_array,
                                                const std::string& y_path,
                                                const std::string& y_array) {
  return std::make_unique<PairOfArrays>(x_path, x_array, y_path, y_array);
}

std::unique_ptr<ArrayFile> ArrayFile::open(const std::string& path) {
  check_is_file(path);
  std::ifstream in(path, std::ios::binary);
  NOPAL_CHECK(in, path, ": cannot be opened for reading");
  // An HDF5 file may begin with a block of its user's, of 512 bytes in MATLAB's.
  std::string first(520, '\0');
  in.read(first.data(), static_cast<std::streamsize>(first.size()));
  first.resize(static_cast<std::size_t>(in.gcount()));
  const std::string_view text(first);
  constexpr std::string_view hdf5 = "\x89HDF\r\n\x1a\n";
  if (text.starts_with(hdf5) || (text.size() >= 520 && text.substr(512) == hdf5))
    return detail::open_hdf5_arrays(path);
  if (text.starts_with("\x93NUMPY")) return detail::open_npy_array(path);
  if (text.starts_with(std::string_view("PK\3\4", 4)) ||
      text.starts_with(std::string_view("PK\5\6", 4)))
    return detail::open_npz_arrays(path);
  if (text.size() >= 128 && (text.substr(126, 2) == "IM" || text.substr(126, 2) == "MI"))
    return detail::open_matlab_arrays(path);
  NOPAL_CHECK(false, path, ": is no file of arrays that nopal knows: HDF5, MATLAB 5 to 7.3 ",
              "(of MATLAB 4: save it again with -v7), npz or npy");
}

const FileArray* ArrayFile::find(const std::string& name) const {
  const auto entry = std::find_if(arrays_.begin(), arrays_.end(),
                                  [&](const FileArray& array) { return array.name == name; });
  return entry == arrays_.end() ? nullptr : &*entry;
}

const FileArray& ArrayFile::at(const std::string& name) const {
  if (const FileArray* array = find(name)) return *array;
  // Those that a message has room for.
  constexpr std::size_t most = 8;
  std::vector<std::string> names;
  for (const FileArray& array : arrays_)
    if (names.size() < most) names.push_back(printable(array.name));
  const auto unread = attributes_.find(name);
  NOPAL_CHECK(unread == attributes_.end(), path_, ": array '", printable(name),
              "' cannot be read: ", printable(unread->second, 200));
  NOPAL_CHECK(false, path_, ": has no array '", printable(name), "'",
              names.empty() ? "; it has none" : suggestion(name, names),
              arrays_.size() > most ? " and more" : "");
}

std::int64_t entries(const std::vector<std::int64_t>& shape, const std::string& where) {
  constexpr std::int64_t most = std::int64_t(1) << 56;
  std::int64_t product = 1;
  bool empty = false;
  for (const std::int64_t n : shape) {
    NOPAL_CHECK(n >= 0 && (n == 0 || product <= most / n), where, " is too large to address; the ",
                "file is damaged");
    empty = empty || n == 0;
    product *= std::max<std::int64_t>(n, 1);
  }
  return empty ? 0 : product;
}

namespace detail {

void check_rows(const ArrayFile& file, const FileArray& array, std::int64_t first,
                std::int64_t count) {
  const std::int64_t rows = array.shape.empty() ? 1 : array.shape[0];
  NOPAL_CHECK(first >= 0 && count >= 0 && first <= rows - count, file.path(), ": entries ", first,
              " to ", first + count, " of ", array.name, " were asked for, it has ", rows);
}

std::vector<double> rows_of(const std::vector<double>& whole,
                            const std::vector<std::int64_t>& shape, bool column_major,
                            std::int64_t first, std::int64_t count) {
  const std::int64_t rows = shape.empty() ? 1 : shape[0];
  const std::int64_t size = rows > 0 ? static_cast<std::int64_t>(whole.size()) / rows : 0;
  if (!column_major || shape.size() < 2) {
    const auto begin = whole.begin() + static_cast<std::ptrdiff_t>(first * size);
    return {begin, begin + static_cast<std::ptrdiff_t>(count * size)};
  }
  std::vector<double> result(static_cast<std::size_t>(count * size));
  std::vector<std::int64_t> stride(shape.size()), index(shape.size(), 0);
  std::int64_t product = 1;
  for (std::size_t a = 0; a < shape.size(); ++a) {
    stride[a] = product;
    product *= shape[a];
  }
  std::size_t to = 0;
  for (std::int64_t r = first; r < first + count; ++r) {
    std::int64_t from = r;
    for (std::int64_t i = 0; i < size; ++i) {
      result[to++] = whole[static_cast<std::size_t>(from)];
      for (std::size_t a = shape.size() - 1; a > 0; --a) {
        from += stride[a];
        if (++index[a] < shape[a]) break;
        from -= stride[a] * shape[a];
        index[a] = 0;
      }
    }
  }
  return result;
}

namespace {

struct NumberType {
  const char* name;
  std::size_t bytes;
};
constexpr NumberType number_types[] = {{"float32", 4}, {"float64", 8}, {"int8", 1},   {"uint8", 1},
                                       {"bool", 1},    {"int16", 2},   {"uint16", 2}, {"int32", 4},
                                       {"uint32", 4},  {"int64", 8},   {"uint64", 8}};

template <class Stored>
void convert(const char* bytes, bool swapped, std::vector<double>& values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    char buffer[sizeof(Stored)];
    std::memcpy(buffer, bytes + i * sizeof(Stored), sizeof(Stored));
    if (swapped) std::reverse(buffer, buffer + sizeof(Stored));
    Stored value;
    std::memcpy(&value, buffer, sizeof(Stored));
    values[i] = static_cast<double>(value);
  }
}

}  // namespace

std::size_t bytes_of(const std::string& type, const std::string& where) {
  for (const NumberType& known : number_types)
    if (type == known.name) return known.bytes;
  NOPAL_CHECK(false, where, " consists of ", type, ", expected real numbers or integers");
}

std::vector<double> to_doubles(const char* bytes, std::size_t count, const std::string& type,
                               bool swapped, const std::string& where) {
  std::vector<double> values(count);
  if (type == "float32")
    convert<float>(bytes, swapped, values);
  else if (type == "float64")
    convert<double>(bytes, swapped, values);
  else if (type == "int8")
    convert<std::int8_t>(bytes, swapped, values);
  else if (type == "uint8" || type == "bool")
    convert<std::uint8_t>(bytes, swapped, values);
  else if (type == "int16")
    convert<std::int16_t>(bytes, swapped, values);
  else if (type == "uint16")
    convert<std::uint16_t>(bytes, swapped, values);
  else if (type == "int32")
    convert<std::int32_t>(bytes, swapped, values);
  else if (type == "uint32")
    convert<std::uint32_t>(bytes, swapped, values);
  else if (type == "int64")
    convert<std::int64_t>(bytes, swapped, values);
  else if (type == "uint64")
    convert<std::uint64_t>(bytes, swapped, values);
  else
    bytes_of(type, where);
  return values;
}

}  // namespace detail
}  // namespace nopal
