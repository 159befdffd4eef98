// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace nopal {

/// A new file beside `path` that takes its place once it is complete.
///
/// The temporary file is `path`.PID-N.tmp, never one that was there before. commit() flushes it to
/// disk and renames it over `path`; a program that dies, a disk that fills or an exception on the
/// way leaves an older file as it was. The destructor removes a temporary file that was not
/// committed, and so does remove_unfinished_files(), for signals. Only a run that was killed
/// outright leaves one behind: it disturbs no later run, and none removes it, so that nothing is
/// ever lost to a coincidence of names. A symbolic link is followed: the file that it points to is
/// replaced. Every failure is an Error that names the file and the system's reason. Not collective:
/// use it on one rank. For files that another library writes (HDF5); others use AtomicFile.
class Replacement {
 public:
  /// Makes the temporary file, empty. Error if `path` is a directory, device or pipe, is
  /// write-protected, or lies in a folder that does not exist or cannot be written.
  explicit Replacement(const std::string& path);
  ~Replacement();
  Replacement(const Replacement&) = delete;
  Replacement& operator=(const Replacement&) = delete;

  /// Name and descriptor of the temporary file.
  const std::string& temporary() const noexcept { return temporary_; }
  int descriptor() const noexcept { return descriptor_; }

  /// Flushes the finished file to disk and moves it into place.
  void commit();

 private:
  std::string path_, target_;  ///< as given; with links resolved
  std::string temporary_;      ///< empty: it is in place
  int descriptor_ = -1;
};

/// Removes the temporary files of all replacements that are not complete, for a program that a
/// signal is about to end. Async-signal-safe, so that a signal handler may call it.
void remove_unfinished_files() noexcept;

/// A file that appears under its name whole or not at all, by a Replacement; a device or pipe
/// (/dev/stdout) is written directly. Errors as those of Replacement. Not collective.
///
///     AtomicFile file("history.csv");
///     file.write("epoch,loss\n");
///     file.commit();
class AtomicFile {
 public:
  /// Opens the temporary file.
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

  std::string path_;
  std::optional<Replacement> replacement_;  ///< none for a device or pipe
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
  std::string buffer_;  ///< small pieces are gathered before they go to the system
};

/// Writes `contents` as the whole of `path` through an AtomicFile.
void write_file_atomically(const std::string& path, std::string_view contents);

}  // namespace nopal
