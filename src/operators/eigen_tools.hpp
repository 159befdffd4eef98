// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Eigen's view of tensors; for sources that include Eigen.

#pragma once

#include <nopal/core/tensor.hpp>

#include <Eigen/Dense>

namespace nopal::detail {

using Matrix = Eigen::MatrixXd;
template <class T>
using Rows = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// A copy of x in double, with `rows` rows.
template <class T>
Matrix to_matrix(const Tensor<T>& x, std::int64_t rows) {
  const std::vector<T> values = x.to_vector();
  const std::int64_t columns = rows > 0 ? x.size() / rows : 0;
  return Eigen::Map<const Rows<T>>(values.data(), rows, columns).template cast<double>();
}

/// Entries of `to`, row-major, from a matrix of as many.
template <class T>
void copy_matrix(const Matrix& from, const Tensor<T>& to) {
  const Rows<T> rows = from.cast<T>();
  to.copy_from_host(rows.data());
}

}  // namespace nopal::detail
