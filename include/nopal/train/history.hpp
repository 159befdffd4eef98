// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace nopal {

/// A table of numbers with named columns, one row an epoch: the learning curve.
struct History {
  std::vector<std::string> columns;
  std::vector<std::vector<double>> rows;

  /// Column `name` of the last row; NaN if there is none.
  double last(const std::string& name) const;
  /// All values of a column; Error naming the known ones if there is no such column.
  std::vector<double> column(const std::string& name) const;
};

/// Writes the whole table as CSV with a header line; numbers with 9 digits, NaN as empty. Error if
/// the file cannot be written. Not collective.
void write_csv(const std::string& path, const History& history);

/// Adds the last row to a file that write_csv() made, and flushes it. Not collective.
void append_csv(const std::string& path, const History& history);

}  // namespace nopal
