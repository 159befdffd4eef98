// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Files of NumPy: an array (npy), or a zip archive of them (npz).

#include "data/array_formats.hpp"
#include "data/npy_header.hpp"

#include <nopal/core/error.hpp>
#include <nopal/data/npy.hpp>

#include <zip.h>

#include <fstream>

namespace nopal::detail {
namespace {

FileArray describe(const NpyInfo& info, std::string name) {
  return {std::move(name), {info.shape.begin(), info.shape.end()}, info.type};
}

class NpyArray : public ArrayFile {
 public:
  explicit NpyArray(const std::string& path) : ArrayFile(path, "npy") {
    std::ifstream in(path, std::ios::binary);
    in.seekg(0, std::ios::end);
    const auto size = static_cast<std::uint64_t>(in.tellg());
    in.seekg(0);
    std::string first(std::min<std::uint64_t>(size, npy_header_room), '\0');
    in.read(first.data(), static_cast<std::streamsize>(first.size()));
    NOPAL_CHECK(in, path, ": cannot be read");
    arrays_ = {describe(npy_info(first, size, path), "array")};
  }

  std::vector<double> read(const FileArray& array, std::int64_t first,
                           std::int64_t count) const override {
    check_rows(*this, array, first, count);
    if (whole_.empty()) whole_ = read_npy<double>(path_).to_vector();
    return rows_of(whole_, array.shape, false, first, count);
  }

 private:
  mutable std::vector<double> whole_;
};

struct Archive {
  zip_t* zip = nullptr;
  explicit Archive(const std::string& path) {
    int code = 0;
    zip = zip_open(path.c_str(), ZIP_RDONLY, &code);
    if (zip) return;
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    const std::string text = zip_error_strerror(&error);
    zip_error_fini(&error);
    NOPAL_CHECK(false, path, ": the npz file cannot be read: ", text);
  }
  ~Archive() { zip_discard(zip); }
  Archive(const Archive&) = delete;
  Archive& operator=(const Archive&) = delete;
};

class NpzArrays : public ArrayFile {
 public:
  explicit NpzArrays(const std::string& path) : ArrayFile(path, "npz"), archive_(path) {
    const zip_int64_t entries = zip_get_num_entries(archive_.zip, 0);
    for (zip_int64_t i = 0; i < entries; ++i) {
      const char* name = zip_get_name(archive_.zip, static_cast<zip_uint64_t>(i), 0);
      std::string text = name ? name : "";
      if (!text.ends_with(".npy")) continue;
      text.resize(text.size() - 4);
      NOPAL_CHECK(!places_.contains(text) && !attributes_.contains(text), path,
                  ": the npz file has two arrays '", printable(text), "'; give them other names");
      const std::uint64_t size = bytes(i);
      const std::string first = contents(i, std::min<std::uint64_t>(size, npy_header_room));
      try {
        arrays_.push_back(describe(npy_info(first, size, "npy"), text));
      } catch (const Error& error) {
        // Texts and records beside the arrays are no reason to refuse those.
        attributes_[text] = error.what();
        continue;
      }
      places_[text] = i;
    }
    NOPAL_CHECK(!arrays_.empty(), path, ": a zip file without arrays of NumPy that can be read",
                attributes_.empty() ? "" : "; ",
                attributes_.empty() ? "" : printable(attributes_.begin()->second, 200));
  }

  std::vector<double> read(const FileArray& array, std::int64_t first,
                           std::int64_t count) const override {
    check_rows(*this, array, first, count);
    if (cached_ != array.name) {
      const zip_int64_t place = places_.at(array.name);
      const std::string all = contents(place, bytes(place));
      whole_ = parse_npy<double>(all.data(), all.size(), where(array.name)).to_vector();
      cached_ = array.name;
    }
    return rows_of(whole_, array.shape, false, first, count);
  }

 private:
  std::string where(const std::string& name) const { return path_ + ": " + printable(name); }

  std::uint64_t bytes(zip_int64_t place) const {
    zip_stat_t status;
    NOPAL_CHECK(zip_stat_index(archive_.zip, static_cast<zip_uint64_t>(place), 0, &status) == 0 &&
                    (status.valid & ZIP_STAT_SIZE) && (status.valid & ZIP_STAT_COMP_SIZE),
                path_, ": the npz file is damaged");
    // Deflate makes at most 1032 bytes of one: more is a claim that would only cost memory.
    NOPAL_CHECK(status.size / 1032 <= status.comp_size + 1, path_,
                ": the npz file is damaged: an array claims ", status.size, " bytes from ",
                status.comp_size);
    return status.size;
  }

  std::string contents(zip_int64_t place, std::uint64_t wanted) const {
    zip_file_t* file = zip_fopen_index(archive_.zip, static_cast<zip_uint64_t>(place), 0);
    NOPAL_CHECK(file != nullptr, path_,
                ": an array of the npz file cannot be read: ", zip_strerror(archive_.zip));
    std::string bytes(wanted, '\0');
    std::uint64_t done = 0;
    while (done < wanted) {
      const zip_int64_t got = zip_fread(file, bytes.data() + done, wanted - done);
      if (got <= 0) break;
      done += static_cast<std::uint64_t>(got);
    }
    zip_fclose(file);
    NOPAL_CHECK(done == wanted, path_, ": an array of the npz file is damaged: ", done, " of ",
                wanted, " bytes could be read");
    return bytes;
  }

  Archive archive_;
  std::map<std::string, zip_int64_t> places_;
  mutable std::string cached_;
  mutable std::vector<double> whole_;
};

}  // namespace

std::unique_ptr<ArrayFile> open_npy_array(const std::string& path) {
  return std::make_unique<NpyArray>(path);
}

std::unique_ptr<ArrayFile> open_npz_arrays(const std::string& path) {
  return std::make_unique<NpzArrays>(path);
}

}  // namespace nopal::detail
