// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/error.hpp>
#include <nopal/io/atomic_file.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <tuple>
#include <utility>

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

// The rename itself survives a power cut only once the folder is on disk. Failure to do so is not
// an error: the file is complete and in place.
void flush_folder(const std::string& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

// Name and descriptor of a new file. Ids of processes come again, on another machine or after a
// restart: the counter then finds a name that is free.
std::pair<std::string, int> make_temporary(const std::string& path, const std::string& target) {
  static std::atomic<unsigned> counter = 0;
  for (;;) {
    std::string name = detail::concatenate(target, '.', ::getpid(), '-', counter++, ".tmp");
    const int descriptor = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor < 0 && errno == EEXIST) continue;
    NOPAL_CHECK(descriptor >= 0, "cannot write ", path, ": ", name, ": ", reason(errno));
    return {std::move(name), descriptor};
  }
}

// Names of the temporary files of this process, for signal handlers: they may look at any moment
// and must not wait for a lock. What finds no place is left behind by a signal, nothing worse.
std::array<std::atomic<const char*>, 64> unfinished{};

void exchange_unfinished(const char* before, const char* after) noexcept {
  for (auto& entry : unfinished) {
    const char* expected = before;
    if (entry.compare_exchange_strong(expected, after)) return;
  }
}

}  // namespace

Replacement::Replacement(const std::string& path) : path_(path), target_(resolve(path)) {
  check_replaceable(path, target_);
  NOPAL_CHECK(!is_special(target_), "cannot write ", path, ": it is a device or pipe, not a file");
  std::tie(temporary_, descriptor_) = make_temporary(path, target_);
  exchange_unfinished(nullptr, temporary_.c_str());
}

Replacement::~Replacement() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (temporary_.empty()) return;
  ::unlink(temporary_.c_str());
  exchange_unfinished(temporary_.c_str(), nullptr);
}

void Replacement::commit() {
  NOPAL_CHECK(descriptor_ >= 0, "cannot complete ", path_, " twice");
  flush_to_disk(descriptor_, path_);
  // Network file systems report a full disk as late as here.
  NOPAL_CHECK(::close(std::exchange(descriptor_, -1)) == 0, "cannot write ", path_, ": ",
              reason(errno));
  NOPAL_CHECK(::rename(temporary_.c_str(), target_.c_str()) == 0, "cannot rename ", temporary_,
              " to ", target_, ": ", reason(errno));
  exchange_unfinished(temporary_.c_str(), nullptr);
  temporary_.clear();
  flush_folder(folder_of(target_));
}

void remove_unfinished_files() noexcept {
  for (const auto& entry : unfinished)
    if (const char* name = entry.load()) ::unlink(name);
}

AtomicFile::AtomicFile(const std::string& path) : path_(path) {
  const std::string target = resolve(path);
  if (is_special(target)) {
    descriptor_ = ::open(target.c_str(), O_WRONLY | O_CLOEXEC);
    NOPAL_CHECK(descriptor_ >= 0, "cannot write ", path, ": ", reason(errno));
  } else {
    replacement_.emplace(path);
    descriptor_ = replacement_->descriptor();
  }
  buffer_.reserve(buffer_size);
}

AtomicFile::~AtomicFile() {
  if (!replacement_ && descriptor_ >= 0) ::close(descriptor_);
}

void AtomicFile::write(const void* data, std::size_t size) {
  NOPAL_CHECK(descriptor_ >= 0, "cannot write to ", path_, ": it is already complete");
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
    NOPAL_CHECK(written >= 0, "cannot write ", path_, ": ", reason(errno),
                replacement_ ? "; an older file of this name is unchanged" : "");
    data += written;
    size -= static_cast<std::size_t>(written);
  }
}

void AtomicFile::flush() {
  write_through(buffer_.data(), buffer_.size());
  buffer_.clear();
}

void AtomicFile::commit() {
  NOPAL_CHECK(descriptor_ >= 0, "cannot complete ", path_, " twice");
  flush();
  const int descriptor = std::exchange(descriptor_, -1);
  if (replacement_) return replacement_->commit();
  flush_to_disk(descriptor, path_);
  NOPAL_CHECK(::close(descriptor) == 0, "cannot write ", path_, ": ", reason(errno));
}

void write_file_atomically(const std::string& path, std::string_view contents) {
  AtomicFile file(path);
  file.write(contents);
  file.commit();
}

}  // namespace nopal
