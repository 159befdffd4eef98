// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/core/tensor.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace nopal {

/// One tensor as it lies in a safetensors file, in host memory.
struct FileTensor {
  std::string dtype;  ///< "F32", "F64", "I64", "U8"
  Shape shape;
  std::vector<char> bytes;  ///< little endian, row-major; size = size of dtype * shape.size()

  /// Entries converted to T (from F32 or F64); Error for other types.
  template <class T>
  Tensor<T> to_tensor() const;

  template <class T>
  static FileTensor from_tensor(const Tensor<T>& tensor);
};

/// Contents of a safetensors file: named tensors and string metadata.
struct SafetensorsFile {
  std::map<std::string, FileTensor> tensors;
  std::map<std::string, std::string> metadata;
};

/// Reads a safetensors file. The file is untrusted: length, header, every offset, dtype and shape
/// are checked before use, and never more memory is taken than the file has bytes. Error names the
/// file and what is wrong. Not collective; ranks that share a model read on one and broadcast.
SafetensorsFile read_safetensors(const std::string& path);

/// The same from memory (`name` stands for the path in errors); for the fuzz test.
SafetensorsFile parse_safetensors(const char* data, std::size_t size, const std::string& name);

/// Writes atomically, by an AtomicFile: a crash or a full disk leaves the old file. Not collective;
/// call on one rank.
void write_safetensors(const std::string& path, const SafetensorsFile& file);

}  // namespace nopal
