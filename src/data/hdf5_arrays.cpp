// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Any HDF5 file, and MATLAB's of level 7.3, which are HDF5 with all axes in reverse.

#include "data/array_formats.hpp"
#include "data/hdf5_tools.hpp"

#include <nopal/core/error.hpp>

#include <algorithm>

namespace nopal::detail {
namespace {

std::string type_name(hid_t dataset) {
  const hdf5::Handle type(H5Dget_type(dataset), H5Tclose);
  const std::size_t bits = 8 * H5Tget_size(type.get());
  switch (H5Tget_class(type.get())) {
    case H5T_FLOAT:
      return "float" + std::to_string(bits);
    case H5T_INTEGER:
      return (H5Tget_sign(type.get()) == H5T_SGN_NONE ? "uint" : "int") + std::to_string(bits);
    case H5T_ENUM:
      return bits == 8 ? "bool" : "";
    default:
      return "";
  }
}

herr_t append_object(hid_t, const char* name, const H5O_info_t* info, void* names) {
  if (info->type == H5O_TYPE_DATASET || info->type == H5O_TYPE_GROUP)
    static_cast<std::vector<std::string>*>(names)->emplace_back(name);
  return 0;
}

class Hdf5Arrays : public ArrayFile {
 public:
  explicit Hdf5Arrays(const std::string& path) : ArrayFile(path, "HDF5") {
    const hdf5::Section section;
    file_ = hdf5::open_file(path);
    const hdf5::Handle create(H5Fget_create_plist(file_.get()), H5Pclose);
    hsize_t user_block = 0;
    H5Pget_userblock(create.get(), &user_block);
    attributes_ = hdf5::attributes(file_.get());
    std::vector<std::string> names;
    H5Ovisit(file_.get(), H5_INDEX_NAME, H5_ITER_NATIVE, append_object, &names);
    for (const std::string& name : names)
      if (name != ".") list(name, user_block > 0);
    if (reversed_) format_ = "MATLAB 7.3";
  }
  ~Hdf5Arrays() override {
    const hdf5::Section section;
    file_.reset();
  }

  std::vector<double> read(const FileArray& array, std::int64_t first,
                           std::int64_t count) const override {
    check_rows(*this, array, first, count);
    const hdf5::Section section;
    const hdf5::Handle dataset(H5Dopen2(file_.get(), array.name.c_str(), H5P_DEFAULT), H5Dclose);
    std::vector<std::int64_t> part = array.shape;
    if (part.empty()) part = {1};
    part[0] = count;
    std::vector<double> values(
        static_cast<std::size_t>(entries(part, path_ + ": " + printable(array.name))));
    if (values.empty()) return values;
    // Truths are stored as an enumeration, which HDF5 does not turn into numbers.
    std::vector<signed char> truths(array.type == "bool" ? values.size() : 0);
    const hdf5::Handle own(H5Dget_type(dataset.get()), H5Tclose);
    const hid_t type = truths.empty() ? H5T_NATIVE_DOUBLE : own.get();
    void* to = truths.empty() ? static_cast<void*>(values.data()) : truths.data();
    const hdf5::Handle in_file(H5Dget_space(dataset.get()), H5Sclose);
    bool good = static_cast<bool>(dataset);
    if (array.shape.empty()) {
      good = good && H5Dread(dataset.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, to) >= 0;
    } else {
      std::vector<hsize_t> start(part.size(), 0), counts(part.begin(), part.end());
      start[0] = static_cast<hsize_t>(first);
      if (reversed_) {
        std::reverse(start.begin(), start.end());
        std::reverse(counts.begin(), counts.end());
      }
      const hdf5::Handle in_memory(
          H5Screate_simple(static_cast<int>(counts.size()), counts.data(), nullptr), H5Sclose);
      good = good &&
             H5Sselect_hyperslab(in_file.get(), H5S_SELECT_SET, start.data(), nullptr,
                                 counts.data(), nullptr) >= 0 &&
             H5Dread(dataset.get(), type, in_memory.get(), in_file.get(), H5P_DEFAULT, to) >= 0;
    }
    NOPAL_CHECK(good, path_, ": entries ", first, " to ", first + count, " of ",
                printable(array.name),
                " cannot be read, the file may be damaged: ", hdf5::complaint());
    const hdf5::Handle base(truths.empty() ? -1 : H5Tget_super(own.get()), H5Tclose);
    const bool plain = !truths.empty() && H5Tget_sign(base.get()) == H5T_SGN_NONE;
    std::transform(truths.begin(), truths.end(), values.begin(), [&](signed char value) {
      return plain ? static_cast<unsigned char>(value) : double(value);
    });
    return reversed_ ? rows_of(values, part, true, 0, count) : values;
  }

 private:
  void list(const std::string& name, bool has_user_block) {
    const hdf5::Handle object(H5Oopen(file_.get(), name.c_str(), H5P_DEFAULT), H5Oclose);
    if (!object) return;
    const auto known = hdf5::attributes(object.get());
    for (const auto& [key, text] : known) {
      std::string full = name;
      full.append("@").append(key);
      attributes_[full] = text;
    }
    if (H5Iget_type(object.get()) != H5I_DATASET) return;
    FileArray array{name, {}, type_name(object.get())};
    // A logical array of MATLAB's is one of bytes.
    if (has_user_block && known.contains("MATLAB_class")) reversed_ = true;
    if (array.type.empty()) return;
    const hdf5::Handle space(H5Dget_space(object.get()), H5Sclose);
    const int rank = H5Sget_simple_extent_ndims(space.get());
    if (H5Sget_simple_extent_type(space.get()) == H5S_NULL || rank < 0) return;
    std::vector<hsize_t> extents(static_cast<std::size_t>(rank));
    H5Sget_simple_extent_dims(space.get(), extents.data(), nullptr);
    for (const hsize_t extent : extents) {
      NOPAL_CHECK(extent < hsize_t(1) << 56, path_, ": ", printable(name),
                  " is too large to address; the file is damaged");
      array.shape.push_back(static_cast<std::int64_t>(extent));
    }
    if (has_user_block && known.contains("MATLAB_class"))
      std::reverse(array.shape.begin(), array.shape.end());
    arrays_.push_back(std::move(array));
  }

  hdf5::Handle file_;
  bool reversed_ = false;  // the axes of all arrays
};

}  // namespace

std::unique_ptr<ArrayFile> open_hdf5_arrays(const std::string& path) {
  return std::make_unique<Hdf5Arrays>(path);
}

}  // namespace nopal::detail
