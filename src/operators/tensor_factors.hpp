// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Decompositions of complex tensors, in double; for sources that include Eigen.

#pragma once

#include <nopal/core/shape.hpp>

#include <Eigen/Dense>

#include <complex>
#include <vector>

namespace nopal::detail {

using Complex = std::complex<double>;
using ComplexMatrix = Eigen::Matrix<Complex, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Entries in row-major order.
struct ComplexTensor {
  Shape n;
  std::vector<Complex> entries;
};

struct TuckerFactors {
  ComplexTensor core;
  std::vector<ComplexMatrix> factors;  ///< (n_j, r_j), orthonormal columns
};

/// Sequentially truncated higher-order SVD with ranks r_j <= n_j.
TuckerFactors higher_order_svd(ComplexTensor tensor, const Shape& ranks);

/// TT-SVD with N - 1 inner ranks: cores (r_(j-1), n_j, r_j). Ranks beyond what the tensor has are
/// filled with zeros.
std::vector<ComplexTensor> tensor_train_svd(const ComplexTensor& tensor, const Shape& ranks);

}  // namespace nopal::detail
