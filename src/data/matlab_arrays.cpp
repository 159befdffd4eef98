// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// MATLAB files of levels 5 to 7 (save -v6, -v7): "MAT-File Format", The MathWorks, chapter 1. Files
// of level 7.3 are HDF5. Debian's libmatio reads both, but brings a second HDF5 library into the
// program, a serial one, beside the parallel one that PETSc and nopal use.

#include "data/array_formats.hpp"

#include <nopal/core/error.hpp>

#include <zlib.h>

#include <bit>
#include <cstring>
#include <fstream>
#include <optional>

namespace nopal::detail {
namespace {

enum : std::uint32_t { type_matrix = 14, type_compressed = 15 };

// The numbers that an element of a type holds.
std::string number_type(std::uint32_t type) {
  switch (type) {
    case 1:
      return "int8";
    case 2:
      return "uint8";
    case 3:
      return "int16";
    case 4:
      return "uint16";
    case 5:
      return "int32";
    case 6:
      return "uint32";
    case 7:
      return "float32";
    case 9:
      return "float64";
    case 12:
      return "int64";
    case 13:
      return "uint64";
    default:
      return "elements of type " + std::to_string(type);
  }
}

// What an array of a class is called; empty: no array of numbers.
std::string class_type(std::uint32_t kind) {
  constexpr const char* names[] = {"float64", "float32", "int8",   "uint8", "int16",
                                   "uint16",  "int32",   "uint32", "int64", "uint64"};
  return kind >= 6 && kind <= 15 ? names[kind - 6] : "";
}

// The bytes of an element, as far as they are wanted: from the file, or out of a compressed one.
class Bytes {
 public:
  Bytes(const std::string& path, std::ifstream& in, std::uint64_t begin, std::uint64_t size,
        bool compressed)
      : path_(path), in_(in), left_(size), compressed_(compressed) {
    in_.clear();
    in_.seekg(static_cast<std::streamoff>(begin));
    if (!compressed_) return;
    NOPAL_CHECK(inflateInit(&stream_) == Z_OK, path_, ": no memory to decompress");
    // Deflate makes at most 1032 bytes of one.
    room_ = 1032 * size + 1024;
  }
  ~Bytes() {
    if (compressed_) inflateEnd(&stream_);
  }
  Bytes(const Bytes&) = delete;
  Bytes& operator=(const Bytes&) = delete;

  // Whether as many bytes can follow at all: asked before memory is taken for them.
  bool may_have(std::uint64_t count) const { return count <= (compressed_ ? room_ : left_); }

  void take(char* to, std::uint64_t count) {
    NOPAL_CHECK(may_have(count), path_, ": the MATLAB file is damaged or truncated: ", count,
                " bytes are missing");
    if (!compressed_) {
      in_.read(to, static_cast<std::streamsize>(count));
      NOPAL_CHECK(in_, path_, ": the MATLAB file is truncated");
      left_ -= count;
      return;
    }
    room_ -= count;
    while (count > 0) {
      if (stream_.avail_in == 0 && left_ > 0) {
        const auto part = static_cast<uInt>(std::min<std::uint64_t>(left_, sizeof buffer_));
        in_.read(buffer_, part);
        NOPAL_CHECK(in_, path_, ": the MATLAB file is truncated");
        left_ -= part;
        stream_.next_in = reinterpret_cast<Bytef*>(buffer_);
        stream_.avail_in = part;
      }
      const auto most = static_cast<uInt>(std::min<std::uint64_t>(count, 1u << 30));
      stream_.next_out = reinterpret_cast<Bytef*>(to);
      stream_.avail_out = most;
      const int code = inflate(&stream_, Z_NO_FLUSH);
      const std::uint64_t got = most - stream_.avail_out;
      to += got;
      count -= got;
      NOPAL_CHECK((code == Z_OK || code == Z_STREAM_END) && (count == 0 || code == Z_OK) &&
                      (got > 0 || stream_.avail_in > 0 || left_ > 0),
                  path_, ": a compressed array of the MATLAB file is damaged");
    }
  }

