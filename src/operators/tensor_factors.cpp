// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "operators/tensor_factors.hpp"

#include <algorithm>
#include <cmath>

namespace nopal::detail {
namespace {

using Block = Eigen::Map<ComplexMatrix>;

// The leading `rank` left singular vectors of a Hermitian Gram matrix A A^H.
ComplexMatrix leading_vectors(const ComplexMatrix& gram, Eigen::Index rank) {
  const Eigen::SelfAdjointEigenSolver<ComplexMatrix> solver(gram);
  return solver.eigenvectors().rightCols(rank).rowwise().reverse();
}

}  // namespace

TuckerFactors higher_order_svd(ComplexTensor tensor, const Shape& ranks) {
  TuckerFactors result;
  for (int j = 0; j < tensor.n.rank(); ++j) {
    // The tensor as (before, n_j, after).
    const Eigen::Index n = tensor.n[j], r = ranks[j];
    const Eigen::Index before = tensor.n.product(0, j);
    const Eigen::Index after = tensor.n.product(j + 1, tensor.n.rank());
    ComplexMatrix gram = ComplexMatrix::Zero(n, n);
    for (Eigen::Index b = 0; b < before; ++b) {
      const Block block(tensor.entries.data() + b * n * after, n, after);
      gram.noalias() += block * block.adjoint();
    }
    const ComplexMatrix& factor = result.factors.emplace_back(leading_vectors(gram, r));
    std::vector<Complex> smaller(static_cast<std::size_t>(before * r * after));
    for (Eigen::Index b = 0; b < before; ++b)
      Block(smaller.data() + b * r * after, r, after).noalias() =
          factor.adjoint() * Block(tensor.entries.data() + b * n * after, n, after);
    tensor.entries = std::move(smaller);
    tensor.n = tensor.n.with(j, r);
  }
  result.core = std::move(tensor);
  return result;
}

std::vector<ComplexTensor> tensor_train_svd(const ComplexTensor& tensor, const Shape& ranks) {
  std::vector<ComplexTensor> cores;
  const int axes = tensor.n.rank();
  Eigen::Index left = 1;
  ComplexMatrix rest =
      Eigen::Map<const ComplexMatrix>(tensor.entries.data(), 1, tensor.n.product(0, axes));
  for (int j = 0; j + 1 < axes; ++j) {
    const Eigen::Index rows = left * tensor.n[j], columns = rest.size() / rows;
    const Eigen::Index wanted = ranks[j], r = std::min({wanted, rows, columns});
    const ComplexMatrix a = Block(rest.data(), rows, columns);
    // By the Gram matrix of the smaller side.
    ComplexMatrix u = ComplexMatrix::Zero(rows, wanted),
                  next = ComplexMatrix::Zero(wanted, columns);
    if (rows <= columns) {
      u.leftCols(r) = leading_vectors(a * a.adjoint(), r);
      next.topRows(r) = u.leftCols(r).adjoint() * a;
    } else {
      const ComplexMatrix v = leading_vectors(a.adjoint() * a, r);
      const ComplexMatrix scaled = a * v;  // U S
      const double largest = scaled.col(0).norm();
      for (Eigen::Index k = 0; k < r; ++k) {
        const double size = scaled.col(k).norm();
        if (size <= 1e-10 * largest) break;
        u.col(k) = scaled.col(k) / size;
        next.row(k) = size * v.col(k).adjoint();
      }
    }
    cores.push_back({{left, tensor.n[j], wanted}, {u.data(), u.data() + u.size()}});
    rest = std::move(next);
    left = wanted;
  }
  cores.push_back({{left, tensor.n[axes - 1], 1}, {rest.data(), rest.data() + rest.size()}});
  return cores;
}

}  // namespace nopal::detail
