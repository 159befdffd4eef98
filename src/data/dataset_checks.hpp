// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/data/dataset.hpp>

namespace nopal::detail {

/// The shape (n, ...) of n samples of shape (...).
Shape with_samples(std::int64_t n, const Shape& sample);

/// Checks the whole shapes (N, X1, ..., Xd, C) of x and y: N equal and positive, grids equal, no
/// empty axis. `where` names the file, `x_name` and `y_name` what lies in it.
void check_sample_shapes(const Shape& x, const Shape& y, const std::string& where,
                         const std::string& x_name, const std::string& y_name);

/// Checks the arguments of Dataset::read.
template <class T>
void check_read(const Dataset<T>& data, std::span<const std::int64_t> indices, const Tensor<T>& x,
                const Tensor<T>& y) {
  const auto batch = static_cast<std::int64_t>(indices.size());
  const auto check = [&](const char* name, const Shape& given, const Shape& sample) {
    const Shape expected = with_samples(batch, sample);
    NOPAL_CHECK(given == expected, data.description(), ": ", name, " for ", batch,
                " samples must have shape ", expected, ", got ", given);
  };
  check("x", x.shape(), data.x_shape());
  check("y", y.shape(), data.y_shape());
  for (const std::int64_t index : indices)
    NOPAL_CHECK(index >= 0 && index < data.size(), data.description(), ": sample ", index,
                " is outside 0, ..., ", data.size() - 1);
}

}  // namespace nopal::detail