  void skip(std::uint64_t count) {
    char rest[64];
    for (; count > 0; count -= std::min<std::uint64_t>(count, sizeof rest))
      take(rest, std::min<std::uint64_t>(count, sizeof rest));
  }

 private:
  const std::string& path_;
  std::ifstream& in_;
  std::uint64_t left_, room_ = 0;
  bool compressed_;
  z_stream stream_ = {};
  char buffer_[1 << 16];
};

class MatlabArrays : public ArrayFile {
 public:
  explicit MatlabArrays(const std::string& path)
      : ArrayFile(path, "MATLAB 5"), in_(path, std::ios::binary) {
    in_.seekg(0, std::ios::end);
    const auto size = static_cast<std::uint64_t>(in_.tellg());
    in_.seekg(0);
    char header[128];
    in_.read(header, sizeof header);
    NOPAL_CHECK(in_, path, ": the MATLAB file is truncated in its header");
    const bool little = header[126] == 'I';
    swapped_ = little != (std::endian::native == std::endian::little);
    std::string text(header, 116);
    text.resize(text.find_last_not_of(std::string(" \0", 2)) + 1);
    attributes_["header"] = printable(text, 116);
    for (std::uint64_t place = 128; place + 8 <= size;) {
      in_.clear();
      in_.seekg(static_cast<std::streamoff>(place));
      char tag[8];
      in_.read(tag, sizeof tag);
      NOPAL_CHECK(in_, path, ": cannot be read");
      const std::uint32_t type = word(tag), bytes = word(tag + 4);
      NOPAL_CHECK(bytes <= size - place - 8, path, ": the MATLAB file is damaged or truncated: an ",
                  "element should have ", bytes, " bytes, ", size - place - 8, " follow");
      if (type == type_matrix || type == type_compressed)
        list({place, bytes, type == type_compressed});
      place += 8 + bytes;
    }
  }

  std::vector<double> read(const FileArray& array, std::int64_t first,
                           std::int64_t count) const override {
    check_rows(*this, array, first, count);
    if (cached_ != array.name) {
      const Place& place = places_.at(array.name);
      Bytes bytes(path_, in_, place.begin + (place.compressed ? 8 : 0),
                  place.bytes + (place.compressed ? 0 : 8), place.compressed);
      matrix(bytes);
      whole_ = real_part(bytes, array);
      cached_ = array.name;
    }
    return rows_of(whole_, array.shape, true, first, count);
  }

 private:
  // An element of the file: where its tag is, and how many bytes follow.
  struct Place {
    std::uint64_t begin, bytes;
    bool compressed;
  };
  struct Tag {
    std::uint32_t type, bytes;
    std::optional<std::string> small;  // the contents of an element that fits its tag
  };

  std::uint32_t word(const char* bytes) const {
    std::uint32_t value;
    std::memcpy(&value, bytes, sizeof value);
    return swapped_ ? __builtin_bswap32(value) : value;
  }

  Tag tag(Bytes& bytes) const {
    char text[8];
    bytes.take(text, sizeof text);
    const std::uint32_t first = word(text);
    if (first >> 16 == 0) return {first, word(text + 4), {}};
    const std::uint32_t count = first >> 16;
    NOPAL_CHECK(count <= 4, path_, ": the MATLAB file is damaged: a small element of ", count,
                " bytes");
    return {first & 0xffff, count, std::string(text + 4, count)};
  }

  // The bytes of a sub-element, and those that fill it up to a multiple of 8.
  std::string contents(Bytes& bytes, std::uint64_t most) const {
    const Tag t = tag(bytes);
    if (t.small) return *t.small;
    NOPAL_CHECK(t.bytes <= most && bytes.may_have(t.bytes), path_,
                ": the MATLAB file is damaged: a part of an array with ", t.bytes, " bytes");
    std::string text(t.bytes, '\0');
    bytes.take(text.data(), text.size());
    if (t.bytes % 8 != 0) bytes.skip(8 - t.bytes % 8);
    return text;
  }

