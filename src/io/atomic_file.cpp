// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/error.hpp>
#include <nopal/io/atomic_file.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace nopal {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t buffer_size = std::size_t(1) << 16;
constexpr std::size_t largest_write = std::size_t(1) << 30;  // Linux writes at most 2 GiB a call

std::string reason(int code) {
  return std::generic_category().message(code);
}

// A link must stay a link: what is replaced is the file it points to.
std::string resolve(const std::string& path) {
  std::error_code failed;
  if (!fs::is_symlink(path, failed)) return path;
  const fs::path target = fs::weakly_canonical(path, failed);
  return failed ? path : target.string();
}

std::string temporary_name(const std::string& target) {
  return target + ".tmp";
}

bool is_special(const std::string& target) {
  std::error_code failed;
  const auto type = fs::status(target, failed).type();
  return type == fs::file_type::character || type == fs::file_type::block ||
         type == fs::file_type::fifo || type == fs::file_type::socket;
}

std::string folder_of(const std::string& path) {
  const fs::path parent = fs::path(path).parent_path();
  return parent.empty() ? std::string(".") : parent.string();
}

void check_replaceable(const std::string& path, const std::string& target) {
  NOPAL_CHECK(!target.empty(), "cannot write a file: its name is empty");
  std::error_code failed;
  NOPAL_CHECK(!fs::is_directory(target, failed), "cannot write ", path,
              ": it is a folder; give a file name");
  NOPAL_CHECK(::access(target.c_str(), F_OK) != 0 || ::access(target.c_str(), W_OK) == 0,
              "cannot write ", path, ": the file is write-protected (", reason(errno), ")");
  const std::string folder = folder_of(target);
  NOPAL_CHECK(fs::is_directory(folder, failed), "cannot write ", path, ": folder ", folder,
              " does not exist; make it first");
}

void flush_to_disk(int descriptor, const std::string& name) {
  // Pipes, devices and some file systems cannot be synchronised and say so with EINVAL.
  NOPAL_CHECK(::fsync(descriptor) == 0 || errno == EINVAL || errno == EROFS || errno == ENOTSUP,
              "cannot flush ", name, " to disk: ", reason(errno));
}

void rename_into_place(const std::string& temporary, const std::string& target) {
  NOPAL_CHECK(::rename(temporary.c_str(), target.c_str()) == 0, "cannot rename ", temporary, " to ",
              target, ": ", reason(errno));
  // The rename itself survives a power cut only once the folder is on disk. Failure to do so is
  // not an error: the file is complete and in place.
  std::string folder = fs::path(target).parent_path().string();
  const int descriptor = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY);
  if (descriptor >= 0) {
    ::fsync(descriptor);
    ::close(descriptor);
  }
}

}  // namespace

AtomicFile::AtomicFile(const std::string& path) : target_(resolve(path)) {
  int flags = O_WRONLY | O_CLOEXEC;
  if (!is_special(target_)) {
    temporary_ = begin_replacement(path);
    flags |= O_CREAT | O_EXCL;
  }
  const std::string& name = temporary_.empty() ? target_ : temporary_;
  descriptor_ = ::open(name.c_str(), flags, 0666);
  NOPAL_CHECK(descriptor_ >= 0, "cannot write ", path, ": ", name, ": ", reason(errno));
  buffer_.reserve(buffer_size);
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::write(const void* data, std::size_t size) {
  NOPAL_CHECK(descriptor_ >= 0, "cannot write to ", target_, ": it is already complete");
  size_ += size;
  if (buffer_.size() + size > buffer_size) flush();
  if (size > buffer_size)
    write_through(static_cast<const char*>(data), size);
  else
    buffer_.append(static_cast<const char*>(data), size);
}

void AtomicFile::write_through(const char* data, std::size_t size) {
  while (size > 0) {
    const ::ssize_t written = ::write(descriptor_, data, std::min(size, largest_write));
    if (written < 0 && errno == EINTR) continue;
    NOPAL_CHECK(written >= 0, "cannot write ", target_, ": ", reason(errno),
                temporary_.empty() ? "" : "; an older file of this name is unchanged");
    data += written;
    size -= static_cast<std::size_t>(written);
  }
}

void AtomicFile::flush() {
  write_through(buffer_.data(), buffer_.size());
  buffer_.clear();
}

void AtomicFile::commit() {
  NOPAL_CHECK(descriptor_ >= 0, "cannot complete ", target_, " twice");
  flush();
  flush_to_disk(descriptor_, target_);
  // Network file systems report a full disk as late as here.
  const int closed = ::close(descriptor_);
  const int code = errno;
  descriptor_ = -1;
  if (closed != 0 && !temporary_.empty()) ::unlink(temporary_.c_str());
  NOPAL_CHECK(closed == 0, "cannot write ", target_, ": ", reason(code));
  if (temporary_.empty()) return;
  try {
    rename_into_place(temporary_, target_);
  } catch (...) {
    ::unlink(temporary_.c_str());
    throw;
  }
}

void write_file_atomically(const std::string& path, std::string_view contents) {
  AtomicFile file(path);
  file.write(contents);
  file.commit();
}

std::string begin_replacement(const std::string& path) {
  const std::string target = resolve(path);
  check_replaceable(path, target);
  NOPAL_CHECK(!is_special(target), "cannot write ", path, ": it is a device or pipe, not a file");
  std::string temporary = temporary_name(target);
  NOPAL_CHECK(::unlink(temporary.c_str()) == 0 || errno == ENOENT, "cannot write ", path,
              ": cannot remove the old ", temporary, ": ", reason(errno));
  const std::string folder = folder_of(target);
  NOPAL_CHECK(::access(folder.c_str(), W_OK | X_OK) == 0, "cannot write ", path, ": folder ",
              folder, ": ", reason(errno));
  return temporary;
}

void finish_replacement(const std::string& path) {
  const std::string target = resolve(path), temporary = temporary_name(target);
  const int descriptor = ::open(temporary.c_str(), O_WRONLY | O_CLOEXEC);
  NOPAL_CHECK(descriptor >= 0, "cannot complete ", path, ": ", temporary, ": ", reason(errno));
  try {
    flush_to_disk(descriptor, temporary);
  } catch (...) {
    ::close(descriptor);
    throw;
  }
  ::close(descriptor);
  rename_into_place(temporary, target);
}

void cancel_replacement(const std::string& path) noexcept {
  try {
    ::unlink(temporary_name(resolve(path)).c_str());
  } catch (...) {  // out of memory for a name: the temporary file stays behind, nothing worse
  }
}

}  // namespace nopal
