// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "data/hdf5_tools.hpp"

#include <array>
#include <charconv>
#include <filesystem>
#include <mutex>

namespace nopal::hdf5 {
namespace {

namespace fs = std::filesystem;

std::recursive_mutex& mutex() {
  static std::recursive_mutex instance;
  return instance;
}

// Part of `text` after `begin` and before `end`; empty if there is none.
std::string between(const std::string& text, const std::string& begin, const std::string& end) {
  const auto first = text.find(begin);
  if (first == std::string::npos) return {};
  const auto last = text.find(end, first + begin.size());
  if (last == std::string::npos) return {};
  return text.substr(first + begin.size(), last - first - begin.size());
}

struct Complaint {
  std::string innermost, system;
};

herr_t visit(unsigned, const H5E_error2_t* error, void* data) {
  auto& result = *static_cast<Complaint*>(data);
  const std::string text = error->desc ? error->desc : "";
  if (text.empty()) return 0;
  if (result.innermost.empty()) result.innermost = text;
  if (result.system.empty()) result.system = between(text, "error message = '", "'");
  // The MPI library's text, of a call that HDF5 made.
  if (result.system.empty() && text.rfind("MPI_ERR_", 0) == 0) result.system = text;
  return 0;
}

}  // namespace

Section::Section() {
  mutex().lock();
  H5Eget_auto2(H5E_DEFAULT, &printer_, &argument_);
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

Section::~Section() {
  H5Eset_auto2(H5E_DEFAULT, printer_, argument_);
  mutex().unlock();
}

std::string complaint() {
  Complaint result;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, visit, &result);
  std::string text = result.system.empty() ? result.innermost : result.system;
  if (text.empty()) text = "HDF5 gives no reason";
  for (char& c : text)
    if (c == '\n' || c == '\r') c = ' ';
  return text;
}

Handle open_file(const std::string& path) {
  std::error_code failed;
  const auto status = fs::status(path, failed);
  NOPAL_CHECK(fs::exists(status), path, ": cannot be opened: no such file");
  NOPAL_CHECK(!fs::is_directory(status), path, ": is a folder, expected an HDF5 file");
  NOPAL_CHECK(fs::is_regular_file(status), path, ": is a device or pipe, expected an HDF5 file");
  const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_fclose_degree(access.get(), H5F_CLOSE_STRONG);
#if H5_VERSION_GE(1, 10, 7)
  H5Pset_file_locking(access.get(), false, true);  // some network file systems have no locks
#endif
  const htri_t is_hdf5 = H5Fis_hdf5(path.c_str());
  NOPAL_CHECK(is_hdf5 >= 0, path, ": cannot be read: ", complaint());
  const std::string suffix = fs::path(path).extension();
  NOPAL_CHECK(is_hdf5 > 0, path, ": not an HDF5 file",
              suffix == ".npz" || suffix == ".npy" || suffix == ".mat"
                  ? "; make a data file of it with `nopal convert`"
                  : "");
  Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.get()), H5Fclose);
  NOPAL_CHECK(file, path, ": cannot be read, it may be damaged or truncated: ", complaint());
  return file;
}

namespace {

// Shortest decimal form that reads back as the same number.
template <class Number>
std::string to_text(Number value) {
  std::array<char, 40> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return {text.data(), end};
}

// Lists of more numbers are no description.
constexpr hssize_t longest_list = 1000;

// The texts or numbers of an attribute, separated by spaces; false for what is neither.
bool attribute_text(hid_t attribute, std::string& text) {
  const Handle type(H5Aget_type(attribute), H5Tclose);
  const Handle space(H5Aget_space(attribute), H5Sclose);
  const hssize_t count = type && space ? H5Sget_simple_extent_npoints(space.get()) : 0;
  if (count < 1 || count > longest_list) return false;
  const auto n = static_cast<std::size_t>(count);
  const auto append = [&](const std::string& word) { text += (text.empty() ? "" : " ") + word; };
  switch (H5Tget_class(type.get())) {
    case H5T_FLOAT: {
      std::vector<double> values(n);
      if (H5Aread(attribute, H5T_NATIVE_DOUBLE, values.data()) < 0) return false;
      for (const double value : values)
        append(to_text(value));
      return true;
    }
    case H5T_INTEGER: {
      std::vector<std::int64_t> values(n);
      if (H5Aread(attribute, H5T_NATIVE_INT64, values.data()) < 0) return false;
      for (const std::int64_t value : values)
        append(to_text(value));
      return true;
    }
    case H5T_ENUM: {  // truths, as h5py writes them
      if (H5Tget_size(type.get()) != 1) return false;
      std::vector<signed char> values(n);
      if (H5Aread(attribute, type.get(), values.data()) < 0) return false;
      for (const signed char value : values)
        append(value ? "true" : "false");
      return true;
    }
    case H5T_STRING:
      break;
    default:
      return false;
  }
  if (H5Tis_variable_str(type.get()) > 0) {
    std::vector<char*> values(n, nullptr);
    if (H5Aread(attribute, type.get(), values.data()) < 0) return false;
    for (char* value : values) {
      append(value ? value : "");
      H5free_memory(value);
    }
    return true;
  }
  const std::size_t width = H5Tget_size(type.get());
  std::string all(n * width, '\0');
  if (H5Aread(attribute, type.get(), all.data()) < 0) return false;
  for (std::size_t i = 0; i < n; ++i) {
    std::string word = all.substr(i * width, width);
    append(word.substr(0, word.find('\0')));
  }
  return true;
}

}  // namespace

std::map<std::string, std::string> attributes(hid_t object) {
  std::map<std::string, std::string> result;
  H5O_info_t info{};
  if (H5Oget_info(object, &info) < 0) return result;
  for (hsize_t i = 0; i < info.num_attrs; ++i) {
    const Handle attribute(
        H5Aopen_by_idx(object, ".", H5_INDEX_NAME, H5_ITER_NATIVE, i, H5P_DEFAULT, H5P_DEFAULT),
        H5Aclose);
    const ssize_t length = attribute ? H5Aget_name(attribute.get(), 0, nullptr) : -1;
    if (length < 0) continue;
    std::string name(static_cast<std::size_t>(length), '\0'), text;
    H5Aget_name(attribute.get(), name.size() + 1, name.data());
    if (attribute_text(attribute.get(), text)) result[name] = text;
  }
  return result;
}

}  // namespace nopal::hdf5