  struct Matrix {
    std::string name, type;
    std::vector<std::int64_t> shape;
    bool complex = false;
  };

  // Up to the numbers.
  Matrix matrix(Bytes& bytes) const {
    const Tag outer = tag(bytes);
    NOPAL_CHECK(outer.type == type_matrix, path_, ": the MATLAB file is damaged: an element of ",
                "type ", outer.type, " instead of an array");
    Matrix result;
    if (outer.bytes == 0) return result;
    const std::string flags = contents(bytes, 8);
    NOPAL_CHECK(flags.size() == 8, path_, ": the MATLAB file is damaged: the flags of an array");
    const std::uint32_t kind = word(flags.data());
    const std::uint32_t kind_of_array = kind & 0xff;
    if (kind_of_array > 15) return result;  // objects of MATLAB's own, laid out otherwise
    const std::string dimensions = contents(bytes, 4 * 32);
    NOPAL_CHECK(dimensions.size() % 4 == 0, path_, ": the MATLAB file is damaged: the extents of ",
                "an array");
    result.type = class_type(kind_of_array);
    result.complex = (kind & 0x0800) != 0;
    if ((kind & 0x0200) != 0 && !result.type.empty()) result.type = "bool";
    for (std::size_t i = 0; i < dimensions.size(); i += 4)
      result.shape.push_back(static_cast<std::int32_t>(word(dimensions.data() + i)));
    result.name = contents(bytes, 1 << 12);
    return result;
  }

  void list(const Place& place) {
    Bytes bytes(path_, in_, place.begin + (place.compressed ? 8 : 0),
                place.bytes + (place.compressed ? 0 : 8), place.compressed);
    const Matrix m = matrix(bytes);
    if (m.name.empty()) return;
    if (m.type.empty() || m.complex) {
      attributes_[m.name] = m.complex ? "complex numbers, which are not read"
                                      : "no array of numbers (text, cells, a structure, sparse)";
      return;
    }
    entries(m.shape, path_ + ": " + printable(m.name));
    if (!places_.emplace(m.name, place).second) return;
    arrays_.push_back({m.name, m.shape, m.type});
  }

  // MATLAB stores numbers in the smallest type that holds them.
  std::vector<double> real_part(Bytes& bytes, const FileArray& array) const {
    const std::string where = path_ + ": " + printable(array.name);
    const Tag t = tag(bytes);
    const auto count = static_cast<std::size_t>(entries(array.shape, where));
    const std::string type = number_type(t.type);
    NOPAL_CHECK(count * bytes_of(type, where) == t.bytes, where,
                ": the MATLAB file is damaged: ", count, " numbers (", type, ") in ", t.bytes,
                " bytes");
    if (t.small) return to_doubles(t.small->data(), count, type, swapped_, where);
    NOPAL_CHECK(bytes.may_have(t.bytes), where, ": the MATLAB file is truncated");
    // In parts: the numbers as they are stored are not needed as a whole.
    std::vector<double> values;
    values.reserve(count);
    const std::size_t width = bytes_of(type, where);
    std::vector<char> part;
    for (std::size_t done = 0; done < count;) {
      const std::size_t now = std::min<std::size_t>(count - done, 1 << 16);
      part.resize(now * width);
      bytes.take(part.data(), part.size());
      const std::vector<double> numbers = to_doubles(part.data(), now, type, swapped_, where);
      values.insert(values.end(), numbers.begin(), numbers.end());
      done += now;
    }
    return values;
  }

  mutable std::ifstream in_;
  bool swapped_ = false;
  std::map<std::string, Place> places_;
  mutable std::string cached_;
  mutable std::vector<double> whole_;
};

}  // namespace

std::unique_ptr<ArrayFile> open_matlab_arrays(const std::string& path) {
  return std::make_unique<MatlabArrays>(path);
}

}  // namespace nopal::detail
