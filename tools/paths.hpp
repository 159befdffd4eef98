// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/comm/communicator.hpp>

#include <string>
#include <vector>

namespace nopal::tools {

/// A file and the option that names it (`-out`); no path: the option was not given.
struct NamedPath {
  std::string option, path;
};

/// Error if an output is the same file as an input or as another output, be it by another spelling
/// or by links: it would be lost. Devices (/dev/null, /dev/stdout) may be given more than once.
/// Collective.
void check_distinct(const std::vector<NamedPath>& inputs, const std::vector<NamedPath>& outputs,
                    const Communicator& comm);

/// Error if `path` cannot be written, found out before hours of work. An older file stays as it is.
/// Collective.
void check_writable(const NamedPath& file, const Communicator& comm);

}  // namespace nopal::tools
