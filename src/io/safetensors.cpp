// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/io/atomic_file.hpp>
#include <nopal/io/safetensors.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <limits>
#include <set>

namespace nopal {
namespace {

static_assert(std::endian::native == std::endian::little,
              "safetensors files are little endian; this host is not");

using nlohmann::json;

constexpr std::uint64_t max_header = 100u << 20;  // as the format's own readers
constexpr int max_depth = 8;

struct DType {
  const char* name;
  std::size_t size;
};
constexpr DType dtypes[] = {{"F64", 8}, {"F32", 4}, {"I64", 8}, {"I32", 4},
                            {"I16", 2}, {"I8", 1},  {"U8", 1},  {"BOOL", 1}};

std::size_t size_of(const std::string& dtype, const std::string& where) {
  for (const DType& known : dtypes)
    if (dtype == known.name) return known.size;
  NOPAL_CHECK(false, where, ": dtype '", dtype, "' is not supported (F64, F32, I64, I32, U8, ...)");
}

// A header names each tensor once; nlohmann's parser would silently keep the last of two.
json parse_header(const char* text, std::size_t size, const std::string& name) {
  std::vector<std::set<std::string>> keys;
  std::string problem;
  const json::parser_callback_t callback = [&](int depth, json::parse_event_t event, json& value) {
    if (depth > max_depth && problem.empty()) problem = "is nested too deeply";
    if (event == json::parse_event_t::object_start) keys.emplace_back();
    if (event == json::parse_event_t::object_end && !keys.empty()) keys.pop_back();
    if (event == json::parse_event_t::key && !keys.empty() &&
        !keys.back().insert(value.get<std::string>()).second && problem.empty())
      problem = "names '" + value.get<std::string>() + "' twice";
    return true;
  };
  // Depth is bounded before parsing: the recursion of other code on the value must be, too.
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < size; ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      NOPAL_CHECK(++depth <= max_depth, name, ": the safetensors header is nested too deeply");
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  const json header = json::parse(text, text + size, callback, /*allow_exceptions=*/false);
  NOPAL_CHECK(!header.is_discarded() && header.is_object(), name,
              ": not a safetensors file: its header is not a JSON object");
  NOPAL_CHECK(problem.empty(), name, ": the safetensors header ", problem);
  return header;
}

struct Entry {
  std::string name, dtype;
  Shape shape;
  std::uint64_t begin, end;
};

// A non-negative integer of the header.
std::uint64_t whole_number(const json& value, const std::string& where) {
  NOPAL_CHECK(value.is_number_unsigned(), where, ": expected a non-negative integer, got ",
              value.dump(-1, ' ', true, json::error_handler_t::replace));
  return value.get<std::uint64_t>();
}

Entry parse_entry(const std::string& key, const json& value, std::uint64_t data_size,
                  const std::string& name) {
  const std::string where = name + ": tensor '" + key + "'";
  NOPAL_CHECK(value.is_object() && value.size() == 3 && value.contains("dtype") &&
                  value.contains("shape") && value.contains("data_offsets"),
              where, ": expected the entries dtype, shape and data_offsets");
  Entry entry;
  entry.name = key;
  NOPAL_CHECK(value["dtype"].is_string(), where, ": dtype is not a string");
  entry.dtype = value["dtype"].get<std::string>();
  std::uint64_t bytes = size_of(entry.dtype, where);

  const json& shape = value["shape"];
  NOPAL_CHECK(shape.is_array() && shape.size() <= Shape::max_rank, where,
              ": shape is not a list of at most ", Shape::max_rank, " numbers");
  for (const json& extent : shape) {
    const std::uint64_t n = whole_number(extent, where);
    NOPAL_CHECK(n == 0 || bytes <= data_size / n, where, ": its shape needs more than the ",
                data_size, " bytes of data in the file");
    bytes *= n;
    entry.shape.push_back(static_cast<std::int64_t>(n));
  }

  const json& offsets = value["data_offsets"];
  NOPAL_CHECK(offsets.is_array() && offsets.size() == 2, where,
              ": data_offsets is not a pair of numbers");
  entry.begin = whole_number(offsets[0], where);
  entry.end = whole_number(offsets[1], where);
  NOPAL_CHECK(entry.begin <= entry.end && entry.end <= data_size, where, ": data_offsets [",
              entry.begin, ", ", entry.end, ") are outside the ", data_size,
              " bytes of data; the file is damaged or truncated");
  NOPAL_CHECK(entry.end - entry.begin == bytes, where, ": shape ", entry.shape, " of ", entry.dtype,
              " needs ", bytes, " bytes, data_offsets give ", entry.end - entry.begin);
  return entry;
}

struct Header {
  std::vector<Entry> entries;
  std::map<std::string, std::string> metadata;
};

Header interpret(const json& header, std::uint64_t data_size, const std::string& name) {
  Header result;
  for (const auto& [key, value] : header.items()) {
    if (key != "__metadata__") {
      result.entries.push_back(parse_entry(key, value, data_size, name));
      continue;
    }
    NOPAL_CHECK(value.is_object(), name, ": __metadata__ is not an object");
    for (const auto& [item, text] : value.items()) {
      NOPAL_CHECK(text.is_string(), name, ": __metadata__ entry '", item, "' is not a string");
      result.metadata[item] = text.get<std::string>();
    }
  }
  // The format allows neither holes nor overlaps.
  std::sort(result.entries.begin(), result.entries.end(), [](const Entry& a, const Entry& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  });
  std::uint64_t position = 0;
  for (const Entry& entry : result.entries) {
    NOPAL_CHECK(entry.begin == position, name, ": the data of tensor '", entry.name, "' start at ",
                entry.begin, ", expected ", position, ": the tensors overlap or leave a gap");
    position = entry.end;
  }
  NOPAL_CHECK(position == data_size, name, ": ", data_size - position,
              " bytes of data belong to no tensor");
  return result;
}

std::uint64_t header_size(const char* first_bytes, std::uint64_t file_size,
                          const std::string& name) {
  NOPAL_CHECK(file_size >= 8, name, ": not a safetensors file: it has only ", file_size, " bytes");
  std::uint64_t size;
  std::memcpy(&size, first_bytes, sizeof(size));
  NOPAL_CHECK(size <= file_size - 8 && size <= max_header, name,
              ": not a safetensors file, or truncated: its header should have ", size,
              " bytes, the file has ", file_size);
  return size;
}

}  // namespace

template <class T>
Tensor<T> FileTensor::to_tensor() const {
  const auto convert = [&](auto example) {
    using Stored = decltype(example);
    const auto count = static_cast<std::size_t>(shape.size());
    NOPAL_CHECK(bytes.size() == count * sizeof(Stored), "tensor of shape ", shape, " has ",
                bytes.size(), " bytes");
    std::vector<T> values(count);
    for (std::size_t i = 0; i < count; ++i) {
      Stored value;
      std::memcpy(&value, bytes.data() + i * sizeof(Stored), sizeof(Stored));
      values[i] = static_cast<T>(value);
    }
    return Tensor<T>::from_host(shape, values);
  };
  NOPAL_CHECK(dtype == "F32" || dtype == "F64", "expected a tensor of F32 or F64, got ", dtype);
  return dtype == "F32" ? convert(float{}) : convert(double{});
}

template <class T>
FileTensor FileTensor::from_tensor(const Tensor<T>& tensor) {
  FileTensor result{std::is_same_v<T, float> ? "F32" : "F64", tensor.shape(), {}};
  const std::vector<T> values = tensor.to_vector();
  result.bytes.resize(values.size() * sizeof(T));
  if (!values.empty()) std::memcpy(result.bytes.data(), values.data(), result.bytes.size());
  return result;
}

SafetensorsFile parse_safetensors(const char* data, std::size_t size, const std::string& name) {
  const std::uint64_t length = header_size(data, size, name);
  const char* payload = data + 8 + length;
  Header header = interpret(parse_header(data + 8, length, name), size - 8 - length, name);
  SafetensorsFile file;
  file.metadata = std::move(header.metadata);
  for (const Entry& entry : header.entries)
    file.tensors[entry.name] = {entry.dtype, entry.shape,
                                std::vector<char>(payload + entry.begin, payload + entry.end)};
  return file;
}

SafetensorsFile read_safetensors(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  NOPAL_CHECK(in, path, ": cannot be opened for reading");
  in.seekg(0, std::ios::end);
  const std::streamoff end = in.tellg();
  NOPAL_CHECK(in && end >= 0, path, ": is not a readable file");
  const auto size = static_cast<std::uint64_t>(end);
  char first_bytes[8] = {};
  in.seekg(0);
  in.read(first_bytes, static_cast<std::streamsize>(std::min<std::uint64_t>(8, size)));
  NOPAL_CHECK(in, path, ": cannot be read");
  const std::uint64_t length = header_size(first_bytes, size, path);
  std::string text(length, '\0');
  in.read(text.data(), static_cast<std::streamsize>(length));
  NOPAL_CHECK(in, path, ": cannot be read");
  Header header = interpret(parse_header(text.data(), length, path), size - 8 - length, path);

  SafetensorsFile file;
  file.metadata = std::move(header.metadata);
  for (const Entry& entry : header.entries) {  // in the order of the file
    FileTensor& tensor = file.tensors[entry.name];
    tensor = {entry.dtype, entry.shape, std::vector<char>(entry.end - entry.begin)};
    in.read(tensor.bytes.data(), static_cast<std::streamsize>(tensor.bytes.size()));
    NOPAL_CHECK(in, path, ": ends inside tensor '", entry.name, "'");
  }
  return file;
}

void write_safetensors(const std::string& path, const SafetensorsFile& file) {
  json header = json::object();
  if (!file.metadata.empty()) header["__metadata__"] = file.metadata;
  std::uint64_t position = 0;
  for (const auto& [name, tensor] : file.tensors) {
    NOPAL_CHECK(tensor.bytes.size() ==
                    size_of(tensor.dtype, path) * static_cast<std::size_t>(tensor.shape.size()),
                path, ": tensor '", name, "' of shape ", tensor.shape, " has ", tensor.bytes.size(),
                " bytes");
    header[name] = {{"dtype", tensor.dtype},
                    {"shape", std::vector<std::int64_t>(tensor.shape.begin(), tensor.shape.end())},
                    {"data_offsets", {position, position + tensor.bytes.size()}}};
    position += tensor.bytes.size();
  }
  std::string text = header.dump(-1, ' ', true, json::error_handler_t::replace);
  text.resize((text.size() + 7) / 8 * 8, ' ');  // tensors start at a multiple of 8

  AtomicFile out(path);
  const std::uint64_t length = text.size();
  out.write(&length, sizeof(length));
  out.write(text);
  for (const auto& [name, tensor] : file.tensors)
    out.write(tensor.bytes.data(), tensor.bytes.size());
  out.commit();
}

template Tensor<float> FileTensor::to_tensor<float>() const;
template Tensor<double> FileTensor::to_tensor<double>() const;
template FileTensor FileTensor::from_tensor<float>(const Tensor<float>&);
template FileTensor FileTensor::from_tensor<double>(const Tensor<double>&);

}  // namespace nopal
