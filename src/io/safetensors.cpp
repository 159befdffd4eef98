// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/io/atomic_file.hpp>
#include <nopal/io/json_text.hpp>
#include <nopal/io/safetensors.hpp>

#include "io/safetensors_header.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace nopal {
namespace {

static_assert(std::endian::native == std::endian::little,
              "safetensors files are little endian and are read without swapping bytes");

using detail::safetensors_dtype_size;

// Length of the JSON header, from the first eight bytes of a file of `file_size` bytes.
std::uint64_t header_length(const char* first, std::uint64_t file_size, const std::string& name) {
  NOPAL_CHECK(std::memcmp(first, "\x89HDF\r\n\x1a\n", 8) != 0, name,
              ": is an HDF5 file, such as data, expected a model (safetensors)");
  std::uint64_t length = 0;
  std::memcpy(&length, first, sizeof(length));
  NOPAL_CHECK(length <= detail::max_safetensors_header, name,
              ": not a safetensors file: it claims a header of ", length,
              " bytes, the format allows ", detail::max_safetensors_header);
  NOPAL_CHECK(length <= file_size - sizeof(length), name,
              ": truncated, or not a safetensors file: it claims a header of ", length,
              " bytes, the file has ", file_size);
  return length;
}

void check_smallest(std::uint64_t file_size, const std::string& name) {
  NOPAL_CHECK(file_size >= 10, name, ": not a safetensors file: it has only ", file_size, " bytes");
}

// Widest types first, so that every tensor is aligned to its entries; by name among equals.
std::vector<const std::pair<const std::string, FileTensor>*> file_order(
    const SafetensorsFile& file) {
  std::vector<const std::pair<const std::string, FileTensor>*> order;
  for (const auto& item : file.tensors)
    order.push_back(&item);
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return safetensors_dtype_size(a->second.dtype) > safetensors_dtype_size(b->second.dtype);
  });
  return order;
}

void check_writable(const std::string& name, const FileTensor& tensor, const std::string& path) {
  const std::size_t width = safetensors_dtype_size(tensor.dtype);
  NOPAL_CHECK(width > 0, "cannot write ", path, ": tensor '", printable(name), "' has the dtype '",
              printable(tensor.dtype), "', which safetensors does not know");
  NOPAL_CHECK(tensor.bytes.size() == width * static_cast<std::size_t>(tensor.shape.size()),
              "cannot write ", path, ": tensor '", printable(name), "' of shape ", tensor.shape,
              " and dtype ", tensor.dtype, " has ", tensor.bytes.size(), " bytes");
  NOPAL_CHECK(name != "__metadata__", "cannot write ", path,
              ": __metadata__ is not a name for a tensor");
}

std::string make_header(const SafetensorsFile& file, const std::string& path) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!file.metadata.empty()) header["__metadata__"] = file.metadata;
  std::uint64_t position = 0;
  for (const auto* item : file_order(file)) {
    const auto& [name, tensor] = *item;
    check_writable(name, tensor, path);
    const std::uint64_t end = position + tensor.bytes.size();
    header[name] = {{"dtype", tensor.dtype},
                    {"shape", std::vector<std::int64_t>(tensor.shape.begin(), tensor.shape.end())},
                    {"data_offsets", {position, end}}};
    position = end;
  }
  // A path that is not UTF-8 in the provenance must not make a trained model impossible to save.
  std::string text = json_text(header);
  text.append((8 - text.size() % 8) % 8, ' ');  // the data start at a multiple of 8 bytes
  NOPAL_CHECK(text.size() <= detail::max_safetensors_header, "cannot write ", path,
              ": names and metadata take ", text.size(), " bytes, the format allows ",
              detail::max_safetensors_header);
  return text;
}

