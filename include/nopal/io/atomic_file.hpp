// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace nopal {

/// A file that appears under its name whole or not at all.
///
/// The contents go to `path` + ".tmp"; commit() flushes them to disk and renames them over `path`.
/// A program that dies, a disk that fills or an exception on the way leaves an older file as it
/// was, and the destructor removes the temporary one. A symbolic link is followed; a device or pipe
/// (/dev/stdout) is written directly. Every failure is an Error that names the file and the
/// system's reason. Not collective: use it on one rank.
///
///     AtomicFile file("history.csv");
///     file.write("epoch,loss\n");
///     file.commit();
class AtomicFile {
 public:
  /// Opens the temporary file. Error if `path` is a directory, is write-protected, or lies in a
  /// folder that does not exist or cannot be written.
  explicit AtomicFile(const std::string& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Appends bytes.
  void write(const void* data, std::size_t size);
  void write(std::string_view text) { write(text.data(), text.size()); }

  /// Bytes written so far.
  std::uint64_t size() const noexcept { return size_; }

  /// Flushes to disk and moves the file into place; nothing may be written after it.
  void commit();

 private:
  void write_through(const char* data, std::size_t size);
  void flush();

  std::string target_;     ///< where the contents end up, links resolved
  std::string temporary_;  ///< empty for a device or pipe
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
  std::string buffer_;  ///< small pieces are gathered before they go to the system
};

/// Writes `contents` as the whole of `path` through an AtomicFile.
void write_file_atomically(const std::string& path, std::string_view contents);

/// For files that another library writes (HDF5): checks that `path` can be replaced, removes what a
/// killed run left there, and returns the temporary name to write to. Error as AtomicFile's.
std::string begin_replacement(const std::string& path);

/// Flushes the finished `begin_replacement(path)` to disk and renames it to `path`.
void finish_replacement(const std::string& path);

/// Removes `begin_replacement(path)`'s file, if there is one; `path` stays as it was.
void cancel_replacement(const std::string& path) noexcept;

}  // namespace nopal
