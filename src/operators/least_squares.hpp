// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/comm/communicator.hpp>

#include <Eigen/Dense>

namespace nopal::detail {

struct LeastSquaresResult {
  Eigen::MatrixXd x;      ///< (columns of A, columns of B)
  Eigen::Index rank = 0;  ///< of A, to the threshold
};

/// The X of least norm that minimises |A X - B|, with the rows of A and B divided among ranks, any
/// number of them on each: a tall-skinny QR of [A B] over the ranks (Demmel, Grigori, Hoemmen,
/// Langou, SIAM J. Sci. Comput. 34, 2012), then a complete orthogonal decomposition of its small
/// factor, in which pivots below `threshold` times the largest count as 0. A itself is never
/// multiplied by its transpose: features of condition 1e15 keep their digits. Error on all ranks if
/// A is 0 or not finite. Collective; the same bits on all ranks.
LeastSquaresResult least_squares(Eigen::MatrixXd a, Eigen::MatrixXd b, double threshold,
                                 const Communicator& comm);

}  // namespace nopal::detail
