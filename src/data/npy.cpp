// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "data/npy_header.hpp"

#include <nopal/data/npy.hpp>
#include <nopal/io/atomic_file.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string_view>
#include <system_error>
#include <vector>

namespace nopal {
namespace {

static_assert(std::endian::native == std::endian::little,
              "npy files are read and written as little endian; this host is not");

constexpr std::string_view magic = "\x93NUMPY";
constexpr std::uint64_t prefix_size = 12;  // magic, version, and up to 4 bytes of length
constexpr std::uint64_t max_header = std::uint64_t(1) << 20;
constexpr std::uint64_t max_bytes = std::uint64_t(1) << 60;

struct Header {
  std::string type;
  bool fortran = false;
  Shape shape;
};

// The Python dictionary of the header: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& name) : rest_(text), name_(name) {}

  Header parse() {
    expect('{');
    bool has_type = false, has_order = false, has_shape = false;
    while (!accept('}')) {
      const std::string key = text();
      expect(':');
      if (key == "descr" && !has_type) {
        has_type = true;
        check(peek() == '\'' || peek() == '"', "records are not supported, only numbers");
        header_.type = text();
      } else if (key == "fortran_order" && !has_order) {
        has_order = true;
        header_.fortran = truth();
      } else if (key == "shape" && !has_shape) {
        has_shape = true;
        shape();
      } else {
        check(false, "entry '" + key + "' is unknown or comes twice");
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    check(has_type && has_order && has_shape, "expected descr, fortran_order and shape");
    check(peek() == '\0', "something follows the dictionary");
    return header_;
  }

 private:
  void check(bool good, const std::string& problem) const {
    NOPAL_CHECK(good, name_, ": the header of the npy file is damaged: ", problem);
  }

  char peek() {
    const auto next = rest_.find_first_not_of(" \t\n");
    rest_.remove_prefix(std::min(next, rest_.size()));
    return rest_.empty() ? '\0' : rest_.front();
  }

  bool accept(char c) {
    if (peek() != c || rest_.empty()) return false;
    rest_.remove_prefix(1);
    return true;
  }

  void expect(char c) { check(accept(c), std::string("expected '") + c + "'"); }

  std::string text() {
    const char quote = peek();
    check(quote == '\'' || quote == '"', "expected a string");
    const auto end = rest_.find(quote, 1);
    check(end != std::string_view::npos, "a string does not end");
    std::string result(rest_.substr(1, end - 1));
    rest_.remove_prefix(end + 1);
    return result;
  }

  bool truth() {
    peek();
    for (const std::string_view word : {"True", "False"})
      if (rest_.substr(0, word.size()) == word) {
        rest_.remove_prefix(word.size());
        return word == "True";
      }
    check(false, "fortran_order is neither True nor False");
    return false;
  }

  void shape() {
    expect('(');
    while (!accept(')')) {
      check(peek() >= '0' && peek() <= '9', "an extent is not a number");
      std::int64_t extent = 0;
      for (; !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9';
           rest_.remove_prefix(1)) {
        check(extent < std::numeric_limits<std::int64_t>::max() / 16, "an extent is too large");
        extent = 10 * extent + (rest_.front() - '0');
      }
      accept('L');  // as Python 2 wrote them
      NOPAL_CHECK(header_.shape.rank() < Shape::max_rank, name_, ": the array has more than ",
                  Shape::max_rank, " axes");
      header_.shape.push_back(extent);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
  }

  std::string_view rest_;
  const std::string& name_;
  Header header_;
};

struct Layout {
  std::uint64_t text = 0;  // where the dictionary begins
  std::uint64_t data = 0;  // and ends
};

// `first` are the first min(12, size) bytes.
Layout find_header(std::string_view first, std::uint64_t size, const std::string& name) {
  NOPAL_CHECK(first.substr(0, magic.size()) == magic, name, ": not an npy file");
  NOPAL_CHECK(size >= prefix_size, name, ": the npy file is truncated in its header");
  const auto byte = [&](std::size_t i) {
    return static_cast<std::uint64_t>(static_cast<unsigned char>(first[i]));
  };
  const std::uint64_t version = byte(6);
  NOPAL_CHECK(version >= 1 && version <= 3, name, ": npy format version ", version,
              " is unknown, expected 1 to 3");
  std::uint64_t length = byte(8) + (byte(9) << 8);
  Layout layout{10, 0};
  if (version > 1) {
    length += (byte(10) << 16) + (byte(11) << 24);
    layout.text = 12;
  }
  layout.data = layout.text + length;
  NOPAL_CHECK(length <= max_header && layout.data <= size, name,
              ": the npy file is damaged or truncated: its header should have ", length,
              " bytes, the file has ", size);
  return layout;
}

// Calls action(example of the stored type).
template <class Action>
void with_type(const std::string& type, const std::string& name, Action&& action) {
  if (type == "<f4") return action(float{});
  if (type == "<f8") return action(double{});
  if (type == "|b1" || type == "|u1") return action(std::uint8_t{});
  if (type == "|i1") return action(std::int8_t{});
  if (type == "<i2") return action(std::int16_t{});
  if (type == "<u2") return action(std::uint16_t{});
  if (type == "<i4") return action(std::int32_t{});
  if (type == "<u4") return action(std::uint32_t{});
  if (type == "<i8") return action(std::int64_t{});
  NOPAL_CHECK(false, name, ": type '", type,
              "' is not supported (<f4, <f8, <i2, <i4, <i8, <u2, <u4, |i1, |u1, |b1 are); convert "
              "it with numpy's astype");
}

// Entries in row-major order from those in column-major order.
template <class T>
std::vector<T> from_fortran(const std::vector<T>& columns, const Shape& shape) {
  std::vector<T> rows(columns.size());
  std::array<std::int64_t, Shape::max_rank> index{}, stride{};
  std::int64_t product = 1;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    stride[static_cast<std::size_t>(axis)] = product;
    product *= shape[axis];
  }
  std::int64_t from = 0;
  for (T& value : rows) {
    value = columns[static_cast<std::size_t>(from)];
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      const auto a = static_cast<std::size_t>(axis);
      from += stride[a];
      if (++index[a] < shape[axis]) break;
      from -= stride[a] * shape[axis];
      index[a] = 0;
    }
  }
  return rows;
}

// Bytes of data that a header promises, of which there are `available`.
std::uint64_t data_bytes(const Header& header, std::size_t size, std::uint64_t available,
                         const std::string& name) {
  std::uint64_t bytes = size;
  bool empty = false;
  for (const std::int64_t extent : header.shape) {
    const auto n = static_cast<std::uint64_t>(extent);
    empty = empty || n == 0;
    NOPAL_CHECK(n == 0 || bytes <= max_bytes / n, name, ": shape ", header.shape, " is too large");
    bytes *= std::max<std::uint64_t>(n, 1);
  }
  if (empty) bytes = 0;
  NOPAL_CHECK(bytes == available, name, ": shape ", header.shape, " of ", header.type, " needs ",
              bytes, " bytes of data, the file has ", available,
              bytes > available ? "; it is truncated" : "; it is damaged");
  return bytes;
}

// The array, with `next(pointer, bytes)` to get the data that follow the header.
template <class T, class Next>
Tensor<T> read_array(const Header& header, std::uint64_t available, const std::string& name,
                     Next&& next) {
  std::vector<T> values;
  with_type(header.type, name, [&](auto example) {
    using Stored = decltype(example);
    const std::uint64_t bytes = data_bytes(header, sizeof(Stored), available, name);
    values.resize(bytes / sizeof(Stored));
    std::array<Stored, 8192> buffer;
    for (std::size_t done = 0; done < values.size();) {
      const std::size_t count = std::min(buffer.size(), values.size() - done);
      next(reinterpret_cast<char*>(buffer.data()), count * sizeof(Stored));
      for (std::size_t i = 0; i < count; ++i)
        values[done + i] = static_cast<T>(buffer[i]);
      done += count;
    }
  });
  if (header.fortran && header.shape.rank() > 1) values = from_fortran(values, header.shape);
  return Tensor<T>::from_host(header.shape, values);
}

}  // namespace

detail::NpyInfo detail::npy_info(std::string_view first, std::uint64_t size,
                                 const std::string& name) {
  const Layout layout = find_header(first.substr(0, prefix_size), size, name);
  NOPAL_CHECK(layout.data <= first.size(), name, ": the header of the npy file is too long");
  const Header header =
      HeaderParser(first.substr(layout.text, layout.data - layout.text), name).parse();
  NpyInfo info{header.shape, ""};
  with_type(header.type, name, [&](auto example) {
    using Stored = decltype(example);
    const char* kind = std::is_floating_point_v<Stored> ? "float"
                       : std::is_signed_v<Stored>       ? "int"
                                                        : "uint";
    data_bytes(header, sizeof(Stored), size - layout.data, name);
    info.type = header.type == "|b1" ? "bool" : kind + std::to_string(8 * sizeof(Stored));
  });
  return info;
}

template <class T>
Tensor<T> parse_npy(const char* data, std::size_t size, const std::string& name) {
  const std::string_view all(data, size);
  const Layout layout = find_header(all.substr(0, prefix_size), size, name);
  const Header header =
      HeaderParser(all.substr(layout.text, layout.data - layout.text), name).parse();
  const char* position = data + layout.data;
  return read_array<T>(header, size - layout.data, name, [&](char* to, std::size_t bytes) {
    std::memcpy(to, position, bytes);
    position += bytes;
  });
}

template <class T>
Tensor<T> read_npy(const std::string& path) {
  std::error_code failed;
  const auto status = std::filesystem::status(path, failed);
  NOPAL_CHECK(!std::filesystem::is_directory(status), path, ": is a folder, expected an npy file");
  NOPAL_CHECK(!std::filesystem::is_other(status), path,
              ": is a device or pipe, expected an npy file");
  std::ifstream in(path, std::ios::binary);
  NOPAL_CHECK(in, path, ": cannot be opened for reading");
  in.seekg(0, std::ios::end);
  const std::streamoff end = in.tellg();
  NOPAL_CHECK(in && end >= 0, path, ": is not a readable file");
  const auto size = static_cast<std::uint64_t>(end);
  in.seekg(0);
  const auto next = [&](char* to, std::size_t bytes) {
    in.read(to, static_cast<std::streamsize>(bytes));
    NOPAL_CHECK(in, path, ": cannot be read");
  };
  std::string first(static_cast<std::size_t>(std::min(size, prefix_size)), '\0');
  next(first.data(), first.size());
  const Layout layout = find_header(first, size, path);
  std::string text(layout.data - layout.text, '\0');
  in.seekg(static_cast<std::streamoff>(layout.text));
  next(text.data(), text.size());
  return read_array<T>(HeaderParser(text, path).parse(), size - layout.data, path, next);
}

template <class T>
void write_npy(const std::string& path, const Tensor<T>& tensor) {
  std::string text =
      detail::concatenate("{'descr': '<f", sizeof(T), "', 'fortran_order': False, 'shape': (");
  for (const std::int64_t extent : tensor.shape())
    text += std::to_string(extent) + ", ";
  text += "), }";
  if (tensor.rank() > 1) text.erase(text.rfind(", ), }"), 2);
  if (tensor.rank() == 1) text.erase(text.rfind(" ), }"), 1);
  // The data begin at a multiple of 64 bytes, after a line break.
  text.resize((10 + text.size() + 1 + 63) / 64 * 64 - 10 - 1, ' ');
  text += '\n';
  AtomicFile file(path);
  file.write(magic);
  const char version_and_length[4] = {1, 0, static_cast<char>(text.size() & 0xff),
                                      static_cast<char>(text.size() >> 8)};
  file.write(version_and_length, sizeof(version_and_length));
  file.write(text);
  const std::vector<T> values = tensor.to_vector();
  file.write(values.data(), values.size() * sizeof(T));
  file.commit();
}

#define NOPAL_INSTANTIATE(T)                                                     \
  template Tensor<T> read_npy<T>(const std::string&);                            \
  template Tensor<T> parse_npy<T>(const char*, std::size_t, const std::string&); \
  template void write_npy<T>(const std::string&, const Tensor<T>&);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal
