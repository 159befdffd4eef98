// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/data/array_file.hpp>
#include <nopal/data/published_dataset.hpp>

#include <string>
#include <vector>

namespace nopal::detail {

/// An array of a file that gives channels, or one of the same shape for each sample.
struct PublishedPart {
  std::vector<std::string> arrays;  ///< one, or one a sample
  std::vector<std::int64_t> shape;  ///< of each
  std::string roles;                ///< of its axes: N samples, T time, 0 1 2 space, C components
  std::string name;                 ///< of the variable

  bool has(char role) const { return roles.find(role) != std::string::npos; }
  std::int64_t extent(char role) const;  ///< product over the axes with that role, 1 without
  std::int64_t stride(char role) const;  ///< in entries, of the last axis with it; 0 without
};

/// What of a part is in x or y: `frame` of its time axis, all its components.
struct PublishedSource {
  std::size_t part;
  std::int64_t frame;
};

/// A file as samples of inputs and outputs.
struct PublishedLayout {
  std::string name;
  std::int64_t samples = 0;
  std::vector<std::int64_t> points;  ///< along each axis, in the file
  std::vector<PublishedPart> parts;
  std::vector<PublishedSource> x, y;
  std::map<std::string, std::string> attributes;
};

/// Recognises the layout, see PublishedDataset.
PublishedLayout recognise(const ArrayFile& file, const PublishedOptions& options);

}  // namespace nopal::detail
