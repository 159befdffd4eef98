// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "paths.hpp"

#include <nopal/core/error.hpp>
#include <nopal/io/atomic_file.hpp>

#include <filesystem>

namespace nopal::tools {
namespace {

namespace fs = std::filesystem;

bool has_device_name(const std::string& path) {
  return path.starts_with("/dev/") || path.starts_with("/proc/");
}

// Standard output may be a file, too: by its name it is still a device.
bool is_device(const std::string& path) {
  std::error_code failed;
  return has_device_name(path) || fs::is_other(fs::status(path, failed));
}

// Where a file is or would be made.
fs::path place(const std::string& path) {
  std::error_code failed;
  const fs::path absolute = fs::absolute(path).lexically_normal();
  const fs::path resolved = fs::weakly_canonical(absolute, failed);
  return failed ? absolute : resolved;
}

bool same_file(const std::string& a, const std::string& b) {
  std::error_code failed;
  return fs::equivalent(a, b, failed) || place(a) == place(b);
}

void check_pair(const NamedPath& output, const NamedPath& other) {
  if (output.path.empty() || other.path.empty()) return;
  if (is_device(output.path) || is_device(other.path)) return;
  NOPAL_CHECK(!same_file(output.path, other.path), "option ", output.option, ": ", output.path,
              " is the file of ", other.option, " ", other.path,
              ", which would be lost; give another name");
}

}  // namespace

void check_distinct(const std::vector<NamedPath>& inputs, const std::vector<NamedPath>& outputs,
                    const Communicator& comm) {
  comm.together([&] {
    if (comm.rank() > 0) return;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      for (const NamedPath& input : inputs)
        check_pair(outputs[i], input);
      for (std::size_t k = 0; k < i; ++k)
        check_pair(outputs[i], outputs[k]);
    }
  });
}

void check_writable(const NamedPath& file, const Communicator& comm) {
  if (file.path.empty()) return;
  comm.together([&] {
    if (comm.rank() > 0) return;
    std::error_code failed;
    // Opening one waits for a reader; standard output and what a shell makes are open already.
    NOPAL_CHECK(has_device_name(file.path) || !fs::is_fifo(fs::status(file.path, failed)),
                "option ", file.option, ": ", file.path, " is a pipe, expected a file");
    try {
      const AtomicFile probe(file.path);
    } catch (const Error& error) {
      NOPAL_CHECK(false, "option ", file.option, ": ", error.what());
    }
  });
}

}  // namespace nopal::tools
