// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/error.hpp>
#include <nopal/io/atomic_file.hpp>
#include <nopal/train/history.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <limits>

namespace nopal {
namespace {

std::string line(const std::vector<double>& row) {
  std::string text;
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (i) text += ',';
    if (std::isnan(row[i])) continue;
    char number[32];
    std::snprintf(number, sizeof number, "%.9g", row[i]);
    text += number;
  }
  return text + '\n';
}

}  // namespace

std::vector<double> History::column(const std::string& name) const {
  const auto found = std::find(columns.begin(), columns.end(), name);
  std::string known;
  for (const std::string& column : columns)
    known += (known.empty() ? "" : ", ") + column;
  NOPAL_CHECK(found != columns.end(), "the history has no column \"", name, "\"; it has ", known);
  std::vector<double> values;
  for (const auto& row : rows)
    values.push_back(row[static_cast<std::size_t>(found - columns.begin())]);
  return values;
}

double History::last(const std::string& name) const {
  const std::vector<double> values = column(name);
  return values.empty() ? std::numeric_limits<double>::quiet_NaN() : values.back();
}

void write_csv(const std::string& path, const History& history) {
  std::string text;
  for (std::size_t i = 0; i < history.columns.size(); ++i)
    text += (i ? "," : "") + history.columns[i];
  text += '\n';
  for (const auto& row : history.rows)
    text += line(row);
  write_file_atomically(path, text);
}

void append_csv(const std::string& path, const History& history) {
  NOPAL_CHECK(!history.rows.empty(), "append_csv needs a row");
  std::ofstream file(path, std::ios::app);
  file << line(history.rows.back()) << std::flush;
  NOPAL_CHECK(file.good(), path, ": cannot write the history there");
}

}  // namespace nopal