template <class Stored, class T>
Tensor<T> convert(const FileTensor& tensor) {
  const auto count = static_cast<std::size_t>(tensor.shape.size());
  NOPAL_CHECK(tensor.bytes.size() == count * sizeof(Stored), "tensor of shape ", tensor.shape,
              " and dtype ", tensor.dtype, " has ", tensor.bytes.size(), " bytes");
  std::vector<T> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    Stored value;
    std::memcpy(&value, tensor.bytes.data() + i * sizeof(Stored), sizeof(Stored));
    values[i] = static_cast<T>(value);
  }
  return Tensor<T>::from_host(tensor.shape, values);
}

}  // namespace

template <class T>
Tensor<T> FileTensor::to_tensor() const {
  NOPAL_CHECK(dtype == "F32" || dtype == "F64", "expected a tensor of dtype F32 or F64, got ",
              printable(dtype));
  return dtype == "F32" ? convert<float, T>(*this) : convert<double, T>(*this);
}

template <class T>
FileTensor FileTensor::from_tensor(const Tensor<T>& tensor) {
  FileTensor result{std::is_same_v<T, float> ? "F32" : "F64", tensor.shape(), {}};
  const std::vector<T> values = tensor.to_vector();
  const char* bytes = reinterpret_cast<const char*>(values.data());
  result.bytes.assign(bytes, bytes + values.size() * sizeof(T));
  return result;
}

SafetensorsFile read_safetensors(const std::string& path) {
  std::error_code failed;
  const auto status = std::filesystem::status(path, failed);
  NOPAL_CHECK(std::filesystem::exists(status), "cannot read ", path, ": ",
              failed ? failed.message() : "No such file or directory");
  NOPAL_CHECK(std::filesystem::is_regular_file(status), "cannot read ", path,
              ": it is a folder or device, not a file");
  const std::uint64_t size = std::filesystem::file_size(path, failed);
  NOPAL_CHECK(!failed, "cannot read ", path, ": ", failed.message());
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  NOPAL_CHECK(in, "cannot read ", path, ": ", std::generic_category().message(errno));

  const auto read = [&](char* target, std::uint64_t count) {
    in.read(target, static_cast<std::streamsize>(count));
    NOPAL_CHECK(in, "cannot read ", path, ": it ended early or the disk failed");
  };
  check_smallest(size, path);
  char first[8];
  read(first, sizeof(first));
  std::string text(header_length(first, size, path), ' ');
  read(text.data(), text.size());
  auto header = detail::parse_safetensors_header(text, size - 8 - text.size(), path);

  SafetensorsFile file;
  file.metadata = std::move(header.metadata);
  for (const auto& entry : header.entries) {
    FileTensor& tensor = file.tensors[entry.name];
    tensor.dtype = entry.dtype;
    tensor.shape = entry.shape;
    tensor.bytes.resize(entry.end - entry.begin);
    read(tensor.bytes.data(), tensor.bytes.size());
  }
  return file;
}

SafetensorsFile parse_safetensors(const char* data, std::size_t size, const std::string& name) {
  check_smallest(size, name);
  const std::string_view text(data + 8, header_length(data, size, name));
  const char* payload = data + 8 + text.size();
  auto header = detail::parse_safetensors_header(text, size - 8 - text.size(), name);

  SafetensorsFile file;
  file.metadata = std::move(header.metadata);
  for (const auto& entry : header.entries)
    file.tensors[entry.name] = {
        entry.dtype, entry.shape, {payload + entry.begin, payload + entry.end}};
  return file;
}

void write_safetensors(const std::string& path, const SafetensorsFile& file) {
  const std::string header = make_header(file, path);
  const std::uint64_t length = header.size();
  AtomicFile out(path);
  out.write(&length, sizeof(length));
  out.write(header);
  for (const auto* item : file_order(file))
    out.write(item->second.bytes.data(), item->second.bytes.size());
  out.commit();
}

#define NOPAL_INSTANTIATE(T)                        \
  template Tensor<T> FileTensor::to_tensor() const; \
  template FileTensor FileTensor::from_tensor(const Tensor<T>&);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal
